"""What type checkers know of steps and attempts."""

from __future__ import annotations

from typing import assert_type

from pydantic import BaseModel

from lmextract import (
    Attempt,
    Extractor,
    Problem,
    Reply,
    Request,
    ServerError,
    Step,
    Usage,
    aextract,
    extract,
    extractor,
)


class Book(BaseModel):
    title: str


def show(step: Step) -> None:
    assert_type(step.number, int)
    assert_type(step.kind, str)
    assert_type(step.request, Request)
    assert_type(step.reply, Reply | None)
    assert_type(step.seconds, float)


def attempts(text: str) -> None:
    result = Extractor(Book, on_step=show).run(text)
    assert_type(result.attempts, tuple[Attempt, ...])
    assert_type(result.seconds, float)
    assert_type(result.attempts[0].usage, Usage)
    assert_type(result.attempts[0].finish, str)
    assert_type(result.attempts[0].problems, tuple[Problem, ...])


def failure(error: ServerError) -> None:
    assert_type(error.attempts, tuple[Attempt, ...])


async def every_entrance(text: str, seen: list[Step]) -> None:
    assert_type(extract(Book, text, on_step=seen.append), Book)
    assert_type(await aextract(Book, text, on_step=lambda step: step.number), Book)


@extractor(on_step=show)
def book_in(text: str) -> Book:
    """Extract the book."""
    raise NotImplementedError
