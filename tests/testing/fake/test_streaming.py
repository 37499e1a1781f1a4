"""Server-sent events: chunks, usage, errors after the headers."""

from __future__ import annotations

import json

import pytest
from tests.testing.asking import BOOK, CLIENT, MESSAGES, chat, deltas, error, events, post, wanted

from lmextract.testing import FakeLMStudio, Fault, Reasoning, Timing, Unsettled


def test_chunks_have_the_keys_recorded_in_their_order() -> None:
    with FakeLMStudio(["Hello"]) as fake:
        first, *_, last, done = events(chat(fake, stream=True))

    assert list(first) == ["id", "object", "created", "model", "system_fingerprint", "choices"]
    assert first["object"] == "chat.completion.chunk"
    choice = {"index": 0, "delta": {"role": "assistant", "content": "Hell"}, "logprobs": None, "finish_reason": None}
    assert first["choices"] == [choice]
    assert last["choices"] == [{"index": 0, "delta": {}, "logprobs": None, "finish_reason": "stop"}]
    assert done == "[DONE]"


def test_all_chunks_of_a_stream_have_one_id() -> None:
    with FakeLMStudio() as fake:
        assert len({event["id"] for event in events(chat(fake, stream=True)) if event != "[DONE]"}) == 1


def test_the_pieces_make_up_the_answer() -> None:
    text = 'Ünïcode "and" \\ \n 𝄞 lines'
    with FakeLMStudio([text]) as fake:
        assert deltas(chat(fake, stream=True)) == text


def test_thinking_comes_before_the_answer() -> None:
    with FakeLMStudio(reasoning=Reasoning(place="apart")) as fake:
        chunks = events(chat(fake, stream=True))[:-2]

    keys = [next(key for key in chunk["choices"][0]["delta"] if key != "role") for chunk in chunks]
    assert keys == sorted(keys, reverse=True)
    assert set(keys) == {"reasoning_content", "content"}


def test_usage_comes_in_a_chunk_without_choices_if_asked_for() -> None:
    with FakeLMStudio(["Hello", "Hello"]) as fake:
        asked = events(chat(fake, stream=True, stream_options={"include_usage": True}))
        unasked = events(chat(fake, stream=True))

    assert asked[-2]["choices"] == []
    assert asked[-2]["usage"]["completion_tokens"] == 2
    assert not any("usage" in event for event in unasked[:-1])


def test_a_schema_holds_in_a_stream_too() -> None:
    with FakeLMStudio() as fake:
        assert json.loads(deltas(chat(fake, stream=True, **wanted(BOOK)))) == {"title": "title", "year": 1450}


def test_a_cut_stream_ends_with_length() -> None:
    with FakeLMStudio() as fake:
        *_, last, _ = events(chat(fake, stream=True, max_tokens=3))

    assert last["choices"][0]["finish_reason"] == "length"


def test_completions_stream_texts() -> None:
    with FakeLMStudio(["Hello"]) as fake:
        chunks = events(post(fake, "/v1/completions", {"prompt": "Hi", "stream": True}))

    assert [chunk["choices"][0]["text"] for chunk in chunks[:-1]] == ["Hell", "o", ""]
    assert chunks[-2]["choices"][0]["finish_reason"] == "stop"


def test_pieces_arrive_as_they_are_made() -> None:
    with (
        FakeLMStudio(["x" * 80], timing=Timing(token_s=0.005)) as fake,
        CLIENT.stream(
            "POST", fake.base_url + "/chat/completions", json={"messages": MESSAGES, "stream": True}
        ) as response,
    ):
        assert len(list(response.iter_raw())) > 5


@pytest.mark.parametrize("engine", ["mlx-outlines", "mlx-llguidance"])
def test_mlx_refuses_a_schema_after_the_headers(engine: str) -> None:
    schema = {"type": "object", "properties": {"a": {"type": ["string", "null"], "not": {}}}}
    with FakeLMStudio(engine=engine) as fake:  # type: ignore[arg-type]  # a parametrised literal
        response = chat(fake, stream=True, **wanted(schema))

    assert response.status_code == 200
    assert response.text.startswith('event: error\ndata: {"error":{"message":"Error in iterating prediction stream: Va')
    assert response.text.endswith('"}}\n\n')


def test_gguf_refuses_a_schema_before_the_headers() -> None:
    with FakeLMStudio() as fake:
        response = chat(fake, stream=True, **wanted({"type": "string", "pattern": "a"}))

    assert response.status_code == 400
    assert "Pattern must start with '^' and end with '$'" in error(response)


@pytest.mark.parametrize("done", [False, True])
def test_whether_done_follows_an_error_can_be_chosen(*, done: bool) -> None:
    fault = Fault.stream_error("Compute error.", after=2)
    with FakeLMStudio(faults=[fault], unsettled=Unsettled(done_after_error=done)) as fake:
        response = chat(fake, stream=True)

    data = events(response)
    assert data[2] == {"error": {"message": "Compute error."}}
    assert data[3:] == (["[DONE]"] if done else [])
    assert deltas(response) == "This is "
    assert "event: error\n" in response.text


def test_an_error_event_can_tell_its_message_twice() -> None:
    with FakeLMStudio(faults=[Fault.stream_error("Compute error.", after=0, repeated=True)]) as fake:
        assert events(chat(fake, stream=True)) == [
            {"error": {"message": "Compute error."}, "message": "Compute error."},
        ]


def test_an_error_after_the_last_piece_still_comes() -> None:
    with FakeLMStudio(["short"], faults=[Fault.stream_error("late", after=99)]) as fake:
        *_, last = events(chat(fake, stream=True))

    assert last == {"error": {"message": "late"}}


def test_a_stream_error_is_a_400_for_who_does_not_stream() -> None:
    with FakeLMStudio(faults=[Fault.stream_error("Compute error.")]) as fake:
        response = chat(fake)

    assert (response.status_code, response.text) == (400, '{"error":"Compute error."}')


def test_a_connection_is_fit_for_the_next_request_after_a_stream() -> None:
    with FakeLMStudio() as fake:
        assert len({chat(fake, stream=True).status_code for _ in range(3)}) == 1
        assert chat(fake).status_code == 200
