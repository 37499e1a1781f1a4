"""Where a reference leads, inside one schema document; nothing is ever fetched."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias
from urllib.parse import unquote, urldefrag, urljoin

from lmextract.types import is_array, is_object

__all__ = ["References", "Schema"]

Schema: TypeAlias = Mapping[str, Any] | bool
"""A schema as found in the wild; what is neither is no schema."""

_ANCHORS = ("$anchor", "$dynamicAnchor")
# Keywords whose values are data, not schemas: an `id` in there names nothing.
_DATA = frozenset({"enum", "const", "default", "examples", "example", "required"})


class References:
    """The references of a document; addresses are gathered when the first reference is no plain pointer."""

    def __init__(self, root: Mapping[str, Any], *, id_keyword: str) -> None:
        self._root = root
        self._id = id_keyword
        self._pointed: dict[str, Schema | None] = {}
        self._addresses: dict[str, Any] | None = None
        self._bases: dict[int, str] = {}
        self._nested: bool | None = None

    def target(self, ref: str, holder: Mapping[str, Any]) -> Schema | None:
        """The schema that `ref` means where it stands in `holder`; None: it leads out of the document or nowhere."""
        if self._nested is None:
            self._nested = _names_itself(self._root, self._id)
        if not self._nested and (ref == "#" or ref.startswith("#/")):
            if ref not in self._pointed:
                self._pointed[ref] = _schema(_follow(self._root, ref[1:]))
            return self._pointed[ref]
        if self._addresses is None:
            self._addresses = {"": self._root}
            self._gather()
        address = _joined(self._bases.get(id(holder), ""), ref)
        if (found := self._addresses.get(address.removesuffix("#"))) is not None:
            return _schema(found)
        document, _, fragment = address.partition("#")
        start = self._addresses.get(document)
        if start is None and ref.startswith("#"):
            start = self._root
        found = _follow(start, fragment) if start is not None and fragment.startswith("/") else None
        # Many a generator writes an id into every part and means its pointers from the root all the same.
        return _schema(_follow(self._root, ref[1:]) if found is None and ref.startswith("#/") else found)

    def _gather(self) -> None:
        assert self._addresses is not None
        todo: list[tuple[Any, str]] = [(self._root, "")]
        while todo:
            node, base = todo.pop()
            if is_object(node):
                base = self._enter(node, base)
                todo += [(child, base) for key, child in node.items() if key not in _DATA]
            elif is_array(node):
                todo += [(child, base) for child in node]

    def _enter(self, node: Mapping[str, Any], base: str) -> str:
        assert self._addresses is not None
        if isinstance(name := node.get(self._id), str):
            address = _joined(base, name).removesuffix("#")
            self._addresses.setdefault(address, node)
            base = urldefrag(address)[0]
        for keyword in _ANCHORS:
            if isinstance(name := node.get(keyword), str):
                self._addresses.setdefault(f"{base}#{name}", node)
        self._bases[id(node)] = base
        return base


def _names_itself(root: Mapping[str, Any], id_keyword: str) -> bool:
    """Whether any part but the root has an address of its own, so that a plain pointer may mean another place."""
    todo: list[Any] = [child for key, child in root.items() if key not in _DATA]
    while todo:
        node = todo.pop()
        if is_object(node):
            if isinstance(node.get(id_keyword), str):
                return True
            todo += [child for key, child in node.items() if key not in _DATA]
        elif is_array(node):
            todo += node
    return False


def _joined(base: str, ref: str) -> str:
    if ref.startswith("#"):
        return base + ref
    try:
        return urljoin(base, ref)
    except ValueError:  # e.g. an unfinished IPv6 host
        return ref


def _follow(start: Any, pointer: str) -> Any:
    for escaped in unquote(pointer).split("/")[1:]:
        step = escaped.replace("~1", "/").replace("~0", "~")
        if is_object(start):
            start = start.get(step)
        elif is_array(start) and step.isdecimal() and int(step) < len(start):
            start = start[int(step)]
        else:
            return None
    return start


def _schema(found: Any) -> Schema | None:
    return found if is_object(found) or isinstance(found, bool) else None
