"""What llguidance 1.9.1 refuses: keywords that it does not implement, and alternatives that it cannot tell apart."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from lmextract.testing.fake.jsons import is_list, is_object
from lmextract.testing.fake.schemas import as_types, reachable, resolve
from lmextract.types import Json

__all__ = ["llguidance_refusal"]

_UNIMPLEMENTED = frozenset(
    (
        *("not", "if", "then", "else", "contains", "minContains", "maxContains", "uniqueItems", "propertyNames"),
        *("dependencies", "dependentRequired", "dependentSchemas", "unevaluatedItems", "unevaluatedProperties"),
    )
)
_FORMATS = frozenset(
    ("date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid", "uri", "unknown")
)
_MERGED = ("type", "properties", "required", "additionalProperties", "allOf", "anyOf", "items", "pattern", "format")
_ONE_OF = "oneOf constraints are not supported. Enable 'coerce_one_of' option to approximate oneOf with anyOf"


def llguidance_refusal(schema: dict[str, Any]) -> str | None:
    """The reason, in the library's own words, or None."""
    for node in reachable(schema, _children):
        reason = _reason(node, schema) if is_object(node) else None
        if reason is not None:
            return reason
    return None


def _reason(node: dict[str, Any], root: dict[str, Any]) -> str | None:
    if "const" in node or "enum" in node:
        return None
    unknown = [key for key in node if key in _UNIMPLEMENTED and not (key == "uniqueItems" and node[key] is False)]
    if unknown:
        return f"Unimplemented keys: {json.dumps(sorted(unknown))}"
    kind = node.get("format")
    if isinstance(kind, str) and kind not in _FORMATS and "string" in (as_types(node) or ("string",)):
        return f"Unknown format: {kind}"
    pattern = node.get("pattern")
    if isinstance(pattern, str) and any(mark in pattern for mark in ("(?=", "(?!", "(?<=", "(?<!")):
        why = "error: look-around, including look-ahead and look-behind, is not supported"
        return f"regex parse error:\n    {pattern}\n{why}"
    bounded = "maxProperties" in node or node.get("minProperties", 0) > len(_required(node))
    if bounded and any(name not in _required(node) for name in _properties(node)):
        return 'min/maxProperties only supported when all keys listed in "properties" are required'
    branches = node.get("oneOf")
    if is_list(branches) and not _told_apart(branches, _referable(node, root)):
        return _ONE_OF
    return None


def _referable(node: dict[str, Any], root: dict[str, Any]) -> dict[str, Any]:
    """What references in the branches are looked up in: only constraints beside `oneOf` make it look through them."""
    return root if any(key in node for key in _MERGED) else {}


def _children(node: dict[str, Any]) -> Iterator[Json]:
    if "const" in node or "enum" in node:
        return
    for keyword in ("properties", "patternProperties"):
        parts = node.get(keyword)
        if is_object(parts):
            yield from parts.values()
    for keyword in ("anyOf", "oneOf", "allOf", "prefixItems"):
        parts = node.get(keyword)
        if is_list(parts):
            yield from parts
    for keyword in ("items", "additionalProperties", "additionalItems"):
        if keyword in node:
            yield node[keyword]


def _told_apart(branches: list[Any], root: dict[str, Any]) -> bool:
    """Whether no value can fit two of the branches, as far as types, constants and a common tag show it."""
    resolved = [_resolved(branch, root) for branch in branches]
    return all(_disjoint(one, other, root) for at, one in enumerate(resolved) for other in resolved[at + 1 :])


def _resolved(node: Json, root: dict[str, Any]) -> dict[str, Any]:
    for _ in range(20):
        if not is_object(node):
            return {}
        known = node
        if not isinstance(known.get("$ref"), str):
            return known
        try:
            node = resolve(known["$ref"], root)
        except KeyError:
            return {}
    return {}


def _disjoint(one: dict[str, Any], other: dict[str, Any], root: dict[str, Any]) -> bool:
    mine, theirs = _fixed(one), _fixed(other)
    if mine is not None and theirs is not None:
        return not any(value in theirs for value in mine)
    for this, that in ((one, other), (other, one)):
        for keyword in ("oneOf", "anyOf"):
            if is_list(this.get(keyword)):
                return all(_disjoint(_resolved(branch, root), that, root) for branch in this[keyword])
    kinds, others = _kinds(one), _kinds(other)
    if kinds and others and not kinds & others:
        return True
    return _closed_without(one, other) or _closed_without(other, one) or _common_tag(one, other, root)


def _closed_without(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether the one is closed and lacks a property that the other needs."""
    closed = one.get("additionalProperties") is False and as_types(one) == as_types(other) == ("object",)
    return closed and any(name not in _properties(one) for name in _required(other))


def _common_tag(one: dict[str, Any], other: dict[str, Any], root: dict[str, Any]) -> bool:
    return any(
        _disjoint(_resolved(part, root), _resolved(_properties(other)[name], root), root)
        for name, part in _properties(one).items()
        if name in _required(one) and name in _required(other) and name in _properties(other)
    )


def _fixed(node: dict[str, Any]) -> list[Any] | None:
    """The only values that fit, if they are listed."""
    if "const" in node:
        return [node["const"]]
    return node["enum"] if is_list(node.get("enum")) else None


def _kinds(node: dict[str, Any]) -> set[str]:
    kinds = {"number" if kind == "integer" else kind for kind in as_types(node)}
    if not kinds and (values := _fixed(node)) is not None:
        kinds = {_kind_of(value) for value in values}
    return kinds


def _kind_of(value: Json) -> str:
    names = {bool: "boolean", type(None): "null", str: "string", int: "number", float: "number", list: "array"}
    return names.get(value.__class__, "object")


def _properties(node: dict[str, Any]) -> dict[str, Any]:
    found = node.get("properties")
    return found if is_object(found) else {}


def _required(node: dict[str, Any]) -> list[Any]:
    found = node.get("required")
    return found if is_list(found) else []
