"""What kind of JSON a value is, told to type checkers as well."""

from __future__ import annotations

from typing import TypeGuard

from lmextract.types import Json

__all__ = ["is_array", "is_object"]


def is_object(value: Json) -> TypeGuard[dict[str, Json]]:
    """Whether a value is a JSON object."""
    return isinstance(value, dict)


def is_array(value: Json) -> TypeGuard[list[Json]]:
    """Whether a value is a JSON array."""
    return isinstance(value, list)
