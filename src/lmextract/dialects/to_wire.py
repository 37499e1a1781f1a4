"""A value as a model would have to write it under a wire schema: the inverse of `restore`, for examples in prompts."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any, cast

from lmextract.types import Json, JsonSchema, WireSchema, is_array, is_object

__all__ = ["to_wire"]

_TYPES: Mapping[str, type | tuple[type, ...]] = {
    "object": dict,
    "array": list,
    "string": str,
    "boolean": bool,
    "number": (int, float),
    "integer": int,
    "null": type(None),
}


def to_wire(value: Json, wire: WireSchema) -> Json:
    """Put a valid JSON value into the wire's form: declared key order, null where absent, wrapped if the wire is."""
    return _placed({"value": value} if wire.wrapped else value, wire.schema, wire.schema)


def _placed(value: Json, schema: Any, root: JsonSchema) -> Json:
    schema = _branch(value, _resolved(schema, root), root)
    if is_object(value):
        return _placed_object(value, schema, root)
    if is_array(value):
        first, rest = schema.get("prefixItems", ()), schema.get("items", {})
        return [_placed(item, first[n] if n < len(first) else rest, root) for n, item in enumerate(value)]
    return value


def _placed_object(value: dict[str, Json], schema: JsonSchema, root: JsonSchema) -> dict[str, Json]:
    declared: Mapping[str, Any] = schema.get("properties", {})
    required = schema.get("required", ())
    extra = schema.get("additionalProperties", {})
    known = {name: value.get(name) for name in declared if name in value or name in required}
    return {
        **{name: _placed(item, declared[name], root) for name, item in known.items()},
        **{name: _placed(item, extra, root) for name, item in value.items() if name not in declared},
    }


def _resolved(schema: Any, root: JsonSchema) -> JsonSchema:
    for _ in range(64):
        if not is_object(schema):
            return {}
        ref = schema.get("$ref")
        if not isinstance(ref, str) or not ref.startswith("#"):
            return schema
        schema = functools.reduce(_member, filter(None, ref[1:].split("/")), cast("Any", root))
    return {}


def _member(schema: Any, step: str) -> Any:
    return schema.get(step.replace("~1", "/").replace("~0", "~"), {}) if is_object(schema) else {}


def _branch(value: Json, schema: JsonSchema, root: JsonSchema) -> JsonSchema:
    """The alternative of a union that a valid value most likely is: right type, right tags, most keys in common."""
    branches = [_resolved(branch, root) for branch in schema.get("anyOf", ())]
    if not branches:
        return schema
    return _branch(value, max(branches, key=lambda branch: _fit(value, branch, root)), root)


def _fit(value: Json, schema: JsonSchema, root: JsonSchema) -> int:
    kind = schema.get("type")
    if isinstance(kind, str) and not isinstance(value, _TYPES[kind]):
        return -1
    if not isinstance(value, dict):
        return 1
    properties: Mapping[str, Any] = schema.get("properties", {})
    score = 1
    for name, declared in properties.items():
        allowed = _resolved(declared, root)
        tags = allowed.get("enum", [allowed["const"]] if "const" in allowed else None)
        if name in value and tags is not None:
            score += 100 if value[name] in tags else -1000
        score += 1 if name in value else 0
    return score
