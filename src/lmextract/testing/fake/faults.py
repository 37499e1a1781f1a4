"""What can go wrong with one request, as data."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from lmextract.testing.fake import errors
from lmextract.testing.fake.http import JSON, Answer
from lmextract.testing.fake.values import RecordedRequest
from lmextract.types import Json

__all__ = ["Fault", "Faults", "fault_finder"]


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing to go wrong; build it by one of the class methods.

    `answer` stands instead of a reply; `drop` closes the connection, `after` pieces of a stream where that is given and
    before the first byte where not; `event` is an error event after as many pieces; `leaves` takes the model away.
    """

    answer: Answer | None = None
    drop: Literal["reset", "close"] | None = None
    event: str | None = None
    repeated: bool = False
    after: int | None = None
    delay_s: float = 0.0
    leaves: bool = False

    @classmethod
    def reset(cls) -> Fault:
        """The connection is reset before the first byte of an answer."""
        return cls(drop="reset")

    @classmethod
    def close(cls) -> Fault:
        """The connection is closed in good order, without an answer: what a race with keep-alive looks like."""
        return cls(drop="close")

    @classmethod
    def cut(cls, after: int = 2, *, reset: bool = False) -> Fault:
        """The connection ends within the answer: after so many pieces of a stream, or halfway through a whole body."""
        return cls(drop="reset" if reset else "close", after=after)

    @classmethod
    def hang(cls) -> Fault:
        """No answer ever; the client must give up."""
        return cls(delay_s=float("inf"))

    @classmethod
    def delay(cls, seconds: float) -> Fault:
        """The answer comes, so much later."""
        return cls(delay_s=seconds)

    @classmethod
    def status(cls, status: int, *, message: str = "Service unavailable", retry_after_s: float | None = None) -> Fault:
        """An HTTP status with the compact envelope, as a proxy in front of LM Studio may give (503, 429, 502 ...)."""
        answer = errors.string_error(message, status)
        extra = () if retry_after_s is None else (("Retry-After", f"{retry_after_s:g}"),)
        return cls(Answer(status, answer.body, headers=extra))

    @classmethod
    def error(cls, message: str, *, status: int = 400) -> Fault:
        """A failure in the compact envelope, which is that of engines and of request validation."""
        return cls(errors.string_error(message, status))

    @classmethod
    def ok_error(cls, message: str) -> Fault:
        """An error with status 200, as LM Studio gives for routes that it does not know."""
        return cls.error(message, status=200)

    @classmethod
    def engine(cls, message: str) -> Fault:
        """A failure of the engine while it answers, in the wrapping of GGUF models: `Compute error.` and the like."""
        return cls(errors.engine_stream(message))

    @classmethod
    def pool_full(cls) -> Fault:
        """The context that parallel requests share is full."""
        return cls.engine(errors.CONTEXT_EXCEEDED)

    @classmethod
    def unloaded(cls) -> Fault:
        """The model was unloaded while the request waited in the queue; the next one may load it again."""
        return cls(errors.unloaded_in_queue(), leaves=True)

    @classmethod
    def crash(cls, exit_code: int | None = None) -> Fault:
        """The model crashes and is no longer loaded; so do all requests that it was working on."""
        return cls(errors.crashed(exit_code), leaves=True)

    @classmethod
    def load_failed(cls, model: str = "fake-model", reason: str = "Failed to load model.") -> Fault:
        """The model could not be loaded."""
        return cls(errors.load_failed(model, reason))

    @classmethod
    def stream_error(cls, message: str, *, after: int = 2, repeated: bool = False) -> Fault:
        """An error event after so many pieces of a stream; a request that does not stream gets it as a 400.

        `repeated` gives the message a second time at the top level, as one build did.
        """
        return cls(event=message, after=after, repeated=repeated)

    @classmethod
    def body(cls, body: bytes | str | Json, *, status: int = 200, content_type: str | None = None) -> Fault:
        """Any bytes in place of the answer: some proxy's HTML page, half a JSON document; a dict or list as JSON."""
        if isinstance(body, (bytes, str)):
            raw = body.encode("utf-8") if isinstance(body, str) else body
            return cls(Answer(status, raw, content_type or "text/html; charset=utf-8"))
        return cls(Answer(status, json.dumps(body, ensure_ascii=False).encode("utf-8"), content_type or JSON))


Faults: TypeAlias = "Sequence[Fault | None] | Mapping[int, Fault] | Callable[[RecordedRequest], Fault | None]"
"""In order of the calls, by the number of the call, or by any property of any request."""


def fault_finder(faults: Faults) -> Callable[[RecordedRequest], Fault | None]:
    """The fault for a request, if it has one."""
    if callable(faults):
        return faults
    by_call: dict[int, Fault | None] = dict(faults.items() if isinstance(faults, Mapping) else enumerate(faults))
    return lambda request: None if request.call is None else by_call.get(request.call)
