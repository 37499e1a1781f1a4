"""What a schema node demands of a value beyond its kind, in words short enough to stand in parentheses."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from lmextract.notation._values import is_list, is_node, is_number, items, pairs
from lmextract.types import Json

__all__ = ["counts", "key", "limits", "literal", "needs", "note", "regex", "title"]

FORMATS = {
    "date": "YYYY-MM-DD",
    "date-time": "YYYY-MM-DDThh:mm:ssZ",
    "time": "hh:mm:ss",
    "duration": "ISO 8601 duration",
}
"""Formats whose name does not tell a small model what to write."""

PATTERNS = {r"^(?!^[-+.]*$)[+-]?0*\d*\.?\d*$": "decimal number"}
"""Patterns that stand for a plain idea: the one of a Decimal in pydantic up to 2.13."""

MAX_EXAMPLE_CHARS = 60


def limits(node: Mapping[str, Any], kind: str) -> list[str]:
    """The limits that `node` puts on a string or a number."""
    match kind:
        case "string":
            return [*_string(node)]
        case "integer" | "number":
            return [*_number(node)]
        case _:
            return []


def counts(node: Mapping[str, Any], what: str, unit: str) -> list[str]:
    """How many there may be: of `Items`, `Properties`, characters (`Length`)."""
    low, high = node.get(f"min{what}"), node.get(f"max{what}")
    return [f"{text} {unit}" for text in _range(None if low == 0 else low, high)]


def needs(node: Mapping[str, Any]) -> list[str]:
    """Which fields call for which others."""
    both = (*pairs(node.get("dependentRequired")), *pairs(node.get("dependencies")))
    named = [(key(name), [key(str(each)) for each in items(others)]) for name, others in both]
    return [f"{name} needs {' and '.join(others)}" for name, others in named if others]


def note(node: Mapping[str, Any]) -> str:
    """What the schema's author tells the reader: the description and up to two short examples."""
    words = node.get("description")
    text = " ".join(words.split()) if isinstance(words, str) else ""
    plain = [literal(each) for each in items(node.get("examples")) if not (is_node(each) or is_list(each))]
    short = [each for each in plain if len(each) <= MAX_EXAMPLE_CHARS][:2]
    if not short:
        return text
    return f"{text}{' ' if text.endswith('.') else '; ' if text else ''}e.g. {', '.join(short)}"


def title(node: Mapping[str, Any], name: str) -> str:
    """The title, where it says more than the name does."""
    words = node.get("title")
    return " ".join(words.split()) if isinstance(words, str) and _letters(words) != _letters(name) else ""


def literal(value: Json) -> str:
    """A value as it stands in JSON."""
    try:
        return json.dumps(value, ensure_ascii=False, default=str)
    except (RecursionError, ValueError):  # nested too deep for the encoder, or a circle
        return "..."


def key(name: str) -> str:
    """A field's name, in quotes only where it is no identifier."""
    return name if name.isidentifier() else literal(name)


def regex(pattern: str) -> str:
    """A pattern between slashes, or the words for it; what would look like a comment or a new line is escaped."""
    plain = pattern.replace("\r", "\\r").replace("\n", "\\n").replace("//", "/\\/")
    start = "/\\" if plain.startswith("/") else "/"
    return PATTERNS.get(pattern) or f"{start}{plain}/"


def _string(node: Mapping[str, Any]) -> Iterator[str]:
    if isinstance(form := node.get("format"), str):
        yield FORMATS.get(form, " ".join(form.split()))
    if isinstance(encoding := node.get("contentEncoding", node.get("contentMediaType")), str):
        yield " ".join(encoding.split())
    yield from counts(node, "Length", "chars")
    if isinstance(pattern := node.get("pattern"), str):
        yield regex(pattern)


def _number(node: Mapping[str, Any]) -> Iterator[str]:
    low, high = node.get("minimum"), node.get("maximum")
    above, below = node.get("exclusiveMinimum"), node.get("exclusiveMaximum")
    if above is True:  # draft 4: a switch on `minimum`
        low, above = None, low
    if below is True:
        high, below = None, high
    yield from _range(low, high)
    if is_number(above):
        yield f">{_amount(above)}"
    if is_number(below):
        yield f"<{_amount(below)}"
    if is_number(step := node.get("multipleOf")):
        yield f"multiple of {_amount(step)}"


def _range(low: Json, high: Json) -> Iterator[str]:
    least = _amount(low) if is_number(low) else ""
    most = _amount(high) if is_number(high) else ""
    if least and most:
        yield least if least == most else f"{least}..{most}"
    elif least or most:
        yield f">={least}" if least else f"<={most}"


def _amount(value: float) -> str:
    return literal(int(value) if abs(value) < 1e15 and value == int(value) else value)


def _letters(text: str) -> str:
    return re.sub(r"[\W_]+", "", text).casefold()
