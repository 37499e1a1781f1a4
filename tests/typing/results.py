"""The types of what comes back: extractions, readings, checks, errors."""

from __future__ import annotations

from typing import Any, assert_type

from pydantic import BaseModel

from lmextract import (
    Attempt,
    ContextOverflow,
    Extraction,
    Extractor,
    Invalid,
    LMExtractError,
    Note,
    Path,
    Problem,
    Reading,
    Reply,
    ReplyError,
    Request,
    ServerUnavailable,
    Target,
    Usage,
    Valid,
    WireSchema,
    compile_schema,
    read_reply,
)


class Book(BaseModel):
    title: str


def told(extraction: Extraction[Book]) -> None:
    assert_type(extraction.value, Book)
    assert_type(extraction.notes, tuple[Note, ...])
    assert_type(extraction.notes[0].path, Path)
    assert_type(extraction.attempts, tuple[Attempt, ...])
    assert_type(extraction.attempts[0].problems, tuple[Problem, ...])
    assert_type(extraction.attempts[0].request, Request)
    assert_type(extraction.usage + Usage(prompt=1), Usage)
    assert_type(extraction.model, str | None)


def checked(target: Target[Book], value: object) -> Book | tuple[Problem, ...]:
    match target.check(value):
        case Valid(book):
            return assert_type(book, Book)
        case Invalid(problems):
            return assert_type(problems, tuple[Problem, ...])


def read(reply: Reply) -> Book | None:
    reading = read_reply(reply, Book)
    assert_type(reading, Reading[Book])
    assert_type(read_reply('["Dune"]', list[str]).value, list[str])
    assert_type(read_reply(reply, {"type": "object"}).value, Any)
    return reading.value if reading.ok else None


def compiled() -> WireSchema:
    return compile_schema(list[Book], "gguf")


def caught(text: str) -> Book | None:
    try:
        return Extractor(Book).run(text).value
    except ServerUnavailable as error:
        assert_type(error.retry_after_s, float | None)
        assert_type(error.transient, bool)
    except ContextOverflow as error:
        assert_type(error.context_length, int | None)
    except ReplyError as error:
        assert_type(error.problems, tuple[Problem, ...])
        assert_type(error.attempts, tuple[Attempt, ...])
        assert_type(error.usage, Usage)
    except LMExtractError as error:
        assert_type(error.hint, str)
    return None


def kept_apart(books: Extraction[Book]) -> Extraction[BaseModel]:
    """An extraction of a book is one of a model."""
    return books
