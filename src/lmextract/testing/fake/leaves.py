"""Texts and numbers that fit a schema: the same ones for the same question, unlike ones for another `nth`."""

from __future__ import annotations

import math
from typing import Any

from lmextract.testing.fake.patterns import matching
from lmextract.types import Json

__all__ = ["number", "text"]

FORMATS = {
    "date": "2024-05-17",
    "date-time": "2024-05-17T09:30:00Z",
    "time": "09:30:00Z",
    "duration": "P1DT2H",
    "email": "ada{n}@example.com",
    "idn-email": "ada{n}@example.com",
    "hostname": "host{n}.example.com",
    "idn-hostname": "host{n}.example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uri": "https://example.com/{n}",
    "uri-reference": "https://example.com/{n}",
    "iri": "https://example.com/{n}",
    "iri-reference": "https://example.com/{n}",
    "uri-template": "https://example.com/{n}",
    "uuid": "12345678-1234-4234-8234-1234567890ab",
    "json-pointer": "/a",
    "relative-json-pointer": "0/a",
    "regex": "a{n}",
}


def text(node: dict[str, Any], name: str, nth: int) -> str | None:
    """A string for a node, made of the `name` of its place; None if none is found for its pattern."""
    least, most = int(node.get("minLength", 0)), node.get("maxLength")
    if isinstance(node.get("pattern"), str):
        return matching(node["pattern"], least=least, most=most, nth=nth)
    shape = FORMATS.get(str(node.get("format")))
    if shape is not None:
        return _counted(shape, nth)
    suffix = f" {nth + 1}" if nth else ""
    words = name.replace("_", " ") + suffix
    if isinstance(most, int) and len(words) > most:
        suffix = suffix.strip()
        words = (words[: max(0, most - len(suffix))] + suffix)[:most]
    return words.ljust(least, "x")


def _counted(shape: str, nth: int) -> str:
    """The nth text of a format."""
    if "{n}" in shape:
        return shape.replace("{n}", str(nth) if nth else "")
    if shape.startswith("2024") and nth:
        return shape.replace("05-17", f"{nth // 28 % 12 + 1:02d}-{nth % 28 + 1:02d}")
    return f"{shape[:-2]}{nth % 100:02d}" if nth and shape.endswith("ab") else shape


def number(node: dict[str, Any], nth: int, *, whole: bool, ignores: frozenset[str]) -> int | float:
    """A number for a node; one out of its bounds where these are among what is ignored."""
    low, high = (_whole(*_bounds(node, 1)) if whole else _bounds(node, 0.5)) if _bounded(node) else (None, None)
    if _kind_of_bound(whole=whole) in ignores and (low is not None or high is not None):
        return low - 1 if low is not None else (high or 0) + 1
    start = low if low is not None else 1 if high is None else min(1, high)
    value = start + nth if high is None or start + nth <= high else start
    step = node.get("multipleOf")
    if isinstance(step, (int, float)) and step > 0 and "multipleOf" not in ignores:
        value = (math.ceil(round(start / step, 9)) + nth) * step
        value = value if high is None or value <= high else math.floor(round(high / step, 9)) * step
    return int(value) if whole or float(value).is_integer() else value


def _kind_of_bound(*, whole: bool) -> str:
    return "integer-bounds" if whole else "number-bounds"


def _bounded(node: dict[str, Any]) -> bool:
    return any(keyword in node for keyword in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"))


def _bounds(node: dict[str, Any], step: float) -> tuple[float | None, float | None]:
    """Inclusive bounds: exclusive ones moved in by a step, which is small where they are close together."""
    low, high = _numeric(node.get("minimum")), _numeric(node.get("maximum"))
    over, under = _exclusive(node.get("exclusiveMinimum"), low), _exclusive(node.get("exclusiveMaximum"), high)
    ends = [end for end in (low, over, high, under) if end is not None]
    if step < 1 and len(ends) > 1 and max(ends) - min(ends) <= 1:
        step = (max(ends) - min(ends)) / 4
    if over is not None:
        inside = math.floor(over) + 1 if step == 1 else over + step
        low = inside if low is None else max(low, inside)
    if under is not None:
        inside = math.ceil(under) - 1 if step == 1 else under - step
        high = inside if high is None else min(high, inside)
    return low, high


def _exclusive(bound: Json, inclusive: float | None) -> float | None:
    """In draft 4 `true` makes the other bound exclusive."""
    return inclusive if bound is True else _numeric(bound)


def _whole(low: float | None, high: float | None) -> tuple[float | None, float | None]:
    return (None if low is None else math.ceil(low)), (None if high is None else math.floor(high))


def _numeric(value: Json) -> float | None:
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None
