"""Looking on: the steps given to `on_step`, and what the log says and does not say."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import BaseModel, field_validator

from lmextract import (
    Attempt,
    Extraction,
    Extractor,
    InvalidReply,
    LMExtractError,
    LMStudio,
    Reply,
    Retry,
    SchemaRefused,
    ServerUnavailable,
    Step,
    Usage,
    aextract,
    extract,
    extractor,
)
from lmextract.flow import Flow
from lmextract.testing import TOKEN, FakeLMStudio, Fault, OutOfReplies, ScriptedServer
from lmextract.types import Message, Request
from lmextract.watching import watched


class Book(BaseModel):
    title: str
    year: int


GOOD = Reply('{"title":"Dune","year":1965}', usage=Usage(10, 5), seconds=1.5)
BAD = Reply('{"title":"Dune","year":"soon"}', usage=Usage(10, 7), seconds=2.0)
MENDED = Reply('{"year":1965}', usage=Usage(20, 2), seconds=0.5)
REFUSAL = SchemaRefused("no", detail="failed to parse grammar")


def run(server: ScriptedServer, on_step: Callable[[Step], object], *, repairs: int = 2) -> Extraction[Book]:
    return Extractor(Book, server=server, on_step=on_step, repairs=repairs).run("Dune, 1965")


def arun(server: ScriptedServer, on_step: Callable[[Step], object], *, repairs: int = 2) -> Extraction[Book]:
    return asyncio.run(Extractor(Book, server=server, on_step=on_step, repairs=repairs).arun("Dune, 1965"))


both = pytest.mark.parametrize("drive", [run, arun])


@both
def test_each_request_is_seen_once_with_its_reply(drive: Any) -> None:
    steps: list[Step] = []
    server = ScriptedServer([BAD, MENDED])
    drive(server, steps.append)

    assert [(step.number, step.kind, step.reply, step.error) for step in steps] == [
        (1, "extract", BAD, None),
        (2, "mend", MENDED, None),
    ]
    assert tuple(step.request for step in steps) == server.requests
    assert all(step.seconds >= 0 for step in steps)


@both
def test_a_request_that_failed_is_seen_with_its_error(drive: Any) -> None:
    steps: list[Step] = []
    drive(ScriptedServer([REFUSAL, GOOD]), steps.append)

    assert [(step.reply, step.error) for step in steps] == [(None, REFUSAL), (GOOD, None)]


@both
def test_an_error_that_ends_the_extraction_is_seen_before_it_is_raised(drive: Any) -> None:
    steps: list[Step] = []
    gone = ServerUnavailable("gone")
    with pytest.raises(ServerUnavailable):
        drive(ScriptedServer([BAD, gone]), steps.append)

    assert [step.error for step in steps] == [None, gone]


@both
def test_a_step_is_seen_before_the_next_request_is_sent(drive: Any) -> None:
    server = ScriptedServer([BAD, MENDED])
    sent: list[int] = []
    drive(server, lambda _: sent.append(len(server.requests)))

    assert sent == [1, 2]


@both
def test_what_on_step_raises_ends_the_extraction(drive: Any) -> None:
    def stop(step: Step) -> None:
        raise LookupError(step.number)

    server = ScriptedServer([BAD, MENDED])
    with pytest.raises(LookupError, match="1"):
        drive(server, stop)

    assert len(server.requests) == 1


@both
@pytest.mark.parametrize("error", [KeyboardInterrupt, OutOfReplies, StopIteration, GeneratorExit])
def test_an_exception_that_is_no_error_of_ours_comes_out_as_itself(drive: Any, error: type[BaseException]) -> None:
    expected = RuntimeError if error is StopIteration else error
    steps: list[Step] = []
    with pytest.raises(expected):
        drive(ScriptedServer([error("x")]), steps.append)

    assert steps == []


def test_every_entrance_takes_on_step() -> None:
    steps: list[int] = []

    def see(step: Step) -> None:
        steps.append(step.number)

    @extractor(server=ScriptedServer([GOOD]), on_step=see)
    def book_in(text: str) -> Book:
        """Extract the book."""
        raise NotImplementedError

    book_in("Dune")
    extract(Book, "Dune", server=ScriptedServer([GOOD]), on_step=see)
    asyncio.run(aextract(Book, "Dune", server=ScriptedServer([GOOD]), on_step=see))

    assert steps == [1, 1, 1]


def test_thinking_and_repeating_are_told_apart_from_mending() -> None:
    kinds: list[str] = []
    how = Extractor(
        Book, server=ScriptedServer(["It says 1965.", "", GOOD]), think=True, on_step=lambda s: kinds.append(s.kind)
    )
    result = how.run("Dune, 1965")

    assert kinds == ["think", "extract", "repair"]
    assert [attempt.kind for attempt in result.attempts] == kinds


def test_an_attempt_tells_kind_finish_tokens_seconds_and_what_was_wrong() -> None:
    result = run(ScriptedServer([BAD, MENDED]), lambda _: None)

    def told(attempt: Attempt) -> tuple[Any, ...]:
        wrong = [(str(problem.path), problem.value) for problem in attempt.problems]
        return attempt.kind, attempt.finish, attempt.usage.completion, attempt.seconds, wrong

    assert [told(attempt) for attempt in result.attempts] == [
        ("extract", "stop", 7, 2.0, [("$.year", "soon")]),
        ("mend", "stop", 2, 0.5, []),
    ]
    assert (result.usage, result.seconds) == (Usage(30, 9), 2.5)


class Trace:
    """A watcher that keeps the names of the calls."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def asked(self, number: int, request: Request, /) -> None:
        self.calls.append(f"asked {number}")

    def stepped(self, step: Step, /) -> None:
        self.calls.append(f"stepped {step.number}")

    def ended(self, extraction: Extraction[Any], /) -> None:
        self.calls.append("ended")

    def failed(self, error: BaseException, /) -> None:
        self.calls.append(f"failed {type(error).__name__}")


def two_requests() -> Flow[int]:
    yield Request((Message("user", "1"),), None, 1)
    yield Request((Message("user", "2"),), None, 1)
    return Extraction(3)


def test_a_flow_that_its_driver_leaves_early_has_failed_for_its_watchers() -> None:
    trace = Trace()
    flow = watched(two_requests(), [trace])
    next(flow)
    flow.send(GOOD)
    flow.close()

    assert trace.calls == ["asked 1", "stepped 1", "asked 2", "failed GeneratorExit"]


def test_a_watched_flow_gives_what_the_flow_gives() -> None:
    trace = Trace()
    flow = watched(two_requests(), [trace])
    next(flow)
    flow.send(GOOD)
    with pytest.raises(StopIteration) as end:
        flow.send(GOOD)

    assert end.value.value == Extraction(3)
    assert trace.calls[-1] == "ended"


# --- the log

TEXT = "Zanzibar 4711 was a rainy place."


class Place(BaseModel):
    name: str
    rain: dict[str, int]

    @field_validator("name")
    @classmethod
    def must_be_known(cls, name: str) -> str:
        if name != "Zanzibar":
            raise ValueError(f"{name} is nowhere in {TEXT}")
        return name


WRONG: Any = {"name": "Atlantis-in-the-reply", "rain": {"Zanzibar-key": "Poseidon"}}
RIGHT: Any = {"name": "Zanzibar", "rain": {"Zanzibar-key": 4711}}
CONTENTS = ("4711", "rainy", "Atlantis", "Zanzibar-key", "Poseidon", "musings", "preamble-words", "fakefake")
QUOTED = f"Compute error while reading: {TEXT} {TOKEN}"
CUT = Reply('{"name":"Zanzibar","rain":{"Zanzibar-key":47', finish="length")
FAULTS: list[Fault | None] = [
    Fault.status(503, message=QUOTED, retry_after_s=0.001),
    Fault.engine(QUOTED),
    Fault.error(f"failed to parse grammar: {TEXT}"),
]
STORIES: dict[str, tuple[list[Any], list[Fault | None]]] = {
    "clean": ([RIGHT], []),
    "mended": ([WRONG, {"name": "Zanzibar", "rain.Zanzibar-key": 4711}], []),
    "in vain": ([WRONG, WRONG, WRONG], []),
    "cut": ([CUT, RIGHT], []),
    "thinking only": ([Reply("", reasoning="musings on 4711"), Reply("", reasoning="musings"), RIGHT], []),
    "from thinking": ([Reply("", reasoning='{"name":"Zanzibar","rain":{"Zanzibar-key":4711}}')], []),
    "several": (['{"name":"Zanzibar","rain":{"Zanzibar-key":1}} or {"name":"Zanzibar","rain":{"rainy":4711}}'], []),
    "another model": ([Reply('{"name":"Zanzibar","rain":{}}', model="gemma")], []),
    "faults": ([RIGHT], FAULTS),
    "down": ([], [Fault.status(500, message=QUOTED)] * 9),
    "refused": ([], [Fault.error(f"No: {TEXT} {TOKEN}")]),
}


def log_of(story: str, caplog: pytest.LogCaptureFixture, **how: Any) -> list[tuple[int, str]]:
    replies, faults = STORIES[story]
    caplog.set_level(logging.DEBUG, "lmextract")
    retry = Retry(attempts=3, first_wait_s=0.001, longest_wait_s=0.002)
    with FakeLMStudio(replies, faults=faults, token=TOKEN) as fake:
        server = LMStudio(fake.base_url, TOKEN, retry=retry)
        try:
            Extractor(Place, server=server, instructions="preamble-words", **how).run(TEXT)
        except LMExtractError as error:
            assert story in ("in vain", "down", "refused"), error
    return [(record.levelno, record.getMessage()) for record in caplog.records if record.name.startswith("lmextract")]


@pytest.mark.parametrize("story", STORIES)
def test_no_content_and_no_key_is_logged_above_debug(story: str, caplog: pytest.LogCaptureFixture) -> None:
    lines = [line for level, line in log_of(story, caplog) if level > logging.DEBUG]

    assert lines
    assert [(line, content) for line in lines for content in CONTENTS if content in line] == []


@pytest.mark.parametrize("story", STORIES)
def test_the_key_is_not_logged_at_all(story: str, caplog: pytest.LogCaptureFixture) -> None:
    assert [line for _, line in log_of(story, caplog) if "fakefake" in line] == []


def test_in_debug_the_whole_conversation_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    words = "\n".join(line for level, line in log_of("mended", caplog) if level == logging.DEBUG)

    assert all(content in words for content in ("preamble-words", TEXT, "Atlantis", '"rain.Zanzibar-key": 4711'))


def test_an_extraction_is_one_line_of_information(caplog: pytest.LogCaptureFixture) -> None:
    assert lines_of(ScriptedServer([GOOD]), caplog, logging.INFO) == [
        "Book: extracted by scripted-model in 1 request, 10 + 5 tokens, 0.0 s"
    ]


def lines_of(
    server: ScriptedServer, caplog: pytest.LogCaptureFixture, level: int = logging.WARNING, *, repairs: int = 2
) -> list[str]:
    caplog.set_level(level, "lmextract")
    with contextlib.suppress(InvalidReply):
        run(server, lambda _: None, repairs=repairs)
    return [record.getMessage() for record in caplog.records if record.name.startswith("lmextract")]


def test_asking_again_is_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    assert lines_of(ScriptedServer([BAD, MENDED]), caplog) == [
        "Book: the reply was not right; asking again (mend, request 2)"
    ]


def test_a_note_that_casts_doubt_is_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    assert lines_of(ScriptedServer([REFUSAL, GOOD]), caplog) == [
        "Book: asking again after SchemaRefused (request 2)",
        "Book: noted relaxed-schema",
    ]


def test_a_note_on_the_form_of_a_reply_is_no_warning(caplog: pytest.LogCaptureFixture) -> None:
    assert lines_of(ScriptedServer([f"```json\n{GOOD.content}\n```"]), caplog) == []


def test_giving_up_is_one_line_too_with_what_was_wrong_and_what_it_cost(caplog: pytest.LogCaptureFixture) -> None:
    assert lines_of(ScriptedServer([BAD]), caplog, logging.INFO, repairs=0) == [
        "Book: ended by InvalidReply (int_parsing) in 1 request, 10 + 7 tokens, 0.0 s"
    ]


def test_a_program_without_logging_hears_nothing() -> None:
    script = (
        "from lmextract import Extractor; from lmextract.testing import ScriptedServer;"
        "Extractor(int, server=ScriptedServer(['{}', '1'])).run('one')"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert result.stderr == ""
