"""Where in a reply JSON may stand, in order of trust, and how each piece was read.

Thinking is told from the answer first, then the answer is read strictly, then tolerantly; a JSON value in the answer is
always preferred to one in the thinking, which counts only where the thinking ends with it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Literal

from lmextract._strings import unescaped
from lmextract._thinking import split_thinking
from lmextract._plain import plain_json
from lmextract.tolerant import Parsed, parse
from lmextract.types import Json, Note, Reply

__all__ = ["Candidate", "Hints", "Source", "candidates"]

Source = Literal["content", "after-marker", "after-think", "reasoning"]

_START = re.compile(r"\[|\{(?=\s*+(?:[\"'“”„‘’«`{}/#\[\\.…]|$|[^\s:=,;{}\[\]\"'][^:=,;{}\[\]\n]{0,200}[:=]))")
_BRACKETED = re.compile(r"\s*(?:```\w*\s*)?[{\[]")
_FENCE = re.compile(r"(?:```|~~~)[ \t]*[\w.+-]*[ \t]*")
_ESCAPED = re.compile(r"[{\[](?:[\s{\[]|\\[nrt])*+\\+\"")
_SOLID = re.compile(r"[{\[]\s*(?:[\"'“{\[}\]\-\d]|true\b|false\b|null\b|$)")
_MARKUP = re.compile(r"<\|[^<>|]{1,60}\|>|</?\w{1,40}>|[\s;]+")
_REMARK = re.compile(r"(?://|#).*|/\*.*?\*/", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Hints:
    """What a target lets a reader expect: JSON types at the root, and every name that its properties have."""

    roots: frozenset[str] = frozenset()
    keys: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Candidate:
    """One JSON value of a reply: how it was read, where it stood, and what was unusual about that."""

    parsed: Parsed
    source: Source
    notes: tuple[Note, ...] = ()
    solid: bool = True
    last: bool = field(default=True)


def candidates(reply: Reply, hints: Hints) -> tuple[list[Candidate], list[Candidate]]:
    """Every JSON value of a reply, those of the answer and those of the thinking, each in the order of the text."""
    may_close = reply.finish != "length"
    whole = _whole(reply.content, "content", hints)
    if whole:
        return whole, []
    split = split_thinking(reply.content)
    found: list[Candidate] = []
    for answer in split.answers:
        found = list(_in_text(answer, _source(split.source), hints, may_close=may_close))
        if found:
            break
    if found or any(map(_says_something, split.answers)):
        return found, []
    return [], _in_thoughts((*split.thoughts, *_thoughts(reply.reasoning)), hints, may_close=may_close)


def _source(name: str) -> Source:
    return "content" if name == "content" else "after-marker" if name == "after-marker" else "after-think"


def _thoughts(reasoning: str) -> tuple[str, ...]:
    if not reasoning.strip():
        return ()
    split = split_thinking(reasoning)
    return (*split.thoughts, *reversed(split.answers)) if split.source != "content" else (reasoning,)


def _says_something(text: str) -> bool:
    return bool(_MARKUP.sub("", text))


def _in_thoughts(texts: tuple[str, ...], hints: Hints, *, may_close: bool) -> list[Candidate]:
    """The JSON that a thinking ends with: anything earlier is a draft."""
    for text in reversed(texts):
        if not _says_something(text):
            continue
        found = list(_in_text(text, "reasoning", hints, may_close=may_close))
        ends_so = [one for one in found if one.last and one.parsed.state == "whole"]
        return ends_so if may_close or len(found) == 1 and not _before(text) else []
    return []


def _before(text: str) -> str:
    return _FENCE.sub("", text.strip(), count=1)[:1].strip("{[")


def _whole(text: str, source: Source, hints: Hints) -> list[Candidate]:
    """What a text is as a whole, if it is strict JSON, a fence aside; a JSON string may be JSON once more."""
    body = text.strip("\ufeff \t\r\n")
    notes: tuple[Note, ...] = ()
    fence = _FENCE.match(body)
    if fence and body.endswith(fence[0][:3]) and len(body) > fence.end() + 3:
        body, notes = body[fence.end() : -3], (_fenced(),)
    elif text.startswith("\ufeff"):
        notes = (_tolerant({"byte-order mark": 1}),)
    try:
        value = plain_json(body)
    except (ValueError, RecursionError):
        return []
    plain = Candidate(Parsed(value, len(text), "whole"), source, (*notes, *_source_notes(source)))
    return [plain, *_double_encoded(value, source, hints, notes)] if isinstance(value, str) else [plain]


def _double_encoded(text: str, source: Source, hints: Hints, notes: tuple[Note, ...]) -> list[Candidate]:
    if not _BRACKETED.match(text) or (hints.roots and not hints.roots & {"object", "array"}):
        return []
    note = Note("double-encoded", "the JSON stood inside a JSON string")
    found = (inner for inner in _in_text(text, source, hints, may_close=True) if inner.parsed.state == "whole")
    return [replace(inner, notes=(*notes, note, *inner.notes)) for inner in found]


def _in_text(text: str, source: Source, hints: Hints, *, may_close: bool) -> Iterator[Candidate]:
    whole = _whole(text, source, hints)
    if whole:
        yield from whole
        return
    first = _START.search(text)
    if first and _ESCAPED.match(text, first.start()):
        inner = text.strip().removeprefix('"').removesuffix('"')
        note = Note("double-encoded", "the JSON stood inside a JSON string")
        for one in _scanned(unescaped(inner), source, hints, may_close=may_close):
            yield replace(one, notes=(note, *one.notes))
        return
    yield from _scanned(text, source, hints, may_close=may_close)


def _scanned(text: str, source: Source, hints: Hints, *, may_close: bool) -> Iterator[Candidate]:
    if hints.roots and not hints.roots & {"object", "array"}:
        yield from _scalar(text, source, hints, may_close=may_close)
        return
    pieces = list(_pieces(text, hints, may_close=may_close))
    for index, (start, parsed) in enumerate(pieces):
        before = pieces[index - 1][1].end if index else 0
        after = pieces[index + 1][0] if index + 1 < len(pieces) else len(text)
        around = text[min(before, start) : start], text[parsed.end : after]
        notes = (*_source_notes(source), *_surroundings(around), *_tolerance(parsed))
        solid = bool(_SOLID.match(text, start)) or bool(parsed.value)
        last = index == len(pieces) - 1 and not _MARKUP.sub("", around[1].replace("```", ""))
        yield Candidate(parsed, source, notes, solid, last)


def _pieces(text: str, hints: Hints, *, may_close: bool) -> Iterator[tuple[int, Parsed]]:
    """Every place where an object or an array stands, but for the fragments of one that could not be read."""
    at, wreck = 0, False
    while found := _START.search(text, at):
        start = found.start()
        if wreck and not _begins_line(text, start):
            at = start + 1
            continue
        parsed = parse(text, start, keys=hints.keys, may_close=may_close)
        at = max(parsed.end, start + 1)
        wreck = bool(parsed.value) and (parsed.state == "broken" or any(flaw.code == "ambiguous" for flaw in parsed.flaws))
        yield start, parsed


def _begins_line(text: str, start: int) -> bool:
    return start == 0 or text[start - 1] in "\n>`"


def _scalar(text: str, source: Source, hints: Hints, *, may_close: bool) -> Iterator[Candidate]:
    """The JSON scalar that a text is, or that stands on a line of its own in it."""
    for line in (_FENCE.sub("", text.strip("\ufeff \t\r\n"), count=1).removesuffix("```"), *reversed(text.splitlines())):
        parsed = parse(line.strip(), keys=hints.keys, may_close=may_close)
        bare = "missing quotes" in parsed.tolerated and '"' not in line
        if parsed.state == "whole" and not bare and not _MARKUP.sub("", _REMARK.sub("", line.strip()[parsed.end :])):
            prose = line.strip() != text.strip() and "```" not in text
            notes = (Note("prose", "there was other text around the JSON"),) if prose else ()
            yield Candidate(parsed, source, (*_source_notes(source), *notes, *_tolerance(parsed)))
            return


def _surroundings(around: tuple[str, str]) -> Iterator[Note]:
    left, right = around
    if "```" in left or "~~~" in left:
        yield _fenced()
    rest = _MARKUP.sub("", _FENCE.sub("", left, count=1) + right.replace("```", "").replace("~~~", ""))
    if rest.strip("\ufeff"):
        yield Note("prose", "there was other text around the JSON")


def _tolerance(parsed: Parsed) -> tuple[Note, ...]:
    return (_tolerant(parsed.tolerated),) if parsed.tolerated else ()


def _fenced() -> Note:
    return Note("fenced", "the JSON stood in a code fence")


def _tolerant(kinds: dict[str, int]) -> Note:
    counted = ", ".join(kind if count == 1 else f"{kind} ({count})" for kind, count in kinds.items())
    return Note("tolerant-json", f"read in spite of {counted}")


def _source_notes(source: Source) -> tuple[Note, ...]:
    match source:
        case "content":
            return ()
        case "after-marker":
            return (Note("after-marker", "the JSON came after LM Studio's reasoning marker"),)
        case "after-think":
            return (Note("after-think", "the JSON came after thinking in the content"),)
        case "reasoning":
            return (Note("from-reasoning", "the JSON stood in the reasoning; the content was empty"),)
