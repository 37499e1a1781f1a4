"""JSON read strictly, at the speed of the standard library, for what is JSON and nothing else.

Refused on top of what the standard library refuses: a repeated key, NaN, a number that a float cannot hold or would
round, nesting that no check can follow.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any

from lmextract._numbers import number
from lmextract.types import Json

__all__ = ["MAX_DEPTH", "NotPlain", "plain_json", "plain_start"]

MAX_DEPTH = 200
"""Deeper nesting is refused: neither pydantic nor jsonschema can check it within Python's stack."""

_TRIED_CHARS = 8192

# Brackets within strings count too: what looks deep is read with more care, no more.
_OPEN_OR_CLOSE = re.compile(r"[{\[]|[}\]]")


class NotPlain(ValueError):
    """The text is JSON only in name: a repeated key, NaN, a number that no float holds."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise NotPlain
    return made


def _number(digits: str) -> float:
    value = float(digits)
    if len(digits) > 16 or math.isinf(value):
        word = number(digits, 0)
        if word.tolerated or word.flaw:
            raise NotPlain
    return value


def _constant(name: str) -> float:
    raise NotPlain(name)


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_float=_number, parse_constant=_constant)


def plain_json(text: str) -> Json:
    """The value of a text that is JSON and nothing else; ValueError or RecursionError for any other."""
    value = _DECODER.decode(text)
    if _is_deep(text, MAX_DEPTH):
        raise NotPlain
    return value


def plain_start(text: str, at: int, most_levels: int) -> tuple[Json, int] | None:
    """The JSON value that starts at `at`, and where it ends; None where it is no JSON, or too long for a cheap try."""
    ahead = text[at : at + _TRIED_CHARS]  # a slice also because JSONDecodeError counts the lines before it
    try:
        value, length = _DECODER.raw_decode(ahead)
    except (ValueError, RecursionError):
        return None
    return None if _is_deep(ahead[:length], most_levels) else (value, at + length)


def _is_deep(text: str, most_levels: int) -> bool:
    if text.count("[") + text.count("{") <= most_levels:
        return False
    depth = 0
    for bracket in _OPEN_OR_CLOSE.finditer(text):
        depth += 1 if bracket[0] in "{[" else -1
        if depth > most_levels:
            return True
    return False
