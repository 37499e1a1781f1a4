"""OpenTelemetry: a span per extraction, a span per request within it, and the two client metrics for generative AI.

Active where `opentelemetry-api` is installed (the extra `otel`); what becomes of it is for the program to configure.
The names are those of github.com/open-telemetry/semantic-conventions-genai, in the form that most back ends read.
What was asked and answered is recorded only where the environment says so, see `Settings`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache, lru_cache
from hashlib import sha256
from importlib.metadata import version
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from lmextract.errors import ReplyError
from lmextract.settings import Settings
from lmextract.types import Extraction, Message, Reply, Request, Step

if TYPE_CHECKING:
    from contextvars import Token

    from opentelemetry.context import Context
    from opentelemetry.metrics import Histogram
    from opentelemetry.trace import Span, Tracer

    from lmextract.target import Target

__all__ = ["Telemetry", "telemetry"]

OPERATION: Final = "gen_ai.operation.name"
PROVIDER: Final = "gen_ai.provider.name"
OUTPUT_TYPE: Final = "gen_ai.output.type"
REQUEST_MODEL: Final = "gen_ai.request.model"
MAX_TOKENS: Final = "gen_ai.request.max_tokens"
TEMPERATURE: Final = "gen_ai.request.temperature"
TOP_P: Final = "gen_ai.request.top_p"
TOP_K: Final = "gen_ai.request.top_k"
SEED: Final = "gen_ai.request.seed"
STOP: Final = "gen_ai.request.stop_sequences"
RESPONSE_MODEL: Final = "gen_ai.response.model"
FINISH_REASONS: Final = "gen_ai.response.finish_reasons"
INPUT_TOKENS: Final = "gen_ai.usage.input_tokens"
OUTPUT_TOKENS: Final = "gen_ai.usage.output_tokens"
REASONING_TOKENS: Final = "gen_ai.usage.reasoning.output_tokens"
CACHED_TOKENS: Final = "gen_ai.usage.cache_read.input_tokens"
INPUT_MESSAGES: Final = "gen_ai.input.messages"
OUTPUT_MESSAGES: Final = "gen_ai.output.messages"
TOKEN_TYPE: Final = "gen_ai.token.type"  # noqa: S105  # no password
SERVER_ADDRESS: Final = "server.address"
SERVER_PORT: Final = "server.port"
ERROR_TYPE: Final = "error.type"
DURATION: Final = "gen_ai.client.operation.duration"
TOKEN_USAGE: Final = "gen_ai.client.token.usage"  # noqa: S105
TARGET: Final = "lmextract.target"
SCHEMA_HASH: Final = "lmextract.schema.hash"
ATTEMPTS: Final = "lmextract.attempts"
NOTES: Final = "lmextract.notes"
PROBLEMS: Final = "lmextract.problems"
KIND: Final = "lmextract.request.kind"

# The boundaries that the conventions advise.
_SECONDS = [0.01 * 2**power for power in range(14)]
_TOKENS = [float(4**power) for power in range(14)]

_PORTS = {"http": 80, "https": 443}


def telemetry(target: Target[Any], server: object, *, attached: bool) -> Telemetry | None:
    """A watcher for one extraction; None where OpenTelemetry is not installed.

    `attached` makes the spans current while they last, which only a driver may do that never hands control to the
    caller in between.
    """
    return Telemetry(target, server, attached=attached) if _is_installed() else None


class Telemetry:
    """Turns what it sees of one extraction into spans and metrics."""

    def __init__(self, target: Target[Any], server: object, *, attached: bool) -> None:
        self._target = target
        self._server = server
        self._attached = attached
        self._count = 0
        self._whole: _Open | None = None
        self._call: _Open | None = None
        self._common: dict[str, Any] = {}

    def asked(self, number: int, request: Request, /) -> None:
        """Begin the span of a request, and before the first that of the extraction."""
        from opentelemetry.trace import SpanKind

        if self._whole is None:
            attributes = {TARGET: self._target.name, SCHEMA_HASH: _hash_of(self._target)}
            span = _tracer().start_span(f"extract {self._target.name}", attributes=attributes)
            self._whole = _Open(span, attached=self._attached)
        self._count = number
        self._common = {**_where(self._server), **({REQUEST_MODEL: request.model} if request.model else {})}
        span = _tracer().start_span(
            f"chat {request.model or ''}".rstrip(),
            context=self._whole.context,
            kind=SpanKind.CLIENT,
            attributes={**self._common, **_asked(request)},
        )
        self._call = _Open(span, attached=self._attached)

    def stepped(self, step: Step, /) -> None:
        """End the span of a request, and measure it."""
        if self._call is None:
            return
        if step.reply is not None:
            if step.reply.model:
                self._common[RESPONSE_MODEL] = step.reply.model
            self._call.note(_answered(step.reply))
            self._capture(step.request, step.reply)
            _count_tokens(step.reply, self._common)
        else:
            self._capture(step.request, None)
        failed = _error_type(step.error)
        self._call.end(failed)
        self._call = None
        _instrument(DURATION).record(step.seconds, {**self._common, **failed})

    def ended(self, extraction: Extraction[Any], /) -> None:
        """End the span of the extraction."""
        if self._whole is not None:
            codes = sorted({note.code for note in extraction.notes})
            self._whole.note({ATTEMPTS: self._count, NOTES: codes})
            self._whole.end({})
            self._whole = None

    def failed(self, error: BaseException, /) -> None:
        """End whatever is open."""
        if self._call is not None:
            self._call.end(_error_type(error))
        if self._whole is not None:
            codes = {problem.code for problem in error.problems} if isinstance(error, ReplyError) else set[str]()
            self._whole.note({ATTEMPTS: self._count, **({PROBLEMS: sorted(codes)} if codes else {})})
            self._whole.end(_error_type(error))
        self._call = self._whole = None

    def _capture(self, request: Request, reply: Reply | None) -> None:
        if self._call is None or not self._call.span.is_recording():
            return
        if Settings.from_environment().capture_content:
            self._call.note({INPUT_MESSAGES: json.dumps([_turn(message) for message in request.messages])})
            if reply is not None:
                self._call.note({OUTPUT_MESSAGES: json.dumps([_said(reply)])})


class _Open:
    """A span that has begun, with the context that has it as its span."""

    def __init__(self, span: Span, *, attached: bool) -> None:
        from opentelemetry import context
        from opentelemetry.trace import set_span_in_context

        self.span = span
        self.context: Context = set_span_in_context(span)
        self._token: Token[Context] | None = context.attach(self.context) if attached else None

    def note(self, attributes: Mapping[str, Any]) -> None:
        """Add attributes to the span."""
        self.span.set_attributes(attributes)

    def end(self, failed: Mapping[str, str]) -> None:
        """End the span, as failed if there is an error's type; never with its words, which may quote a document."""
        if self._token is not None:
            from opentelemetry import context

            context.detach(self._token)
        if failed:
            from opentelemetry.trace import StatusCode

            self.span.set_attributes(failed)
            self.span.set_status(StatusCode.ERROR)
        self.span.end()


@cache
def _is_installed() -> bool:
    # Other parts of OpenTelemetry share the outer package, so that alone tells nothing.
    return find_spec("opentelemetry") is not None and find_spec("opentelemetry.trace") is not None


@cache
def _tracer() -> Tracer:
    from opentelemetry.trace import get_tracer

    return get_tracer("lmextract", version("lmextract"))


@cache
def _instrument(name: str) -> Histogram:
    from opentelemetry.metrics import get_meter

    meter = get_meter("lmextract", version("lmextract"))
    if name == DURATION:
        said = "How long a request took, with all that was tried again"
        return meter.create_histogram(name, "s", said, explicit_bucket_boundaries_advisory=_SECONDS)
    said = "Tokens of a request (input) and of its reply (output)"
    return meter.create_histogram(name, "{token}", said, explicit_bucket_boundaries_advisory=_TOKENS)


def _count_tokens(reply: Reply, common: Mapping[str, Any]) -> None:
    for kind, count in (("input", reply.usage.prompt), ("output", reply.usage.completion)):
        if count:  # a server that does not count says 0
            _instrument(TOKEN_USAGE).record(count, {**common, TOKEN_TYPE: kind})


def _where(server: object) -> dict[str, Any]:
    """What is the same for every request to a server."""
    found: dict[str, Any] = {OPERATION: "chat", PROVIDER: getattr(server, "provider", "lm_studio")}
    base_url = getattr(server, "base_url", None)
    if isinstance(base_url, str):
        parts = urlsplit(base_url)
        found[SERVER_ADDRESS] = parts.hostname or ""
        found[SERVER_PORT] = parts.port or _PORTS.get(parts.scheme, 0)
    return found


def _asked(request: Request) -> dict[str, Any]:
    options = request.options
    wished = {TOP_P: options.top_p, TOP_K: options.top_k, SEED: options.seed, STOP: options.stop or None}
    return {
        OUTPUT_TYPE: "text" if request.schema is None else "json",
        MAX_TOKENS: request.max_tokens,
        TEMPERATURE: options.temperature,
        KIND: request.kind,
        **{name: value for name, value in wished.items() if value is not None},
    }


def _answered(reply: Reply) -> dict[str, Any]:
    usage = reply.usage
    return {
        FINISH_REASONS: (reply.finish,),
        INPUT_TOKENS: usage.prompt,
        OUTPUT_TOKENS: usage.completion,
        **({RESPONSE_MODEL: reply.model} if reply.model else {}),
        **({REASONING_TOKENS: usage.reasoning} if usage.reasoning else {}),
        **({CACHED_TOKENS: usage.cached} if usage.cached else {}),
    }


def _turn(message: Message) -> dict[str, Any]:
    return {"role": message.role, "parts": [{"type": "text", "content": message.content}]}


def _said(reply: Reply) -> dict[str, Any]:
    thought = [{"type": "reasoning", "content": reply.reasoning}] if reply.reasoning else []
    parts = [*thought, {"type": "text", "content": reply.content}]
    return {"role": "assistant", "parts": parts, "finish_reason": reply.finish}


def _error_type(error: BaseException | None) -> dict[str, str]:
    """The attribute for an error; none for a stream that its reader has left."""
    if error is None or isinstance(error, GeneratorExit):
        return {}
    kind = type(error)
    return {
        ERROR_TYPE: kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    }


@lru_cache(maxsize=256)
def _hash_of(target: Target[Any]) -> str:
    """Tells schemas apart, from one run to the next; 16 hexadecimal digits."""
    return sha256(json.dumps(target.schema, sort_keys=True, default=str).encode("utf-8", "replace")).hexdigest()[:16]
