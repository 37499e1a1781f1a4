"""Numbers on the command line, checked as they are read."""

from __future__ import annotations

from argparse import ArgumentTypeError
from math import isfinite

__all__ = ["at_least_one", "not_negative", "not_negative_number", "positive_seconds"]


def not_negative(text: str) -> int:
    """A whole number from 0."""
    return _whole(text, 0)


def at_least_one(text: str) -> int:
    """A whole number from 1."""
    return _whole(text, 1)


def positive_seconds(text: str) -> float:
    """A number above 0."""
    number = not_negative_number(text)
    if number == 0:
        raise ArgumentTypeError("must be more than 0")
    return number


def not_negative_number(text: str) -> float:
    """A number from 0."""
    try:
        number = float(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is no number") from None
    if number < 0 or not isfinite(number):
        raise ArgumentTypeError(f"{text} is not a number from 0")
    return number


def _whole(text: str, least: int) -> int:
    try:
        number = int(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is no whole number") from None
    if number < least:
        raise ArgumentTypeError(f"{number} is less than {least}")
    return number
