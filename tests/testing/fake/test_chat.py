"""`/v1/chat/completions` and its neighbours: what is accepted, and the shape of what comes back."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from tests.testing.asking import BOOK, MESSAGES, chat, content, error, message, post, wanted

from lmextract.testing import MLX_LLGUIDANCE, FakeLMStudio, FakeModel, Fault, OutOfReplies, Unsettled
from lmextract.types import Reply, Usage


def test_the_body_has_the_keys_recorded_on_0_4_25_in_their_order() -> None:
    with FakeLMStudio(["Hello"]) as fake:
        body = chat(fake).json()

    assert list(body) == [
        *("id", "object", "created", "model", "choices", "usage", "stats", "system_fingerprint"),
    ]
    assert list(body["choices"][0]) == ["index", "message", "logprobs", "finish_reason"]
    assert body["choices"][0]["message"] == {
        "role": "assistant",
        "content": "Hello",
        "reasoning_content": "",
        "tool_calls": [],
    }
    assert list(body["choices"][0]["message"]) == ["role", "content", "reasoning_content", "tool_calls"]
    assert body["usage"] == {
        "prompt_tokens": 6,
        "completion_tokens": 2,
        "total_tokens": 8,
        "completion_tokens_details": {"reasoning_tokens": 0},
    }
    assert (body["object"], body["stats"], body["system_fingerprint"]) == ("chat.completion", {}, "fake-model")
    assert body["id"].startswith("chatcmpl-")
    assert len(body["id"]) == len("chatcmpl-") + 20


def test_ids_differ() -> None:
    with FakeLMStudio() as fake:
        assert len({chat(fake).json()["id"] for _ in range(20)}) == 20


@pytest.mark.parametrize(
    ("reply", "text"),
    [("as is", "as is"), ({"title": "Ü"}, '{"title": "Ü"}'), ([1, 2], "[1, 2]"), ("", ""), ('"\\\n\x00', '"\\\n\x00')],
)
def test_a_reply_is_the_content(reply: object, text: str) -> None:
    with FakeLMStudio([reply]) as fake:
        assert content(chat(fake)) == text


def test_a_reply_object_is_said_as_it_stands() -> None:
    reply = Reply("{}", reasoning="hm", finish="length", usage=Usage(7, 5, 3), model="another")
    with FakeLMStudio([reply]) as fake:
        body = chat(fake, max_tokens=1).json()

    assert (body["model"], body["choices"][0]["finish_reason"]) == ("another", "length")
    assert body["choices"][0]["message"]["reasoning_content"] == "hm"
    assert body["usage"]["prompt_tokens"] == 7
    assert body["usage"]["completion_tokens"] == 5
    assert body["usage"]["completion_tokens_details"] == {"reasoning_tokens": 3}


def test_a_function_answers_from_the_body() -> None:
    with FakeLMStudio(lambda body: {"model": body["model"], "n": len(body["messages"])}) as fake:
        assert json.loads(content(chat(fake))) == {"model": "fake-model", "n": 1}


def test_a_coroutine_function_answers_too() -> None:
    async def answer(body: dict[str, Any]) -> str:
        return str(body["model"])

    with FakeLMStudio(answer) as fake:
        assert content(chat(fake)) == "fake-model"


def test_a_fault_may_stand_among_the_replies() -> None:
    with FakeLMStudio(["a", Fault.status(503), "b"]) as fake:
        answers = [chat(fake) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 503, 200]


def test_none_among_the_replies_is_an_invented_answer() -> None:
    with FakeLMStudio([None, {"title": "mine", "year": 2000}]) as fake:
        assert json.loads(content(chat(fake, **wanted(BOOK)))) == {"title": "title", "year": 1450}
        assert json.loads(content(chat(fake, **wanted(BOOK)))) == {"title": "mine", "year": 2000}


def test_replies_can_go_on_for_ever() -> None:
    with FakeLMStudio(itertools.cycle("ab")) as fake:
        assert "".join(content(chat(fake)) for _ in range(5)) == "ababa"


def test_the_end_of_the_replies_is_told_to_the_client_and_raised_at_the_end() -> None:
    fake = FakeLMStudio(["only"]).start()
    chat(fake)
    response = chat(fake)

    assert response.status_code == 400
    assert "1 replies were scripted, and one question more was asked" in error(response)
    with pytest.raises(OutOfReplies):
        fake.__exit__(None, None, None)


def test_an_assertion_in_a_replies_function_fails_the_test() -> None:
    def check(body: dict[str, Any]) -> str:
        assert body["model"] == "other", "the wrong model was asked"
        return "fine"

    fake = FakeLMStudio(check).start()

    assert "AssertionError: the wrong model was asked" in error(chat(fake))
    with pytest.raises(AssertionError, match="the wrong model was asked"):
        fake.__exit__(None, None, None)


def test_an_error_of_the_test_itself_is_not_hidden_by_one_of_the_script() -> None:
    def use() -> None:
        with FakeLMStudio([]) as fake:
            chat(fake)
            raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        use()


# --- structured output


def test_an_invented_answer_fits_the_schema_and_is_always_the_same() -> None:
    with FakeLMStudio() as fake:
        answers = {content(chat(fake, **wanted(BOOK))) for _ in range(3)}

    assert answers == {'{"title": "title", "year": 1450}'}


@pytest.mark.parametrize("kind", ["json_object", "json", None, 7])
def test_every_other_type_of_response_format_is_refused(kind: object) -> None:
    with FakeLMStudio() as fake:
        response = chat(fake, response_format={"type": kind})

    assert response.status_code == 400
    assert response.text == "{\"error\":\"'response_format.type' must be 'json_schema' or 'text'\"}"


def test_text_is_prose() -> None:
    with FakeLMStudio() as fake:
        assert content(chat(fake, response_format={"type": "text"})).startswith("This is an invented answer")


@pytest.mark.parametrize("strict", [True, False, "true", None])
def test_strict_and_the_name_are_not_looked_at(strict: object) -> None:
    with FakeLMStudio() as fake:
        wish = {"type": "json_schema", "json_schema": {"strict": strict, "schema": BOOK}}

        assert json.loads(content(chat(fake, response_format=wish)))["title"] == "title"


@pytest.mark.parametrize("wish", [{}, {"json_schema": {}}, {"json_schema": {"schema": None}}, {"schema": BOOK}])
def test_what_a_missing_schema_gives_can_be_chosen(wish: dict[str, Any]) -> None:
    body = {"response_format": {"type": "json_schema", **wish}}
    with FakeLMStudio() as fake:
        assert chat(fake, **body).status_code == 400
    with FakeLMStudio(unsettled=Unsettled(missing_schema="object")) as fake:
        assert json.loads(content(chat(fake, **body))) == {}


def test_whether_an_empty_schema_is_taken_can_be_chosen() -> None:
    with FakeLMStudio() as fake:
        assert chat(fake, **wanted({})).status_code == 200
    with FakeLMStudio(unsettled=Unsettled(empty_schema="refuse")) as fake:
        assert chat(fake, **wanted({})).status_code == 400


def test_whether_tools_and_a_schema_go_together_can_be_chosen() -> None:
    with FakeLMStudio() as fake:
        assert message(chat(fake, tools=[{}], **wanted(BOOK)))["tool_calls"] == []
    with FakeLMStudio(unsettled=Unsettled(tools_with_schema="refuse")) as fake:
        assert chat(fake, tools=[{}], **wanted(BOOK)).status_code == 400


# --- what a model does not do


def test_a_model_without_vision_refuses_images() -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    body = {"messages": [{"role": "user", "content": [{"type": "text", "text": "What?"}, image]}]}
    with FakeLMStudio() as fake:
        assert "Vision add-on is not loaded" in error(chat(fake, **body))
    with FakeLMStudio(models=[FakeModel("seeing", kind="vlm")]) as fake:
        answer = chat(fake, **body)
        assert answer.status_code == 200
        assert answer.json()["usage"]["prompt_tokens"] == 2 + 256


def test_a_draft_model_is_refused_by_batched_mlx_alone() -> None:
    with FakeLMStudio(engine=MLX_LLGUIDANCE) as fake:
        assert "SpeculativeDecodingNotSupportedError" in error(chat(fake, draft_model="small"))
    for kept in (FakeLMStudio(engine="mlx-outlines", parallel=1), FakeLMStudio()):
        with kept as fake:
            assert chat(fake, draft_model="small").status_code == 200


# --- the neighbours


def test_completions_know_no_schema_and_no_thinking() -> None:
    with FakeLMStudio() as fake:
        body = post(fake, "/v1/completions", {"prompt": "Once upon", "max_tokens": 3, **wanted(BOOK)}).json()

    assert (body["object"], body["id"][:5]) == ("text_completion", "cmpl-")
    assert body["choices"] == [{"index": 0, "text": "This is ", "logprobs": None, "finish_reason": "length"}]


def test_v0_adds_statistics() -> None:
    with FakeLMStudio(context_length=4096) as fake:
        body = post(fake, "/api/v0/chat/completions", {"messages": MESSAGES}).json()

    assert body["stats"]["stop_reason"] == "eosFound"
    assert body["model_info"] == {"arch": "fake", "quant": "Q4_K_M", "format": "gguf", "context_length": 4096}
    assert body["runtime"]["supported_formats"] == ["gguf"]


def test_responses_ignore_the_format_and_answer_in_prose() -> None:
    wish = {"format": {"type": "json_schema", "name": "answer", "schema": BOOK}}
    with FakeLMStudio() as fake:
        body = post(fake, "/v1/responses", {"input": "Hi", "text": wish}).json()

    assert body["text"] == {"format": {"type": "text"}}
    assert body["output"][0]["content"][0]["text"].startswith("This is an invented answer")


def test_responses_want_a_format_where_they_are_given_text() -> None:
    with FakeLMStudio() as fake:
        response = post(fake, "/v1/responses", {"input": "Hi", "text": {}})

    assert response.status_code == 400
    assert response.json()["error"] == {
        "message": "Required",
        "type": "invalid_request_error",
        "param": "text.format",
        "code": "missing_required_parameter",
    }


def test_messages_answer_in_the_shape_of_anthropic() -> None:
    with FakeLMStudio(["Hello there"]) as fake:
        body = post(fake, "/v1/messages", {"messages": MESSAGES, "max_tokens": 2}).json()

    assert (body["type"], body["role"], body["stop_reason"]) == ("message", "assistant", "max_tokens")
    assert body["content"] == [{"type": "text", "text": "Hell"}]


def test_embeddings_come_in_the_order_of_the_texts() -> None:
    with FakeLMStudio() as fake:
        body = post(fake, "/v1/embeddings", {"model": "fake-embedding", "input": ["a", "b", "a"]}).json()

    vectors = [item["embedding"] for item in body["data"]]
    assert [item["index"] for item in body["data"]] == [0, 1, 2]
    assert vectors[0] == vectors[2] != vectors[1]
    assert sum(number**2 for number in vectors[0]) == pytest.approx(1, abs=1e-4)
    assert (body["object"], body["model"]) == ("list", "fake-embedding")
    assert body["usage"] == {"prompt_tokens": 0, "total_tokens": 0}


def test_embeddings_can_be_given() -> None:
    with FakeLMStudio(embed=lambda text: [float(len(text)), 1.0]) as fake:
        body = post(fake, "/v1/embeddings", {"input": "four"}).json()

    assert body["data"][0]["embedding"] == [4.0, 1.0]


@pytest.mark.parametrize("given", [[1, 2, 3], [[1, 2]], None, {"a": 1}, ["a", 1]])
def test_embeddings_of_token_numbers_are_refused(given: object) -> None:
    with FakeLMStudio() as fake:
        response = post(fake, "/v1/embeddings", {"input": given})

    assert (response.status_code, error(response)) == (400, "'input' field must be a string or an array of strings")
