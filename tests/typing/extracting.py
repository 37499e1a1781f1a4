"""What type checkers infer from the first argument of `extract`, `aextract` and `Extractor`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Generic, Literal, NamedTuple, TypedDict, TypeVar, assert_type

from pydantic import BaseModel, Field

from lmextract import (
    Document,
    Extraction,
    Extractor,
    LMExtractError,
    LMStudio,
    Options,
    Reply,
    Step,
    Target,
    aextract,
    extract,
)


class Book(BaseModel):
    title: str
    year: int | None = None


class Film(BaseModel):
    title: str
    minutes: int


@dataclass
class Author:
    name: str
    born: date | None


class Address(TypedDict):
    street: str
    city: str


class Point(NamedTuple):
    x: float
    y: float


class Genre(Enum):
    NOVEL = "novel"
    POETRY = "poetry"


Item = TypeVar("Item")


class Page(BaseModel, Generic[Item]):
    items: list[Item]
    number: int


Isbn = Annotated[str, Field(pattern=r"^97[89]\d{10}$")]
Mood = Literal["glad", "sad"]


def types(text: str) -> None:
    assert_type(extract(Book, text), Book)
    assert_type(extract(Author, text), Author)
    assert_type(extract(Address, text), Address)
    assert_type(extract(Point, text), Point)
    assert_type(extract(Genre, text), Genre)
    assert_type(extract(Page[Book], text), Page[Book])
    assert_type(extract(str, text), str)
    assert_type(extract(date, text), date)
    assert_type(extract(Decimal, text), Decimal)


def type_forms(text: str) -> None:
    assert_type(extract(list[Book], text), list[Book])
    assert_type(extract(dict[str, Book], text), dict[str, Book])
    assert_type(extract(tuple[str, int], text), tuple[str, int])
    assert_type(extract(Book | None, text), Book | None)
    assert_type(extract(Book | Film, text), Book | Film)
    assert_type(extract(list[Book | Film], text), list[Book | Film])
    assert_type(extract(Literal["a", "b"], text), Literal["a", "b"])
    assert_type(extract(Mood, text), Literal["glad", "sad"])
    assert_type(extract(Annotated[int, Field(ge=0)], text), int)
    assert_type(extract(Isbn, text), str)
    assert_type(extract(list[Isbn], text), list[str])


def schemas(text: str, schema: dict[str, Any], read_only: Mapping[str, object], path: Path) -> None:
    assert_type(extract(schema, text), Any)
    assert_type(extract(read_only, text), Any)
    assert_type(extract(path, text), Any)
    assert_type(extract("schemas/book.json", text), Any)
    assert_type(extract({"type": "object", "properties": {"title": {"type": "string"}}}, text), Any)


def extractors(text: str) -> None:
    books = Extractor(Book, model="qwen3-4b", repairs=1)
    assert_type(books, Extractor[Book])
    assert_type(books.run(text), Extraction[Book])
    assert_type(books.run(Document(text, source="inbox/1.txt")).value, Book)
    assert_type(Extractor(list[Book]).run(text).value, list[Book])
    assert_type(Extractor(Book | None).run(text).value, Book | None)
    assert_type(Extractor(Mood).run(text).value, Literal["glad", "sad"])
    assert_type(Extractor({"type": "object"}), Extractor[Any])
    assert_type(Extractor(Path("schemas/book.json")).run(text).value, Any)


def targets(book: Target[Book], text: str) -> None:
    assert_type(extract(book, text), Book)
    assert_type(Extractor(book).run(text).value, Book)


async def awaited(text: str) -> None:
    assert_type(await aextract(Book, text), Book)
    assert_type(await aextract(list[Book], text), list[Book])
    assert_type(await aextract(Book | None, text), Book | None)
    assert_type(await aextract(Literal["a", "b"], text), Literal["a", "b"])
    assert_type(await aextract({"type": "object"}, text), Any)
    assert_type(await Extractor(Book).arun(text), Extraction[Book])


def every_argument(text: str, examples: Sequence[tuple[str, Book]]) -> Book:
    return extract(
        Book,
        text,
        server=LMStudio("http://127.0.0.1:1234/v1", "key", "qwen3-4b", timeout_s=60),
        model="qwen3-4b",
        instructions="The first edition's year.",
        examples=examples,
        repairs=0,
        options=Options(max_tokens=500, temperature=0.2),
        context={"today": date(2026, 1, 1)},
        think=True,
        on_step=show,
    )


def show(step: Step) -> None:
    assert_type(step.reply, Reply | None)
    assert_type(step.error, LMExtractError | None)


def a_generic_function(target: type[Item], texts: list[str]) -> list[Item]:
    extractor = Extractor(target)
    return [extractor.run(text).value for text in texts]


def mistakes(text: str) -> Film:
    """Each line is an error to both checkers, or its comment would be one."""
    extract(Book, text).pages()  # type: ignore[attr-defined]  # pyright: ignore[reportUnknownMemberType, reportAttributeAccessIssue]
    extract(Book, text.encode())  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue, reportArgumentType]
    extract(Book)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    extract(Book, text, "qwen3-4b")  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    extract(Book, text, modle="qwen3-4b")  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    extract(Book, text, repairs="2")  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue, reportArgumentType]
    extract(Book, text, server="lmstudio")  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue, reportArgumentType]
    extract(3, text)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue, reportArgumentType]
    Extractor(Book, repairs=None)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue, reportArgumentType]
    Extractor(Book).run(text.encode())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Extractor(Book).repairs = 3  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    Options(temprature=0.2)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    return extract(Book, text)  # type: ignore[return-value]  # pyright: ignore[reportReturnType]
