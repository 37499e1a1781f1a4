"""What a streaming driver tells, folded into partial values.  Pure, but for the loops at the end."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from contextlib import closing
from typing import Any, TypeVar

from lmextract._absent import Shape
from lmextract._growth import Growth
from lmextract._owned import Owned
from lmextract.drive import Event
from lmextract.partial import Partial, PartialJson
from lmextract.types import Delta, Extraction, JsonSchema, Reply, Request

__all__ = ["Progress", "apartials", "growth_of", "is_whole", "partials"]

T = TypeVar("T")


class Progress:
    """Sees the events of one extraction, and says when there is more to be seen of the value."""

    def __init__(self, schema: JsonSchema) -> None:
        self._schema = schema
        self._is_whole = False
        self._draft = 0
        self._shown: tuple[PartialJson | None, int] = (None, 0)
        self._content: Growth
        self._thoughts: Growth

    def see(self, event: Event[Any]) -> Partial | None:
        """The value so far, if the event has brought more of it."""
        if isinstance(event, Delta):
            return self._partial() if self._is_whole and self._add(event) else None
        if isinstance(event, Request):
            self._request = event
            self._is_whole = is_whole(event)
            self._begin()
        elif isinstance(event, Reply) and self._is_whole:
            self._content.read()
            self._thoughts.read()
            return self._partial()
        return None

    def _begin(self) -> None:
        self._content = growth_of(self._request, self._schema)
        self._thoughts = growth_of(self._request, self._schema)

    def _add(self, delta: Delta) -> bool:
        if delta.anew:
            self._begin()
        content = self._content
        is_content = delta.content or content.size
        growth, text = (content, delta.content) if is_content else (self._thoughts, delta.reasoning)
        if not growth.add(text):
            return False
        growth.read()
        return True

    def _partial(self) -> Partial | None:
        reader = self._content.reader
        if reader is None and self._thoughts.is_direct:  # the schema was laid upon the thinking, as by BT#1773
            reader = self._thoughts.reader
        if reader is None or self._shown == (reader, reader.version):
            return None
        snapshot = reader.snapshot()
        if snapshot is None:
            return None
        self._draft += reader is not self._shown[0]
        self._shown = reader, reader.version
        return Partial(snapshot, self._draft)


def is_whole(request: Request) -> bool:
    """Whether the answer to a request is the whole value, and not thinking or a part of it."""
    return request.kind in ("extract", "repair")


def growth_of(request: Request, schema: JsonSchema) -> Growth:
    """The growth of a reply to a request for a value of the schema."""
    wrapped = request.schema is not None and request.schema.wrapped
    shape = Shape.of(schema, wrapped=wrapped)
    return Growth(lambda: PartialJson(shape, wrapped=wrapped))


def partials(events: Generator[Event[T]], schema: JsonSchema) -> Generator[Partial | Extraction[T]]:
    """The partial values of an extraction, and at last its result."""
    progress = Progress(schema)
    with closing(events):
        for event in events:
            seen = event if isinstance(event, Extraction) else progress.see(event)
            if seen is not None:
                yield seen


async def apartials(events: AsyncGenerator[Event[T]], schema: JsonSchema) -> AsyncGenerator[Partial | Extraction[T]]:
    """Do as `partials` does, awaited."""
    progress = Progress(schema)
    async with Owned(events) as owned:
        async for event in owned:
            seen = event if isinstance(event, Extraction) else progress.see(event)
            if seen is not None:
                yield seen
