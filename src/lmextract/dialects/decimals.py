"""Ranges and multiples of decimal numbers as regular expressions of their JSON text.

Written without exponent, but where the sign alone decides; at most 16 digits before and 16 after the point, which is
what llama.cpp gives any number, and few enough that no rounding to a float moves a number onto an excluded end.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from lmextract.dialects.regex import NOTHING, Chars, Node, Repeat, alternatives, literal, repeated, sequence

__all__ = ["Range", "multiples", "numbers_in"]

_MOST_DIGITS = 16
_EXACT_DIGITS = 15
_MOST_ZEROS = 3
_MOST_ENDINGS = 100
_DIGIT = Chars(((48, 57),))


@dataclass(frozen=True, slots=True)
class Range:
    """The numbers from `low` to `high`; an end that is None is open, one that is `strict` does not belong to it."""

    low: Decimal | None = None
    high: Decimal | None = None
    low_strict: bool = False
    high_strict: bool = False

    def mirrored(self) -> Range:
        """The range of the negated numbers."""
        low = None if self.high is None else -self.high
        high = None if self.low is None else -self.low
        return Range(low, high, self.high_strict, self.low_strict)


def numbers_in(wanted: Range) -> Node | None:
    """The JSON texts of the numbers in a range; None if it is too far out to be spelled."""
    ends = [end for end in (wanted.low, wanted.high) if end is not None]
    if any(abs(end) >= 10**_MOST_DIGITS or len(_fraction(end)) > _MOST_DIGITS for end in ends):
        return None
    below = sequence((literal("-"), _positive(wanted.mirrored())))
    return alternatives((_positive(wanted), below))


def _positive(wanted: Range) -> Node:
    """The texts, without sign, of the numbers of a range that are not negative."""
    zero = Decimal(0)
    if wanted.high is not None and (wanted.high < zero or (wanted.high == zero and wanted.high_strict)):
        return NOTHING
    low, strict = (wanted.low, wanted.low_strict) if wanted.low is not None and wanted.low >= zero else (zero, False)
    if wanted.high is None and low == zero and not strict:
        return sequence((_whole(1), _tail(), repeated(_exponent(), 0, 1)))
    return alternatives(_by_length(Range(low, wanted.high, strict, wanted.high_strict)))


def _by_length(wanted: Range) -> Iterator[Node]:
    """The texts of a range of numbers that are not negative, by the digits before the point."""
    assert wanted.low is not None
    first = len(_integer(wanted.low))
    last = _MOST_DIGITS if wanted.high is None else len(_integer(wanted.high))
    for length in range(first, last + 1):
        at_low = length == first
        at_high = wanted.high is not None and length == last
        if not at_low and wanted.high is None:
            yield sequence((_whole(length), _tail()))
            return
        floor = wanted.low if at_low else Decimal(10) ** (length - 1)
        ceiling = wanted.high if at_high and wanted.high is not None else Decimal(10) ** length
        digits = max(len(_fraction(floor)), len(_fraction(ceiling)))
        low = _integer(floor).zfill(length) + _fraction(floor).ljust(digits, "0")
        high = (
            "9" * (length + digits)
            if not at_high
            else _integer(ceiling).zfill(length) + _fraction(ceiling).ljust(digits, "0")
        )
        strict = at_low and wanted.low_strict, at_high and wanted.high_strict
        yield _Digits(low, high, length, *strict).rest(0, at_low, at_high)


@dataclass(frozen=True, slots=True)
class _Digits:
    """Two numbers of the same length, digit by digit, `point` digits of which stand before the point."""

    low: str
    high: str
    point: int
    low_strict: bool
    high_strict: bool

    def rest(self, at: int, by_low: bool, by_high: bool) -> Node:
        """What may follow the first `at` digits; `by_low`, `by_high`: they were those of the end, so it still binds."""
        if not by_low and not by_high:
            return self._free(at)
        if at >= self.point:
            return self._decimals(at, by_low, by_high)
        return alternatives(self._next(at, by_low, by_high))

    def _next(self, at: int, by_low: bool, by_high: bool) -> Iterator[Node]:
        low = int(self.low[at]) if by_low else (1 if at == 0 and self.point > 1 else 0)
        high = int(self.high[at]) if by_high else 9
        for digit in sorted({low, high}):
            if low <= digit <= high:
                follows = self.rest(at + 1, by_low and digit == low, by_high and digit == high)
                yield sequence((literal(str(digit)), follows))
        if high - low > 1:
            yield sequence((Chars(((49 + low, 47 + high),)), self._free(at + 1)))

    def _decimals(self, at: int, by_low: bool, by_high: bool) -> Node:
        """What may follow behind the point, or from where it would stand."""
        ends = self._may_end(at, by_low, by_high)
        is_last = at == len(self.low)
        more = self._beyond(by_low, by_high) if is_last else alternatives(self._next(at, by_low, by_high))
        if at == self.point:
            more = sequence((literal("."), more))
        return repeated(more, 0, 1) if ends else more

    def _may_end(self, at: int, by_low: bool, by_high: bool) -> bool:
        """Whether the number may end here, which is to go on with zeros."""
        if by_low and (self.low[at:].strip("0") or self.low_strict):
            return False
        return not (by_high and self.high_strict and not self.high[at:].strip("0"))

    def _beyond(self, by_low: bool, by_high: bool) -> Node:
        """Digits behind the last one of the ends."""
        zeros = Repeat(literal("0"), 1, _MOST_ZEROS)
        if by_high:
            return NOTHING if self.high_strict or (by_low and self.low_strict) else zeros
        if not self.low_strict:
            return Repeat(_DIGIT, 1, _MOST_DIGITS)
        few = max(_EXACT_DIGITS - len(self.low), 1)
        return alternatives(
            sequence((repeated(literal("0"), zeros, zeros), Chars(((49, 57),)), Repeat(_DIGIT, 0, few - zeros)))
            for zeros in range(min(few, 6))
        )

    def _free(self, at: int) -> Node:
        """Any digits from here on."""
        if at < self.point:
            return sequence((repeated(_DIGIT, self.point - at, self.point - at), self._free(self.point)))
        most = max(_EXACT_DIGITS - at, 1) if self.low_strict or self.high_strict else _MOST_DIGITS
        return _tail(most) if at == self.point else Repeat(_DIGIT, 0, most)


def _integer(number: Decimal) -> str:
    return str(int(number))


def _fraction(number: Decimal) -> str:
    """The digits behind the point."""
    return f"{number:f}".partition(".")[2].rstrip("0")


def _whole(least: int) -> Node:
    """The digits before the point, at least so many."""
    more = Repeat(_DIGIT, max(least - 1, 0), _MOST_DIGITS - 1)
    longer = sequence((Chars(((49, 57),)), more))
    return longer if least > 1 else alternatives((literal("0"), longer))


def _tail(most: int = _MOST_DIGITS) -> Node:
    """A point and digits, or none."""
    return repeated(sequence((literal("."), Repeat(_DIGIT, 1, most))), 0, 1)


def _exponent() -> Node:
    sign = repeated(Chars(((43, 43), (45, 45))), 0, 1)
    return sequence((Chars(((69, 69), (101, 101))), sign, Repeat(_DIGIT, 1, 2)))


def multiples(factor: Decimal, *, signed: bool = True) -> Node | None:
    """The JSON texts of the multiples of a number that divides a power of ten, such as 5 or 0.25; None for others."""
    digits = len(_fraction(factor)) or next((k for k in range(1, 4) if 10**k % factor == 0), 0)
    span = Decimal(1) if factor < 1 else Decimal(10) ** digits
    if not digits or span % factor or span / factor > _MOST_ENDINGS:
        return None
    sign = repeated(literal("-"), 0, 1) if signed else sequence(())
    found = [factor * count for count in range(int(span / factor))]
    if factor >= 1:
        short = alternatives(_text(str(int(each))) for each in found)
        ending = alternatives(_text(str(int(each)).zfill(digits)) for each in found)
        return sequence((sign, alternatives((short, sequence((_leading(digits), ending))))))
    fractions = sorted({_fraction(each) for each in found} - {""})
    ends = Repeat(_DIGIT, 1, digits) if len(found) == 10**digits else alternatives(map(_text, fractions))
    zeros = Repeat(literal("0"), 0, _MOST_ZEROS)
    behind = alternatives((sequence((ends, zeros)), Repeat(literal("0"), 1, _MOST_ZEROS)))
    return sequence((sign, _whole(1), repeated(sequence((literal("."), behind)), 0, 1)))


def _leading(behind: int) -> Node:
    return sequence((Chars(((49, 57),)), Repeat(_DIGIT, 0, _MOST_DIGITS - 1 - behind)))


def _text(text: str) -> Node:
    return sequence(map(literal, text))
