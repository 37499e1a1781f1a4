"""The chat completions wire, there and back."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from lmextract import Options, Reply, Request, Usage, WireSchema
from lmextract.servers._http import Answer
from lmextract.servers._wire import encode, parse
from lmextract.types import Message

WIRE = WireSchema({"type": "object", "properties": {"ü": {"type": "string"}}}, (), True, "gguf")


def sent(request: Request, **how: Any) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(encode(request, **how))
    return body


def request(*messages: Message, **fields: Any) -> Request:
    return Request(
        messages or (Message("user", "Dune"),), fields.pop("schema", WIRE), fields.pop("max_tokens", 99), **fields
    )


def test_a_body_is_what_lm_studio_documents() -> None:
    body = sent(request(Message("system", "s"), Message("user", "u"), model="m", name="Book", fixed=1))

    assert body == {
        "model": "m",
        "stream": False,
        "temperature": 0.0,
        "reasoning_effort": "none",
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "Book", "strict": True, "schema": WIRE.schema},
        },
        "messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "u"}],
        "max_tokens": 99,
    }


def test_without_a_schema_there_is_no_response_format() -> None:
    assert "response_format" not in sent(request(schema=None))


def test_what_was_not_asked_for_is_not_sent() -> None:
    assert not {"model", "top_p", "top_k", "min_p", "seed", "stop", "repeat_penalty"} & sent(request()).keys()


def test_every_option_has_its_place() -> None:
    options = Options(0.5, 10, 0.9, 40, 0.05, 1.1, 7, ("END",), "high")
    body = sent(request(options=options))

    expected = {"temperature": 0.5, "top_p": 0.9, "top_k": 40, "min_p": 0.05, "repeat_penalty": 1.1, "seed": 7}
    assert body.items() >= {**expected, "reasoning_effort": "high"}.items()
    assert body["stop"] == ["END"]


def test_reasoning_can_be_left_to_the_model() -> None:
    assert "reasoning_effort" not in sent(request(options=Options(reasoning=None)))
    assert "reasoning_effort" not in sent(request(), reasoning=False)


def test_extra_members_are_added() -> None:
    assert sent(request(), extra='"cache_prompt":true,')["cache_prompt"] is True


@given(
    texts=st.lists(st.text(), min_size=1, max_size=4),
    fixed=st.integers(0, 4),
    name=st.text(max_size=80),
)
def test_any_text_arrives_as_it_is(texts: list[str], fixed: int, name: str) -> None:
    messages = tuple(Message("user", text) for text in texts)
    body = sent(request(*messages, fixed=min(fixed, len(texts)), name=name))

    assert [turn["content"] for turn in body["messages"]] == texts
    assert 1 <= len(body["response_format"]["json_schema"]["name"]) <= 64


def test_half_a_character_in_a_models_own_words_does_not_stop_the_repair() -> None:
    assert sent(request(Message("assistant", "a\ud800b")))["messages"][0]["content"] == "a?b"


def answer(message: dict[str, Any], **rest: Any) -> Answer:
    body = {"choices": [{"message": message, "finish_reason": "stop"}], "model": "m", **rest}
    return Answer(200, {}, json.dumps(body).encode(), 0.25)


def test_a_reply_carries_content_usage_model_and_time() -> None:
    usage = {
        "prompt_tokens": 26,
        "completion_tokens": 9,
        "completion_tokens_details": {"reasoning_tokens": 3},
        "prompt_tokens_details": {"cached_tokens": 20},
    }
    reply = parse(answer({"content": "{}", "reasoning_content": "", "tool_calls": []}, usage=usage))

    assert reply == Reply("{}", "", "stop", Usage(26, 9, 3, 20), "m", 0.25)


def test_reasoning_is_found_under_both_of_its_names() -> None:
    assert parse(answer({"content": "", "reasoning_content": "hm"})).reasoning == "hm"
    assert parse(answer({"content": None, "reasoning": "hm"})).reasoning == "hm"


def test_a_reply_without_usage_costs_nothing_that_is_known() -> None:
    assert parse(answer({"content": "x"})).usage == Usage()
