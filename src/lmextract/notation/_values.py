"""Narrowing of JSON values that may be anything."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias, TypeGuard

__all__ = ["Node", "is_list", "is_node", "is_number", "items", "pairs"]

Node: TypeAlias = Any
"""A schema as found in the wild: a mapping, a boolean, or junk."""


def is_node(value: object) -> TypeGuard[Mapping[str, Any]]:
    """Whether it is an object, and thus a schema with keywords."""
    return isinstance(value, Mapping)


def is_list(value: object) -> TypeGuard[list[Any] | tuple[Any, ...]]:
    """Whether it is an array."""
    return isinstance(value, (list, tuple))


def is_number(value: object) -> TypeGuard[float]:
    """Whether it is a number; true and false are none."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def items(value: object) -> list[Any]:
    """The items of an array; of anything else none."""
    return list(value) if is_list(value) else []


def pairs(value: object) -> list[tuple[str, Any]]:
    """The entries of an object; of anything else none."""
    return [(str(name), part) for name, part in value.items()] if is_node(value) else []
