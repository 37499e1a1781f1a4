"""One document's way from question to typed value, as a generator without I/O.

It yields a Request, is sent the Reply (or thrown a ServerError), and returns an Extraction or raises a ReplyError.
What cures which failure is told in `remedies`.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, TypeVar

from lmextract.dialects import lower_further
from lmextract.errors import InvalidReply, ReasoningOnlyReply, ReplyError, SchemaRefused, TruncatedReply
from lmextract.mending import mended, without
from lmextract.reading import Reading, read_reply
from lmextract.remedies import Ask, Plan, Turn, first_ask, remedy, thinking_ask, with_thoughts
from lmextract.types import Attempt, Document, Extraction, Invalid, Note, Profile, Reply, Request, Usage, Valid

__all__ = ["Flow", "Plan", "extraction"]

T = TypeVar("T")

Flow = Generator[Request, Reply, Extraction[T]]


def extraction(plan: Plan[T], document: Document) -> Flow[T]:
    """Ask, read, check; cure what is wrong, in at most `plan.repairs` further requests; then give up."""
    attempts: tuple[Attempt, ...] = ()
    notes: tuple[Note, ...] = ()
    ask = first_ask(plan, document)
    if plan.think:
        thoughts = thinking_ask(ask)
        reply = yield thoughts.request
        attempts += (Attempt(thoughts.kind, thoughts.request, reply),)
        ask = with_thoughts(ask, thoughts, reply)
    left = plan.repairs
    while True:
        try:
            reply = yield ask.request
        except SchemaRefused as refusal:
            ask, note = _with_lower_schema(ask, plan, refusal)
            notes += (note,)
            continue
        reading = _read(plan, ask, reply)
        attempts += (Attempt(ask.kind, ask.request, reply, reading.problems),)
        if reading.ok:
            return _result(plan, reading, attempts, notes)
        further = remedy(plan, Turn(ask, reply, reading)) if left else None
        if further is None:
            raise _given_up(reading, reply, attempts)
        ask, left = further, left - 1


def _read(plan: Plan[T], ask: Ask, reply: Reply) -> Reading[T]:
    """What a reply makes of the value: the value itself, or the parts of it that were asked for."""
    if ask.mend is None:
        return read_reply(reply, plan.target, wire=ask.request.schema, context=plan.context)
    parts = read_reply(reply, ask.mend.target, wire=ask.request.schema)
    if not parts.found or parts.truncated:
        return Reading(Invalid(parts.problems), ask.value, parts.notes, None)
    value = mended(ask.mend, ask.value, parts.json)
    checked = plan.target.check(value, context=plan.context)
    notes = (*parts.notes, *checked.notes) if isinstance(checked, Valid) else parts.notes
    return Reading(checked, value, notes, parts.source)


def _with_lower_schema(ask: Ask, plan: Plan[Any], refusal: SchemaRefused) -> tuple[Ask, Note]:
    """The same question one rung further down the ladder: less schema on the wire, the same check afterwards."""
    wire = ask.request.schema
    if wire is None:
        raise refusal
    asked = ask.mend.target.schema if ask.mend else plan.target.schema
    lowered = lower_further(wire, asked, refusal.detail)
    rung = f"as {lowered.dialect}" if lowered else "without a schema"
    note = Note("relaxed-schema", f"the server refused the schema ({refusal.detail[:200]}); asked {rung} instead")
    return ask.with_schema(lowered), note


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
    kind: type[ReplyError] = InvalidReply
    reason, hint = f"no reply fits the target ({tries}):", ""
    if any(problem.code == "truncated" for problem in reading.problems):
        kind, reason = TruncatedReply, f"the answer was cut at {reply.usage.completion} tokens ({tries})."
        hint = "Raise max_tokens, load the model with a longer context, or ask for less."
    elif not reply.content.strip() and reply.reasoning.strip():
        kind = ReasoningOnlyReply
        reason = f"the model only thought, {len(reply.reasoning):,} characters, and answered nothing ({tries})."
        hint = "Turn thinking off for this model in LM Studio, or use a model without it."
    partial = without(reading.json, (problem.path for problem in reading.problems))
    return kind(reason, hint=hint, problems=reading.problems, attempts=attempts, partial=partial)
