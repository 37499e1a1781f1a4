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
_SEARCH_LAG = 64


class Growth:
    """The first JSON value of a text, or the first after its thinking; `reader` is None until it has begun.

    Every piece is read at most once, and the searches grow rarer as the text grows longer: the cost is in proportion to
    the length.
    """

    def __init__(self, reader: Callable[[], PartialJson]) -> None:
        self.reader: PartialJson | None = None
        self.is_direct = False
        """Whether nothing stood before the value, but for a fence."""
        self.size = 0
        self._make = reader
        self._read: list[str] = []
        self._waiting: list[str] = []
        self._waiting_size = 0
        self._start = 0
        self._may_begin = False

    def add(self, text: str) -> None:
        """Take a piece, without reading it yet."""
        self._waiting.append(text)
        self._waiting_size += len(text)
        self.size += len(text)

    def is_due(self, lag: int) -> bool:
        """Whether what waits is a `lag`-th of the text at least."""
        return self._waiting_size * lag >= self.size

    def read(self) -> None:
        """Read what waits."""
        if self._reads_on() and self.reader is not None:
            self.reader.feed(self._taken())
            return
        self._may_begin = self._may_begin or any(map(_BRACKET, self._waiting))
        if self._may_begin and self.is_due(_SEARCH_LAG):
            self._taken()
            self._search()

    def finish(self) -> None:
        """Read what waits, whatever that costs: no more will come."""
        if self._reads_on():
            self.read()
        elif self._may_begin or any(map(_BRACKET, self._waiting)):
            self._taken()
            self._search()

    def _reads_on(self) -> bool:
        return self.reader is not None and not self.reader.ended and not self.reader.broken

    def _taken(self) -> str:
        new = "".join(self._waiting)
        self._read.append(new)
        self._waiting.clear()
        self._waiting_size = 0
        return new

    def _search(self) -> None:
        text = "".join(self._read)
        self._read = [text]
        self._may_begin = False
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
