"""One document's way from question to typed value, as a generator without I/O.

It yields a Request, is sent the Reply (or thrown a ServerError), and returns an Extraction or raises a ReplyError.
What cures which failure is told in `remedies`.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from dataclasses import replace
from typing import Any, TypeVar

from lmextract.dialects import lower_further
from lmextract.errors import InvalidReply, ReasoningOnlyReply, ReplyError, SchemaRefused, ServerError, TruncatedReply
from lmextract.looping import without_loop
from lmextract.mending import Mend, Part, answered, at_place, mended, settled, told_again, unsaid, without
from lmextract.reading import Reading, read_reply
from lmextract.remedies import Ask, Plan, Turn, first_ask, remedy, thinking_ask, with_thoughts
from lmextract.types import (
    Attempt,
    Document,
    Extraction,
    Invalid,
    Json,
    Note,
    Path,
    Problem,
    Profile,
    Reply,
    Request,
    Usage,
    Valid,
    is_object,
)

__all__ = ["Flow", "Plan", "extraction"]

T = TypeVar("T")

Flow = Generator[Request, Reply, Extraction[T]]


def extraction(plan: Plan[T], document: Document) -> Flow[T]:
    """Ask, read, check; cure what is wrong, in at most `plan.repairs` further requests; then give up."""
    attempts: tuple[Attempt, ...] = ()
    notes = plan.notes
    ask = first_ask(plan, document)
    if plan.think:
        thoughts = thinking_ask(ask)
        reply = yield thoughts.request
        attempts += (Attempt(thoughts.kind, thoughts.request, reply),)
        ask = with_thoughts(ask, thoughts, reply)
    left, best = plan.repairs, None
    while True:
        try:
            reply = yield ask.request
        except SchemaRefused as refusal:
            refusal.attempts = attempts
            ask, note = _with_lower_schema(ask, plan, refusal)
            notes += (note,)
            continue
        except ServerError as error:
            error.attempts = attempts
            raise
        reply = _without_loop(reply)
        reading, lacking = _read(plan, ask, reply)
        attempts += (Attempt(ask.kind, ask.request, reply, reading.problems),)
        best = best if reading.json is None else reading
        if reading.ok:
            return _result(plan, reading, attempts, notes)
        further = remedy(plan, Turn(ask, reply, reading, lacking)) if left else None
        if further is None:
            raise _given_up(reading, reply, attempts, best)
        ask, left = further, left - 1


def _without_loop(reply: Reply) -> Reply:
    """The reply less the repetition that it was cut in, if that is how it ended."""
    return without_loop(reply) if reply.finish == "length" and not reply.looped else reply


def _read(plan: Plan[T], ask: Ask, reply: Reply) -> tuple[Reading[T], Mend | None]:
    """What a reply makes of the value, and which of the parts that were asked for a cut answer does not give."""
    if ask.mend is None:
        return read_reply(reply, plan.target, wire=ask.request.schema, context=plan.context), None
    parts = read_reply(reply, ask.mend.target, wire=ask.request.schema)
    if not parts.found:
        return _read_no_parts(plan, ask, ask.mend, parts)
    if parts.truncated:
        return _read_cut_parts(plan, ask, ask.mend, parts)
    missing = unsaid(ask.mend, parts.json)
    if missing and _has_all_of(ask.value, parts.json):
        whole = read_reply(reply, plan.target, wire=ask.wire, context=plan.context)
        if whole.ok:
            return whole, None
    value = mended(ask.mend, ask.value, parts.json)
    checked = plan.target.check(value, context=plan.context)
    flaws = (*(at_place(ask.mend, problem) for problem in parts.problems), *_not_given(missing))
    if flaws:
        checked = Invalid((*flaws, *(checked.problems if isinstance(checked, Invalid) else ())))
    notes = (*parts.notes, *_twice(told_again(ask.mend, ask.value, parts.json)))
    notes += checked.notes if isinstance(checked, Valid) else ()
    return Reading(checked, value, notes, parts.source), None


def _read_no_parts(plan: Plan[T], ask: Ask, mend: Mend, parts: Reading[Any]) -> tuple[Reading[T], Mend | None]:
    """An answer without any JSON leaves the value as it was, and what was wrong with it."""
    if ask.kind == "rest":
        cut = Invalid((_cut_at(mend), *parts.problems))
        return Reading(cut, ask.value, parts.notes, truncated=True), mend
    checked = plan.target.check(ask.value, context=plan.context)
    problems = (*parts.problems, *(checked.problems if isinstance(checked, Invalid) else ()))
    return Reading(Invalid(problems), ask.value, parts.notes), None


def _has_all_of(before: Json, said: Json) -> bool:
    """Whether an answer names all that there was: the whole again, as models without a grammar give it."""
    return is_object(before) and is_object(said) and before.keys() <= said.keys()


def _read_cut_parts(plan: Plan[T], ask: Ask, mend: Mend, parts: Reading[Any]) -> tuple[Reading[T], Mend | None]:
    given, lacking = answered(plan.target.schema, mend, parts.json, parts.cut_at or Path())
    whole = replace(mend, parts=tuple(part for part in mend.parts if part.label in given))
    value = mended(whole, ask.value, given)
    checked = plan.target.check(value, context=plan.context)
    if isinstance(checked, Valid) and lacking is None and len(given) == len(mend.parts):
        late = Note("truncated", "the reply was cut at its token limit, after all that was asked for")
        return Reading(checked, value, (*parts.notes, late, *checked.notes), parts.source), None
    if ask.kind == "mend" and isinstance(checked, Invalid):  # what is still wrong says more than that it was cut
        return Reading(checked, value, parts.notes, parts.source), None
    return Reading(Invalid((_cut_at(lacking),)), value, parts.notes, parts.source, truncated=True), lacking


def _cut_at(lacking: Mend | None) -> Problem:
    return Problem(lacking.parts[0].path if lacking else Path(), "truncated", "the answer was cut off here")


def _not_given(parts: Iterable[Part]) -> Iterator[Problem]:
    return (Problem(part.path, "missing", f"{part.label} was asked for and not given") for part in parts)


def _twice(paths: Iterable[Path]) -> Iterator[Note]:
    said = "the rest of the list began with the items given before, which were not taken twice"
    return (Note("told-again", said, path) for path in paths)


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


def _given_up(
    reading: Reading[Any], reply: Reply, attempts: tuple[Attempt, ...], best: Reading[Any] | None
) -> ReplyError:
    tries = f"{len(attempts)} {'reply' if len(attempts) == 1 else 'replies'}"
    kind: type[ReplyError] = InvalidReply
    reason, hint = f"no reply fits the target ({tries}):", ""
    if not reply.content.strip() and reply.reasoning.strip():
        kind = ReasoningOnlyReply
        reason = f"the model only thought, {len(reply.reasoning):,} characters, and answered nothing ({tries})."
        hint = "Turn thinking off for this model in LM Studio, or use a model without it."
    elif any(problem.code == "truncated" for problem in reading.problems):
        kind, reason = TruncatedReply, f"the answer was cut at {reply.usage.completion} tokens ({tries})."
        hint = "Raise max_tokens, load the model with a longer context, or ask for less."
    return kind(reason, hint=hint, problems=reading.problems, attempts=attempts, partial=_partial(best or reading))


def _partial(reading: Reading[Any]) -> Json:
    """What was read less what is wrong with it; where an answer was cut, what stands before the cut is not wrong."""
    whole = reading.json if reading.cut_at is None else settled(reading.json, reading.cut_at)[0]
    return without(whole, (problem.path for problem in reading.problems if _is_of_the_value(problem, reading)))


def _is_of_the_value(problem: Problem, reading: Reading[Any]) -> bool:
    return problem.code != "truncated" and (reading.found or bool(problem.path))
