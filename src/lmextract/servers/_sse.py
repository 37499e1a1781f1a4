"""A streamed chat completion as pieces of a reply, or as the error that it means.  Pure: bytes in, values out.

LM Studio sends its headers first, so what goes wrong later comes as an event within a 200; a wrong path gives plain
JSON with a 200; and a stream that ends without a finish reason was cut.
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lmextract.errors import ServerRefused, ServerUnavailable
from lmextract.servers._http import Answer
from lmextract.servers._refusals import classify
from lmextract.servers._wire import parse, text_of, thoughts_of, usage_of
from lmextract.types import Delta, Json, Reply, Usage, is_array, is_object

__all__ = ["ChatStream", "Event", "EventReader"]

_DONE = "[DONE]"


@dataclass(frozen=True, slots=True)
class Event:
    """One server-sent event: the name that it was given, if any, and its data."""

    name: str
    data: str


class EventReader:
    """Takes server-sent events out of bytes that come in pieces; lines end in LF or CRLF."""

    def __init__(self) -> None:
        self._decode = codecs.getincrementaldecoder("utf-8-sig")("replace").decode
        self._line: list[str] = []
        self._name = ""
        self._data: list[str] = []

    def feed(self, chunk: bytes) -> Iterator[Event]:
        """The events that a piece completes."""
        first, *others = self._decode(chunk).split("\n")
        self._line.append(first)
        for line in others:
            yield from self._take("".join(self._line).removesuffix("\r"))
            self._line = [line]

    def rest(self) -> Iterator[Event]:
        """The event that the end of the stream completes; the standard drops it, some servers forget its last line."""
        yield from self._take("".join(self._line).removesuffix("\r"))
        yield from self._take("")

    def _take(self, line: str) -> Iterator[Event]:
        if not line:
            if self._data:
                yield Event(self._name, "\n".join(self._data))
            self._name, self._data = "", []
            return
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "event":
            self._name = value
        elif field == "data":
            self._data.append(value)
        elif field == "error":  # older llama.cpp
            self._name = "error"
            self._data.append(value)


class ChatStream:
    """Reads the body of one answer; raises the ServerError that it means, as soon as it is known.

    `status` and `headers` are those of the answer.  `secret` is removed from whatever an error quotes.
    """

    def __init__(self, status: int, headers: Mapping[str, str], secret: str = "") -> None:
        self._status = status
        self._headers = headers
        self._secret = secret
        self._is_stream = status == 200 and headers.get("content-type", "").startswith("text/event-stream")
        self._events = EventReader()
        self._whole: list[bytes] = []
        self._halves: dict[str, str] = {}
        self._finish: str | None = None
        self._usage: Usage | None = None
        self._model: str | None = None

    def feed(self, chunk: bytes, seconds: float = 0.0) -> Iterator[Delta]:
        """The pieces of text that some bytes bring."""
        if not self._is_stream:
            self._whole.append(chunk)
            return
        for event in self._events.feed(chunk):
            yield from self._read(event, seconds)

    def end(self, seconds: float = 0.0) -> Iterator[Delta]:
        """The last piece, after all bytes; raises where there is no finish reason."""
        if not self._is_stream:
            yield from self._of_whole(parse(self._answer(b"".join(self._whole), seconds), self._secret))
            return
        for event in self._events.rest() if self._finish is None else ():
            if event.name == "error" or _json(event.data) is not None:
                yield from self._read(event, seconds)
        if self._finish is None:
            raise ServerUnavailable(
                "the server's stream ended before the answer did",
                hint="LM Studio's own log says why; if it happens again, load the model with less context.",
                status=self._status,
            )
        yield Delta(
            content=self._halves.pop("content", ""),
            reasoning=self._halves.pop("reasoning", ""),
            finish=self._finish,
            usage=self._usage,
            model=self._model,
            seconds=seconds,
        )

    def _read(self, event: Event, seconds: float) -> Iterator[Delta]:
        if event.data == _DONE:
            return
        body = _json(event.data)
        if event.name == "error" or (is_object(body) and body.get("error")):
            raw = event.data.encode("utf-8", "replace")
            raise classify(self._answer(raw, seconds), event.data if body is None else body, self._secret)
        if not is_object(body):
            raise ServerRefused(
                "the server's stream holds something that is no JSON",
                hint="Is this the address of LM Studio? Its server is on port 1234 unless told otherwise.",
                status=self._status,
                detail=event.data[:200],
            )
        self._model = body.get("model") or self._model
        if is_object(body.get("usage")):
            self._usage = usage_of(body["usage"])
        yield from self._of_choice(_first(body.get("choices")), seconds)

    def _of_choice(self, choice: dict[str, Any], seconds: float) -> Iterator[Delta]:
        self._finish = text_of(choice.get("finish_reason")) or self._finish
        said = choice.get("delta") or choice.get("message")
        if not is_object(said):
            return
        content = self._whole_characters("content", text_of(said.get("content")))
        reasoning = self._whole_characters("reasoning", thoughts_of(said))
        if content or reasoning:
            yield Delta(content, reasoning, model=self._model, seconds=seconds)

    def _whole_characters(self, channel: str, text: str) -> str:
        """The text without half a character at its end, which waits for its other half in the next piece."""
        if not text or (text.isascii() and channel not in self._halves):
            return text
        text = self._halves.pop(channel, "") + text
        if "\ud800" <= text[-1] <= "\udbff":
            self._halves[channel] = text[-1]
            text = text[:-1]
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")

    def _of_whole(self, reply: Reply) -> Iterator[Delta]:
        """A server that does not stream, though asked to, has said it all at once."""
        yield Delta(reply.content, reply.reasoning, reply.finish, reply.usage, reply.model, reply.seconds)

    def _answer(self, body: bytes, seconds: float) -> Answer:
        return Answer(self._status, self._headers, body, seconds)


def _json(data: str) -> Json:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None


def _first(choices: Json) -> dict[str, Any]:
    first: Json = choices[0] if is_array(choices) and choices else None
    return first if is_object(first) else {}
