"""Streams of LM Studio: what goes wrong with them, and that who leaves early stops the answer."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from tests.support.streams import BOOK, SOON, STREAMED, Book, drafts, shown, streamed

from lmextract import (
    Extraction,
    Extractor,
    LMExtractError,
    LMStudio,
    Retry,
    astream,
    astream_items,
    extract,
    stream,
    stream_items,
)
from lmextract.testing import FakeLMStudio, Fault, Reasoning, Timing

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


@STREAMED
@pytest.mark.parametrize("name", FAULTS)
def test_what_goes_wrong_ends_as_it_does_without_streaming(run: Any, name: str) -> None:
    def ending(extracted: Any) -> Any:
        with FakeLMStudio(lambda body: BOOK, faults=FAULTS[name]) as fake:
            try:
                result: Extraction[Any] = extracted(LMStudio(fake.base_url, retry=SOON))
            except LMExtractError as error:
                return type(error), getattr(error, "transient", None), getattr(error, "hint", "")
            return result.value, [note.code for note in result.notes]

    assert ending(lambda server: run(Book, server)[1]) == ending(
        lambda server: Extractor(Book, server=server).run("A text.")
    )


@STREAMED
@pytest.mark.parametrize("place", ["apart", "instead", "tags", "orphan-tag", "marker", "field"])
def test_the_answer_is_shown_wherever_the_thinking_goes(run: Any, place: Any) -> None:
    with FakeLMStudio([BOOK], reasoning=Reasoning(place=place, obeys=False)) as fake:
        partials, result = run(Book, LMStudio(fake.base_url))

    assert result.value == Book(**BOOK)
    assert shown(partials)[-1] == BOOK
    assert drafts(partials) == [1]


@STREAMED
def test_a_failure_half_way_begins_a_new_draft(run: Any) -> None:
    with FakeLMStudio([BOOK, BOOK], faults=[Fault.stream_error("Compute error.", after=5)]) as fake:
        partials, result = run(Book, LMStudio(fake.base_url, retry=SOON))

    first, second = shown(partials, 1), shown(partials, 2)
    assert first[-1] == {"title": "The Left "}
    assert second[0] == {}
    assert second[-1] == BOOK
    assert result.value == Book(**BOOK)
    assert len(result.attempts) == 1


def test_a_failure_before_the_first_piece_is_not_seen() -> None:
    faults = [Fault.reset(), Fault.status(503), Fault.stream_error("Compute error.", after=0)]
    with FakeLMStudio([BOOK] * 4, faults=faults) as fake:
        partials, _ = streamed(Book, LMStudio(fake.base_url, retry=Retry(attempts=4, first_wait_s=0.001)))

    assert drafts(partials) == [1]


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


@STREAMED
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


# --- leaving early

SLOW = Timing(token_s=0.004)
LONG = {"value": ["a rather long text"] * 100 + ["x" * 2000]}


def left_by_break(server: LMStudio) -> None:
    for _ in stream(list[str], "A text.", server=server):
        break


def left_by_close(server: LMStudio) -> None:
    parts = stream(list[str], "A text.", server=server)
    next(parts)
    parts.close()


def left_by_an_error(server: LMStudio) -> None:
    with pytest.raises(ZeroDivisionError):
        for _ in stream(list[str], "A text.", server=server):
            1 / 0  # noqa: B018


def left_by_the_end_of_a_block(server: LMStudio) -> None:
    with stream_items(list[str], "A text.", server=server) as items:
        next(items)


def left_by_letting_go(server: LMStudio) -> None:
    next(stream_items(list[str], "A text.", server=server))


def on_a_loop(leave: Callable[[LMStudio], Awaitable[None]]) -> Callable[[LMStudio], None]:
    def left(server: LMStudio) -> None:
        async def main() -> None:
            await leave(server)

        asyncio.run(main())

    left.__name__ = leave.__name__
    return left


@on_a_loop
async def left_by_a_break_at_the_end_of_the_loop(server: LMStudio) -> None:
    async for _ in astream(list[str], "A text.", server=server):
        break


@on_a_loop
async def left_by_a_break_while_the_loop_goes_on(server: LMStudio) -> None:
    async for _ in astream(list[str], "A text.", server=server):
        break
    await asyncio.sleep(0.1)


@on_a_loop
async def left_by_aclose(server: LMStudio) -> None:
    parts = astream(list[str], "A text.", server=server)
    await anext(parts)
    await parts.aclose()


@on_a_loop
async def left_by_an_awaited_error(server: LMStudio) -> None:
    with pytest.raises(ZeroDivisionError):
        async for _ in astream(list[str], "A text.", server=server):
            1 / 0  # noqa: B018


@on_a_loop
async def left_by_cancellation(server: LMStudio) -> None:
    begun = asyncio.Event()

    async def watch() -> None:
        async for _ in astream(list[str], "A text.", server=server):
            begun.set()

    task = asyncio.create_task(watch())
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@on_a_loop
async def left_by_the_end_of_an_async_block(server: LMStudio) -> None:
    async with astream_items(list[str], "A text.", server=server) as items:
        await anext(items)


WAYS = [
    left_by_break,
    left_by_close,
    left_by_an_error,
    left_by_the_end_of_a_block,
    left_by_letting_go,
    left_by_a_break_at_the_end_of_the_loop,
    left_by_a_break_while_the_loop_goes_on,
    left_by_aclose,
    left_by_an_awaited_error,
    left_by_cancellation,
    left_by_the_end_of_an_async_block,
]


@pytest.mark.parametrize("leave", WAYS, ids=lambda way: way.__name__)
def test_who_leaves_early_closes_the_connection_and_frees_the_slot(leave: Callable[[LMStudio], None]) -> None:
    with FakeLMStudio([LONG, BOOK], parallel=1, timing=SLOW) as fake:
        server = LMStudio(fake.base_url)
        leave(server)

        assert fake.wait_for(lambda: len(fake.disconnected) == 1)
        assert fake.wait_idle()
        assert extract(Book, "A text.", server=server) == Book(**BOOK)


PROGRAM = """
import asyncio, os, sys, threading
from lmextract import LMStudio, astream, stream

def sockets():
    links = [os.path.join("/proc/self/fd", fd) for fd in os.listdir("/proc/self/fd")]
    return sum(os.readlink(link).startswith("socket:") for link in links if os.path.islink(link))

async def watch(server):
    async for part in astream(list[str], "A text.", server=server):
        print("begun", flush=True)

server = LMStudio(sys.argv[2])
server.profile()
before = sockets()
try:
    if sys.argv[1] == "sync":
        for part in stream(list[str], "A text.", server=server):
            print("begun", flush=True)
    else:
        asyncio.run(watch(server))
except KeyboardInterrupt:
    server.close()
    print("left", sockets(), threading.active_count(), flush=True)
"""


def test_a_loop_that_ends_with_a_stream_half_read_has_nothing_to_complain_of() -> None:
    program = """
import asyncio, sys
from lmextract import LMStudio, astream

async def broken(server):
    async for part in astream(list[str], "A text.", server=server):
        break

async def kept(server):
    parts = astream(list[str], "A text.", server=server)
    await anext(parts)
    return parts

server = LMStudio(sys.argv[1])
asyncio.run(broken(server))
asyncio.run(kept(server))
"""
    with FakeLMStudio([LONG, LONG], timing=SLOW) as fake:
        command = [sys.executable, "-W", "error", "-c", program, fake.base_url]
        child = subprocess.run(command, capture_output=True, text=True, check=False)

        assert (child.returncode, child.stderr) == (0, "")
        assert fake.wait_for(lambda: len(fake.disconnected) == 2)


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="looks at open sockets through /proc")
@pytest.mark.parametrize("colour", ["sync", "async"])
def test_ctrl_c_stops_the_answer_and_leaves_no_thread_and_no_socket(colour: str) -> None:
    with FakeLMStudio([LONG], timing=SLOW) as fake:
        command = [sys.executable, "-W", "error", "-c", PROGRAM, colour, fake.base_url]
        child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        with child:
            assert child.stdout
            assert child.stdout.readline() == "begun\n"
            child.send_signal(signal.SIGINT)
            out, err = child.communicate(timeout=30)

        assert (out.splitlines()[-1:], err) == (["left 0 1"], "")
        assert fake.wait_for(lambda: len(fake.disconnected) == 1)


def test_a_slow_reply_is_shown_while_it_is_written() -> None:
    with FakeLMStudio([BOOK], timing=Timing(token_s=0.005)) as fake:
        parts = stream(Book, "A text.", server=LMStudio(fake.base_url))
        next(parts)
        assert fake.underway == 1
        parts.close()
