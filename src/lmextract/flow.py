"""One document's way from question to typed value, as a generator without I/O.

It yields a Request, is sent the Reply (or thrown a ServerError), and returns an Extraction or raises a ReplyError.
The conversation only ever grows at its end, so that a server's prompt cache is reused.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from lmextract.dialects import lower_further
from lmextract.errors import InvalidReply, ReasoningOnlyReply, ReplyError, SchemaRefused, TruncatedReply
from lmextract.prompt import answer_message, document_message, empty_message, reasoning_message, repair_message
from lmextract.reading import Reading, read_reply
from lmextract.target import Target
from lmextract.types import (
    Attempt,
    Document,
    Extraction,
    Message,
    Note,
    Options,
    Profile,
    Reply,
    Request,
    Usage,
    WireSchema,
)

__all__ = ["Flow", "Plan", "extraction"]

T = TypeVar("T")

Flow = Generator[Request, Reply, Extraction[T]]

DEFAULT_MAX_TOKENS = 4096
_SMALLEST_ROOM = 256
_LARGEST_UNKNOWN = 32768
_BYTES_PER_TOKEN = 3
_GROWTH = 4


@dataclass(frozen=True, slots=True, eq=False)
class Plan(Generic[T]):
    """What is the same for every document: the target, its wire form, the constant prompt, and how to ask."""

    target: Target[T]
    wire: WireSchema | None
    preamble: tuple[Message, ...]
    profile: Profile = Profile()
    options: Options = Options()
    repairs: int = 2
    context: Any = None


@dataclass(frozen=True, slots=True)
class _Turn(Generic[T]):
    """What the flow has at hand when a reply has been read."""

    request: Request
    reply: Reply
    reading: Reading[T]


def extraction(plan: Plan[T], document: Document) -> Flow[T]:
    """Ask, read, check; ask again with what was wrong, at most `plan.repairs` times; then give up."""
    attempts: tuple[Attempt, ...] = ()
    notes: tuple[Note, ...] = ()
    request = _first_request(plan, document)
    while True:
        try:
            reply = yield request
        except SchemaRefused as refusal:
            request, note = _with_lower_schema(request, plan, refusal)
            notes += (note,)
            continue
        reading = read_reply(reply, plan.target, wire=request.schema, context=plan.context)
        attempts += (Attempt("repair" if attempts else "extract", request, reply, reading.problems),)
        if reading.ok:
            return _result(plan, reading, attempts, notes)
        again = _next_request(plan, _Turn(request, reply, reading))
        if again is None or len(attempts) > plan.repairs:
            raise _given_up(reading, reply, attempts)
        request = again


def _first_request(plan: Plan[Any], document: Document) -> Request:
    messages = (*plan.preamble, document_message(document.text))
    return Request(
        messages=messages,
        schema=plan.wire,
        max_tokens=plan.options.max_tokens or _room(plan.profile.context_length, messages),
        options=plan.options,
        model=plan.profile.model,
        name=plan.target.name,
        fixed=len(plan.preamble),
    )


def _room(context_length: int | None, messages: tuple[Message, ...]) -> int:
    """Tokens for the answer: what the context leaves at a careful estimate, within sense."""
    if context_length is None:
        return DEFAULT_MAX_TOKENS
    prompt = sum(len(message.content.encode("utf-8", "replace")) for message in messages) // _BYTES_PER_TOKEN
    return max(_SMALLEST_ROOM, min(DEFAULT_MAX_TOKENS, context_length - prompt))


def _with_lower_schema(request: Request, plan: Plan[Any], refusal: SchemaRefused) -> tuple[Request, Note]:
    """The same question one rung further down the ladder: less schema on the wire, the same check afterwards."""
    if request.schema is None:
        raise refusal
    lowered = lower_further(request.schema, plan.target.schema, refusal.detail)
    rung = f"as {lowered.dialect}" if lowered else "without a schema"
    note = Note("relaxed-schema", f"the server refused the schema ({refusal.detail[:200]}); asked {rung} instead")
    return replace(request, schema=lowered), note


def _next_request(plan: Plan[Any], turn: _Turn[Any]) -> Request | None:
    """The request that may cure what is wrong, or None where nothing can."""
    if turn.reading.truncated:
        return _with_more_room(plan, turn)
    answer = answer_message(turn.reply.content)
    return replace(turn.request, messages=(*turn.request.messages, answer, _asked_again(turn)))


def _asked_again(turn: _Turn[Any]) -> Message:
    if turn.reply.content.strip():
        return repair_message(turn.reading.problems, wire=turn.request.schema)
    return reasoning_message() if turn.reply.reasoning.strip() else empty_message()


def _with_more_room(plan: Plan[Any], turn: _Turn[Any]) -> Request | None:
    """The same question with a higher limit; None where the caller, or the context, set the limit that was hit."""
    limit, context = turn.request.max_tokens, plan.profile.context_length
    ceiling = context or _LARGEST_UNKNOWN
    context_is_full = context is not None and turn.reply.usage.total >= context - 1
    if plan.options.max_tokens is not None or context_is_full or limit >= ceiling:
        return None
    return replace(turn.request, max_tokens=min(limit * _GROWTH, ceiling))


def _result(
    plan: Plan[T], reading: Reading[T], attempts: tuple[Attempt, ...], notes: tuple[Note, ...]
) -> Extraction[T]:
    reply = attempts[-1].reply
    repaired = tuple(note for attempt in attempts[:-1] for note in _repaired(attempt))
    return Extraction(
        value=reading.value,
        notes=(*notes, *repaired, *_other_model(plan.profile, reply), *reading.notes),
        attempts=attempts,
        usage=_spent(attempts),
        model=reply.model or plan.profile.model,
    )


def _repaired(attempt: Attempt) -> list[Note]:
    code = "truncated" if any(problem.code == "truncated" for problem in attempt.problems) else "repaired"
    return [
        Note(code, f"an earlier reply was wrong here and was asked again: {problem.message}", problem.path)
        for problem in attempt.problems
    ]


def _other_model(profile: Profile, reply: Reply) -> list[Note]:
    """LM Studio answers with the model that is loaded, whatever was asked for (BT#619)."""
    asked, answered = profile.model, reply.model
    if asked is None or answered is None or answered in profile.aliases or _plain(asked) == _plain(answered):
        return []
    return [Note("other-model", f"asked for {asked}, answered by {answered}")]


def _plain(model: str) -> str:
    """A model's name without case and without the number of its instance (`qwen3-4b:2`)."""
    name, colon, instance = model.lower().rpartition(":")
    return name if colon and instance.isdigit() else model.lower()


def _spent(attempts: tuple[Attempt, ...]) -> Usage:
    return sum((attempt.reply.usage for attempt in attempts), Usage())


def _given_up(reading: Reading[Any], reply: Reply, attempts: tuple[Attempt, ...]) -> ReplyError:
    tries = f"{len(attempts)} {'reply' if len(attempts) == 1 else 'replies'}"
    if reading.truncated:
        return TruncatedReply(
            f"the answer was cut at {reply.usage.completion} tokens ({tries}).",
            hint="Raise max_tokens, load the model with a longer context, or ask for less.",
            problems=reading.problems,
            attempts=attempts,
        )
    if not reply.content.strip() and reply.reasoning.strip():
        return ReasoningOnlyReply(
            f"the model only thought, {len(reply.reasoning):,} characters, and answered nothing ({tries}).",
            hint="Turn thinking off for this model in LM Studio, or use a model without it.",
            problems=reading.problems,
            attempts=attempts,
        )
    return InvalidReply(
        f"no reply fits the target ({tries}):",
        problems=reading.problems,
        attempts=attempts,
    )
