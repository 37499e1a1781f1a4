"""The pieces of a streamed reply put together, for as long as they make sense.  Pure."""

from __future__ import annotations

from lmextract.errors import ServerUnavailable
from lmextract.looping import LoopWatch, without_loop
from lmextract.types import Delta, Reply, Usage

__all__ = ["Assembly", "delta_of"]


class Assembly:
    """Collects the pieces of one reply."""

    def __init__(self) -> None:
        self._last = Delta()
        self._begin()

    def _begin(self) -> None:
        self._content: list[str] = []
        self._reasoning: list[str] = []
        self._content_watch, self._reasoning_watch = LoopWatch(), LoopWatch()
        self._pieces = 0
        self._looped = False

    def add(self, delta: Delta) -> bool:
        """Take one more piece; False where the reply says the same over and over, and more would be a waste."""
        if delta.anew:
            self._begin()
        self._last = delta
        self._pieces += 1
        if delta.content:
            self._content.append(delta.content)
            self._looped = self._content_watch.loops(delta.content)
        if delta.reasoning:
            self._reasoning.append(delta.reasoning)
            self._looped = self._looped or self._reasoning_watch.loops(delta.reasoning)
        return not self._looped or delta.finish is not None

    def reply(self) -> Reply:
        """The reply; of one that was given up its tokens are counted by its pieces, since no server tells them then."""
        content, reasoning, last = "".join(self._content), "".join(self._reasoning), self._last
        if last.finish is not None:
            return Reply(content, reasoning, last.finish, last.usage or Usage(), last.model, last.seconds)
        if not self._looped:
            raise ServerUnavailable("the server's stream ended before the answer did")
        cut = Reply(content, reasoning, "length", Usage(completion=self._pieces), last.model, last.seconds)
        return without_loop(cut)


def delta_of(reply: Reply) -> Delta:
    """A whole reply as the one piece of itself."""
    return Delta(reply.content, reply.reasoning, reply.finish, reply.usage, reply.model, reply.seconds)
