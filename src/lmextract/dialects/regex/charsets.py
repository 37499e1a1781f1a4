"""Sets of characters as sorted, disjoint, inclusive ranges of code points."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

__all__ = [
    "ALL",
    "DIGIT",
    "DOT",
    "LAST",
    "NOT_DIGIT",
    "NOT_SPACE",
    "NOT_WORD",
    "SPACE",
    "WORD",
    "CharSet",
    "charset",
    "complement",
    "either_case",
    "holds",
    "intersect",
    "single",
    "union",
]

CharSet: TypeAlias = tuple[tuple[int, int], ...]

LAST = 0x10FFFF


def charset(ranges: Iterable[tuple[int, int]]) -> CharSet:
    """The set of some ranges, sorted and merged."""
    merged: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if merged and low <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
        else:
            merged.append((low, high))
    return tuple(merged)


def single(char: str) -> CharSet:
    """The set of one character."""
    return ((ord(char), ord(char)),)


def union(*sets: CharSet) -> CharSet:
    """Characters of any of the sets."""
    return charset(each for one in sets for each in one)


def complement(one: CharSet) -> CharSet:
    """Every character but those of the set."""
    gaps: list[tuple[int, int]] = []
    at = 0
    for low, high in one:
        if low > at:
            gaps.append((at, low - 1))
        at = high + 1
    if at <= LAST:
        gaps.append((at, LAST))
    return tuple(gaps)


def intersect(one: CharSet, other: CharSet) -> CharSet:
    """Characters of both sets."""
    out: list[tuple[int, int]] = []
    for low, high in one:
        for other_low, other_high in other:
            if other_low > high:
                break
            if other_high >= low:
                out.append((max(low, other_low), min(high, other_high)))
    return tuple(out)


def holds(one: CharSet, other: CharSet) -> bool:
    """Whether every character of `other` is one of `one`."""
    return intersect(one, other) == other


def either_case(one: CharSet) -> CharSet:
    """The set with the other case of its ASCII letters."""
    upper = intersect(one, ((65, 90),))
    lower = intersect(one, ((97, 122),))
    return union(one, tuple((a + 32, b + 32) for a, b in upper), tuple((a - 32, b - 32) for a, b in lower))


def _ranges(text: str) -> CharSet:
    pairs = (each.partition("-") for each in text.split())
    return charset((int(low, 16), int(high or low, 16)) for low, _, high in pairs)


ALL: CharSet = ((0, LAST),)
DOT = complement(single("\n"))
DIGIT: CharSet = ((48, 57),)
SPACE = _ranges("9-d 1c-20 85 a0 1680 2000-200a 2028-2029 202f 205f 3000")
NOT_SPACE = complement(SPACE)
# What `\w` means differs between engines of regular expressions beyond ASCII: the letters here are letters for all of
# them, and the symbols of NOT_WORD are letters for none, so either is a part of what the author of a pattern allows.
_LETTERS = _ranges(
    "c0-d6 d8-f6 f8-2c1 386 388-38a 38c 38e-3a1 3a3-3f5 400-481 48a-52f 531-556 561-586 5d0-5ea 620-64a 671-6d3"
    " 904-939 e01-e30 10d0-10fa 1100-1248 1e00-1f15 3041-3096 30a1-30fa 3400-4db5 4e00-9fa5 ac00-d7a3"
)
_SYMBOLS = _ranges(
    "80-84 86-9f a1-a9 ab-b1 b4 b6-b8 bb bf d7 f7 2010-2027 2030-203e 20a0-20b5 2190-23f3 2500-2767 1f300-1f64f"
)
WORD = union(_ranges("30-39 41-5a 5f 61-7a"), _LETTERS)
NOT_WORD = union(_ranges("0-2f 3a-40 5b-5e 60 7b-7f a0 1680 2000-200a 2028-2029 202f 205f 3000"), _SYMBOLS)
NOT_DIGIT = union(_ranges("0-2f 3a-65f"), _LETTERS, _SYMBOLS, SPACE)
