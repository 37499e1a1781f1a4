"""Streamed answers as pieces of a reply, or as errors: bytes in, values out."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lmextract import ContextOverflow, Delta, SchemaRefused, ServerError, ServerRefused, ServerUnavailable, Usage
from lmextract.servers._http import Answer
from lmextract.servers._sse import ChatStream, Event, EventReader
from lmextract.servers._wire import parse

SSE = {"content-type": "text/event-stream; charset=utf-8"}
JSON = {"content-type": "application/json; charset=utf-8"}
USAGE = {
    "prompt_tokens": 9,
    "completion_tokens": 4,
    "completion_tokens_details": {"reasoning_tokens": 1},
    "prompt_tokens_details": {"cached_tokens": 8},
}


def chunk(finish: str | None = None, **delta: Any) -> dict[str, Any]:
    choice = {"index": 0, "delta": {"role": "assistant", **delta}, "logprobs": None, "finish_reason": finish}
    return {"id": "chatcmpl-1", "object": "chat.completion.chunk", "model": "m", "choices": [choice]}


def frames(*data: object, end: str = "\n") -> bytes:
    texts = [each if isinstance(each, str) else json.dumps(each, ensure_ascii=False) for each in data]
    return "".join(f"data: {text}{end}{end}" for text in texts).encode("utf-8", "surrogatepass")


def events(*chunks: bytes) -> list[Event]:
    reader = EventReader()
    return [event for piece in chunks for event in reader.feed(piece)] + list(reader.rest())


def deltas(*chunks: bytes, status: int = 200, headers: dict[str, str] = SSE, secret: str = "") -> list[Delta]:
    stream = ChatStream(status, headers, secret)
    return [delta for piece in chunks for delta in stream.feed(piece, 1.0)] + list(stream.end(2.0))


def said(*chunks: bytes) -> tuple[str, str]:
    found = deltas(*chunks)
    return "".join(delta.content for delta in found), "".join(delta.reasoning for delta in found)


def error_of(*chunks: bytes, **how: Any) -> ServerError:
    with pytest.raises(ServerError) as caught:
        deltas(*chunks, **how)
    return caught.value


class TestEvents:
    def test_an_event_has_a_name_and_data(self) -> None:
        assert events(b"event: error\ndata: {}\n\ndata: x\n\n") == [Event("error", "{}"), Event("", "x")]

    def test_lines_of_data_make_up_one_event(self) -> None:
        assert events(b"data: a\ndata:b\ndata\ndata:  c\n\n") == [Event("", "a\nb\n\n c")]

    def test_comments_and_other_fields_are_left_out(self) -> None:
        assert events(b": ping\n\nid: 1\nretry: 5\ndata: x\nnonsense\n\n") == [Event("", "x")]

    def test_a_name_without_data_is_no_event_and_does_not_stick(self) -> None:
        assert events(b"event: error\n\ndata: x\n\n") == [Event("", "x")]

    def test_a_byte_order_mark_is_no_part_of_the_first_line(self) -> None:
        assert events(b"\xef\xbb\xbfdata: x\n\n") == [Event("", "x")]

    def test_the_last_event_needs_no_empty_line(self) -> None:
        assert events(b"data: x") == [Event("", "x")]

    def test_old_llama_cpp_has_a_field_named_error(self) -> None:
        assert events(b'error: {"code":500}\n\n') == [Event("error", '{"code":500}')]

    @given(
        texts=st.lists(st.text(alphabet="aé😀 :{}", min_size=1)),
        end=st.sampled_from(["\n", "\r\n"]),
        at=st.lists(st.integers(0, 9999)),
    )
    def test_it_makes_no_difference_where_the_bytes_are_cut(self, texts: list[str], end: str, at: list[int]) -> None:
        raw = frames(*texts, end=end)
        places = sorted({0, len(raw), *(place % (len(raw) + 1) for place in at)})

        assert events(*(raw[a:b] for a, b in pairwise(places))) == [Event("", text) for text in texts]


class TestAReply:
    def test_comes_in_pieces_and_ends_with_its_account(self) -> None:
        body = frames(
            chunk(content="He"), chunk(content="llo"), chunk("stop"), {"choices": [], "usage": USAGE}, "[DONE]"
        )

        assert deltas(body) == [
            Delta("He", model="m", seconds=1.0),
            Delta("llo", model="m", seconds=1.0),
            Delta(finish="stop", usage=Usage(9, 4, 1, 8), model="m", seconds=2.0),
        ]

    def test_may_tell_its_usage_with_the_finish_reason(self) -> None:
        assert deltas(frames({**chunk("length"), "usage": USAGE}))[-1].usage == Usage(9, 4, 1, 8)

    def test_needs_no_usage_and_no_done(self) -> None:
        assert deltas(frames(chunk(content="x"), chunk("stop")))[-1] == Delta(finish="stop", model="m", seconds=2.0)

    @pytest.mark.parametrize("name", ["reasoning_content", "reasoning"])
    def test_keeps_thinking_apart(self, name: str) -> None:
        assert said(frames(chunk(**{name: "Hm"}), chunk(content="x"), chunk("stop"))) == ("x", "Hm")

    def test_may_have_the_text_that_ends_it_in_its_last_chunk(self) -> None:
        assert said(frames(chunk("stop", content="x"))) == ("x", "")

    @pytest.mark.parametrize(
        "odd",
        [
            {},
            {"choices": None},
            {"choices": []},
            {"choices": [None]},
            {"choices": [{"delta": None}]},
            {"choices": [{"delta": {"content": None, "reasoning_content": None}}]},
            {"choices": [{"delta": {"content": ["x"]}}]},
            {"choices": [{"delta": {"tool_calls": []}}], "usage": None},
        ],
    )
    def test_has_no_text_where_a_chunk_has_none(self, odd: object) -> None:
        assert said(frames(odd, chunk(content="x"), chunk("stop"))) == ("x", "")

    def test_may_split_a_character_between_two_chunks(self) -> None:
        body = b"".join(
            f'data: {{"choices":[{{"delta":{{"content":"{half}"}}}}]}}\n\n'.encode()
            for half in ("a\\ud83d", "\\ude00b", "c")
        )

        assert [delta.content for delta in deltas(body, frames(chunk("stop")))] == ["a", "😀b", "c", ""]

    def test_loses_no_half_of_a_character_at_its_end(self) -> None:
        body = b'data: {"choices":[{"delta":{"content":"a\\ud83d"}}]}\n\n'

        assert said(body, frames(chunk("stop"))) == ("a\ud83d", "")

    def test_of_a_server_that_does_not_stream_is_one_piece(self) -> None:
        body = json.dumps({"model": "m", "choices": [{"message": {"content": "x"}, "finish_reason": "stop"}]}).encode()

        assert deltas(body[:20], body[20:], headers=JSON) == [
            Delta("x", finish="stop", usage=Usage(), model="m", seconds=2.0)
        ]


class TestAnError:
    TEXTS = (
        "Compute error.",
        "The model has crashed without additional information. (Exit code: 6)",
        "Context size has been exceeded.",
        "failed to parse grammar",
        "Error in iterating prediction stream: ValueError: 'type' must be a string",
        "The number of tokens to keep from the initial prompt is greater than the context length",
        "Model unloaded while the request was still in the queue.",
        "something new",
    )

    @pytest.mark.parametrize("text", TEXTS)
    @pytest.mark.parametrize("done", [False, True])
    @pytest.mark.parametrize(
        "shape",
        [
            lambda text: {"error": {"message": text}},
            lambda text: {"error": text},
            lambda text: {"error": {"message": text}, "message": text},
        ],
    )
    @pytest.mark.parametrize("name", ["event: error\n", ""])
    def test_within_a_stream_means_what_it_means_outside(self, text: str, shape: Any, name: str, *, done: bool) -> None:
        body = json.dumps(shape(text)).encode()
        stream = name.encode() + b"data: " + body + b"\n\n" + (b"data: [DONE]\n\n" if done else b"")
        found = error_of(frames(chunk(content="x")), stream)
        with pytest.raises(ServerError) as outside:
            parse(Answer(400, {}, body, 0.0))

        assert type(found) is type(outside.value)
        assert (found.transient, found.hint, found.detail) == (
            outside.value.transient,
            outside.value.hint,
            outside.value.detail,
        )

    def test_of_the_schema_after_the_headers_is_one_of_the_schema(self) -> None:
        assert isinstance(
            error_of(b'event: error\ndata: {"error":{"message":"Unimplemented keys: x"}}\n\n'), SchemaRefused
        )

    def test_may_be_plain_words(self) -> None:
        found = error_of(b"event: error\ndata: Context size has been exceeded.\n\n")

        assert isinstance(found, ContextOverflow)
        assert found.transient

    def test_comes_after_the_text_before_it(self) -> None:
        pieces = ChatStream(200, SSE).feed(frames(chunk(content="x")) + b'data: {"error":"Compute error."}\n\n')

        assert next(pieces).content == "x"
        with pytest.raises(ServerUnavailable):
            next(pieces)

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            frames("[DONE]"),
            frames(chunk(content="x")),
            frames(chunk(content="x"), "[DONE]"),
            frames(chunk(content="x"), {"choices": [], "usage": USAGE}, "[DONE]"),
            frames(chunk(content="x")) + b'data: {"choices":[{"delta":{"con',
            frames(chunk(content="x")) + b"data:",
        ],
    )
    def test_is_the_end_of_a_stream_without_a_finish_reason(self, body: bytes) -> None:
        found = error_of(body)

        assert isinstance(found, ServerUnavailable)
        assert found.transient

    def test_is_something_that_is_no_json(self) -> None:
        found = error_of(b"data: <html>\n\n", frames(chunk("stop")))

        assert isinstance(found, ServerRefused)
        assert found.detail == "<html>"

    def test_on_a_wrong_path_is_plain_json_with_a_200(self) -> None:
        found = error_of(b'{"error":"Unexpected endpoint or method. (POST /v2/chat)"}', headers=JSON)

        assert isinstance(found, ServerRefused)
        assert "route" in found.reason

    def test_is_any_status_but_200_whatever_the_type_says(self) -> None:
        assert isinstance(error_of(b"busy", status=503), ServerUnavailable)
        assert isinstance(error_of(b'{"error":"Invalid API token"}', status=401, headers=JSON), ServerRefused)

    def test_does_not_repeat_the_key(self) -> None:
        found = error_of(b'event: error\ndata: {"error":"no such key: sk-secret-key"}\n\n', secret="sk-secret-key")

        assert "secret" not in str(found) + found.detail
