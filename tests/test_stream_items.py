"""Items of a list: each once, in order, as soon as it is complete and valid, and never taken back."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple, TypeAlias

import pytest
from hypothesis import given as examples
from hypothesis import settings
from hypothesis import strategies as st
from pydantic import AfterValidator, BaseModel, Field, ValidationInfo
from tests.support.streams import GIVEN, SOON, given

from lmextract import (
    Delta,
    InvalidReply,
    LMStudio,
    Reply,
    Request,
    ServerUnavailable,
    Target,
    TargetError,
    TruncatedReply,
    stream_items,
)
from lmextract.testing import FakeLMStudio, Fault, Reasoning, ScriptedServer
from lmextract.types import Json, Profile


class Book(BaseModel):
    title: str
    year: int | None = None


BOOKS: list[dict[str, Any]] = [{"title": title, "year": 1960 + n} for n, title in enumerate("ABCD")]
A, B, C, D = BOOKS
LIST: dict[str, Any] = {"type": "array", "items": {"$ref": "#/$defs/N"}, "$defs": {"N": {"type": "integer"}}}


def wrapped(*items: Json) -> str:
    return json.dumps({"value": list(items)})


def titles(books: Sequence[Book]) -> str:
    return "".join(book.title for book in books)


def part(request: Request, value: Json) -> str:
    """The answer to a request for one part of the value."""
    assert request.schema is not None
    (name,) = request.schema.schema["properties"]
    return json.dumps({name: value})


class Told:
    """A server that says what it is told to, and how far it had come when each item was given."""

    def __init__(self, *replies: str, size: int = 5) -> None:
        self.replies, self.size, self.said = list(replies), size, ""
        self.requests: list[Request] = []

    def profile(self, model: str | None, /) -> Profile:
        return Profile(model)

    async def aprofile(self, model: str | None, /) -> Profile:
        return self.profile(model)

    def send(self, request: Request, /) -> Reply:
        raise AssertionError("it streams")

    async def asend(self, request: Request, /) -> Reply:
        raise AssertionError("it streams")

    def stream(self, request: Request, /) -> Generator[Delta]:
        self.requests.append(request)
        text, self.said = self.replies.pop(0), ""
        for at in range(0, len(text), self.size):
            self.said += text[at : at + self.size]
            yield Delta(text[at : at + self.size])
        yield Delta(finish="stop")

    async def astream(self, request: Request, /) -> AsyncGenerator[Delta]:
        for delta in self.stream(request):
            yield delta


@GIVEN
def test_the_items_are_given_typed_and_in_order_and_the_account_at_the_end(run: Any) -> None:
    books, extraction = run(list[Book], ScriptedServer([wrapped(A, B, C)]))

    assert books == [Book(**A), Book(**B), Book(**C)]
    assert extraction.value == books
    assert extraction.notes == ()
    assert len(extraction.attempts) == 1


def test_an_item_is_given_as_soon_as_it_is_complete() -> None:
    server = Told(wrapped(A, B, C), size=1)
    heard = [server.said for _ in stream_items(list[Book], "A text.", server=server)]

    whole = wrapped(A, B, C)
    assert heard == [whole[: whole.index(end) + len(end)] for end in ("1960}", "1961}", "1962}")]


def test_items_that_are_scalars_are_given_with_what_follows_them() -> None:
    server = Told(wrapped(10, 200), size=1)
    heard = [server.said for _ in stream_items(list[int], "A text.", server=server)]

    assert heard == ['{"value": [10,', '{"value": [10, 200]']


@examples(values=st.lists(st.integers(0, 5) | st.text(max_size=3)), size=st.integers(1, 30))
@settings(max_examples=50)
def test_every_item_is_given_once_equal_ones_too(values: list[int | str], size: int) -> None:
    items, extraction = given(list[int | str], ScriptedServer([wrapped(*values)], piece_chars=size))

    assert items == extraction.value == values


# --- what is not valid


@GIVEN
def test_an_invalid_item_is_given_when_it_is_mended_and_what_is_behind_it_then(run: Any) -> None:
    def answer(request: Request) -> str:
        return part(request, 1961) if request.kind == "mend" else wrapped(A, {"title": "B", "year": "soon"}, C)

    books, extraction = run(list[Book], ScriptedServer(answer))

    assert books == extraction.value == [Book(**A), Book(**B), Book(**C)]
    assert [note.code for note in extraction.notes] == ["repaired"]


def test_what_was_given_before_an_invalid_item_does_not_wait_for_it() -> None:
    server = Told(wrapped(A, {"title": "B", "year": "soon"}, C))
    items = stream_items(list[Book], "A text.", server=server, repairs=0)

    assert next(items) == Book(**A)
    assert "soon" not in server.said
    with pytest.raises(InvalidReply):
        next(items)


def test_a_whole_that_is_invalid_is_asked_again_and_nothing_is_given_twice() -> None:
    def different(books: list[Book]) -> list[Book]:
        if len(books) < 3:
            raise ValueError("there are three")
        return books

    server = ScriptedServer([wrapped(A, B), wrapped(A, B, C)])
    books, _ = given(Annotated[list[Book], AfterValidator(different)], server)

    assert titles(books) == "ABC"


def test_a_new_answer_may_put_what_was_given_elsewhere() -> None:
    target = Annotated[list[Book], Field(min_length=3)]
    books, extraction = given(target, ScriptedServer([wrapped(A, B), wrapped(C, B, A)]))

    assert titles(books) == "ABC"
    assert titles(extraction.value) == "CBA"


def test_a_new_answer_may_spell_what_was_given_otherwise() -> None:
    target = Annotated[list[Book], Field(min_length=2)]
    books, _ = given(
        target,
        ScriptedServer(['{"value": [{"title": "A"}]}', '{"value": [{"year": null, "title": "A"}, {"title": "B"}]}']),
    )

    assert titles(books) == "AB"


def test_an_answer_that_takes_an_item_back_is_asked_again() -> None:
    target = Annotated[list[Book], Field(min_length=3)]
    changed = {"title": "A!", "year": 1960}
    whole = [wrapped(A, B), wrapped(changed, B, C)]

    def answer(request: Request) -> str:
        return part(request, A) if request.kind == "mend" else whole.pop(0)

    books, extraction = given(target, ScriptedServer(answer))

    assert titles(books) == "ABC"
    assert titles(extraction.value) == "ABC"


def test_an_answer_that_takes_an_item_back_for_good_is_an_error() -> None:
    target = Annotated[list[Book], Field(min_length=2)]
    items = stream_items(target, "A text.", server=ScriptedServer([wrapped(A), wrapped(B, C)]), repairs=1)

    assert next(items) == Book(**A)
    with pytest.raises(InvalidReply, match="should still have the item"):
        next(items)
    assert items.extraction is None


def test_no_value_is_an_error_after_the_items_that_there_were() -> None:
    items = stream_items(list[Book], "A text.", server=ScriptedServer([wrapped(A, {"year": 1})]), repairs=0)

    assert next(items) == Book(**A)
    with pytest.raises(InvalidReply):
        next(items)


@GIVEN
def test_of_a_list_that_was_cut_the_rest_is_asked_for_and_given(run: Any) -> None:
    def answer(request: Request) -> Reply:
        if request.kind == "extract":
            return Reply(wrapped(A, B, C)[:-30], finish="length")
        return Reply(part(request, [C, D]))

    books, extraction = run(list[Book], ScriptedServer(answer))

    assert titles(books) == titles(extraction.value) == "ABCD"
    assert "truncated" in [note.code for note in extraction.notes]


# --- drafts and loops


@GIVEN
def test_a_failure_half_way_gives_no_item_twice(run: Any) -> None:
    faults = [Fault.stream_error("Compute error.", after=25)]
    with FakeLMStudio([wrapped(A, B, C, D)] * 2, faults=faults) as fake:
        books, _ = run(list[Book], LMStudio(fake.base_url, retry=SOON))

    assert titles(books) == "ABCD"


def test_after_a_failure_a_different_answer_waits_until_it_is_whole() -> None:
    class Fickle(Told):
        def stream(self, request: Request, /) -> Generator[Delta]:
            if request.kind == "extract":
                yield Delta('{"value": [1, 2, ')
                yield Delta('{"value": [3, 1, 2]}', anew=True)
            yield Delta(finish="stop")

    assert given(list[int], Fickle())[0] == [1, 2, 3]


def test_a_draft_in_the_thinking_is_not_given() -> None:
    text = f"<think>{wrapped(A)}</think>{wrapped(B, C)}"

    assert titles(given(list[Book], ScriptedServer([text]))[0]) == "BC"


@pytest.mark.parametrize("place", ["apart", "instead", "tags", "orphan-tag", "marker", "field"])
def test_the_items_are_found_wherever_the_thinking_goes(place: Any) -> None:
    with FakeLMStudio([wrapped(A, B)], reasoning=Reasoning(place=place, obeys=False)) as fake:
        books, _ = given(list[Book], LMStudio(fake.base_url))

    assert titles(books) == "AB"


def test_items_within_prose_wait_for_the_end() -> None:
    text = f"I see two: {wrapped(A)} No, these: {wrapped(B, C)}"

    assert titles(given(list[Book], ScriptedServer([text]))[0]) == "BC"


def test_items_within_a_fence_are_given_at_once() -> None:
    server = Told(f"```json\n{wrapped(A, B)}\n```", size=1)
    items = stream_items(list[Book], "A text.", server=server)

    assert next(items) == Book(**A)
    assert "1961" not in server.said


class Looping(Told):
    """A server that repeats two items without end."""

    def stream(self, request: Request, /) -> Generator[Delta]:
        self.requests.append(request)
        if request.kind != "extract":
            yield Delta(json.dumps({"value": []}), finish="stop")
            return
        yield Delta(wrapped(A)[:-2])
        for _ in range(10_000):
            yield Delta(f", {json.dumps(B)}, {json.dumps(C)}")
        raise AssertionError("nobody stops it")


def test_a_model_that_loops_gives_each_of_its_items_once() -> None:
    books: list[Book] = []
    with pytest.raises((TruncatedReply, InvalidReply)):
        books.extend(stream_items(list[Book], "A text.", server=Looping(), repairs=0))

    seen = stream_items(list[Book], "A text.", server=Looping(), repairs=0)
    assert [next(seen).title for _ in range(3)] == ["A", "B", "C"]
    with pytest.raises((TruncatedReply, InvalidReply)):
        next(seen)


# --- targets


@dataclass
class Point:
    x: int


class Pair(NamedTuple):
    left: int
    right: str


Numbers: TypeAlias = list[int]


@pytest.mark.parametrize(
    ("target", "values", "items"),
    [
        (list[int], [1, 2], [1, 2]),
        (Numbers, [1, 2], [1, 2]),
        (Sequence[int], [1, 2], [1, 2]),
        (tuple[int, ...], [1, 2], [1, 2]),
        (Annotated[list[int], Field(max_length=3)], [1, 2], [1, 2]),
        (list[Point], [{"x": 1}], [Point(1)]),
        (list[Pair], [{"left": 1, "right": "r"}], [Pair(1, "r")]),
        (list[list[int]], [[1], []], [[1], []]),
        (list[Book | int], [A, 3], [Book(**A), 3]),
        (list[Book | None], [None, A], [None, Book(**A)]),
        (LIST, [1, 2], [1, 2]),
    ],
)
def test_whatever_is_a_list_can_be_given_item_by_item(target: Any, values: list[Json], items: list[Any]) -> None:
    assert given(target, ScriptedServer([wrapped(*values)]))[0] == items


@pytest.mark.parametrize(
    "target", [int, Book, dict[str, int], tuple[int, str], set[int], list, str | None, {"type": "object"}]
)
def test_what_is_no_list_is_refused_before_anything_is_sent(target: Any) -> None:
    with pytest.raises(TargetError):
        stream_items(target, "A text.", server=ScriptedServer([]))


def test_a_target_that_was_made_before_is_refused() -> None:
    with pytest.raises(TargetError, match="no list"):
        stream_items(Target.of(list[int]), "A text.", server=ScriptedServer([]))  # type: ignore[call-overload]


def test_the_context_reaches_the_items() -> None:
    def known(title: str, info: ValidationInfo) -> str:
        if info.context is None or title not in info.context:
            raise ValueError("unknown")
        return title

    names = list[Annotated[str, AfterValidator(known)]]
    assert given(names, ScriptedServer([wrapped("a", "b")]), context={"a", "b"})[0] == ["a", "b"]
    with pytest.raises(InvalidReply, match="unknown"):
        given(names, ScriptedServer([wrapped("a", "b")]), context={"a"}, repairs=0)


def test_a_null_that_stands_for_an_absent_field_is_no_mistake() -> None:
    class Note(BaseModel):
        text: str
        page: int = 1

    assert given(list[Note], ScriptedServer([wrapped({"text": "x", "page": None})]))[0] == [Note(text="x")]


def test_nan_in_a_list_of_a_raw_schema_is_never_given() -> None:
    schema = {"type": "array", "items": {"type": "number"}}
    with pytest.raises(InvalidReply):
        given(schema, ScriptedServer(['{"value": [1, NaN]}']), repairs=0)


# --- leaving


def test_a_stream_that_was_closed_gives_nothing_more() -> None:
    with stream_items(list[Book], "A text.", server=ScriptedServer([wrapped(A, B)])) as items:
        assert next(items) == Book(**A)

    assert iter(items) is items
    assert list(items) == []
    assert items.extraction is None


@GIVEN
def test_an_error_of_the_server_ends_it(run: Callable[..., Any]) -> None:
    with pytest.raises(ServerUnavailable):
        run(list[Book], ScriptedServer([ServerUnavailable("gone")]))
