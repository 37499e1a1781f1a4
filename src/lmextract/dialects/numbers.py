"""Numbers: bounds turned inwards to what the engine holds, multiples as a list where there are few."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from lmextract.dialects import kinds
from lmextract.dialects.parts import Part, lower_bounds, upper_bounds

if TYPE_CHECKING:
    from lmextract.dialects.lowering import Lowering
    from lmextract.types import Path

__all__ = ["lower_number"]

_MOST_LISTED = 100
# The largest integers that the rules of llama.cpp spell out; beyond, a bound says more than its grammar can.
_FAR = 10**15 - 1


def lower_number(lowering: Lowering, parts: Sequence[Part], mask: int, path: Path) -> dict[str, Any] | None:
    """The wire schema of the numbers that the parts allow; None: there are none."""
    factors = [part["multipleOf"] for part in parts if _usable(part.get("multipleOf"))]
    whole = [factor for factor in factors if float(factor).is_integer()]
    integer = not mask & kinds.FRACTION or bool(whole)
    if mask == kinds.FRACTION:
        lowering.relax(path, "not", "no grammar can say: a number, but no integer")
    if integer:
        return _integers(lowering, parts, [factor for factor in factors if factor != 1], path)
    return _numbers(lowering, parts, factors, path)


def _usable(factor: Any) -> bool:
    return isinstance(factor, (int, float)) and not isinstance(factor, bool) and factor > 0 and math.isfinite(factor)


def _integers(lowering: Lowering, parts: Sequence[Part], factors: list[float], path: Path) -> dict[str, Any] | None:
    low = max((math.floor(at) + 1 if strict else math.ceil(at) for part in parts for at, strict in lower_bounds(part)), default=None)
    high = min((math.ceil(at) - 1 if strict else math.floor(at) for part in parts for at, strict in upper_bounds(part)), default=None)
    if low is not None and high is not None and low > high:
        return None
    if factors:
        return _multiples(lowering, low, high, factors, path)
    if low is None and high is None:
        return {"type": "integer"}
    if low is not None and low == high:
        return {"const": low}
    held = "integer bounds" in lowering.keywords or "minimum" in lowering.keywords
    if not held:
        for keyword, bound in (("minimum", low), ("maximum", high)):
            if bound is not None:
                lowering.relax(path, keyword, "the engine does not hold bounds of numbers")
        if "minimum" not in lowering.dialect.carried:
            return {"type": "integer"}
    if "integer bounds" in lowering.keywords:
        return _spelled(lowering, low, high, path)
    bounds = {"minimum": low, "maximum": high}
    return {"type": "integer", **{key: bound for key, bound in bounds.items() if bound is not None}}


def _spelled(lowering: Lowering, low: int | None, high: int | None, path: Path) -> dict[str, Any]:
    """Both bounds, always: from one alone llama.cpp makes rules that let shorter numbers pass (10 for a minimum of 100)."""
    if low is not None and low > _FAR:
        lowering.relax(path, "minimum", "so large a bound is not held")
        low = _FAR
    if high is not None and high < -_FAR:
        lowering.relax(path, "maximum", "so large a bound is not held")
        high = -_FAR
    if (low is None or low < -_FAR) and (high is None or high > _FAR):
        return {"type": "integer"}
    far = 10 * _FAR + 9
    return {"type": "integer", "minimum": max(-far, -far if low is None else low), "maximum": min(far, far if high is None else high)}


def _multiples(lowering: Lowering, low: int | None, high: int | None, factors: list[float], path: Path) -> dict[str, Any] | None:
    if low is not None and high is not None and high - low <= 1_000_000:
        step = next((int(factor) for factor in factors if float(factor).is_integer()), 1)
        start = -(-low // step) * step
        if (high - start) // step < _MOST_LISTED * 10:
            listed = [n for n in range(start, high + 1, step) if all(n % factor == 0 for factor in factors)]
            if len(listed) <= _MOST_LISTED:
                return {"enum": listed} if listed else None
    if "multipleOf" in lowering.keywords and len(factors) == 1 and float(factors[0]).is_integer():
        bounds = {"minimum": low, "maximum": high, "multipleOf": int(factors[0])}
        return {"type": "integer", **{key: bound for key, bound in bounds.items() if bound is not None}}
    lowering.relax(path, "multipleOf", "the engine does not hold multiples")
    bounds = [{"minimum": low} if low is not None else {}, {"maximum": high} if high is not None else {}]
    return _integers(lowering, [bound for bound in bounds if bound], [], path)


def _numbers(lowering: Lowering, parts: Sequence[Part], factors: list[float], path: Path) -> dict[str, Any] | None:
    lows = [each for part in parts for each in lower_bounds(part)]
    highs = [each for part in parts for each in upper_bounds(part)]
    low, high = max(lows, default=None), min(highs, key=lambda each: (each[0], not each[1]), default=None)
    if low and high and (low[0] > high[0] or (low[0] == high[0] and (low[1] or high[1]))):
        return None
    wire: dict[str, Any] = {"type": "number"}
    for bound, plain, strict in ((low, "minimum", "exclusiveMinimum"), (high, "maximum", "exclusiveMaximum")):
        if bound is None:
            continue
        keyword = strict if bound[1] else plain
        if keyword in lowering.keywords or keyword in lowering.dialect.carried:
            wire[keyword] = bound[0]
        if keyword not in lowering.keywords:
            lowering.relax(path, keyword, "the engine does not hold bounds of numbers")
    if factors:
        # Even where it is held: validators divide in binary, where 1.15 is no multiple of 0.01.
        lowering.relax(path, "multipleOf", "what is a multiple of a fraction depends on who divides")
        if len(factors) == 1 and "multipleOf" in lowering.keywords:
            wire["multipleOf"] = factors[0]
    return wire
