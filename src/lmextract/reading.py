"""A server's reply as a typed value: the JSON found in it, read, brought back from its wire form, and checked.

Nothing is lost or invented silently: whatever was unusual is a note, and what was cut off, contradictory or readable
in two ways is a problem.  Pure: no I/O, no state, no exception whatever the reply says.  docs/reading.md has the codes.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from lmextract._hints import hints_of
from lmextract._normalise import fitted, replaced
from lmextract._plain import plain_json
from lmextract._spots import Hints
from lmextract._thinking import split_thinking
from lmextract.candidates import Candidate, Source, candidates
from lmextract.dialects import restore
from lmextract.errors import InvalidReply, ReasoningOnlyReply, ReplyError, TruncatedReply
from lmextract.target import Target
from lmextract.tolerant import Choice
from lmextract.types import (
    Invalid,
    Json,
    JsonSchema,
    Note,
    Path,
    Problem,
    Reply,
    Valid,
    WireSchema,
    is_array,
    is_object,
)

if TYPE_CHECKING:
    from typing_extensions import TypeForm

__all__ = ["Reading", "read_reply"]

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

_MOST_CHECKED = 50


@dataclass(frozen=True, slots=True)
class Reading(Generic[T_co]):
    """What a reply says: a typed value, or problems; and how it was read.

    `json` is the JSON value that was read, in the target's own form, also where it does not fit; of a reply that was
    cut it holds what was complete.  `found` is false where nothing in the reply was JSON.  `truncated` tells that the
    answer was cut off, and `cut_at` is the innermost object or array that was still open.
    """

    result: Valid[T_co] | Invalid
    json: Json = None
    notes: tuple[Note, ...] = ()
    source: Source | None = None
    truncated: bool = False
    cut_at: Path | None = None

    @property
    def ok(self) -> bool:
        """Whether there is a value."""
        return isinstance(self.result, Valid)

    @property
    def found(self) -> bool:
        """Whether the reply holds any JSON at all."""
        return self.source is not None

    @property
    def value(self) -> T_co:
        """The typed value; raises the ReplyError that says why there is none."""
        if isinstance(self.result, Valid):
            return self.result.value
        raise self.error()

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What is wrong, in the terms of the target; empty if there is a value."""
        return () if isinstance(self.result, Valid) else self.result.problems

    def error(self) -> ReplyError:
        """The error that stands for these problems."""
        if self.truncated:
            return TruncatedReply("the answer was cut off.", problems=self.problems)
        if any(problem.code == "reasoning_only" for problem in self.problems):
            return ReasoningOnlyReply("the model only thought and answered nothing.", problems=self.problems)
        return InvalidReply("the reply does not fit the target:", problems=self.problems)


@overload
def read_reply(
    reply: Reply | str, target: Target[T], *, wire: WireSchema | None = None, context: Any = None
) -> Reading[T]: ...
@overload
def read_reply(
    reply: Reply | str, target: TypeForm[T], *, wire: WireSchema | None = None, context: Any = None
) -> Reading[T]: ...
@overload
def read_reply(
    reply: Reply | str, target: JsonSchema, *, wire: WireSchema | None = None, context: Any = None
) -> Reading[Any]: ...
def read_reply(reply: Reply | str, target: Any, *, wire: WireSchema | None = None, context: Any = None) -> Reading[Any]:
    """Read a reply as the target: never raises for what the reply says.

    `wire` is the schema that the request carried, whose changes are undone first; `context` goes to pydantic's
    validators.  A string is read as the content of a reply that ended by itself.
    """
    reply = Reply(reply) if isinstance(reply, str) else reply
    made: Target[Any] = Target.of(target)
    reader = _Reader(made, wire, context)
    return reader.plainly(reply) or reader.carefully(reply)


@dataclass(frozen=True, slots=True)
class _Reader:
    target: Target[Any]
    wire: WireSchema | None
    context: Any

    def plainly(self, reply: Reply) -> Reading[Any] | None:
        """The reading of a reply whose content is plain JSON that fits: what nearly every reply is.

        Restoring a value costs more than reading and checking it, and without a null there is nothing to restore.
        """
        try:
            value = plain_json(reply.content)
        except (ValueError, RecursionError):
            return None
        if isinstance(value, str):  # may be JSON once more
            return None
        notes: tuple[Note, ...] = ()
        if "null" in reply.content or self._is_bare(value):
            value, notes = self._restored(value)
        elif self.wire and self.wire.wrapped:
            value = value["value"]
        checked = self._check(value)
        if isinstance(checked, Invalid):
            return None
        notes = (*notes, *checked.notes, *_cut_after(reply))
        return Reading(checked, value, notes, "content")

    def _is_bare(self, value: Json) -> bool:
        """Whether the root should have been wrapped and is not."""
        return self.wire is not None and self.wire.wrapped and not (is_object(value) and value.keys() == {"value"})

    def carefully(self, reply: Reply) -> Reading[Any]:
        """The reading of any reply: candidates in order of trust, the last that fits, else the last that is whole."""
        hints = hints_of(self.wire.schema if self.wire else self.target.schema)
        answers, thoughts = candidates(reply, hints)
        if answers:
            return self._best(answers, reply, hints)
        fitting = (reading for one in reversed(thoughts) if (reading := self._read(one, hints)).ok)
        return next(fitting, None) or _nothing(reply)

    def _best(self, answers: Sequence[Candidate], reply: Reply, hints: Hints) -> Reading[Any]:
        unfinished = next((one for one in reversed(answers) if _is_unfinished(one)), None)
        if unfinished and unfinished is _last_like(answers, hints):
            return self._incomplete(unfinished)
        whole = [one for one in answers if one.spot.parsed.state == "whole"][-_MOST_CHECKED:]
        read = [(one, self._read(one, hints)) for one in reversed(whole)]
        fitting = [(one, reading) for one, reading in read if reading.ok]
        if fitting:
            one, reading = _likest(fitting, hints)
            return _with_notes(reading, (*_several(whole, one, hints), *_cut_after(reply)))
        if reply.finish != "length" and (assembled := self._assembled(answers)):
            return assembled
        if read:
            return _likest(read, hints)[1]
        return self._incomplete(unfinished) if unfinished else _nothing(reply)

    def _assembled(self, answers: Sequence[Candidate]) -> Reading[Any] | None:
        """The list whose items stand one after the other, where a list is wanted."""
        objects = [one for one in answers if isinstance(one.spot.parsed.value, dict)]
        clean = all(one.spot.parsed.state == "whole" and not one.spot.parsed.flaws for one in objects)
        if not objects or not clean or hints_of(self.target.schema).roots != frozenset({"array"}):
            return None
        items, notes = self._restored([one.spot.parsed.value for one in objects])
        checked = self._check(items)
        if isinstance(checked, Invalid):
            return None
        note = Note("assembled", f"{len(items)} object(s) stood where a list of them was wanted")
        return Reading(checked, items, (*objects[-1].notes, note, *notes, *checked.notes), objects[-1].source)

    def _read(self, one: Candidate, hints: Hints) -> Reading[Any]:
        value, restoring = self._restored(one.spot.parsed.value)
        notes = (*one.notes, *restoring)
        checked = self._check(value)
        flaws, choices = self._located(one)
        lasting, twice = _told_apart(flaws)
        if isinstance(checked, Invalid) and not lasting:
            found = fitted(value, checked, choices, self._check, hints.keys)
            if found:
                value, checked, notes = found.value, found.checked, (*notes, *found.notes)
        if isinstance(checked, Invalid):
            return Reading(Invalid((*flaws, *checked.problems)), value, notes, one.source)
        if "rounded numbers" in one.spot.parsed.tolerated:
            value, checked = self._exact(value, checked, choices)
        flaws = (*lasting, *self._contradictions(value, choices, twice), *_not_finite(value, checked))
        if flaws:
            return Reading(Invalid(flaws), value, notes, one.source)
        notes = (*notes, *_settled(twice), *checked.notes, *_nan_notes(value))
        return Reading(checked, value, notes, one.source)

    def _exact(self, value: Json, checked: Valid[Any], choices: Sequence[Choice]) -> tuple[Json, Valid[Any]]:
        """The value with numbers in full digits where the target takes them as strings, as for a Decimal."""
        for choice in choices[:_MOST_CHECKED]:
            spelled = replaced(value, choice.path, choice.others[0])
            again = self._check(spelled) if isinstance(choice.others[0], str) else Invalid(())
            if isinstance(again, Valid) and all(note.path != choice.path for note in again.notes):
                value, checked = spelled, again
        return value, checked

    def _check(self, value: Json) -> Valid[Any] | Invalid:
        return self.target.check(value, context=self.context)

    def _contradictions(self, value: Json, choices: Sequence[Choice], twice: tuple[Problem, ...]) -> Iterator[Problem]:
        """The fields that were given twice where more than one of their values fits."""
        others = {choice.path: choice.others for choice in choices}
        for problem in twice[:_MOST_CHECKED]:
            rivals = (replaced(value, problem.path, other) for other in (*others.get(problem.path, ()), problem.value))
            if any(rival != value and isinstance(self._check(rival), Valid) for rival in rivals):
                yield problem
        yield from twice[_MOST_CHECKED:]

    def _incomplete(self, one: Candidate) -> Reading[Any]:
        parsed = one.spot.parsed
        value, notes = self._restored(parsed.value)
        cut = parsed.state == "cut"
        where = self._inside(parsed.cut_at or Path())
        problem = (
            Problem(where, "truncated", "the answer was cut off here")
            if cut
            else Problem(Path(), "unreadable", f"the JSON cannot be read beyond its first {parsed.end:,} characters")
        )
        problems = (problem, *self._located(one)[0])
        cut_at = where if cut else None
        return Reading(Invalid(problems), value, (*one.notes, *notes), one.source, truncated=cut, cut_at=cut_at)

    def _located(self, one: Candidate) -> tuple[tuple[Problem, ...], tuple[Choice, ...]]:
        """The flaws and choices of a candidate, with their paths in the target's own form."""
        flaws = tuple(replace(flaw, path=self._inside(flaw.path)) for flaw in one.spot.parsed.flaws)
        return flaws, tuple(replace(choice, path=self._inside(choice.path)) for choice in one.spot.parsed.choices)

    def _inside(self, path: Path) -> Path:
        wrapped = self.wire is not None and self.wire.wrapped and path[:1] == ("value",)
        return Path(*path[1:]) if wrapped else path

    def _restored(self, value: Json) -> tuple[Json, tuple[Note, ...]]:
        return restore(value, self.target.schema, self.wire) if self.wire else (value, ())


def _told_apart(flaws: Sequence[Problem]) -> tuple[tuple[Problem, ...], tuple[Problem, ...]]:
    """The flaws that nothing cures, and the repeated keys, of which only one value may fit."""
    twice = tuple(flaw for flaw in flaws if flaw.code == "duplicate_keys")
    return tuple(flaw for flaw in flaws if flaw.code != "duplicate_keys"), twice


def _is_unfinished(one: Candidate) -> bool:
    return one.spot.parsed.state != "whole" and one.spot.solid


def _last_like(answers: Sequence[Candidate], hints: Hints) -> Candidate | None:
    """The last candidate that looks like an answer rather than like brackets in prose."""
    return next((one for one in reversed(answers) if one.spot.solid and _is_like(one, hints)), None)


def _is_like(one: Candidate, hints: Hints) -> bool:
    return not one.spot.parsed.value or _likeness(one.spot.parsed.value, hints) > 0


def _likeness(value: Json, hints: Hints) -> int:
    """How much a value looks like the target: the right root, and known names in it."""
    if is_object(value):
        return ("object" in hints.roots or not hints.roots) + len(value.keys() & hints.keys)
    return int(is_array(value) and ("array" in hints.roots or not hints.roots))


def _likest(read: Sequence[tuple[Candidate, Reading[Any]]], hints: Hints) -> tuple[Candidate, Reading[Any]]:
    """The first that looks about as much like the target as any, and is no aside in a sentence if others are none."""
    likeness = [_likeness(reading.json, hints) for _, reading in read]
    like = [pair for pair, much in zip(read, likeness, strict=True) if much * 2 >= max(likeness)]
    return next((pair for pair in like if not pair[0].spot.inline), like[0])


def _several(whole: Sequence[Candidate], chosen: Candidate, hints: Hints) -> Iterator[Note]:
    mine = chosen.spot.parsed.value
    others = [one.spot.parsed.value for one in whole if one.spot.parsed.value != mine]
    rivals = sum(_likeness(other, hints) * 2 >= _likeness(mine, hints) > 0 for other in others)
    if rivals:
        yield Note("several", f"the reply held {rivals} other such value(s); the last that fits was taken")


def _settled(twice: Sequence[Problem]) -> Iterator[Note]:
    for problem in twice:
        yield Note("duplicate-keys", "was given twice, and only one of the values fits", problem.path)


def _cut_after(reply: Reply) -> tuple[Note, ...]:
    if reply.finish != "length":
        return ()
    return (Note("truncated", "the reply was cut at its token limit, after the JSON had ended"),)


def _with_notes(reading: Reading[T], notes: tuple[Note, ...]) -> Reading[T]:
    return Reading(reading.result, reading.json, (*reading.notes, *notes), reading.source)


def _nothing(reply: Reply) -> Reading[Any]:
    cut = reply.finish == "length"
    split = split_thinking(reply.content)
    if any(answer.strip() for answer in split.answers):
        problem = Problem(Path(), "no_json", "the reply holds no JSON")
    elif reply.reasoning.strip() or any(thought.strip() for thought in split.thoughts):
        problem = Problem(Path(), "reasoning_only", "the reply holds thinking and no answer")
    else:
        problem = Problem(Path(), "empty", "the reply is empty")
    problems = (Problem(Path(), "truncated", "the answer was cut off before it began"), problem) if cut else (problem,)
    return Reading(Invalid(problems), truncated=cut)


def _not_finite(value: Json, checked: Valid[Any]) -> tuple[Problem, ...]:
    """A raw schema's check gives the JSON value itself back, and NaN is no JSON; a Python type may well admit it."""
    if checked.value is not value:
        return ()
    return tuple(Problem(path, "not_finite", "should be a finite number", None) for path in _odd_floats(value))


def _nan_notes(value: Json) -> tuple[Note, ...]:
    return tuple(Note("not-finite", "NaN or an infinity, which is no JSON", path) for path in _odd_floats(value))


def _odd_floats(value: Json) -> Iterator[Path]:
    stack: list[tuple[Path, Json]] = [(Path(), value)]
    while stack:
        path, at = stack.pop()
        if isinstance(at, float) and not math.isfinite(at):
            yield path
        elif is_object(at):
            stack.extend((path / key, held) for key, held in at.items())
        elif is_array(at):
            stack.extend((path / index, held) for index, held in enumerate(at))
