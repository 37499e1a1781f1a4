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
# --- texts and numbers


def _string(node: dict[str, Any], at: _At) -> str:
    least, most = int(node.get("minLength", 0)), node.get("maxLength")
    if isinstance(node.get("pattern"), str):
        found = matching(node["pattern"], least=least, most=most, nth=at.nth)
        if found is None:
            raise NothingFits(f"no text for the pattern {node['pattern']!r}")
        return found
    number = str(at.nth + 1) if at.nth else ""
    shape = FORMATS.get(str(node.get("format")))
    if shape is not None:
        return _counted(shape, at.nth)
    text = f"{at.name.replace('_', ' ')} {number}".strip() if number else at.name.replace("_", " ")
    if isinstance(most, (int, float)) and len(text) > most:
        text = (text[: max(0, int(most) - len(number))] + number)[: int(most)]
    return text.ljust(least, "x")


def _counted(shape: str, nth: int) -> str:
    """The nth text of a format: by its number, or by its last digit."""
    if "{n}" in shape:
        return shape.replace("{n}", str(nth) if nth else "")
    if shape.startswith("2024"):
        return shape.replace("05-17", f"{nth // 28 % 12 + 1:02d}-{nth % 28 + 1:02d}") if nth else shape
    return shape[:-2] + f"{nth % 100:02d}" if nth and shape.endswith("ab") else shape


def _number(node: dict[str, Any], at: _At, *, whole: bool) -> int | float:
    low, high = _bounds(node, whole=whole)
    broken = ("integer-bounds" if whole else "number-bounds") in at.ignores
    if broken and (low is not None or high is not None):
        return low - 1 if low is not None else high + 1
    step = node.get("multipleOf")
    start = 1.0 if low is None else low
    if low is None and high is not None:
        start = min(start, high)
    value = start + at.nth if high is None or start + at.nth <= high else start
    if isinstance(step, (int, float)) and step > 0 and "multipleOf" not in at.ignores:
        value = (math.ceil(round(start / step, 9)) + at.nth) * step
        value = value if high is None or value <= high else math.floor(round(high / step, 9)) * step
    return int(value) if whole or float(value).is_integer() else value


def _bounds(node: dict[str, Any], *, whole: bool) -> tuple[float | None, float | None]:
    """The bounds, both inclusive; `exclusiveMinimum: true` is how draft 4 said it."""
    low, high = _numeric(node.get("minimum")), _numeric(node.get("maximum"))
    over, under = node.get("exclusiveMinimum"), node.get("exclusiveMaximum")
    nudge = 1.0 if whole else _nudge(low, high)
    if over is True and low is not None:
        low = low + nudge if not whole else math.floor(low) + 1
    elif (bound := _numeric(over)) is not None:
        bound = math.floor(bound) + 1 if whole else bound + _nudge(bound, high)
        low = bound if low is None else max(low, bound)
    if under is True and high is not None:
        high = high - nudge if not whole else math.ceil(high) - 1
    elif (bound := _numeric(under)) is not None:
        bound = math.ceil(bound) - 1 if whole else bound - _nudge(low, bound)
        high = bound if high is None else min(high, bound)
    return (math.ceil(low) if whole and low is not None else low), (math.floor(high) if whole and high is not None else high)


def _nudge(low: float | None, high: float | None) -> float:
    """A step that stays between the bounds."""
    return 0.5 if low is None or high is None or high - low > 1 else (high - low) / 4


def _numeric(value: Json) -> float | None:
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None


