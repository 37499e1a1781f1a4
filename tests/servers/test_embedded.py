"""The embedded engine at work: the real llama.cpp with a babbling model."""

from __future__ import annotations

import asyncio
import json
import pickle
import threading
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.support.gguf.scripted import Script
from tests.support.models import MakeScripted
from tests.support.requests import NAMED, ask, wire

from lmextract.errors import ConfigError, ContextOverflow, SchemaRefused
from lmextract.servers import Embedded, Server
from lmextract.types import Reply


def check_named(reply: Reply) -> None:
    value = json.loads(reply.content)
    assert list(value) == ["name", "size"]
    assert len(value["name"]) <= 12
    assert isinstance(value["size"], int)
    assert value["size"] <= 99


def status_of(url: str, key: str | None, body: object = None) -> int:
    headers = {"content-type": "application/json"} | ({"authorization": f"Bearer {key}"} if key else {})
    request = urllib.request.Request(url, json.dumps(body).encode() if body else None, headers)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def test_it_is_a_server(engine: Embedded) -> None:
    assert isinstance(engine, Server)


def test_a_reply_has_the_shape_of_the_schema_whatever_the_model_babbles(engine: Embedded) -> None:
    replies = [engine.send(ask(f"text {seed}", NAMED, seed=seed)) for seed in range(5)]

    for reply in replies:
        check_named(reply)
    assert len({reply.content for reply in replies}) > 1


def test_a_reply_names_the_model_that_made_it_and_what_it_cost(engine: Embedded) -> None:
    reply = engine.send(ask(schema=NAMED))

    assert reply.model == engine.model == "random"
    assert reply.usage.prompt > 0
    assert reply.usage.completion > 0
    assert reply.finish == "stop"


def test_at_temperature_zero_the_same_question_gets_the_same_answer(engine: Embedded) -> None:
    assert engine.send(ask(schema=NAMED)).content == engine.send(ask(schema=NAMED)).content


def test_without_a_schema_the_answer_is_free_text_up_to_the_token_limit(engine: Embedded) -> None:
    reply = engine.send(ask(max_tokens=7))

    assert reply.content
    assert reply.finish == "length"
    assert reply.usage.completion == 7


def test_a_scripted_model_gives_a_wrong_answer_and_mends_it_when_told(scripted_gguf: MakeScripted) -> None:
    wrong, right, other = '{"title":"Dune","year":0}', '{"title":"Dune","year":1965}', '{"title":"?","year":1}'
    model = scripted_gguf(Script(wrong, ("Dune",)), Script(right, ("Dune", "invalid")), Script(other))
    with Embedded(model) as server:
        assert server.send(ask("Of Dune and its sand.")).content == wrong
        assert server.send(ask("Of Dune and its sand. That was invalid.")).content == right
        assert server.send(ask("Of something else.")).content == other


@pytest.mark.anyio
async def test_many_coroutines_at_once_each_get_their_answer(engine: Embedded) -> None:
    replies = await asyncio.gather(*(engine.asend(ask(f"text {n}", NAMED, seed=n)) for n in range(8)))

    for reply in replies:
        check_named(reply)


def test_threads_and_several_event_loops_use_one_engine_at_once(engine: Embedded) -> None:
    def in_thread(seed: int) -> Reply:
        return engine.send(ask("thread", NAMED, seed=seed))

    def in_loop(seed: int) -> Reply:
        return asyncio.run(engine.asend(ask("loop", NAMED, seed=seed)))

    before = engine.start()
    with ThreadPoolExecutor(4) as pool:
        replies = [*pool.map(in_thread, range(6)), *pool.map(in_loop, range(6))]

    for reply in replies:
        check_named(reply)
    assert engine.start() == before


def test_no_call_of_a_crowd_is_left_waiting(random_gguf: Path) -> None:
    """The engine lets a connection without a thread wait for 5 s, which would be too long here."""

    async def crowd(server: Embedded) -> list[Reply]:
        return await asyncio.gather(*(server.asend(ask(f"text {n}", NAMED, seed=n)) for n in range(64)))

    for _ in range(2):
        with Embedded(random_gguf, parallel=2, timeout_s=4.5) as server:
            assert len(asyncio.run(crowd(server))) == 64
            with ThreadPoolExecutor(32) as pool:
                assert len(list(pool.map(server.send, [ask(f"text {n}", NAMED, seed=n) for n in range(64)]))) == 64


def test_threads_that_start_it_together_start_one_engine(random_gguf: Path) -> None:
    with Embedded(random_gguf, parallel=2) as server:
        barrier = threading.Barrier(4)

        def start(_: int) -> object:
            barrier.wait()
            return server.start()

        with ThreadPoolExecutor(4) as pool:
            assert len(set(pool.map(start, range(4)))) == 1


def test_nobody_gets_an_answer_without_the_key(engine: Embedded) -> None:
    endpoint = engine.start()
    question = {"messages": [{"role": "user", "content": "Hello"}], "max_tokens": 1}
    route = f"{endpoint.base_url}/chat/completions"

    assert status_of(route, None, question) == 401
    assert status_of(route, "guess", question) == 401
    assert status_of(route, endpoint.api_key, question) == 200
    assert status_of(f"{endpoint.base_url}/models", None) == 401


def test_it_listens_on_loopback_only(engine: Embedded) -> None:
    assert engine.start().base_url.startswith("http://127.0.0.1:")


def test_the_key_is_in_no_repr(engine: Embedded) -> None:
    assert engine.start().api_key not in f"{engine!r} {engine.start()!r}"


def test_two_engines_have_two_keys(random_gguf: Path, engine: Embedded) -> None:
    with Embedded(random_gguf) as other:
        assert other.start().api_key != engine.start().api_key


def test_a_text_longer_than_the_context_overflows(random_gguf: Path) -> None:
    with Embedded(random_gguf, context_length=512) as server, pytest.raises(ContextOverflow) as caught:
        server.send(ask("word " * 1000, NAMED))

    assert caught.value.context_length == 512
    assert caught.value.prompt_tokens is not None
    assert caught.value.prompt_tokens > 512
    assert "context_length=" in caught.value.hint


def test_each_parallel_request_has_the_whole_context_length(random_gguf: Path) -> None:
    with Embedded(random_gguf, context_length=512, parallel=3) as server, pytest.raises(ContextOverflow) as caught:
        server.send(ask("word " * 1000))

    assert caught.value.context_length == 512


def test_a_schema_that_the_engine_does_not_take_is_refused_and_the_engine_lives_on(engine: Embedded) -> None:
    before = engine.start()
    with pytest.raises(SchemaRefused):
        engine.send(ask(schema=wire({"type": "object", "properties": {"a": {"$ref": "#/nowhere"}}, "required": ["a"]})))

    check_named(engine.send(ask(schema=NAMED)))
    assert engine.start() == before


def test_the_profile_needs_no_running_engine(random_gguf: Path) -> None:
    profile = Embedded(random_gguf, parallel=3).profile()

    assert (profile.model, profile.dialect, profile.context_length, profile.parallel) == ("random", "gguf", 4096, 3)


@pytest.mark.anyio
async def test_the_awaited_profile_is_the_same(engine: Embedded) -> None:
    assert await engine.aprofile() == engine.profile()


@pytest.mark.parametrize("name", ["random", "Random.gguf", "lm_studio/random"])
def test_the_model_may_be_named(engine: Embedded, name: str) -> None:
    assert engine.profile(name).model == "random"


def test_another_model_than_its_own_is_a_mistake(engine: Embedded) -> None:
    with pytest.raises(ConfigError, match="runs random, not qwen3-4b"):
        engine.profile("qwen3-4b")


def test_the_context_is_what_the_model_was_trained_for_at_most(random_gguf: Path) -> None:
    assert Embedded(random_gguf).context_length == 4096
    assert Embedded(random_gguf, context_length=100_000).context_length == 4096
    assert Embedded(random_gguf, context_length=1000).context_length == 1000


@pytest.mark.parametrize("argument", ["context_length", "parallel", "threads", "memory_growth_mib"])
def test_a_number_that_makes_no_sense_is_a_value_error(random_gguf: Path, argument: str) -> None:
    with pytest.raises(ValueError, match=argument):
        Embedded(random_gguf, **{argument: 0})


def test_a_pickled_copy_starts_an_engine_of_its_own(engine: Embedded) -> None:
    with pickle.loads(pickle.dumps(engine)) as copy:
        check_named(copy.send(ask(schema=NAMED)))

        assert copy.start() != engine.start()
    assert copy.profile() == engine.profile()


def test_after_closing_it_starts_again_when_it_is_used(random_gguf: Path) -> None:
    with Embedded(random_gguf) as server:
        first = server.start()
        server.close()
        check_named(server.send(ask(schema=NAMED)))

        assert server.start() != first


@pytest.mark.anyio
async def test_an_async_with_ends_the_engine(random_gguf: Path) -> None:
    async with Embedded(random_gguf) as server:
        check_named(await server.asend(ask(schema=NAMED)))
        address = server.start().base_url
    with pytest.raises(urllib.error.URLError):
        status_of(f"{address}/models", None)
