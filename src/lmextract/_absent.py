"""Which nulls of a wire value stand for a member that is not there, told while the value is still being written.

What `dialects.restore` does with the whole value, this does member by member, without a look at what comes later.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Self

from lmextract.types import JsonSchema, is_object

__all__ = ["Shape"]

_COMBINING = ("anyOf", "oneOf", "allOf")


class Shape:
    """The schemas that may hold for one place of a value; what is asked of it is worked out once."""

    __slots__ = ("_absent", "_below", "_nodes", "_root")

    def __init__(self, root: JsonSchema, *nodes: Any) -> None:
        self._root = root
        self._nodes = tuple(_alternatives(root, nodes))
        self._absent: dict[str, bool] = {}
        self._below: dict[str | None, Shape] = {}

    @classmethod
    def of(cls, schema: JsonSchema, *, wrapped: bool) -> Self:
        """The shape of a target's value, or of the object that a wire schema has wrapped it into."""
        return cls(schema, {"properties": {"value": schema}, "required": ["value"]} if wrapped else schema)

    def is_absent(self, name: str) -> bool:
        """Whether a null at this name says that there is no such member."""
        if name not in self._absent:
            declaring = [node for node in self._nodes if name in _properties(node)]
            optional = any(name not in node.get("required", ()) for node in declaring)
            nullable = any(_admits_null(self._root, _properties(node)[name]) for node in declaring)
            self._absent[name] = optional and not nullable
        return self._absent[name]

    def below(self, name: str | None) -> Shape:
        """The shape of a member; None stands for the items of a list."""
        if name not in self._below:
            self._below[name] = Shape(self._root, *(below for node in self._nodes for below in _below(node, name)))
        return self._below[name]


def _below(node: dict[str, Any], name: str | None) -> Iterator[Any]:
    if name is None:
        yield from node.get("prefixItems", ())
        yield node.get("items")
    else:
        properties = _properties(node)
        yield properties[name] if name in properties else node.get("additionalProperties")


def _properties(node: dict[str, Any]) -> dict[str, Any]:
    properties = node.get("properties")
    return properties if is_object(properties) else {}


def _alternatives(root: JsonSchema, nodes: tuple[Any, ...]) -> Iterator[dict[str, Any]]:
    """The schemas themselves, and all that they refer to or are made up of."""
    stack, seen = list(nodes), set[int]()
    while stack:
        node = stack.pop()
        if not is_object(node) or id(node) in seen:
            continue
        seen.add(id(node))
        yield node
        stack.append(_pointed(root, node.get("$ref")))
        stack.extend(each for key in _COMBINING for each in node.get(key, ()))


def _pointed(root: JsonSchema, ref: Any) -> Any:
    if not isinstance(ref, str) or not ref.startswith("#"):
        return None
    node: Any = root
    for step in filter(None, ref[1:].split("/")):
        node = node.get(step.replace("~1", "/").replace("~0", "~")) if is_object(node) else None
    return node


def _admits_null(root: JsonSchema, schema: Any) -> bool:
    return not is_object(schema) or any(_says_null(node) for node in _alternatives(root, (schema,)))


def _says_null(node: dict[str, Any]) -> bool:
    if "const" in node:
        return node["const"] is None
    if "enum" in node:
        return None in node["enum"]
    declared = node.get("type")
    if declared is None:
        return not any(key in node for key in ("$ref", "properties", "items", *_COMBINING))
    return declared == "null" or (isinstance(declared, list) and "null" in declared)
