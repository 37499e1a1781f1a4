"""Narrowing of JSON, for type checkers too: what is not of the kind asked for is None or empty."""

from __future__ import annotations

from typing import Any

from typing_extensions import TypeIs

from lmextract.types import Json

__all__ = ["as_list", "as_object", "as_text", "is_list", "is_object"]


def is_object(value: Json) -> TypeIs[dict[str, Any]]:
    """Whether it is a JSON object."""
    return isinstance(value, dict)


def is_list(value: Json) -> TypeIs[list[Any]]:
    """Whether it is a JSON array."""
    return isinstance(value, list)


def as_object(value: Json) -> dict[str, Any]:
    """The value if it is an object, else an empty one."""
    return value if is_object(value) else {}


def as_list(value: Json) -> list[Any]:
    """The value if it is an array, else an empty one."""
    return value if is_list(value) else []


def as_text(value: Json) -> str | None:
    """The value if it is a string."""
    return value if isinstance(value, str) else None
