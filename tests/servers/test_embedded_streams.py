"""Streams of the embedded engine: the same replies in pieces, and an engine that lives on when a reader leaves."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from contextlib import aclosing, closing
from pathlib import Path

import pytest
from pydantic import BaseModel
from tests.support.gguf.random import write_random_model
from tests.support.gguf.scripted import Script
from tests.support.models import MakeScripted
from tests.support.requests import ENDLESS, NAMED, ask

from lmextract import Partial, stream
from lmextract.errors import ContextOverflow, SchemaRefused, ServerUnavailable
from lmextract.servers import Embedded, StreamingServer
from lmextract.types import Delta, Request

LONG = ask(max_tokens=100_000)
"""A question whose answer takes seconds on the slow model."""


@pytest.fixture(scope="module")
def slow_gguf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that talks for a while."""
    return write_random_model(tmp_path_factory.mktemp("models") / "slow.gguf", width=256, layers=4, end_bias=-9.0)


def children() -> set[int]:
    return {
        int(child)
        for task in Path(f"/proc/{os.getpid()}/task").iterdir()
        for child in (task / "children").read_text().split()
    }


async def all_of(server: Embedded, request: Request) -> list[Delta]:
    return [delta async for delta in server.astream(request)]


def test_it_streams(engine: Embedded) -> None:
    assert isinstance(engine, StreamingServer)


@pytest.mark.parametrize("awaited", [False, True])
def test_the_pieces_make_up_the_reply_that_comes_whole(engine: Embedded, *, awaited: bool) -> None:
    request = ask("text 3", NAMED, seed=3)
    whole = engine.send(request)
    deltas = asyncio.run(all_of(engine, request)) if awaited else list(engine.stream(request))

    last = deltas[-1]
    assert "".join(delta.content for delta in deltas) == whole.content
    assert len(deltas) > 5
    assert (last.finish, last.model) == (whole.finish, whole.model)
    assert last.usage is not None
    assert (last.usage.prompt, last.usage.completion) == (whole.usage.prompt, whole.usage.completion)


def test_a_stream_that_was_cut_says_so(engine: Embedded) -> None:
    assert list(engine.stream(ask(max_tokens=7)))[-1].finish == "length"


def test_a_value_is_shown_while_it_is_written(scripted_gguf: MakeScripted) -> None:
    class Book(BaseModel):
        title: str
        year: int

    with Embedded(scripted_gguf(Script('{"title":"Dune Messiah","year":1969}'))) as server:
        *partials, result = stream(Book, "Dune Messiah, 1969.", server=server)

    values = [part.json for part in partials if isinstance(part, Partial)]
    assert values[0] == {}
    assert {"title": "Dune"} in values
    assert values[-1] == {"title": "Dune Messiah", "year": 1969}
    assert not isinstance(result, Partial)
    assert result.value == Book(title="Dune Messiah", year=1969)


def test_what_is_too_long_is_refused_as_ever(engine: Embedded) -> None:
    with pytest.raises(ContextOverflow, match="context"):
        list(engine.stream(ask("word " * 20_000)))


def test_a_schema_that_never_ends_is_refused_as_ever(random_gguf: Path) -> None:
    with Embedded(random_gguf, memory_growth_mib=200) as server:
        with pytest.raises(SchemaRefused):
            list(server.stream(ask(schema=ENDLESS)))
        assert "".join(delta.content for delta in server.stream(ask(schema=NAMED)))


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
class TestLeavingEarly:
    def test_frees_the_engine_and_does_not_end_it(self, slow_gguf: Path) -> None:
        with Embedded(slow_gguf) as server:
            server.start()
            before = children()
            for _ in range(3):
                with closing(server.stream(LONG)) as deltas:
                    assert next(deltas).content
            assert server.send(ask(schema=NAMED)).content
            assert children() == before

    def test_does_so_on_an_event_loop(self, slow_gguf: Path) -> None:
        async def leave(server: Embedded) -> None:
            async with aclosing(server.astream(LONG)) as deltas:
                assert (await anext(deltas)).content

        with Embedded(slow_gguf) as server:
            server.start()
            before = children()
            asyncio.run(leave(server))
            assert server.send(ask(schema=NAMED)).content
            assert children() == before

    def test_is_what_ctrl_c_does_too_but_that_ends_the_engine(self, slow_gguf: Path) -> None:
        with Embedded(slow_gguf) as server:
            server.start()
            before = children()
            deltas = server.stream(LONG)
            next(deltas)
            with pytest.raises(KeyboardInterrupt):
                deltas.throw(KeyboardInterrupt())
            assert server.send(ask(schema=NAMED)).content
            assert children() != before


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_an_engine_that_dies_within_a_stream_is_an_error_and_is_replaced(slow_gguf: Path) -> None:
    with Embedded(slow_gguf) as server:
        before = children()
        server.start()
        (pid,) = children() - before
        deltas = server.stream(LONG)
        next(deltas)
        os.kill(pid, signal.SIGKILL)
        with pytest.raises(ServerUnavailable, match="signal 9"):
            list(deltas)
        assert server.send(ask(schema=NAMED)).content
