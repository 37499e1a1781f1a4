"""Telling that a reply says the same over and over, which small models do until their tokens run out.  Pure.

A loop is a text whose end is one stretch of at most 1,000 characters, repeated: at least 8 times, and for at least
3,000 characters together.  Anything less may be data: 999 zeros in a list (`0, 0, ...`), seven equal rows of a table.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from lmextract.types import Reply

__all__ = ["Loop", "LoopWatch", "find_loop", "without_loop"]

_LEAST_CHARS = 3000
_LEAST_ROUNDS = 8
_LONGEST_ROUND = 1000
_WINDOW = _LEAST_ROUNDS * _LONGEST_ROUND
_PROBE = 32
_CHECK_EVERY = 512


@dataclass(frozen=True, slots=True)
class Loop:
    """The end of a text that repeats itself: where the first round begins, and how long a round is, in characters."""

    start: int
    period: int

    @property
    def kept(self) -> int:
        """How much of the text is worth keeping: up to the end of the first round."""
        return self.start + self.period


def find_loop(text: str) -> Loop | None:
    """Find the loop that a text ends in."""
    period = _period(text[-_WINDOW:])
    return Loop(_start(text, period), period) if period else None


def without_loop(reply: Reply) -> Reply:
    """The reply, cut after the first round of the loop that its content or its reasoning ends in."""
    if (loop := find_loop(reply.content)) is not None:
        return replace(reply, finish="length", looped=True, content=reply.content[: loop.kept])
    if (loop := find_loop(reply.reasoning)) is not None:
        return replace(reply, finish="length", looped=True, reasoning=reply.reasoning[: loop.kept])
    return reply


class LoopWatch:
    """Watches a text that grows, at a cost in proportion to its length."""

    def __init__(self) -> None:
        self._window = ""
        self._waiting: list[str] = []
        self._unseen = 0

    def loops(self, text: str) -> bool:
        """Add a piece of text, and say whether the whole now ends in a loop; looked at every 512 characters."""
        self._waiting.append(text)
        self._unseen += len(text)
        if self._unseen < _CHECK_EVERY:
            return False
        self._window = "".join((self._window, *self._waiting))[-_WINDOW:]
        self._waiting.clear()
        self._unseen = 0
        return _period(self._window) is not None


def _period(window: str) -> int | None:
    """The length of the shortest round that the window ends in often enough."""
    size = len(window)
    if size < _LEAST_CHARS:
        return None
    probe = window[-_PROBE:]
    at = window.rfind(probe, 0, size - 1)
    while at >= 0 and (period := size - _PROBE - at) <= _LONGEST_ROUND:
        span = max(_LEAST_CHARS, _LEAST_ROUNDS * period)
        if span <= size and window[size - span : -period] == window[size - span + period :]:
            return period
        at = window.rfind(probe, 0, at + _PROBE - 1)
    return None


def _start(text: str, period: int) -> int:
    """Where the repetition begins: the first character from which on each equals the one a round later."""
    at = len(text) - period
    step = _WINDOW
    while at > 0:
        before = max(0, at - step)
        if text[before:at] == text[before + period : at + period]:
            at = before
        elif step == 1:
            break
        else:
            step = max(1, step // 2)
    return at
