"""Short ways to watch an extraction, from threads and from event loops alike."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from pydantic import BaseModel

from lmextract import Extraction, Partial, Retry, astream, astream_items, stream, stream_items
from lmextract.types import Json

BOOK: dict[str, Any] = {"title": "The Left Hand of Darkness", "year": 1969, "tags": ["novel", "ice"]}
BOOK_TEXT = json.dumps(BOOK)
SOON = Retry(attempts=3, budget_s=2, first_wait_s=0.001, longest_wait_s=0.002)


class Book(BaseModel):
    title: str
    year: int
    tags: list[str] = []
    isbn: str = ""


def streamed(target: Any, server: Any, **how: Any) -> tuple[list[Partial], Extraction[Any]]:
    """The partial values and the result."""
    return _told_apart(list(stream(target, "A text.", server=server, **how)))


def astreamed(target: Any, server: Any, **how: Any) -> tuple[list[Partial], Extraction[Any]]:
    """Do as `streamed` does, on an event loop."""

    async def parts() -> list[Any]:
        return [part async for part in astream(target, "A text.", server=server, **how)]

    return _told_apart(asyncio.run(parts()))


def _told_apart(parts: list[Any]) -> tuple[list[Partial], Extraction[Any]]:
    *partials, result = parts
    assert all(isinstance(part, Partial) for part in partials)
    assert isinstance(result, Extraction)
    return partials, result


def given(target: Any, server: Any, **how: Any) -> tuple[list[Any], Extraction[Any]]:
    """The items of a list and the result."""
    items = stream_items(target, "A text.", server=server, **how)
    found = list(items)
    assert items.extraction is not None
    return found, items.extraction


def agiven(target: Any, server: Any, **how: Any) -> tuple[list[Any], Extraction[Any]]:
    """Do as `given` does, on an event loop."""

    async def found() -> tuple[list[Any], Extraction[Any]]:
        items = astream_items(target, "A text.", server=server, **how)
        everything = [item async for item in items]
        assert items.extraction is not None
        return everything, items.extraction

    return asyncio.run(found())


STREAMED = pytest.mark.parametrize("run", [streamed, astreamed])
GIVEN = pytest.mark.parametrize("run", [given, agiven])


def shown(partials: list[Partial], draft: int | None = None) -> list[Json]:
    """The values of the partials, or those of one draft."""
    return [partial.json for partial in partials if draft in (None, partial.draft)]


def drafts(partials: list[Partial]) -> list[int]:
    """The drafts that there were."""
    return sorted({partial.draft for partial in partials})


def grows(earlier: Json, later: Json) -> bool:
    """Whether a JSON value is another one with more in it."""
    if isinstance(earlier, dict) and isinstance(later, dict):
        return all(name in later and grows(value, later[name]) for name, value in earlier.items())
    if isinstance(earlier, list) and isinstance(later, list):
        return len(earlier) <= len(later) and all(map(grows, earlier, later))
    if isinstance(earlier, str) and isinstance(later, str):
        return later.startswith(earlier)
    return earlier == later and type(earlier) is type(later)
