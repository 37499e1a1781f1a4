"""Real clients pass: what the official one reads from LM Studio it reads from the fake."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator

import pytest
from tests.testing.asking import BOOK, MESSAGES, wanted

from lmextract.testing import TOKEN, FakeLMStudio, Fault, Reasoning

openai = pytest.importorskip("openai", reason="the openai client is not installed (group bench)")


@pytest.fixture
def fake() -> Iterator[FakeLMStudio]:
    with FakeLMStudio(lambda _: None, reasoning=Reasoning(place="apart", text="Hm")) as fake:
        yield fake


@pytest.fixture
def client(fake: FakeLMStudio) -> Iterator[openai.OpenAI]:  # type: ignore[name-defined]  # it may be missing
    with openai.OpenAI(base_url=fake.base_url, api_key="lm-studio", max_retries=2) as client:
        yield client


def test_a_chat(client: openai.OpenAI) -> None:  # type: ignore[name-defined]
    reply = client.chat.completions.create(model="fake-model", messages=MESSAGES, **wanted(BOOK))

    assert json.loads(reply.choices[0].message.content) == {"title": "title", "year": 1450}
    assert reply.choices[0].message.reasoning_content == "Hm"
    assert reply.usage.completion_tokens_details.reasoning_tokens == 1


def test_a_stream_with_usage(client: openai.OpenAI) -> None:  # type: ignore[name-defined]
    options = {"include_usage": True}
    chunks = list(
        client.chat.completions.create(model="fake-model", messages=MESSAGES, stream=True, stream_options=options)
    )

    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text.startswith("This is an invented answer")
    assert chunks[-2].choices[0].finish_reason == "stop"
    assert chunks[-1].usage.total_tokens > 0


def test_an_error_event_in_a_stream_is_raised(client: openai.OpenAI, fake: FakeLMStudio) -> None:  # type: ignore[name-defined]
    fake.script(faults=[Fault.stream_error("Compute error.")])

    with pytest.raises(openai.APIError, match=r"Compute error\."):
        list(client.chat.completions.create(model="fake-model", messages=MESSAGES, stream=True))


def test_a_completion_whole_and_streamed(client: openai.OpenAI) -> None:  # type: ignore[name-defined]
    whole = client.completions.create(model="fake-model", prompt="Once").choices[0].text
    pieces = client.completions.create(model="fake-model", prompt="Once", stream=True)

    assert whole == "".join(piece.choices[0].text for piece in pieces)


def test_embeddings(client: openai.OpenAI) -> None:  # type: ignore[name-defined]
    data = client.embeddings.create(model="fake-embedding", input=["a", "b"]).data

    assert [item.index for item in data] == [0, 1]
    assert len(data[0].embedding) == 16


def test_models(client: openai.OpenAI) -> None:  # type: ignore[name-defined]
    assert [model.id for model in client.models.list()] == ["fake-model", "fake-embedding"]


def test_the_responses_route(client: openai.OpenAI) -> None:  # type: ignore[name-defined]
    assert client.responses.create(model="fake-model", input="Hi").output_text.startswith("This is an invented")


def test_refusals_become_the_client_s_own_errors(fake: FakeLMStudio) -> None:
    with openai.OpenAI(base_url=fake.base_url, api_key="x", max_retries=0) as client:
        with pytest.raises(openai.BadRequestError):
            client.chat.completions.create(
                model="fake-model", messages=MESSAGES, response_format={"type": "json_object"}
            )
        fake.script(faults=[Fault.status(429), Fault.reset()])
        with pytest.raises(openai.RateLimitError):
            client.chat.completions.create(model="fake-model", messages=MESSAGES)
        with pytest.raises(openai.APIConnectionError):
            client.chat.completions.create(model="fake-model", messages=MESSAGES)


def test_a_placeholder_key_is_refused_where_tokens_are_required() -> None:
    with FakeLMStudio(token=TOKEN) as fake:
        with (
            openai.OpenAI(base_url=fake.base_url, api_key="fake-api-key", max_retries=0) as stranger,
            pytest.raises(openai.AuthenticationError, match="Malformed LM Studio API token provided: fake-api-k"),
        ):
            stranger.models.list()
        with openai.OpenAI(base_url=fake.base_url, api_key=TOKEN, max_retries=0) as friend:
            assert len(list(friend.models.list())) == 2


def test_many_at_once_through_the_async_client(fake: FakeLMStudio) -> None:
    async def ask() -> set[str]:
        async with openai.AsyncOpenAI(base_url=fake.base_url, api_key="x") as client:
            calls = [client.chat.completions.create(model="fake-model", messages=MESSAGES) for _ in range(40)]
            return {reply.id for reply in await asyncio.gather(*calls)}

    assert len(asyncio.run(ask())) == 40
