"""Where a `$ref` leads, and how often each part of a schema is reached: for whoever prints a schema as named types.

Follows every form of reference of drafts 4 to 2020-12 inside one schema document: pointers, anchors, `$id`,
`$dynamicRef`, `$recursiveRef`. Never raises: what leads nowhere is None. Nodes are told apart by identity.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias
from urllib.parse import unquote, urldefrag, urljoin

__all__ = ["Refs", "parts"]

Node: TypeAlias = Any
"""A schema as found in the wild: a mapping, a boolean, or junk."""

REF_KEYWORDS = ("$ref", "$dynamicRef", "$recursiveRef")
_ONE = (
    *("additionalProperties", "unevaluatedProperties", "propertyNames", "additionalItems", "unevaluatedItems"),
    *("contains", "not", "if", "then", "else", "items"),
)
_MANY = ("prefixItems", "items", "allOf", "anyOf", "oneOf")
_NAMED = ("properties", "patternProperties", "dependentSchemas", "dependencies")
_STORES = ("$defs", "definitions")


def parts(node: Node) -> Iterator[tuple[str, Node]]:
    """Every schema directly inside `node`, with the name it goes by there; definitions are not parts."""
    if not isinstance(node, Mapping):
        return
    for keyword in _ONE:
        if isinstance(node.get(keyword), Mapping):
            yield keyword, node[keyword]
    for keyword in _MANY:
        if isinstance(node.get(keyword), Sequence) and not isinstance(node[keyword], str):
            yield from ((keyword, part) for part in node[keyword])
    for keyword in _NAMED:
        if isinstance(node.get(keyword), Mapping):
            yield from ((str(name), part) for name, part in node[keyword].items())


class Refs:
    """The references of one schema document, resolved; `uses` counts how often a node is reached from the root."""

    def __init__(self, root: Node) -> None:
        self.root = root
        self._by_address: dict[str, Node] = {}
        self._base: dict[int, str] = {}
        self._bare_refs = False
        self._index()
        self.uses = self._count()

    def targets(self, node: Mapping[str, Any]) -> Iterator[tuple[str, Node]]:
        """Each reference that `node` makes, as (reference, where it leads or None)."""
        for keyword in REF_KEYWORDS:
            if isinstance(node.get(keyword), str):
                yield node[keyword], self._follow(node[keyword], self._base.get(id(node), ""))

    def hides_siblings(self, node: Mapping[str, Any]) -> bool:
        """Whether the `$ref` in `node` hides the keywords beside it, as it did up to draft 7."""
        return self._bare_refs and "$ref" in node

    def _index(self) -> None:
        """Note every `$id` and anchor, and which base address each node stands under."""
        stack: list[tuple[Node, str]] = [(self.root, "")]
        dialect = self.root.get("$schema") if isinstance(self.root, Mapping) else None
        self._bare_refs = isinstance(dialect, str) and any(f"draft-0{n}" in dialect for n in range(8))
        self._by_address[""] = self.root
        while stack:
            node, base = stack.pop()
            if isinstance(node, Mapping):
                if id(node) in self._base:
                    continue
                base = self._enter(node, base)
                stack.extend((child, base) for child in node.values())
            elif isinstance(node, list):
                stack.extend((child, base) for child in node)

    def _enter(self, node: Mapping[str, Any], base: str) -> str:
        for keyword in ("$id", "id"):
            if isinstance(node.get(keyword), str):
                base = _joined(base, node[keyword])
                self._by_address.setdefault(base.rstrip("#"), node)
        for keyword in ("$anchor", "$dynamicAnchor"):
            if isinstance(node.get(keyword), str):
                self._by_address.setdefault(f"{urldefrag(base)[0]}#{node[keyword]}", node)
        self._base[id(node)] = base = urldefrag(base)[0]
        return base

    def _follow(self, ref: str, base: str) -> Node:
        whole = _joined(base, ref)
        if whole.rstrip("#") in self._by_address:
            return self._by_address[whole.rstrip("#")]
        address, _, fragment = whole.partition("#")
        start = self._by_address.get(address, self.root if ref.startswith("#") else None)
        if fragment and not fragment.startswith("/"):
            return None
        return _pointed(start, fragment)

    def _count(self) -> Counter[int]:
        uses: Counter[int] = Counter([id(self.root)])
        stack, seen = [self.root], {id(self.root)}
        while stack:
            node = stack.pop()
            if not isinstance(node, Mapping):
                continue
            reached = [target for _, target in self.targets(node)] + [part for _, part in parts(node)]
            for child in reached:
                if isinstance(child, Mapping):
                    uses[id(child)] += 1
                    if id(child) not in seen:
                        seen.add(id(child))
                        stack.append(child)
        return uses


def _joined(base: str, ref: str) -> str:
    try:
        return urljoin(base, ref) if not ref.startswith("#") else base + ref
    except ValueError:  # e.g. an unfinished IPv6 host
        return ref


def _pointed(start: Node, pointer: str) -> Node:
    for step in unquote(pointer).split("/")[1:]:
        step = step.replace("~1", "/").replace("~0", "~")
        if isinstance(start, Mapping):
            start = start.get(step)
        elif isinstance(start, list) and step.isdigit() and int(step) < len(start):
            start = start[int(step)]
        else:
            return None
    return start if isinstance(start, (Mapping, bool)) else None
