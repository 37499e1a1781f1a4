"""The kinds of JSON values as bits, and equality as JSON Schema means it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from lmextract.types import Json

__all__ = ["ALL", "ARRAY", "BOOLEAN", "FRACTION", "INTEGER", "NULL", "NUMBER", "OBJECT", "STRING", "kind_of", "kinds_of_type", "same"]

NULL, BOOLEAN, INTEGER, FRACTION, STRING, ARRAY, OBJECT = (1 << i for i in range(7))
NUMBER = INTEGER | FRACTION
ALL = (1 << 7) - 1

_BITS = {
    "null": NULL,
    "boolean": BOOLEAN,
    "integer": INTEGER,
    "number": NUMBER,
    "string": STRING,
    "array": ARRAY,
    "object": OBJECT,
    "any": ALL,  # draft 3
}
_OF_VALUE: Mapping[type[Any], int] = {
    type(None): NULL,
    bool: BOOLEAN,
    int: INTEGER,
    str: STRING,
    list: ARRAY,
    tuple: ARRAY,
    dict: OBJECT,
}


def kinds_of_type(declared: Any) -> int | None:
    """The kinds that a `type` keyword names; None if it names what is no type."""
    if isinstance(declared, str):
        return _BITS.get(declared)
    if isinstance(declared, list):
        found = [_BITS.get(each) if isinstance(each, str) else None for each in declared]
        return None if None in found else _either(each for each in found if each)
    return None


def _either(bits: Iterable[int]) -> int:
    mask = 0
    for bit in bits:
        mask |= bit
    return mask


def kind_of(value: Json) -> int:
    """The kind of a value; 1.0 is an integer, as it is for JSON Schema."""
    if isinstance(value, float):
        return INTEGER if value.is_integer() else FRACTION
    return _OF_VALUE.get(type(value), OBJECT if isinstance(value, Mapping) else 0)


def same(one: Json, other: Json) -> bool:
    """Whether two JSON values are equal: 1 is 1.0, True is not 1."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(same(each, other[key]) for key, each in one.items())
    return bool(one == other)
