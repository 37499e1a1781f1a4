"""Walking a JSON Schema: references, types, and the parts that can be reached."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import unquote

from lmextract.testing.fake.jsons import is_list, is_object
from lmextract.types import Json

__all__ = ["as_types", "reachable", "resolve"]


def as_types(node: Json) -> tuple[str, ...]:
    """The types that a node names."""
    named = node.get("type") if is_object(node) else None
    if isinstance(named, str):
        return (named,)
    return tuple(str(name) for name in named) if is_list(named) else ()


def resolve(reference: str, root: dict[str, Any]) -> Json:
    """What a reference into the same document points at; KeyError if nothing is there."""
    if not reference.startswith("#"):
        raise KeyError(reference)
    at: Json = root
    for escaped in filter(None, reference[1:].split("/")):
        step = unquote(escaped).replace("~1", "/").replace("~0", "~")
        if is_list(at):
            at = at[int(step)] if step.isdigit() and int(step) < len(at) else None
        elif is_object(at) and step in at:
            at = at[step]
        else:
            raise KeyError(reference)
    return at


def reachable(root: dict[str, Any], children: Callable[[dict[str, Any]], Iterable[Json]]) -> Iterator[Json]:
    """Every part of a schema that can be reached from its root through `children` and local references, once each."""
    seen: set[int] = set()
    waiting: list[Json] = [root]
    while waiting:
        node = waiting.pop()
        if not is_object(node):
            yield node
            continue
        if id(node) in seen:
            continue
        seen.add(id(node))
        yield node
        below = list(children(node))
        reference = node.get("$ref")
        if isinstance(reference, str):
            with suppress(KeyError):
                below.append(resolve(reference, root))
        waiting.extend(reversed(below))


def merged(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """A node that holds what both demand, as far as that can be said by one node; the rest stays in `allOf`."""
    if not one or not other:
        return one or other
    made: dict[str, Any] = dict(one)
    for key, value in other.items():
        if key not in made or made[key] == value:
            made[key] = value
        elif key in _COMBINE:
            made[key] = _COMBINE[key](made[key], value)
        elif key in ("anyOf", "oneOf", "not", "if", "$ref"):
            made["allOf"] = [*made.get("allOf", ()), {key: value}]
        else:
            made[key] = value
    return made


def _both(one: Json, other: Json) -> Json:
    if is_object(one) and is_object(other):
        return merged(one, other)
    return False if one is False or other is False else other if one is True else one


def _by_name(one: Json, other: Json) -> Json:
    mine, theirs = one, other
    return {**mine, **{name: _both(mine[name], part) if name in mine else part for name, part in theirs.items()}}


def _union(one: Json, other: Json) -> Json:
    return [*one, *(item for item in other if item not in one)]


def _common(one: Json, other: Json) -> Json:
    return [item for item in one if item in other] or one


def _common_types(one: Json, other: Json) -> Json:
    mine, theirs = as_types({"type": one}), as_types({"type": other})
    shared = [kind for kind in mine if kind in theirs]
    if not shared and {"integer", "number"} <= {*mine, *theirs}:
        return "integer"
    return shared or list(theirs)


_COMBINE: Mapping[str, Callable[[Any, Any], Json]] = {
    "properties": _by_name,
    "patternProperties": _by_name,
    "required": _union,
    "allOf": _union,
    "enum": _common,
    "type": _common_types,
    "items": _both,
    "additionalProperties": _both,
    "minimum": max,
    "exclusiveMinimum": max,
    "minLength": max,
    "minItems": max,
    "minProperties": max,
    "maximum": min,
    "exclusiveMaximum": min,
    "maxLength": min,
    "maxItems": min,
    "maxProperties": min,
}
