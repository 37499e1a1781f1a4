"""What becomes of an embedded engine that hangs, dies, cannot start or is left alone by an interrupted call."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.support.gguf.random import write_random_model
from tests.support.requests import ENDLESS, NAMED, ask

from lmextract.errors import ConfigError, SchemaRefused, ServerUnavailable
from lmextract.servers import Embedded

needs_proc = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

LONG = ask(max_tokens=100_000)
"""A question whose answer takes seconds on the slow model."""


def children() -> set[int]:
    """The processes that this one has started and not yet reaped."""
    return {
        int(child)
        for task in Path(f"/proc/{os.getpid()}/task").iterdir()
        for child in (task / "children").read_text().split()
    }


def sockets() -> set[str]:
    links = [link for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
    return {target for link in links if (target := str(link.readlink())).startswith("socket:")}


def engine_of(server: Embedded) -> int:
    """Start it and return its process id."""
    before = children()
    server.start()
    (pid,) = children() - before
    return pid


@pytest.fixture(scope="module")
def slow_gguf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that talks for a while."""
    return write_random_model(tmp_path_factory.mktemp("models") / "slow.gguf", width=256, layers=4, end_bias=-9.0)


def test_a_schema_that_never_ends_is_refused_and_the_next_question_is_answered(random_gguf: Path) -> None:
    with Embedded(random_gguf, memory_growth_mib=200) as server:
        with pytest.raises(SchemaRefused) as caught:
            server.send(ask(schema=ENDLESS))
        assert not caught.value.transient
        assert server.send(ask(schema=NAMED)).content


def test_a_schema_that_takes_too_long_is_given_up_and_the_next_question_is_answered(random_gguf: Path) -> None:
    """Which of the two errors it is depends on how much memory the engine took until then."""
    with Embedded(random_gguf, timeout_s=1) as server:
        with pytest.raises((SchemaRefused, ServerUnavailable)) as caught:
            server.send(ask(schema=ENDLESS))
        assert not caught.value.transient
        assert server.send(ask(schema=NAMED)).content


def test_a_schema_that_all_calls_shared_is_blamed_in_each(random_gguf: Path) -> None:
    with Embedded(random_gguf, parallel=2, memory_growth_mib=200) as server, ThreadPoolExecutor(2) as pool:
        answers = [pool.submit(server.send, ask(schema=ENDLESS)) for _ in range(2)]

    assert [type(answer.exception()) for answer in answers] == [SchemaRefused, SchemaRefused]


def test_a_schema_is_not_blamed_for_what_another_may_have_done(random_gguf: Path) -> None:
    with Embedded(random_gguf, parallel=2, memory_growth_mib=500) as server, ThreadPoolExecutor(2) as pool:
        server.start()
        culprit = pool.submit(server.send, ask(schema=ENDLESS))
        time.sleep(0.1)
        innocent = pool.submit(server.send, ask(schema=NAMED))
        errors = [culprit.exception(), innocent.exception()]

    assert [type(error) for error in errors] == [ServerUnavailable, ServerUnavailable]
    assert all(isinstance(error, ServerUnavailable) and error.transient for error in errors)


def test_an_answer_that_takes_too_long_is_given_up(slow_gguf: Path) -> None:
    with Embedded(slow_gguf, timeout_s=0.3) as server:
        server.start()
        with pytest.raises(ServerUnavailable, match=r"did not answer within 0\.3 s"):
            server.send(LONG)


@needs_proc
def test_an_engine_that_was_killed_while_it_answered_is_an_error_and_is_replaced(slow_gguf: Path) -> None:
    with Embedded(slow_gguf) as server, ThreadPoolExecutor(1) as pool:
        pid = engine_of(server)
        answer = pool.submit(server.send, LONG)
        time.sleep(0.2)
        os.kill(pid, signal.SIGKILL)
        error = answer.exception()
        assert isinstance(error, ServerUnavailable)
        assert "signal 9" in str(error)
        assert error.transient
        assert server.send(ask(schema=NAMED)).content
        assert pid not in children()


@needs_proc
def test_an_engine_that_died_between_two_questions_is_not_noticed(random_gguf: Path) -> None:
    with Embedded(random_gguf) as server:
        pid = engine_of(server)
        server.send(ask(schema=NAMED))
        os.kill(pid, signal.SIGKILL)
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        assert server.send(ask(schema=NAMED)).content


def test_closing_fails_the_calls_that_wait(slow_gguf: Path) -> None:
    with Embedded(slow_gguf) as server, ThreadPoolExecutor(1) as pool:
        server.start()
        answer = pool.submit(server.send, LONG)
        time.sleep(0.2)
        server.close()
        with pytest.raises(ServerUnavailable, match="was ended"):
            answer.result(timeout=5)


@needs_proc
def test_a_cancelled_call_leaves_no_engine_no_socket_and_no_thread(slow_gguf: Path) -> None:
    processes, threads, connections = children(), threading.active_count(), sockets()
    server = Embedded(slow_gguf)

    async def cancelled() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(server.asend(LONG), 0.5)
        assert children() == processes

    asyncio.run(cancelled())

    assert (children(), threading.active_count(), sockets()) == (processes, threads, connections)


@needs_proc
def test_a_cancelled_start_leaves_no_engine(random_gguf: Path) -> None:
    processes = children()
    server = Embedded(random_gguf)

    async def cancelled() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(server.asend(ask(schema=NAMED)), 0.01)

    asyncio.run(cancelled())

    assert children() == processes


@needs_proc
def test_a_cancelled_call_does_not_disturb_the_others(slow_gguf: Path) -> None:
    async def both() -> str:
        async with Embedded(slow_gguf, parallel=2) as server:
            long = asyncio.create_task(server.asend(LONG))
            await asyncio.sleep(0.3)
            short = asyncio.create_task(server.asend(ask(max_tokens=200)))
            await asyncio.sleep(0.01)
            long.cancel()
            return (await short).content

    assert asyncio.run(both())


@needs_proc
def test_an_interrupted_call_leaves_no_engine_no_socket_and_no_thread(slow_gguf: Path) -> None:
    processes, threads, connections = children(), threading.active_count(), sockets()
    server = Embedded(slow_gguf)
    server.start()
    timer = threading.Timer(0.3, signal.pthread_kill, [threading.get_ident(), signal.SIGINT])
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        server.send(LONG)
    timer.join()

    assert (children(), threading.active_count(), sockets()) == (processes, threads, connections)


@needs_proc
def test_an_engine_that_nobody_holds_any_more_ends(random_gguf: Path) -> None:
    processes = children()
    server = Embedded(random_gguf)
    server.start()
    assert children() != processes
    del server

    assert children() == processes


@pytest.fixture
def half_gguf(random_gguf: Path, tmp_path: Path) -> Path:
    """A download that broke off."""
    half = tmp_path / "half.gguf"
    half.write_bytes(random_gguf.read_bytes()[:300_000])
    return half


def test_a_model_that_cannot_be_loaded_says_why(half_gguf: Path) -> None:
    with pytest.raises(ServerUnavailable, match="corrupted or incomplete") as caught:
        Embedded(half_gguf).send(ask())

    assert not caught.value.transient
    assert "half.gguf" in str(caught.value)


@pytest.mark.anyio
async def test_a_model_that_cannot_be_loaded_says_why_when_awaited(half_gguf: Path) -> None:
    with pytest.raises(ServerUnavailable, match="corrupted or incomplete"):
        await Embedded(half_gguf).asend(ask())


def test_a_start_that_takes_too_long_is_given_up(random_gguf: Path) -> None:
    with pytest.raises(ServerUnavailable, match=r"not ready .* within 0\.001 s"):
        Embedded(random_gguf, start_timeout_s=0.001).start()


def test_without_its_package_the_error_names_the_extra(random_gguf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "xllamacpp", None)
    with pytest.raises(ConfigError, match=r"pip install 'lmextract\[embedded\]'"):
        Embedded(random_gguf).send(ask())


@needs_proc
def test_no_port_is_open_to_other_machines(engine: Embedded) -> None:
    port = int(engine.start().base_url.rsplit(":", 1)[1].partition("/")[0])
    listening = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    addresses = {row[1] for row in listening if row[3] == "0A" and row[1].endswith(f":{port:04X}")}

    assert addresses == {f"0100007F:{port:04X}"}
