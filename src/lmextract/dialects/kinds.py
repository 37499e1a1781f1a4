"""The kinds of JSON values as bits, and equality as JSON Schema means it."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from typing import Any

from lmextract.types import Json, is_array, is_object

__all__ = [
    "ALL",
    "ARRAY",
    "BOOLEAN",
    "FRACTION",
    "INTEGER",
    "NULL",
    "NUMBER",
    "OBJECT",
    "STRING",
    "key_of",
    "kind_of",
    "kinds_of_type",
]

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
    if is_array(declared):
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
    return next((kind for known, kind in _OF_VALUE.items() if type(value) is known), 0)


def key_of(value: Json) -> Hashable:
    """The same key for the values that JSON Schema calls equal: 1 and 1.0, but not 1 and True."""
    if isinstance(value, bool):
        return (bool, value)
    if is_array(value):
        return (list, *map(key_of, value))
    if is_object(value):
        return (dict, frozenset((name, key_of(each)) for name, each in value.items()))
    return value if isinstance(value, Hashable) else id(value)
