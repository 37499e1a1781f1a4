"""Which fields must stand in every object on the wire, though the target leaves them optional."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from lmextract.notation._values import is_list, is_node, items

__all__ = ["Demands"]


class Demands:
    """The required fields of the wire schema's objects, looked up by what fields an object has.

    Looked up by field names and not by place: lowering moves, merges and inlines, but it does not rename fields.
    """

    def __init__(self, wire: Mapping[str, Any]) -> None:
        self._required: dict[frozenset[str], frozenset[str]] = {}
        self._all = True
        stack: list[Any] = [wire]
        seen: set[int] = set()  # parts of a wire schema are shared, and a tree of them may be endless
        while stack:
            node = stack.pop()
            if id(node) in seen:
                continue
            seen.add(id(node))
            if is_node(node):
                self._note(node)
                stack.extend(node.values())
            elif is_list(node):
                stack.extend(node)

    def of(self, names: Iterable[str]) -> frozenset[str]:
        """Those of the fields `names` of one object that are always there."""
        fields = frozenset(names)
        return self._required.get(fields, fields if self._all else frozenset())

    def of_exactly(self, names: Iterable[str]) -> frozenset[str]:
        """The same, where the wire has an object with just these fields; nothing where it has none."""
        return self._required.get(frozenset(names), frozenset())

    def _note(self, node: Mapping[str, Any]) -> None:
        properties = node.get("properties")
        if is_node(properties):
            fields = frozenset(map(str, properties))
            required = frozenset(name for name in items(node.get("required")) if isinstance(name, str))
            self._required[fields] = self._required.get(fields, required) & required
            self._all = self._all and fields <= required
