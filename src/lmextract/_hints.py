"""What a schema lets a reader expect of a reply that is damaged: the JSON types of its root, and its property names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

from lmextract._spots import Hints
from lmextract.types import Json, JsonSchema, is_array

__all__ = ["hints_of"]

_KINDS: dict[type, str] = {
    dict: "object",
    list: "array",
    str: "string",
    bool: "boolean",
    int: "number",
    float: "number",
}
_ALL = frozenset({"object", "array", "string", "boolean", "number", "null"})
_MOST_NODES = 20_000


def hints_of(schema: JsonSchema) -> Hints:
    """The hints of a schema; no roots where it does not say."""
    roots = frozenset("number" if root == "integer" else root for root in _roots(schema, schema, 0))
    return Hints(frozenset() if roots >= _ALL else roots, frozenset(_names(schema)))


def _roots(node: Any, root: JsonSchema, depth: int) -> Iterator[str]:
    if not isinstance(node, Mapping) or depth > 20:
        yield from _ALL
        return
    schema = cast("Mapping[str, Any]", node)
    declared = schema.get("type")
    for keyword in ("anyOf", "oneOf"):
        if isinstance(schema.get(keyword), list) and declared is None:
            for option in schema[keyword]:
                yield from _roots(option, root, depth + 1)
            return
    if isinstance(declared, str):
        yield declared
    elif is_array(declared):
        yield from map(str, declared)
    elif isinstance(schema.get("enum"), list):
        yield from map(_kind, schema["enum"])
    elif "const" in schema:
        yield _kind(schema["const"])
    elif isinstance(schema.get("$ref"), str):
        yield from _roots(_pointed(schema["$ref"], root), root, depth + 1)
    elif isinstance(schema.get("properties"), Mapping):
        yield "object"
    else:
        yield from _ALL


def _kind(value: Json) -> str:
    return next((name for kind, name in _KINDS.items() if isinstance(value, kind)), "null")


def _pointed(ref: str, root: JsonSchema) -> Any:
    at: Any = root
    if not ref.startswith("#/"):
        return root if ref == "#" else None
    for step in ref[2:].split("/"):
        name = step.replace("~1", "/").replace("~0", "~")
        at = cast("Mapping[str, Any]", at).get(name) if isinstance(at, Mapping) else None
    return at


def _names(schema: JsonSchema) -> Iterator[str]:
    stack: list[Any] = [schema]
    for _ in range(_MOST_NODES):
        if not stack:
            return
        node = stack.pop()
        if isinstance(node, Mapping):
            found = cast("Mapping[str, Any]", node)
            properties = found.get("properties")
            if isinstance(properties, Mapping):
                yield from (str(name) for name in cast("Mapping[str, Any]", properties))
            stack.extend(found.values())
        elif is_array(node):
            stack.extend(node)
