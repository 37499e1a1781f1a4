"""`/api/v1/chat`: LM Studio's own chat, which knows no schema."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.testing.asking import error, post

from lmextract.testing import FakeLMStudio, FakeModel, Fault, Reasoning

ASK = {"model": "fake-model", "input": "Hi there"}


def test_the_body_has_the_keys_recorded_in_their_order() -> None:
    with FakeLMStudio(["Hello"]) as fake:
        body = post(fake, "/api/v1/chat", ASK).json()

    assert list(body) == ["model_instance_id", "output", "stats", "response_id"]
    assert body["output"] == [{"type": "message", "content": "Hello"}]
    assert list(body["stats"]) == [
        *("input_tokens", "total_output_tokens", "reasoning_output_tokens"),
        *("tokens_per_second", "time_to_first_token_seconds"),
    ]
    assert len(body["response_id"]) == len("resp_") + 48


def test_a_stored_reply_can_be_continued_and_an_unstored_one_has_no_id() -> None:
    with FakeLMStudio() as fake:
        first = post(fake, "/api/v1/chat", ASK).json()["response_id"]
        second = post(fake, "/api/v1/chat", {**ASK, "previous_response_id": first, "store": False})

    assert second.status_code == 200
    assert "response_id" not in second.json()


def test_thinking_is_an_item_of_its_own_and_can_be_switched_off() -> None:
    thinker = FakeModel("thinker", reasoning_options=("off", "on"))
    with FakeLMStudio(lambda _: "Hello", models=[thinker], reasoning=Reasoning(place="apart", text="Hm")) as fake:
        on = post(fake, "/api/v1/chat", {"model": "thinker", "input": "Hi"}).json()
        off = post(fake, "/api/v1/chat", {"model": "thinker", "input": "Hi", "reasoning": "off"}).json()

    assert on["output"] == [{"type": "reasoning", "content": "Hm"}, {"type": "message", "content": "Hello"}]
    assert on["stats"]["reasoning_output_tokens"] == 1
    assert off["output"] == [{"type": "message", "content": "Hello"}]


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (("low", "high"), "Reasoning setting 'off' is not supported by model 'm'. Supported settings: 'low', 'high'."),
        ((), "Model 'm' does not support reasoning configuration."),
    ],
)
def test_a_reasoning_setting_that_the_model_does_not_have_is_refused(options: tuple[str, ...], text: str) -> None:
    with FakeLMStudio(models=[FakeModel("m", reasoning_options=options)]) as fake:
        response = post(fake, "/api/v1/chat", {"model": "m", "input": "Hi", "reasoning": "off"})

    assert (response.status_code, error(response)) == (400, text)
    assert (response.json()["error"]["param"], response.json()["error"]["code"]) == ("reasoning", "invalid_value")


@pytest.mark.parametrize("missing", ["model", "input"])
def test_a_missing_field_is_named(missing: str) -> None:
    with FakeLMStudio() as fake:
        response = post(fake, "/api/v1/chat", {key: value for key, value in ASK.items() if key != missing})

    assert error(response) == f'"{missing}" is required'


def test_a_schema_is_an_unknown_key_here() -> None:
    with FakeLMStudio() as fake:
        response = post(fake, "/api/v1/chat", {**ASK, "response_format": {"type": "json_schema"}})

    assert error(response) == "Unrecognized key(s) in object: 'response_format'"


def test_items_are_counted_as_texts_and_images() -> None:
    items = [{"type": "text", "content": "x" * 40}, {"type": "image", "data_url": "data:,"}]
    with FakeLMStudio() as fake:
        body = post(fake, "/api/v1/chat", {**ASK, "input": items, "system_prompt": "y" * 8}).json()

    assert body["stats"]["input_tokens"] == 10 + 256 + 2


def named_events(text: str) -> list[tuple[str, Any]]:
    """Every event with its data."""
    blocks = [block.split("\n") for block in text.split("\n\n") if block]
    return [(block[0].removeprefix("event: "), json.loads(block[1].removeprefix("data: "))) for block in blocks]


def test_a_stream_has_named_events_and_ends_with_the_whole_result() -> None:
    with FakeLMStudio(["Hello"], reasoning=Reasoning(place="apart", text="Hm")) as fake:
        response = post(fake, "/api/v1/chat", {**ASK, "stream": True})

    events = named_events(response.text)
    assert [name for name, _ in events] == [
        *("chat.start", "prompt_processing.start", "prompt_processing.progress", "prompt_processing.end"),
        *("reasoning.start", "reasoning.delta", "reasoning.end"),
        *("message.start", "message.delta", "message.delta", "message.end", "chat.end"),
    ]
    assert all(data["type"] == name for name, data in events)
    assert events[-1][1]["result"]["output"][-1] == {"type": "message", "content": "Hello"}
    assert events[0][1]["model_instance_id"] == "fake-model"


def test_an_error_in_a_stream_is_followed_by_the_end() -> None:
    with FakeLMStudio(faults=[Fault.stream_error("Compute error.", after=1)]) as fake:
        events = named_events(post(fake, "/api/v1/chat", {**ASK, "stream": True}).text)

    assert [name for name, _ in events[-2:]] == ["error", "chat.end"]
    assert events[-2][1]["error"] == {"type": "unknown", "message": "Compute error."}
