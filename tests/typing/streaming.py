"""What type checkers infer for streams, and servers that stream."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from pathlib import Path
from typing import Any, NamedTuple, assert_type

from pydantic import BaseModel

from lmextract import (
    Delta,
    Extraction,
    Extractor,
    LMStudio,
    Options,
    Partial,
    Reply,
    Request,
    Server,
    StreamingServer,
    astream,
    astream_items,
    stream,
    stream_items,
)
from lmextract.streaming import AsyncItemStream, ItemStream
from lmextract.types import Profile


class Book(BaseModel):
    title: str


class Point(NamedTuple):
    x: float
    y: float


def watched(text: str) -> Book | None:
    for part in stream(Book, text):
        assert_type(part, Partial | Extraction[Book])
        if isinstance(part, Partial):
            assert_type(part.json, Any)
            assert_type(part.draft, int)
            assert_type(part.has("authors", 0), bool)
        else:
            assert_type(part, Extraction[Book])
            return part.value
    return None


def types(text: str) -> None:
    assert_type(stream(list[Book], text), Generator[Partial | Extraction[list[Book]], None, None])
    assert_type(stream(Book | None, text), Generator[Partial | Extraction[Book | None], None, None])
    assert_type(stream({"type": "object"}, text), Generator[Partial | Extraction[Any], None, None])
    assert_type(astream(Book, text), AsyncGenerator[Partial | Extraction[Book], None])
    assert_type(Extractor(Book).stream(text), Generator[Partial | Extraction[Book], None, None])
    assert_type(Extractor(Book).astream(text), AsyncGenerator[Partial | Extraction[Book], None])


def items(text: str) -> None:
    assert_type(stream_items(list[Book], text), ItemStream[Book])
    assert_type(stream_items(list[Point], text), ItemStream[Point])
    assert_type(stream_items(list[Book | None], text), ItemStream[Book | None])
    assert_type(stream_items({"type": "array", "items": {}}, text), ItemStream[Any])
    assert_type(stream_items(Path("books.json"), text), ItemStream[Any])
    assert_type(Extractor(list[Book]).stream_items(text), ItemStream[Book])
    with stream_items(list[Book], text, repairs=1, options=Options(seed=1)) as books:
        for book in books:
            assert_type(book, Book)
        assert_type(books.extraction, Extraction[list[Book]] | None)


async def awaited(text: str) -> list[Book]:
    async for part in astream(Book, text, server=LMStudio()):
        assert_type(part, Partial | Extraction[Book])
    assert_type(astream_items(list[Book], text), AsyncItemStream[Book])
    assert_type(Extractor(list[Book]).astream_items(text), AsyncItemStream[Book])
    async with astream_items(list[Book], text) as books:
        return [book async for book in books]


class Plain:
    def profile(self, model: str | None, /) -> Profile:
        return Profile(model)

    async def aprofile(self, model: str | None, /) -> Profile:
        return self.profile(model)

    def send(self, request: Request, /) -> Reply:
        return Reply("{}")

    async def asend(self, request: Request, /) -> Reply:
        return self.send(request)


class Streaming(Plain):
    def stream(self, request: Request, /) -> Generator[Delta]:
        yield Delta("{}", finish="stop")

    async def astream(self, request: Request, /) -> AsyncGenerator[Delta]:
        yield Delta("{}", finish="stop")


SERVERS: tuple[Server, ...] = (Plain(), Streaming(), LMStudio())
STREAMING_SERVERS: tuple[StreamingServer, ...] = (Streaming(), LMStudio())


def mistakes(text: str) -> None:
    """Each line is an error to both checkers, or its comment would be one."""
    stream(Book, text).extraction()  # type: ignore[attr-defined]  # pyright: ignore[reportUnknownMemberType, reportAttributeAccessIssue]
    stream(Book, text.encode())  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue, reportArgumentType]
    stream(Book, text, modle="qwen3-4b")  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    stream_items(Book, text)  # type: ignore[arg-type]  # pyright: ignore[reportCallIssue, reportArgumentType]
    Extractor(Book).stream_items(text)  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
