"""Where the answer begins in a text that is still being written, and how far it has come.  Pure.

Thinking, a fence or a line of prose may stand before it.  A draft in the thinking is taken for the answer until the end
of the thinking is seen; the answer that follows is then a new draft.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from lmextract._thinking import split_thinking
from lmextract.partial import PartialJson

__all__ = ["Growth"]

_BRACKET = re.compile(r"[{\[]").search
# At the beginning of a line, or an object that begins as one does.
_START = re.compile(r"(?:\A|[\n>`])[\s\ufeff]*([{\[])|(\{\s*\")").search
_BEFORE = re.compile(r"[\s\ufeff]*(?:(?:```|~~~)\s*\w*\s*)?").fullmatch
_LAG = 100
"""What is read is at most a hundredth of the text behind, so that all looks together cost little more than one."""


class Growth:
    """The first JSON value of a text, or the first after its thinking; `reader` is None until it has begun.

    Every piece is read once; looks and searches grow rarer as the text grows longer: the cost is in proportion to the
    length.
    """

    def __init__(self, reader: Callable[[], PartialJson]) -> None:
        self.reader: PartialJson | None = None
        self.is_direct = False
        """Whether nothing stood before the value, but for a fence."""
        self.size = 0
        self._make = reader
        self._read: list[str] = []
        self._waiting: list[str] = []
        self._due = 0
        self._start = 0
        self._is_half_begun = False

    def add(self, text: str) -> bool:
        """Take a piece, without reading it yet; True where it is time to read what waits."""
        self._waiting.append(text)
        self.size += len(text)
        return self.size >= self._due

    def read(self) -> None:
        """Read what waits."""
        new = "".join(self._waiting)
        self._read.append(new)
        self._waiting.clear()
        self._due = self.size + self.size // _LAG
        if self.reader is not None and self.is_reading:
            self.reader.feed(new)
        elif self._is_half_begun or _BRACKET(new):
            self._search()

    @property
    def is_reading(self) -> bool:
        """Whether the value has begun and has not come to its end."""
        return self.reader is not None and not self.reader.ended and not self.reader.broken

    def _search(self) -> None:
        text = "".join(self._read)
        self._read = [text]
        self._is_half_begun = text.rstrip().endswith("{")
        after = _answer(text)
        if after is None or (self.reader is not None and after <= self._start):
            return
        found = _START(text[after:])
        if found:
            self._start = after + found.end() - len(found[1] or found[2])
            self.is_direct = self.reader is None and _BEFORE(text[: self._start]) is not None
            self.reader = self._make()
            self.reader.feed(text[self._start :])


def _answer(text: str) -> int | None:
    """Where the answer begins: after the thinking; None while the model is still thinking."""
    split = split_thinking(text)
    if split.source == "content":
        return 0
    answer = split.answers[0] if split.answers else ""
    return len(text) - len(answer) if answer and text.endswith(answer) else None
