"""Narrowing of vendor JSON: what is not of the kind asked for is None or empty."""

from __future__ import annotations

from typing import Any, cast

from lmextract.types import Json

__all__ = ["as_list", "as_object", "as_text"]


def as_object(value: Json) -> dict[str, Any]:
    """The value if it is an object, else an empty one."""
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def as_list(value: Json) -> list[Any]:
    """The value if it is an array, else an empty one."""
    return cast("list[Any]", value) if isinstance(value, list) else []


def as_text(value: Json) -> str | None:
    """The value if it is a string."""
    return value if isinstance(value, str) else None
