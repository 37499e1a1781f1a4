"""The frames of streamed replies: server-sent events as `/v1` and as `/api/v1` write them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Protocol

from typing_extensions import override

from lmextract.testing.fake.replies import Head, usage
from lmextract.testing.fake.speech import Channel, Said
from lmextract.types import Json

__all__ = ["ChatFrames", "CompletionFrames", "Frames", "NativeFrames", "pieces"]

PIECE_CHARS = 4
DONE = b"data: [DONE]\n\n"


def pieces(said: Said) -> Iterator[tuple[Channel, str]]:
    """What is said, a token at a time."""
    for channel, text in said.parts:
        for at in range(0, len(text), PIECE_CHARS):
            yield channel, text[at : at + PIECE_CHARS]


class Frames(Protocol):
    """How one kind of stream is written."""

    def opening(self) -> bytes:
        """What comes before the first piece."""
        ...

    def piece(self, channel: Channel, text: str) -> bytes:
        """One piece of text."""
        ...

    def closing(self, said: Said) -> bytes:
        """What comes after the last piece."""
        ...

    def error(self, message: str, *, done: bool, repeated: bool) -> bytes:
        """An error in place of the rest."""
        ...


class ChatFrames(Frames):
    """Chunks of `chat.completion.chunk`; every delta has the role (BT#378)."""

    def __init__(self, head: Head, prompt: int, *, include_usage: bool) -> None:
        self._prompt = prompt
        self._include_usage = include_usage
        self._start = (
            f'data: {{"id":{json.dumps(head.id)},"object":"chat.completion.chunk","created":{head.created},'
            f'"model":{json.dumps(head.model)},"system_fingerprint":{json.dumps(head.model)},"choices":'
        )

    @override
    def opening(self) -> bytes:
        return b""

    @override
    def piece(self, channel: Channel, text: str) -> bytes:
        delta = f'{{"role":"assistant","{channel}":{json.dumps(text, ensure_ascii=False)}}}'
        return self._chunk(delta, "null")

    @override
    def closing(self, said: Said) -> bytes:
        frames = self._chunk("{}", json.dumps(said.finish))
        if self._include_usage:
            frames += f'{self._start}[],"usage":{_compact(usage(said, self._prompt))}}}\n\n'.encode()
        return frames + DONE

    @override
    def error(self, message: str, *, done: bool, repeated: bool) -> bytes:
        return error_event(message, done=done, repeated=repeated)

    def _chunk(self, delta: str, finish: str) -> bytes:
        choice = f'[{{"index":0,"delta":{delta},"logprobs":null,"finish_reason":{finish}}}]'
        return f"{self._start}{choice}}}\n\n".encode("utf-8", "surrogatepass")


class CompletionFrames(Frames):
    """Chunks of `text_completion`."""

    def __init__(self, head: Head, prompt: int, *, include_usage: bool) -> None:
        self._prompt = prompt
        self._include_usage = include_usage
        self._base = {
            "id": head.id.replace("chatcmpl-", "cmpl-"),
            "object": "text_completion",
            "created": head.created,
            "model": head.model,
        }

    @override
    def opening(self) -> bytes:
        return b""

    @override
    def piece(self, channel: Channel, text: str) -> bytes:
        del channel
        return self._frame({"choices": [{"index": 0, "text": text, "logprobs": None, "finish_reason": None}]})

    @override
    def closing(self, said: Said) -> bytes:
        frames = self._frame({"choices": [{"index": 0, "text": "", "logprobs": None, "finish_reason": said.finish}]})
        if self._include_usage:
            frames += self._frame({"choices": [], "usage": usage(said, self._prompt)})
        return frames + DONE

    @override
    def error(self, message: str, *, done: bool, repeated: bool) -> bytes:
        return error_event(message, done=done, repeated=repeated)

    def _frame(self, rest: dict[str, Json]) -> bytes:
        return f"data: {_compact({**self._base, **rest})}\n\n".encode("utf-8", "surrogatepass")


class NativeFrames(Frames):
    """The named events of `/api/v1/chat`; the last holds the whole result, also after an error."""

    def __init__(self, instance_id: str, result: dict[str, Json]) -> None:
        self._instance_id = instance_id
        self._result = result
        self._open: str | None = None

    @override
    def opening(self) -> bytes:
        return (
            _event("chat.start", model_instance_id=self._instance_id)
            + _event("prompt_processing.start")
            + _event("prompt_processing.progress", progress=1)
            + _event("prompt_processing.end")
        )

    @override
    def piece(self, channel: Channel, text: str) -> bytes:
        kind = "message" if channel == "content" else "reasoning"
        begun = b"" if self._open == kind else self._close() + _event(f"{kind}.start")
        self._open = kind
        return begun + _event(f"{kind}.delta", content=text)

    @override
    def closing(self, said: Said) -> bytes:
        del said
        return self._close() + _event("chat.end", result=self._result)

    @override
    def error(self, message: str, *, done: bool, repeated: bool) -> bytes:
        del done, repeated
        return _event("error", error={"type": "unknown", "message": message}) + _event("chat.end", result=self._result)

    def _close(self) -> bytes:
        ended, self._open = self._open, None
        return _event(f"{ended}.end") if ended else b""


def error_event(message: str, *, done: bool, repeated: bool = False) -> bytes:
    """An error after the headers have gone; `repeated` gives the message twice, as one build did."""
    body: dict[str, Json] = {"error": {"message": message}}
    if repeated:
        body["message"] = message
    return f"event: error\ndata: {_compact(body)}\n\n".encode() + (DONE if done else b"")


def _event(kind: str, **data: Json) -> bytes:
    return f"event: {kind}\ndata: {_compact({'type': kind, **data})}\n\n".encode("utf-8", "surrogatepass")


def _compact(value: Json) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
