"""Slots, the queue behind them, the context that they share, and clients that go away."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import httpx
import pytest
from tests.testing.asking import MESSAGES, chat, connected, content, error, events, request_bytes

from lmextract.testing import FakeLMStudio, Overflow, Timing, Unsettled
from lmextract.testing.fake.errors import Era

SLOW = Timing(first_token_s=30.0)


@contextmanager
def asking(fake: FakeLMStudio, number: int, *, stream: bool = False) -> Iterator[list[Future[httpx.Response]]]:
    """So many requests at once, all of them under way."""
    with ThreadPoolExecutor(number) as pool:
        futures = [pool.submit(chat, fake, stream=stream) for _ in range(number)]
        assert fake.wait_for(lambda: fake.underway == number)
        yield futures


def test_requests_beyond_the_slots_wait_and_are_all_answered() -> None:
    at_once: list[int] = []
    lock = threading.Lock()

    async def answer(_: object) -> str:
        with lock:
            at_once.append(1)
            most.append(len(at_once))
        await asyncio.sleep(0.02)
        with lock:
            at_once.pop()
        return "done"

    most: list[int] = []
    with FakeLMStudio(answer, parallel=2) as fake, ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: content(chat(fake)), range(8)))

    assert answers == ["done"] * 8
    assert max(most) == 2


def test_a_client_that_goes_away_frees_its_slot() -> None:
    with FakeLMStudio(parallel=1, timing=SLOW) as fake:
        with connected(fake) as sock:
            sock.sendall(request_bytes({"messages": MESSAGES, "first": True}))
            assert fake.wait_for(lambda: fake.underway == 1)
        assert fake.wait_idle()

        assert [request.json["first"] for request in fake.disconnected] == [True]


def test_a_client_that_does_not_read_its_stream_blocks_nobody_and_can_go_away() -> None:
    with FakeLMStudio(lambda body: "x" * 400_000 if body.get("stream") else "short", context_length=10**6) as fake:
        with connected(fake) as sock:
            sock.sendall(request_bytes({"messages": MESSAGES, "stream": True}))
            assert fake.wait_for(lambda: fake.underway == 1)
            assert content(chat(fake)) == "short"
            assert fake.wait_for(lambda: fake.underway == 1)
        assert fake.wait_idle()

        assert len(fake.disconnected) == 1


def test_a_client_that_goes_away_leaves_the_queue() -> None:
    with FakeLMStudio(["a", "b"], parallel=1, timing=Timing(first_token_s=0.2)) as fake, connected(fake) as first:
        first.sendall(request_bytes({"messages": MESSAGES}))
        assert fake.wait_for(lambda: fake.underway == 1)
        with connected(fake) as second:
            second.sendall(request_bytes({"messages": MESSAGES}))
            assert fake.wait_for(lambda: fake.underway == 2)
        assert fake.wait_idle()

        assert len(fake.disconnected) == 1
        assert content(chat(fake)) == "b"


def test_unloading_refuses_those_in_the_queue_and_fails_those_in_a_slot() -> None:
    with FakeLMStudio(parallel=1, timing=SLOW) as fake, asking(fake, 3) as futures:
        fake.unload("fake-model")
        texts = sorted(error(future.result()) for future in futures)

    assert texts == ["Model unloaded.", *["Model was unloaded while the request was still in queue.."] * 2]


def test_a_crash_ends_all_that_was_under_way_and_the_model_is_gone() -> None:
    with FakeLMStudio(parallel=1, timing=SLOW) as fake, asking(fake, 3) as futures:
        fake.crash("fake-model")
        responses = [future.result() for future in futures]

        assert {response.status_code for response in responses} == {400}
        assert {response.text for response in responses} == {
            '{"error":"The model has crashed without additional information. (Exit code: null)"}'
        }
        assert fake.loaded == ("fake-embedding",)


def test_a_crash_within_a_stream_is_an_event() -> None:
    with FakeLMStudio(timing=SLOW) as fake, asking(fake, 1, stream=True) as (future,):
        fake.crash("fake-model")

        assert "has crashed" in events(future.result())[-1]["error"]["message"]


def test_a_full_shared_context_fails_every_request_in_it() -> None:
    """BT#1757."""
    with FakeLMStudio(["x" * 240] * 2, context_length=100, timing=SLOW) as fake, asking(fake, 1) as (first,):
        second = chat(fake)

    for response in (first.result(), second):
        assert response.status_code == 400
        inner = json.loads(error(response).partition("returned an error: ")[2])
        assert inner == {"code": 500, "message": "Context size has been exceeded.", "type": "server_error"}


def test_contexts_of_their_own_do_not_fill_each_other() -> None:
    overflow = Overflow(shared_pool=False)
    with (
        FakeLMStudio(
            lambda _: "x" * 240, context_length=100, timing=Timing(first_token_s=0.05), overflow=overflow
        ) as fake,
        ThreadPoolExecutor(4) as pool,
    ):
        assert {response.status_code for response in pool.map(lambda _: chat(fake), range(4))} == {200}


LONG = {"messages": [{"role": "user", "content": "x" * 400}]}


WORDS: dict[Era, str] = {
    "A": "Trying to keep the first 100 tokens when context the overflows. However, the model is loaded with context "
    "length of only 64 tokens, which is not enough.",
    "B": "The number of tokens to keep from the initial prompt is greater than the context length (n_keep: 100>=",
    "mlx": "Error in iterating prediction stream: ValueError: Prepared prompt has 100 tokens, exceeding the fitted 64-",
}


@pytest.mark.parametrize(("era", "text"), WORDS.items())
def test_a_prompt_that_is_too_long_is_refused_in_the_words_of_its_era(era: Era, text: str) -> None:
    with FakeLMStudio(context_length=64, overflow=Overflow(era=era)) as fake:
        response = chat(fake, **LONG)

    assert response.status_code == 400
    assert error(response).startswith(text)


def test_the_words_of_era_c_are_json_within_a_string() -> None:
    with FakeLMStudio(context_length=64) as fake:
        response = chat(fake, **LONG)

    prefix, _, inner = error(response).partition(": ")
    assert prefix == "Engine protocol predict request returned 400"
    assert json.loads(inner) == {
        "error": {
            "code": 400,
            "message": "request (100 tokens) exceeds the available context size (64 tokens), try increasing it",
            "type": "exceed_context_size_error",
            "n_prompt_tokens": 100,
            "n_ctx": 64,
        }
    }
    assert response.text.startswith(
        '{"error":"Engine protocol predict request returned 400: {\\"error\\":{\\"code\\":400,'
    )


def test_a_prompt_that_is_too_long_may_be_cut_in_silence() -> None:
    with FakeLMStudio(context_length=64, unsettled=Unsettled(too_long="truncate")) as fake:
        assert chat(fake, **LONG).status_code == 200
