"""Numbers as JSON spells them: what they mean, and which of them nothing can hold."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from fractions import Fraction

from lmextract.types import Json

__all__ = ["MAX_DIGITS", "Word", "number"]

MAX_DIGITS = 4000
"""Longer integers are refused: Python itself refuses to print and to parse them (`sys.set_int_max_str_digits`)."""


@dataclass(frozen=True, slots=True)
class Word:
    """An unquoted value: what it means, where the text goes on (not beyond the start: nothing was read).

    `plain` tells that it is a number or a literal rather than a bare word; `others` are its other readings.
    """

    value: Json
    end: int
    tolerated: tuple[str, ...] = ()
    others: tuple[Json, ...] = ()
    plain: bool = True
    flaw: str = ""
    message: str = ""


def number(digits: str, end: int) -> Word:
    """The value of a number that is spelled as JSON spells it."""
    if "." not in digits and "e" not in digits and "E" not in digits:
        if len(digits) > MAX_DIGITS:
            return Word(None, end, flaw="too_large", message=f"a number of {len(digits)} digits")
        return Word(int(digits), end)
    value = float(digits)
    if math.isinf(value):
        return Word(value, end, flaw="too_large", message=f"the number {digits[:40]} is beyond what a float holds")
    if len(digits) > 16 and len(digits) < MAX_DIGITS and not _is_exact(digits, value):
        return Word(value, end, ("rounded numbers",), (digits,))
    return Word(value, end)


def _is_exact(digits: str, value: float) -> bool:
    exponent = re.search(r"[eE]([-+]?\d+)\Z", digits)
    return bool(exponent and abs(int(exponent[1])) > 400) or Fraction(repr(value)) == Fraction(digits)
