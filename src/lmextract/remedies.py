"""What cures which failure: each cause has one small function that turns it into the next question.

    cut off               the rest of it, else the whole with more room
    cut off in a loop     the same, with a penalty on repetition
    empty                 the whole again
    nothing but thinking  thinking switched off; else the thoughts handed back, and the answer asked for
    wrong in places       those places only
    wrong as a whole      the whole again, with what was wrong

A question after a failure is the document's own conversation, then the latest answer, then what is wrong with it:
everything before the answer stays as it was, so that a server's prompt cache is reused, and older failures are not
told again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

import lmextract.prompt as prompt  # noqa: PLR0402
from lmextract.dialects import compile_schema, to_wire
from lmextract.mending import Mend, meant, mend_of, rest_of, settled
from lmextract.notation import describe
from lmextract.reading import Reading
from lmextract.target import Target
from lmextract.types import (
    Document,
    Json,
    Message,
    Note,
    Options,
    Profile,
    Reply,
    Request,
    WireSchema,
    is_array,
    is_object,
)

__all__ = ["Ask", "Plan", "Turn", "first_ask", "remedy", "thinking_ask", "with_thoughts"]

T = TypeVar("T")

DEFAULT_MAX_TOKENS = 4096
_SMALLEST_ROOM = 256
_LARGEST_UNKNOWN = 32768
_BYTES_PER_TOKEN = 3
_GROWTH = 4
_MOST_THOUGHT_CHARS = 8000
_MOST_PROSE_CHARS = 2000
_MORE_PENALTY = 0.15


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
    think: bool = False
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True, slots=True)
class Ask:
    """A question on its way: the request, the conversation it began with, and, for a mend, the value it completes.

    `wire` is the schema for the whole, on the rung of the ladder that the server takes.
    """

    request: Request
    base: tuple[Message, ...]
    wire: WireSchema | None
    mend: Mend | None = None
    value: Json = None

    @property
    def kind(self) -> str:
        """Why it is asked, as `Request` has it."""
        return self.request.kind

    def with_schema(self, wire: WireSchema | None) -> Ask:
        """The same question under another schema."""
        whole = wire if self.mend is None else self.wire
        return replace(self, request=replace(self.request, schema=wire), wire=whole)


@dataclass(frozen=True, slots=True)
class Turn:
    """A question, its reply, what was read of it, and the parts of a mend that a cut reply did not give."""

    ask: Ask
    reply: Reply
    reading: Reading[Any]
    lacking: Mend | None = None


def first_ask(plan: Plan[Any], document: Document) -> Ask:
    """The question as it stands before anything has gone wrong."""
    messages = (*plan.preamble, prompt.document_message(document.text))
    request = Request(
        messages=messages,
        schema=plan.wire,
        max_tokens=plan.options.max_tokens or _room(plan.profile.context_length, messages),
        options=plan.options,
        model=plan.profile.model,
        name=plan.target.name,
        fixed=len(plan.preamble),
    )
    return Ask(request, messages, plan.wire)


def _room(context_length: int | None, messages: tuple[Message, ...]) -> int:
    """Tokens for the answer: what the context leaves at a careful estimate, within sense."""
    if context_length is None:
        return DEFAULT_MAX_TOKENS
    size = sum(len(message.content.encode("utf-8", "replace")) for message in messages) // _BYTES_PER_TOKEN
    return max(min(_SMALLEST_ROOM, context_length), min(DEFAULT_MAX_TOKENS, context_length - size))


def thinking_ask(ask: Ask) -> Ask:
    """The question for free thinking before the answer: no schema, and a limit of its own."""
    options = ask.request.options
    free = replace(options, reasoning=None) if options.reasoning == "none" else options
    request = replace(
        ask.request,
        messages=(*ask.base, prompt.think_message()),
        schema=None,
        options=free,
        max_tokens=options.think_tokens,
        kind="think",
    )
    return replace(ask, request=request)


def with_thoughts(ask: Ask, thoughts: Ask, reply: Reply) -> Ask:
    """The question again, on the conversation that now holds the model's thoughts."""
    said = reply.content.strip() or reply.reasoning.strip()
    turns = (prompt.answer_message(_shortened(said)), prompt.reasoning_message())
    base = (*thoughts.request.messages, *turns)
    return replace(ask, request=replace(ask.request, messages=base), base=base)


def remedy(plan: Plan[Any], turn: Turn) -> Ask | None:
    """The question that may cure what is wrong with a reply, or None where nothing can."""
    if not turn.reading.found and turn.ask.mend is None and _is_silent(turn):
        return _after_silence(plan, turn)
    if turn.reading.truncated:
        return _after_cut(plan, turn)
    problems = turn.reading.problems
    if turn.reading.found:
        parts = mend_of(plan.target.schema, turn.reading.json, problems)
        problems = meant(plan.target.schema, turn.reading.json, problems) or problems
        if parts is not None:
            return _for_parts(plan, turn, parts, prompt.mend_message(problems, _described(plan, parts)), "mend")
    return _whole(plan, turn, prompt.repair_message(problems, wire=plan.wire))


def _is_silent(turn: Turn) -> bool:
    """Whether a reply holds nothing but thinking, be it that it was cut in the midst of it, or nothing at all."""
    if turn.reading.truncated:
        return bool(turn.reply.content.strip() or turn.reply.reasoning.strip())
    return not turn.reply.content.strip()


def _after_cut(plan: Plan[Any], turn: Turn) -> Ask | None:
    limit = _more_room(plan, turn)
    kept, rest = _kept_and_rest(plan, turn)
    if rest is not None and (turn.reply.looped or not _context_is_full(plan, turn)):
        asked = _for_parts(plan, turn, rest, prompt.rest_message(_described(plan, rest)), "rest")
        return replace(asked, value=kept)
    if limit is None:
        return None
    request = replace(
        turn.ask.request,
        messages=turn.ask.base,
        schema=turn.ask.wire,
        max_tokens=limit,
        options=_options(turn),
        kind="repair",
    )
    return Ask(request, turn.ask.base, turn.ask.wire)


def _kept_and_rest(plan: Plan[Any], turn: Turn) -> tuple[Json, Mend | None]:
    """What a cut reply leaves of the value, and the question for what that lacks."""
    value, cut_at = turn.reading.json, turn.reading.cut_at
    if turn.ask.mend is not None:
        return value, turn.lacking
    if not value or not (is_object(value) or is_array(value)) or cut_at is None:
        return None, None
    kept, cut_at = settled(value, cut_at)
    return kept, rest_of(plan.target.schema, kept, cut_at) if kept else None


def _options(turn: Turn) -> Options:
    """How to ask after a cut: a model that said the same over and over would do so again."""
    options = turn.ask.request.options
    if not turn.reply.looped:
        return options
    return replace(options, repeat_penalty=(options.repeat_penalty or 1.0) + _MORE_PENALTY)


def _more_room(plan: Plan[Any], turn: Turn) -> int | None:
    """A higher limit; None where the caller, or the context, set the limit that was hit, and not the model's loop."""
    limit, ceiling = turn.ask.request.max_tokens, plan.profile.context_length or _LARGEST_UNKNOWN
    if turn.reply.looped:
        return limit
    if plan.options.max_tokens is not None or _context_is_full(plan, turn) or limit >= ceiling:
        return None
    return min(limit * _GROWTH, ceiling)


def _context_is_full(plan: Plan[Any], turn: Turn) -> bool:
    context = plan.profile.context_length
    return context is not None and turn.reply.usage.total >= context - 1


def _after_silence(plan: Plan[Any], turn: Turn) -> Ask:
    asked = turn.ask.request
    thoughts = turn.reply.reasoning.strip() or turn.reply.content.strip()
    if not thoughts:
        return _whole(plan, turn, prompt.empty_message())
    if turn.reading.truncated:
        asked = replace(asked, max_tokens=_more_room(plan, turn) or asked.max_tokens, options=_options(turn))
    if asked.options.reasoning != "none":
        quiet = replace(asked.options, reasoning="none")
        again = replace(asked, messages=turn.ask.base, options=quiet, kind="repair")
    else:
        said = prompt.answer_message(_shortened(thoughts))
        again = replace(asked, messages=(*turn.ask.base, said, prompt.reasoning_message()), kind="repair")
    return replace(turn.ask, request=again)


def _for_parts(plan: Plan[Any], turn: Turn, parts: Mend, told: Message, kind: str) -> Ask:
    wire = _wire_of(plan, parts, turn.ask.wire.dialect) if turn.ask.wire else None
    messages = (*turn.ask.base, _answered(plan, turn), told)
    limit = turn.ask.request.max_tokens
    if turn.reply.finish == "length":
        limit = _more_room(plan, turn) or limit
    request = replace(
        turn.ask.request, messages=messages, schema=wire, max_tokens=limit, options=_options(turn), kind=kind
    )
    return Ask(request, turn.ask.base, turn.ask.wire, parts, turn.reading.json)


def _described(plan: Plan[Any], parts: Mend) -> str:
    return describe(parts.target.schema, wire=_wire_of(plan, parts, plan.profile.dialect))


def _wire_of(plan: Plan[Any], parts: Mend, dialect: str) -> WireSchema:
    return compile_schema(replace(parts.target, typed=plan.target.typed), dialect)


def _whole(plan: Plan[Any], turn: Turn, told: Message) -> Ask:
    messages = (*turn.ask.base, _answered(plan, turn), told)
    request = replace(turn.ask.request, messages=messages, schema=turn.ask.wire, kind="repair")
    return Ask(request, turn.ask.base, turn.ask.wire)


def _answered(plan: Plan[Any], turn: Turn) -> Message:
    """The latest answer as the model's own turn: word for word if it is one, else the value as it stands."""
    if not turn.reading.found and turn.ask.mend is None:
        return prompt.answer_message(turn.reply.content[:_MOST_PROSE_CHARS])
    if turn.ask.mend is None and turn.reply.content.strip():
        return prompt.answer_message(turn.reply.content)
    value = turn.reading.json
    return prompt.answer_message(prompt.wire_text(to_wire(value, plan.wire) if plan.wire else value))


def _shortened(thoughts: str) -> str:
    """The end of the thoughts, which is where they have come to."""
    return thoughts if len(thoughts) <= _MOST_THOUGHT_CHARS else "…" + thoughts[-_MOST_THOUGHT_CHARS:]
