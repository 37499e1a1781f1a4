"""What stands at a path: of a schema, references followed and unions told apart by a value, and of a value.  Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lmextract.types import Json, JsonSchema, Path, is_array, is_object

__all__ = [
    "alternatives",
    "has",
    "is_open_ended",
    "is_union",
    "items_at",
    "properties_at",
    "required_at",
    "schema_at",
    "value_at",
]


_OPEN_WORDS = ("additionalProperties", "patternProperties", "unevaluatedProperties")


def schema_at(root: JsonSchema, node: Json, value: Json, path: Path) -> Json:
    """The schema of the place at a path, None if there is none or if it cannot be told which of several it is."""
    if not path:
        return node
    step, rest = path[0], Path(*path[1:])
    below = value_at(value, Path(step))
    found: list[Json] = []
    for each in alternatives(root, node):
        if _tags_fit(root, each, value):
            member = _member(each, step)
            deeper = None if member is None else schema_at(root, member, below, rest)
            if deeper is not None and deeper not in found:
                found.append(deeper)
    return found[0] if len(found) == 1 else None


def value_at(value: Json, path: Path) -> Json:
    """The value at a path, None if there is none."""
    for step in path:
        if not has(value, step):
            return None
        value = value[step]
    return value


def has(holder: Json, step: str | int) -> bool:
    """Whether a value has a member: a key of an object, an index of a list."""
    if isinstance(step, str):
        return is_object(holder) and step in holder
    return is_array(holder) and 0 <= step < len(holder)


def properties_at(root: JsonSchema, node: Json, value: Json) -> dict[str, Json] | None:
    """The properties of an object, by name; None where it cannot be told which alternative of a union is meant."""
    all_of_them = list(alternatives(root, node))
    fitting = [each for each in all_of_them if "properties" in each and _tags_fit(root, each, value)]
    if is_object(value) and len(fitting) > 1:
        fitting = [each for each in fitting if value.keys() <= each["properties"].keys()] or fitting
    if len(fitting) > 1 and not any("allOf" in each for each in all_of_them):
        return None
    found: dict[str, Json] = {}
    for each in fitting:
        found |= {name: schema for name, schema in each["properties"].items() if name not in found}
    return found


def is_union(root: JsonSchema, node: Json) -> bool:
    """Whether a node is one of several kinds of object."""
    found = list(alternatives(root, node))
    return sum("properties" in each for each in found) > 1 and not any("allOf" in each for each in found)


def required_at(root: JsonSchema, node: Json, value: Json) -> set[str]:
    """The properties that an object must have."""
    fitting = (each for each in alternatives(root, node) if _tags_fit(root, each, value))
    return {name for each in fitting for name in each.get("required", ())}


def is_open_ended(root: JsonSchema, node: Json, value: Json) -> bool:
    """Whether a value is an object that may have members which the schema does not name, as that of a `dict` may."""
    if not is_object(value):
        return False
    found = list(alternatives(root, node))
    named = {name for each in found for name in each.get("properties", ())}
    return not named or not value.keys() <= named or any(each.get(word) for each in found for word in _OPEN_WORDS)


def items_at(root: JsonSchema, node: Json) -> Json:
    """The schema of a list's items, None if they have not all the same."""
    found = [each["items"] for each in alternatives(root, node) if is_object(each.get("items"))]
    if any("prefixItems" in each for each in alternatives(root, node)):
        return None
    return found[0] if len(found) == 1 else None


def alternatives(root: JsonSchema, node: Json) -> Iterator[dict[str, Any]]:
    """The schemas that a node stands for, references followed, unions and intersections taken apart."""
    stack, seen = [node], set[str]()
    while stack:
        at = stack.pop()
        if not is_object(at):
            continue
        ref = at.get("$ref")
        if isinstance(ref, str) and ref not in seen:
            seen.add(ref)
            stack.append(_referred(root, ref))
        stack.extend(each for key in ("anyOf", "oneOf", "allOf") for each in at.get(key, ()))
        yield at


def _referred(root: JsonSchema, ref: str) -> Json:
    if not ref.startswith("#"):
        return None
    node: Json = root
    for step in filter(None, ref[1:].split("/")):
        name = step.replace("~1", "/").replace("~0", "~")
        node = node.get(name) if is_object(node) else None
    return node


def _member(schema: dict[str, Any], step: str | int) -> Json:
    if isinstance(step, int):
        first = schema.get("prefixItems", ())
        return first[step] if step < len(first) else schema.get("items")
    known = schema.get("properties", {})
    return known[step] if step in known else _extra(schema)


def _extra(schema: dict[str, Any]) -> Json:
    extra = schema.get("additionalProperties")
    return extra if is_object(extra) else None


def _tags_fit(root: JsonSchema, schema: dict[str, Any], value: Json) -> bool:
    """Whether a value may be meant by one alternative of a union: no constant of it says otherwise."""
    if not is_object(value):
        return True
    for name, declared in schema.get("properties", {}).items():
        if name not in value:
            continue
        constants = [each["const"] for each in alternatives(root, declared) if "const" in each]
        if constants and value[name] not in constants:
            return False
    return True
