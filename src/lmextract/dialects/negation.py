"""The opposite of a schema, where it has one that a grammar can hold."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from lmextract.dialects import kinds
from lmextract.dialects.drafts import ANNOTATIONS, Draft
from lmextract.dialects.parts import MADE, NOT_KINDS, NOT_VALUES
from lmextract.dialects.refs import References, Schema
from lmextract.types import is_array, is_object

__all__ = ["absent", "negated", "present"]

Options: TypeAlias = tuple[Schema, ...]
"""Schemas of which one must hold."""

_MOST_REFERENCES = 20


def absent(name: str) -> dict[str, Any]:
    """An object without a property."""
    return {MADE: True, "type": "object", "properties": {name: False}}


def present(name: str) -> dict[str, Any]:
    """An object with a property."""
    return {MADE: True, "type": "object", "required": [name]}


def negated(schema: Mapping[str, Any], references: References, draft: Draft) -> Options | None:
    """The options that together are the opposite of a schema; None if a grammar cannot hold it."""
    for _ in range(_MOST_REFERENCES):
        if "$ref" not in schema:
            break
        target = references.target(str(schema["$ref"]), schema)
        others = [keyword for keyword in schema if keyword not in ANNOTATIONS and keyword != "$ref"]
        if target is None or (others and not draft.bare_refs):
            return None
        if not is_object(target):
            return (True,) if target is False else ()
        schema = target
    else:
        return None
    options: list[Schema] = []
    for keyword, wanted in schema.items():
        if keyword in ANNOTATIONS or keyword in draft.ignored:
            continue
        opposite = _OPPOSITES.get(keyword, _unknown)(wanted, schema)
        if opposite is None:
            return None
        options += opposite
    return tuple(options)


def _unknown(_wanted: Any, _schema: Mapping[str, Any]) -> Options | None:
    return None


def _nothing(_wanted: Any, _schema: Mapping[str, Any]) -> Options | None:
    return ()


def _type(wanted: Any, _schema: Mapping[str, Any]) -> Options | None:
    mask = kinds.kinds_of_type(wanted)
    if mask is None or (mask & kinds.NUMBER) == kinds.INTEGER:  # numbers that are no integers have no grammar
        return None
    return ({MADE: True, NOT_KINDS: mask},) if mask != kinds.ALL else ()


def _enum(wanted: Any, _schema: Mapping[str, Any]) -> Options | None:
    return ({MADE: True, NOT_VALUES: wanted},) if is_array(wanted) else None


def _const(wanted: Any, _schema: Mapping[str, Any]) -> Options | None:
    return ({MADE: True, NOT_VALUES: [wanted]},)


def _required(wanted: Any, _schema: Mapping[str, Any]) -> Options | None:
    return tuple(absent(name) for name in wanted) if is_array(wanted) else None


def _properties(wanted: Any, _schema: Mapping[str, Any]) -> Options | None:
    if not is_object(wanted):
        return None
    return tuple(present(name) | {"properties": {name: {"not": each}}} for name, each in wanted.items())


def _any_of(wanted: Any, _schema: Mapping[str, Any]) -> Options | None:
    return ({"allOf": [{"not": each} for each in wanted]},) if is_array(wanted) else None


def _all_of(wanted: Any, _schema: Mapping[str, Any]) -> Options | None:
    return tuple({"not": each} for each in wanted) if is_array(wanted) else None


def _one_of(wanted: Any, _schema: Mapping[str, Any]) -> Options | None:
    return ({"not": wanted[0]},) if is_array(wanted) and len(wanted) == 1 else None


def _not(wanted: Any, _schema: Mapping[str, Any]) -> Options | None:
    return (wanted,)


def _least(kind: str, opposite: str) -> Callable[[Any, Mapping[str, Any]], Options | None]:
    def options(wanted: Any, _schema: Mapping[str, Any]) -> Options | None:
        if not isinstance(wanted, (int, float)):
            return None
        return ({MADE: True, "type": kind, opposite: math.ceil(wanted) - 1},) if wanted > 0 else ()

    return options


def _most(kind: str, opposite: str) -> Callable[[Any, Mapping[str, Any]], Options | None]:
    def options(wanted: Any, _schema: Mapping[str, Any]) -> Options | None:
        if not isinstance(wanted, (int, float)):
            return None
        return ({MADE: True, "type": kind, opposite: math.floor(wanted) + 1},)

    return options


def _bound(opposite: str, strict: str) -> Callable[[Any, Mapping[str, Any]], Options | None]:
    def options(wanted: Any, schema: Mapping[str, Any]) -> Options | None:
        if isinstance(wanted, bool) or not isinstance(wanted, (int, float)) or schema.get(strict) is True:
            return None
        return ({MADE: True, "type": "number", opposite: wanted},)

    return options


_OPPOSITES: Mapping[str, Callable[[Any, Mapping[str, Any]], Options | None]] = {
    "type": _type,
    "enum": _enum,
    "const": _const,
    "required": _required,
    "properties": _properties,
    "anyOf": _any_of,
    "allOf": _all_of,
    "oneOf": _one_of,
    "not": _not,
    "minLength": _least("string", "maxLength"),
    "maxLength": _most("string", "minLength"),
    "minItems": _least("array", "maxItems"),
    "maxItems": _most("array", "minItems"),
    "minProperties": _least("object", "maxProperties"),
    "maxProperties": _most("object", "minProperties"),
    "minimum": _bound("exclusiveMaximum", "exclusiveMinimum"),
    "maximum": _bound("exclusiveMinimum", "exclusiveMaximum"),
    "exclusiveMinimum": _bound("maximum", ""),
    "exclusiveMaximum": _bound("minimum", ""),
    "$schema": _nothing,
}
