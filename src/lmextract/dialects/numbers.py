"""Numbers: bounds turned inwards to what the engine holds, multiples as a list where there are few."""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from lmextract.dialects import kinds
from lmextract.dialects.decimals import Range, multiples, numbers_in
from lmextract.dialects.parts import Part, lower_bounds, upper_bounds

if TYPE_CHECKING:
    from lmextract.dialects.lowering import Lowering
    from lmextract.dialects.regex import Node
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
    low = max(
        (math.floor(at) + 1 if strict else math.ceil(at) for part in parts for at, strict in lower_bounds(part)),
        default=None,
    )
    high = min(
        (math.ceil(at) - 1 if strict else math.floor(at) for part in parts for at, strict in upper_bounds(part)),
        default=None,
    )
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
    """Both bounds, always: from one alone llama.cpp makes rules that let shorter numbers pass (10 for at least 100)."""
    if low is not None and low > _FAR:
        lowering.relax(path, "minimum", "so large a bound is not held")
        low = _FAR
    if high is not None and high < -_FAR:
        lowering.relax(path, "maximum", "so large a bound is not held")
        high = -_FAR
    if (low is None or low < -_FAR) and (high is None or high > _FAR):
        return {"type": "integer"}
    far = 10 * _FAR + 9
    return {
        "type": "integer",
        "minimum": max(-far, -far if low is None else low),
        "maximum": min(far, far if high is None else high),
    }


def _multiples(
    lowering: Lowering, low: int | None, high: int | None, factors: list[float], path: Path
) -> dict[str, Any] | None:
    listed = _listed(low, high, factors)
    if listed is not None:
        return {"enum": listed} if listed else None
    wire: dict[str, Any] = {"type": "integer", **_named(low, high)}
    if "multipleOf" in lowering.keywords and len(factors) == 1 and float(factors[0]).is_integer():
        return {**wire, "multipleOf": int(factors[0])}
    node = multiples(Decimal(str(factors[0])), signed=low is None or low < 0) if len(factors) == 1 else None
    if lowering.dialect.named_rules and node is not None and low in {None, 0} and high is None:
        return lowering.named_rule(node, {**wire, "multipleOf": factors[0]})
    lowering.relax(path, "multipleOf", "the engine does not hold multiples")
    bounds = [{keyword: bound} for keyword, bound in _named(low, high).items()]
    return _integers(lowering, bounds, [], path)


def _named(low: int | None, high: int | None) -> dict[str, int]:
    return {keyword: bound for keyword, bound in (("minimum", low), ("maximum", high)) if bound is not None}


def _listed(low: int | None, high: int | None, factors: list[float]) -> list[int] | None:
    """The multiples between the bounds, if they are few."""
    step = next((int(factor) for factor in factors if float(factor).is_integer()), 1)
    if low is None or high is None or (high - low) // step > _MOST_LISTED * 10:
        return None
    start = -(-low // step) * step
    found = [n for n in range(start, high + 1, step) if all(n % factor == 0 for factor in factors)]
    return found if len(found) <= _MOST_LISTED else None


def _numbers(lowering: Lowering, parts: Sequence[Part], factors: list[float], path: Path) -> dict[str, Any] | None:
    lows = [each for part in parts for each in lower_bounds(part)]
    highs = [each for part in parts for each in upper_bounds(part)]
    low, high = max(lows, default=None), min(highs, key=lambda each: (each[0], not each[1]), default=None)
    if low and high and (low[0] > high[0] or (low[0] == high[0] and (low[1] or high[1]))):
        return None
    wire = _bounded(low, high)
    if factors:
        # Even where it is held: validators divide in binary, where 1.15 is no multiple of 0.01.
        lowering.relax(path, "multipleOf", "what is a multiple of a fraction depends on who divides")
        if len(factors) == 1:
            wire["multipleOf"] = factors[0]
    if len(wire) == 1 or "minimum" in lowering.keywords:
        return wire
    node = _spelling(low, high, factors) if lowering.dialect.named_rules else None
    if node is not None:
        return lowering.named_rule(node, wire)
    for keyword in wire.keys() - {"type", "multipleOf"}:
        lowering.relax(path, keyword, "the engine does not hold bounds of numbers")
    return {
        keyword: value for keyword, value in wire.items() if keyword == "type" or keyword in lowering.dialect.carried
    }


def _bounded(low: tuple[float, bool] | None, high: tuple[float, bool] | None) -> dict[str, Any]:
    wire: dict[str, Any] = {"type": "number"}
    for bound, plain, strict in ((low, "minimum", "exclusiveMinimum"), (high, "maximum", "exclusiveMaximum")):
        if bound is not None:
            wire[strict if bound[1] else plain] = bound[0]
    return wire


def _spelling(low: tuple[float, bool] | None, high: tuple[float, bool] | None, factors: list[float]) -> Node | None:
    """How the numbers between the bounds are written; multiples only where the sign is all that the bounds say."""
    if len(factors) == 1 and high is None and low in {None, (0, False)}:
        node = multiples(Decimal(str(factors[0])), signed=low is None)
        if node is not None:
            return node
    if low is None and high is None:
        return None
    at_least, at_most = (None if bound is None else Decimal(str(bound[0])) for bound in (low, high))
    return numbers_in(Range(at_least, at_most, bool(low and low[1]), bool(high and high[1])))
