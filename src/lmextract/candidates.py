"""Where in a reply JSON may stand, in order of trust.

Thinking is told from the answer first.  A JSON value in the answer is always preferred to one in the thinking, which
counts only where nothing was answered and the thinking ends with it: anything earlier in it is a draft.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from lmextract._spots import Hints, Spot, says_something, spots, whole
from lmextract._thinking import split_thinking, tagged
from lmextract.tolerant import parse
from lmextract.types import Note, Reply

__all__ = ["Candidate", "Source", "candidates"]

Source = Literal["content", "after-marker", "after-think", "reasoning"]

_SOURCE_NOTES = {
    "after-marker": Note("after-marker", "the JSON came after LM Studio's reasoning marker"),
    "after-think": Note("after-think", "the JSON came after thinking in the content"),
    "reasoning": Note("from-reasoning", "the JSON stood in the reasoning, and nothing was answered"),
}


@dataclass(frozen=True, slots=True)
class Candidate:
    """One JSON value of a reply, and the part of the reply that it stood in."""

    spot: Spot
    source: Source

    @property
    def notes(self) -> tuple[Note, ...]:
        """What was unusual about where it stood and how it was spelled."""
        note = _SOURCE_NOTES.get(self.source)
        return (note, *self.spot.notes) if note else self.spot.notes


def candidates(reply: Reply, hints: Hints) -> tuple[list[Candidate], list[Candidate]]:
    """Every JSON value of a reply: those of the answer, and those that the thinking ends with."""
    as_whole = whole(reply.content, hints)
    if as_whole:
        return [Candidate(spot, "content") for spot in as_whole], []
    may_close = reply.finish != "length"
    if _encloses_its_tags(reply.content, hints):
        return [Candidate(spot, "content") for spot in spots(reply.content, hints, may_close=may_close)], []
    split = split_thinking(reply.content)
    for answer in split.answers:
        found = list(spots(answer, hints, may_close=may_close))
        if found:
            return [Candidate(spot, split.source) for spot in found], []
    if any(map(says_something, split.answers)):
        return [], []
    thoughts = (*split.thoughts, *_thoughts(reply.reasoning))
    return [], [Candidate(spot, "reasoning") for spot in _final(thoughts, hints, may_close=may_close)]


def _encloses_its_tags(content: str, hints: Hints) -> bool:
    """Whether what looks like tags of thinking stands inside a string of the JSON."""
    tags = tagged(content)
    start = min((at for at in (content.find("{"), content.find("[")) if at >= 0), default=-1)
    if tags is None or not 0 <= start < tags[0]:
        return False
    parsed = parse(content, start, keys=hints.keys, may_close=False)
    return parsed.state == "whole" and parsed.end >= tags[1]


def _thoughts(reasoning: str) -> tuple[str, ...]:
    split = split_thinking(reasoning)
    return (*split.thoughts, *reversed(split.answers))


def _final(thoughts: tuple[str, ...], hints: Hints, *, may_close: bool) -> Iterator[Spot]:
    """The JSON that the last thought ends with, or that it is where the reply was cut."""
    for thought in reversed(thoughts):
        if says_something(thought):
            found = list(spots(thought, hints, may_close=may_close))
            final = [spot for spot in found if spot.ends_text and spot.parsed.state == "whole"]
            alone = len(found) == 1 and all(note.code != "prose" for spot in found for note in spot.notes)
            yield from final if may_close or alone else ()
            return
