"""Partial values: what is shown on the way, and that the end is that of an extraction that was not watched."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Generator
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.streams import BOOK, BOOK_TEXT, STREAMED, Book, astreamed, drafts, grows, shown, streamed

from lmextract import (
    Delta,
    DocumentError,
    Extraction,
    Extractor,
    InvalidReply,
    LMExtractError,
    LMStudio,
    Partial,
    Reply,
    Request,
    SchemaRefused,
    ServerUnavailable,
    StreamingServer,
    Usage,
    astream,
    stream,
)
from lmextract.servers._wire import encode
from lmextract.testing import ScriptedServer
from lmextract.types import Json, Profile

# --- what is shown


@STREAMED
def test_the_value_grows_and_the_last_part_is_the_validated_extraction(run: Any) -> None:
    partials, result = run(Book, ScriptedServer(['{"title": "Dune", "year": 1965, "tags": ["sand"]}'], piece_chars=3))

    assert shown(partials) == [
        {},
        {"title": "D"},
        {"title": "Dune"},
        {"title": "Dune"},
        {"title": "Dune", "year": 1965},
        {"title": "Dune", "year": 1965, "tags": [""]},
        {"title": "Dune", "year": 1965, "tags": ["san"]},
        {"title": "Dune", "year": 1965, "tags": ["sand"]},
        {"title": "Dune", "year": 1965, "tags": ["sand"]},
    ]
    assert result.value == Book(title="Dune", year=1965, tags=["sand"])
    assert result.notes == ()


def test_a_part_can_be_asked_what_is_complete() -> None:
    partials, _ = streamed(Book, ScriptedServer(['{"title": "Dune", "year": 1965, "tags": ["sand"]}'], piece_chars=3))

    assert [partial.has("title") for partial in partials[:4]] == [False, False, False, True]
    assert [str(partial.growing) for partial in partials[-3:]] == ["$.tags[0]", "$", "None"]


def test_a_list_is_shown_without_the_object_that_it_travels_in() -> None:
    partials, result = streamed(list[int], ScriptedServer(['{"value": [1, 2, 3]}']))

    assert shown(partials)[0] == []
    assert shown(partials)[-1] == [1, 2, 3]
    assert result.value == [1, 2, 3]


def test_a_null_that_stands_for_an_absent_field_is_not_shown() -> None:
    partials, result = streamed(Book, ScriptedServer(['{"title": "Dune", "year": 1965, "tags": null, "isbn": null}']))

    assert shown(partials)[-1] == {"title": "Dune", "year": 1965}
    assert result.value == Book(title="Dune", year=1965)


@given(
    book=st.fixed_dictionaries({"title": st.text(), "year": st.integers(), "tags": st.lists(st.text())}),
    size=st.integers(1, 50),
    style=st.sampled_from([None, 2]),
)
@settings(max_examples=50)
def test_within_a_draft_each_value_extends_the_one_before_it(book: Json, size: int, style: int | None) -> None:
    server = ScriptedServer([json.dumps(book, indent=style)], piece_chars=size)
    partials, result = streamed(Book, server)

    values = shown(partials)
    assert all(grows(*pair) for pair in pairwise(values))
    assert values[-1] == book
    assert result.value == Book(**book)


def test_a_value_is_at_most_a_hundredth_of_the_text_behind() -> None:
    text = json.dumps({"title": " ".join(map(str, range(1000))), "year": 1, "tags": [str(n) for n in range(800)]})
    partials, _ = streamed(Book, ScriptedServer([text], piece_chars=1))
    sizes = [len(json.dumps(value)) for value in shown(partials)]

    assert max(later - earlier for earlier, later in pairwise(sizes)) <= len(text) // 100 + 20
    assert len(partials) < 1000


def test_a_part_that_is_read_later_is_as_it_was() -> None:
    at_once = [json.dumps(part.json) for part in _partials()]
    kept = list(_partials())

    assert [json.dumps(part.json) for part in reversed(kept)] == at_once[::-1]


def _partials() -> Generator[Partial]:
    parts = stream(Book, "A text.", server=ScriptedServer([BOOK_TEXT], piece_chars=5))
    yield from (part for part in parts if isinstance(part, Partial))


# --- the same as without


CONTENTS = st.one_of(
    st.sampled_from(
        [
            BOOK_TEXT,
            '{"title":"Dune","year":"soon"}',
            '```json\n{"title":"Dune","year":1965}\n```',
            'Here it is: {"title":"Dune","year":1965} - as you wished.',
            '<think>{"title":"?","year":0}</think>{"title":"Dune","year":1965}',
            '{"title":"?","year":0} hm </think>{"title":"Dune","year":1965}',
            "{'title': 'Dune', 'year': 1965,}",
            '{"title":"Du',
            "",
            "null",
        ]
    ),
    st.text(max_size=30),
)
REPLIES = st.one_of(
    st.builds(
        Reply,
        content=CONTENTS,
        reasoning=st.sampled_from(["", "hm", '{"title":"Dune","year":1965}']),
        finish=st.sampled_from(["stop", "length"]),
        usage=st.builds(Usage, st.integers(0, 99), st.integers(0, 99)),
        model=st.sampled_from([None, "m", "other"]),
    ),
    st.sampled_from([SchemaRefused("no", detail="failed to parse grammar"), ServerUnavailable("gone")]),
)


def outcome(run: Any) -> Any:
    try:
        result: Extraction[Any] = run()
    except LMExtractError as error:
        return type(error), str(error)
    return result.value, result.notes, result.model, len(result.attempts)


@given(script=st.lists(REPLIES, min_size=8, max_size=8), repairs=st.integers(0, 3), size=st.integers(1, 40))
@settings(max_examples=50)
def test_a_watched_extraction_asks_and_ends_as_one_that_is_not(script: list[Any], repairs: int, size: int) -> None:
    plain, sync, awaited = (ScriptedServer(script, piece_chars=size) for _ in range(3))
    expected = outcome(lambda: Extractor(Book, server=plain, repairs=repairs).run("A text."))

    assert outcome(lambda: streamed(Book, sync, repairs=repairs)[1]) == expected
    assert outcome(lambda: astreamed(Book, awaited, repairs=repairs)[1]) == expected
    assert [encode(request) for request in sync.requests] == [encode(request) for request in plain.requests]
    assert [encode(request) for request in awaited.requests] == [encode(request) for request in plain.requests]


# --- beginning anew


def test_an_answer_that_is_asked_again_as_a_whole_is_a_new_draft() -> None:
    partials, result = streamed(Book, ScriptedServer(["[1, 2, 3]", BOOK]))

    assert drafts(partials) == [1, 2]
    assert shown(partials)[-1] == BOOK
    assert [note.code for note in result.notes] == ["repaired"]


def test_while_only_a_part_is_asked_again_nothing_is_shown() -> None:
    server = ScriptedServer(['{"title": "Dune", "year": "soon", "tags": []}', {"year": 1965}])
    partials, result = streamed(Book, server)

    assert server.requests[1].kind == "mend"
    assert shown(partials)[-1] == {"title": "Dune", "year": "soon", "tags": []}
    assert result.value == Book(title="Dune", year=1965)


def test_free_thinking_before_the_answer_is_not_shown() -> None:
    server = ScriptedServer(['{"title": "a draft"}', BOOK])
    partials, result = streamed(Book, server, think=True)

    assert [request.kind for request in server.requests] == ["think", "extract"]
    assert all(grows(value, BOOK) for value in shown(partials))
    assert result.value == Book(**BOOK)


def test_a_draft_in_the_thinking_gives_way_to_the_answer() -> None:
    text = 'Let me see.\n{"title": "A draft", "year": 1}\nNo.\n</think>\n' + BOOK_TEXT
    partials, result = streamed(Book, ScriptedServer([text]))

    assert shown(partials, 1)[-1] == {"title": "A draft", "year": 1}
    assert shown(partials, 2)[-1] == BOOK
    assert result.value == Book(**BOOK)


@pytest.mark.parametrize("size", [1, 2, 3, 5, 8, 100])
@pytest.mark.parametrize(
    "before",
    [
        "\ufeff\n ",
        "Here it is: ",
        "The [one] book:\n",
        "```json\n",
        "```",
        "<think>A {draft}? [No].</think>\n\n",
        "[THINK]Hm.[/THINK]",
        "Hm {x}.\n</think>",
        "<|channel|>analysis<|message|>It has a title.<|end|><|start|>assistant<|channel|>final<|message|>",
    ],
)
def test_the_answer_is_found_behind_whatever_stands_before_it(before: str, size: int) -> None:
    partials, _ = streamed(Book, ScriptedServer([before + BOOK_TEXT], piece_chars=size))

    assert shown(partials)[-1] == BOOK
    assert grows({"title": ""}, shown(partials)[-1])
    assert all(grows(value, BOOK) for value in shown(partials, drafts(partials)[-1]))


def test_no_value_is_an_error_after_the_partial_values() -> None:
    parts = stream(Book, "A text.", server=ScriptedServer(["{}"]), repairs=0)

    assert isinstance(next(parts), Partial)
    with pytest.raises(InvalidReply):
        list(parts)


# --- servers


class Plain:
    """A server that cannot stream."""

    def profile(self, model: str | None, /) -> Profile:
        return Profile(model)

    async def aprofile(self, model: str | None, /) -> Profile:
        return self.profile(model)

    def send(self, request: Request, /) -> Reply:
        return Reply(BOOK_TEXT, usage=Usage(1, 2), model="plain")

    async def asend(self, request: Request, /) -> Reply:
        return self.send(request)


class Endless(Plain):
    """A server that says the same over and over, and counts how often."""

    def __init__(self, before: str, again: str, *, thinks: bool = False) -> None:
        self.before, self.again, self.thinks, self.said = before, again, thinks, 0

    def stream(self, request: Request, /) -> Generator[Delta]:
        if self.said:
            yield Delta(json.dumps([]) if request.kind == "rest" else BOOK_TEXT, finish="stop")
            return
        yield Delta(self.before, model="endless")
        while True:
            self.said += 1
            assert self.said < 100_000
            yield Delta(reasoning=self.again) if self.thinks else Delta(self.again, model="endless")

    async def astream(self, request: Request, /) -> AsyncGenerator[Delta]:
        for delta in self.stream(request):
            yield delta


class Forgetful(Plain):
    """A server whose stream just ends."""

    def stream(self, request: Request, /) -> Generator[Delta]:
        yield Delta('{"title": "Du')

    async def astream(self, request: Request, /) -> AsyncGenerator[Delta]:
        yield Delta('{"title": "Du')


def test_servers_say_by_their_methods_whether_they_stream() -> None:
    assert isinstance(ScriptedServer([]), StreamingServer)
    assert isinstance(LMStudio(), StreamingServer)
    assert isinstance(Forgetful(), StreamingServer)
    assert not isinstance(Plain(), StreamingServer)


@STREAMED
def test_a_server_that_cannot_stream_gives_the_whole_at_once(run: Any) -> None:
    partials, result = run(Book, Plain())

    assert shown(partials) == [BOOK]
    assert (result.usage, result.model) == (Usage(1, 2), "plain")


@STREAMED
def test_a_stream_that_ends_without_a_finish_reason_is_a_failure(run: Any) -> None:
    with pytest.raises(ServerUnavailable, match="ended before the answer did"):
        run(Book, Forgetful())


@STREAMED
def test_a_model_that_loops_is_stopped(run: Any) -> None:
    server = Endless('{"title": "Dune", "year": 1965, "tags": ["sand", ', '"sand", ')
    _, result = run(Book, server)

    first = result.attempts[0].reply
    assert server.said < 600
    assert (first.finish, first.looped, first.model) == ("length", True, "endless")
    assert first.content.count("sand") <= 2
    assert first.usage.completion == server.said + 1
    assert "truncated" in [note.code for note in result.notes]


@STREAMED
def test_a_model_that_loops_in_its_thinking_is_stopped(run: Any) -> None:
    server = Endless("", "But wait. ", thinks=True)
    _, result = run(Book, server)

    assert server.said < 600
    assert result.attempts[0].reply.looped
    assert result.value == Book(**BOOK)


# --- mistakes, found when the stream is made


def test_an_empty_text_is_refused_before_anything_is_read() -> None:
    with pytest.raises(DocumentError):
        stream(Book, " ", server=ScriptedServer([]))
    with pytest.raises(DocumentError):
        astream(Book, " ", server=ScriptedServer([]))


def test_nothing_is_sent_before_the_first_part_is_asked_for() -> None:
    server = ScriptedServer([BOOK])
    parts = stream(Book, "A text.", server=server)
    assert server.requests == ()
    next(parts)
    assert len(server.requests) == 1


def test_steps_are_told_of_a_stream_too() -> None:
    steps: list[str] = []
    streamed(Book, ScriptedServer(["[]", BOOK]), on_step=lambda step: steps.append(step.kind))

    assert steps == ["extract", "repair"]
