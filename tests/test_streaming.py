"""Partial values: what is shown on the way, and that the end is that of an extraction that was not watched."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Generator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

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
    Retry,
    SchemaRefused,
    ServerUnavailable,
    StreamingServer,
    Usage,
    astream,
    extract,
    stream,
)
from lmextract.servers._wire import encode
from lmextract.testing import FakeLMStudio, Fault, Reasoning, ScriptedServer, Timing
from lmextract.types import Json, Profile

BOOK = {"title": "The Left Hand of Darkness", "year": 1969, "tags": ["novel", "ice"]}
BOOK_TEXT = json.dumps(BOOK)
SOON = Retry(attempts=3, budget_s=2, first_wait_s=0.001, longest_wait_s=0.002)


class Book(BaseModel):
    title: str
    year: int
    tags: list[str] = []
    isbn: str = ""


def streamed(target: Any, server: Any, **how: Any) -> tuple[list[Partial], Extraction[Any]]:
    """The partial values and the result."""
    return told_apart(list(stream(target, "A text.", server=server, **how)))


def astreamed(target: Any, server: Any, **how: Any) -> tuple[list[Partial], Extraction[Any]]:
    """Do as `streamed` does, on an event loop."""

    async def all_of() -> list[Any]:
        return [part async for part in astream(target, "A text.", server=server, **how)]

    return told_apart(asyncio.run(all_of()))


def told_apart(parts: list[Any]) -> tuple[list[Partial], Extraction[Any]]:
    *partials, result = parts
    assert all(isinstance(part, Partial) for part in partials)
    assert isinstance(result, Extraction)
    return partials, result


BOTH = pytest.mark.parametrize("run", [streamed, astreamed])


def shown(partials: list[Partial]) -> list[Json]:
    return [partial.json for partial in partials]


def drafts(partials: list[Partial]) -> list[int]:
    return sorted({partial.draft for partial in partials})


def grows(earlier: Json, later: Json) -> bool:
    """Whether a JSON value begins as another one, in so far as text can tell."""
    if isinstance(earlier, dict) and isinstance(later, dict):
        return all(name in later and grows(value, later[name]) for name, value in earlier.items())
    if isinstance(earlier, list) and isinstance(later, list):
        return len(earlier) <= len(later) and all(map(grows, earlier, later))
    if isinstance(earlier, str) and isinstance(later, str):
        return later.startswith(earlier)
    return earlier == later and type(earlier) is type(later)


# --- what is shown


@BOTH
def test_the_value_grows_and_the_last_part_is_the_validated_extraction(run: Any) -> None:
    partials, result = run(Book, ScriptedServer(['{"title": "Dune", "year": 1965, "tags": ["sand"]}'], piece_chars=3))

    assert shown(partials) == [
        {},
        {"title": ""},
        {"title": "Dun"},
        {"title": "Dune"},
        {"title": "Dune", "year": 1965},
        {"title": "Dune", "year": 1965, "tags": []},
        {"title": "Dune", "year": 1965, "tags": ["s"]},
        {"title": "Dune", "year": 1965, "tags": ["sand"]},
        {"title": "Dune", "year": 1965, "tags": ["sand"]},
    ]
    assert result.value == Book(title="Dune", year=1965, tags=["sand"])
    assert result.notes == ()


def test_a_part_can_be_asked_what_is_complete() -> None:
    partials, _ = streamed(Book, ScriptedServer(['{"title": "Dune", "year": 1965, "tags": ["sand"]}'], piece_chars=3))

    assert [partial.has("title") for partial in partials[1:5]] == [False, False, True, True]
    assert [str(partial.growing) for partial in partials[-4:]] == ["$.tags", "$.tags[0]", "$", "None"]


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
    assert all(map(grows, values, values[1:]))
    assert values[-1] == book
    assert result.value == Book(**book)


def test_a_value_is_at_most_a_hundredth_of_the_text_behind() -> None:
    text = json.dumps({"title": "x" * 5000, "year": 1, "tags": ["y" * 5000]})
    partials, _ = streamed(Book, ScriptedServer([text], piece_chars=1))
    sizes = [len(json.dumps(value)) for value in shown(partials)]

    assert all(later <= earlier * 1.03 + 20 for earlier, later in zip(sizes, sizes[1:], strict=False))
    assert len(partials) < 2000


def test_a_part_that_was_kept_stays_as_it_was() -> None:
    kept = list(stream(Book, "A text.", server=ScriptedServer([BOOK_TEXT], piece_chars=5)))
    read = [part.json for part in stream(Book, "A text.", server=ScriptedServer([BOOK_TEXT], piece_chars=5)) if isinstance(part, Partial)]

    assert [part.json for part in reversed(kept[:-1]) if isinstance(part, Partial)] == read[::-1]


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
            "0, " * 2000,
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
@settings(max_examples=60)
def test_a_watched_extraction_asks_and_ends_as_one_that_is_not(script: list[Any], repairs: int, size: int) -> None:
    # What loops is stopped early where it is watched, and cut at the same place where it ran into its limit.
    script = [Reply("0, ", finish="length", looped=True) if getattr(each, "content", "") == "0, " * 2000 else each for each in script]
    plain, sync, awaited = (ScriptedServer(script, piece_chars=size) for _ in range(3))
    expected = outcome(lambda: Extractor(Book, server=plain, repairs=repairs).run("A text."))

    assert outcome(lambda: streamed(Book, sync, repairs=repairs)[1]) == expected
    assert outcome(lambda: astreamed(Book, awaited, repairs=repairs)[1]) == expected
    assert [encode(request) for request in sync.requests] == [encode(request) for request in plain.requests]
    assert [encode(request) for request in awaited.requests] == [encode(request) for request in plain.requests]


FAULTS = {
    "reset": [Fault.reset()],
    "closed": [Fault.close()],
    "busy": [Fault.status(503)],
    "unloaded": [Fault.unloaded()],
    "crash": [Fault.crash()],
    "pool": [Fault.pool_full()],
    "cut": [Fault.cut(3)],
    "reset within": [Fault.cut(3, reset=True)],
    "error": [Fault.stream_error("Compute error.", after=3)],
    "error at once": [Fault.stream_error("Compute error.", after=0)],
    "error, told twice": [Fault.stream_error("Compute error.", repeated=True)],
    "schema": [Fault.stream_error("failed to parse grammar", after=0)],
    "wrong path": [Fault.ok_error("Unexpected endpoint or method. (POST /v1/chat)")],
    "a page": [Fault.body("<html>")],
    "half": [Fault.body('{"choices":')],
    "no model": [Fault.load_failed()],
    "always cut": [Fault.cut(3)] * 20,
    "always error": [Fault.stream_error("Compute error.")] * 20,
    "unknown": [Fault.stream_error("something new", after=99)] * 20,
}


@BOTH
@pytest.mark.parametrize("name", FAULTS)
def test_what_goes_wrong_ends_as_it_does_without_streaming(run: Any, name: str) -> None:
    def ending(extracted: Any) -> Any:
        with FakeLMStudio(lambda body: BOOK, faults=FAULTS[name]) as fake:
            try:
                result: Extraction[Any] = extracted(LMStudio(fake.base_url, retry=SOON))
            except LMExtractError as error:
                return type(error), getattr(error, "transient", None), getattr(error, "hint", "")
            return result.value, [note.code for note in result.notes]

    assert ending(lambda server: run(Book, server)[1]) == ending(lambda server: Extractor(Book, server=server).run("A text."))


@BOTH
@pytest.mark.parametrize("place", ["apart", "instead", "tags", "orphan-tag", "marker", "field"])
def test_the_answer_is_shown_wherever_the_thinking_goes(run: Any, place: Any) -> None:
    with FakeLMStudio([BOOK], reasoning=Reasoning(place=place, obeys=False)) as fake:
        partials, result = run(Book, LMStudio(fake.base_url))

    assert result.value == Book(**BOOK)
    assert shown(partials)[-1] == BOOK
    assert drafts(partials) == [1]


# --- beginning anew


@BOTH
def test_a_failure_half_way_begins_a_new_draft(run: Any) -> None:
    with FakeLMStudio([BOOK, BOOK], faults=[Fault.stream_error("Compute error.", after=5)]) as fake:
        partials, result = run(Book, LMStudio(fake.base_url, retry=SOON))

    first, second = ([partial.json for partial in partials if partial.draft == draft] for draft in (1, 2))
    assert first[-1] == {"title": "The Left"}
    assert second[0] == {}
    assert second[-1] == BOOK
    assert result.value == Book(**BOOK)
    assert len(result.attempts) == 1


def test_a_failure_before_the_first_piece_is_not_seen() -> None:
    faults = [Fault.reset(), Fault.status(503), Fault.stream_error("Compute error.", after=0)]
    with FakeLMStudio([BOOK] * 4, faults=faults) as fake:
        partials, _ = streamed(Book, LMStudio(fake.base_url, retry=Retry(attempts=4, first_wait_s=0.001)))

    assert drafts(partials) == [1]


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

    assert shown([partial for partial in partials if partial.draft == 1])[-1] == {"title": "A draft", "year": 1}
    assert shown([partial for partial in partials if partial.draft == 2])[-1] == BOOK
    assert result.value == Book(**BOOK)


def test_no_value_is_an_error_after_the_partial_values() -> None:
    parts = stream(Book, "A text.", server=ScriptedServer(["{}"] * 3), repairs=2)
    seen: list[Any] = []
    with pytest.raises(InvalidReply):
        seen.extend(parts)

    assert next(iter(seen), None) is None or isinstance(seen[0], Partial)


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


@BOTH
def test_a_server_that_cannot_stream_gives_the_whole_at_once(run: Any) -> None:
    partials, result = run(Book, Plain())

    assert shown(partials) == [BOOK]
    assert (result.usage, result.model) == (Usage(1, 2), "plain")


@BOTH
def test_a_stream_that_ends_without_a_finish_reason_is_a_failure(run: Any) -> None:
    with pytest.raises(ServerUnavailable, match="ended before the answer did"):
        run(Book, Forgetful())


@BOTH
def test_a_model_that_loops_is_stopped(run: Any) -> None:
    server = Endless('{"title": "Dune", "year": 1965, "tags": ["sand", ', '"sand", ')
    _, result = run(Book, server)

    first = result.attempts[0].reply
    assert server.said < 600
    assert (first.finish, first.looped, first.model) == ("length", True, "endless")
    assert first.content.count("sand") <= 2
    assert first.usage.completion == server.said + 1
    assert "truncated" in [note.code for note in result.notes]


@BOTH
def test_a_model_that_loops_in_its_thinking_is_stopped(run: Any) -> None:
    server = Endless("", "But wait. ", thinks=True)
    _, result = run(Book, server)

    assert server.said < 600
    assert result.attempts[0].reply.looped
    assert result.value == Book(**BOOK)


def test_the_request_says_that_the_reply_shall_be_streamed_with_its_usage() -> None:
    with FakeLMStudio([BOOK]) as fake:
        _, result = streamed(Book, LMStudio(fake.base_url))
        body = fake.calls[0].json

    assert (body["stream"], body["stream_options"]) == (True, {"include_usage": True})
    assert result.usage.completion > 0
    assert result.attempts[0].reply.seconds > 0


def test_a_model_that_takes_no_reasoning_setting_is_asked_without_it() -> None:
    faults = [Fault.error("This model does not support reasoning configuration")]
    with FakeLMStudio([BOOK] * 2, faults=faults) as fake:
        partials, _ = streamed(Book, LMStudio(fake.base_url, retry=SOON))
        bodies = [call.json for call in fake.calls]

    assert ["reasoning_effort" in body for body in bodies] == [True, False]
    assert drafts(partials) == [1]


@BOTH
def test_connections_are_used_again_after_a_stream_that_was_read_to_its_end(run: Any) -> None:
    with FakeLMStudio([BOOK] * 4) as fake, LMStudio(fake.base_url) as server:
        if run is streamed:
            streamed(Book, server)
            streamed(Book, server)
        else:

            async def twice() -> None:
                for _ in range(2):
                    assert [part async for part in astream(Book, "A text.", server=server)]
                assert fake.open_connections == 1

            asyncio.run(twice())
        assert extract(Book, "A text.", server=server) == Book(**BOOK)
        assert fake.disconnected == ()


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


def test_a_slow_reply_is_shown_while_it_is_written() -> None:
    with FakeLMStudio([BOOK], timing=Timing(token_s=0.005)) as fake:
        parts = stream(Book, "A text.", server=LMStudio(fake.base_url))
        next(parts)
        assert fake.underway == 1
        parts.close()
