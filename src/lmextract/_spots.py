"""Where in one text JSON stands: all of it, within a fence or a JSON string, or somewhere in prose."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from lmextract._plain import plain_json
from lmextract._strings import unescaped
from lmextract.tolerant import Parsed, parse
from lmextract.types import Json, Note, is_object

__all__ = ["Hints", "Spot", "says_something", "spots", "whole"]

_START = re.compile(r"\[|\{(?=\s*+(?:[\"'“”„‘’«`{}/#\[\\.…]|$|[^\s:=,;{}\[\]\"'][^:=,;{}\[\]\n]{0,200}[:=]))")
_FENCE = re.compile(r"(?:```|~~~)(?:[ \t]*[\w.+-]+(?=[ \t]*[\n{\[\"]))?")
_FENCES = re.compile(r"```|~~~")
_ESCAPED = re.compile(r"[{\[](?:[\s{\[]|\\[nrt])*+\\+\"")
_SOLID = re.compile(r"[{\[]\s*(?:[\"'“{\[}\]\-\d]|true\b|false\b|null\b|$)")
_MARKUP = re.compile(r"<\|[^<>|]{1,60}\|>|</?\w{1,40}>|[\s;.`~]+")
_REMARK = re.compile(r"(?://|#).*|/\*.*?\*/", re.DOTALL)
_HEADLESS = re.compile(r"[\s\ufeff]*(?:```\w*\s*)?(?=\"(?>[^\"\\\n]+|\\.)*+\"\s*:)")
_FIELD_BEFORE = re.compile(r"[\"'”’]\s*:\s*\Z")
_QUOTED_LINES = re.compile(r"\s*(?:>[^\n]*(?:\n|$))+\s*")
_QUOTE_MARK = re.compile(r"^> ?", re.MULTILINE)
_CALL = re.compile(r"<\|?tool_call|\[TOOL_CALLS\]|<function_call", re.IGNORECASE)
_WORD_AFTER = re.compile(r"[ \t]*+[\w(]")
_BRACKETED = re.compile(r"[\s\"\\]*(?:```\w*\s*)?[{\[]")
_CONTAINERS = frozenset({"object", "array"})
_ENCODED = Note("double-encoded", "the JSON stood inside a JSON string")
_CALLED = Note("unwrapped", "the answer stood in the arguments of a tool call")


@dataclass(frozen=True, slots=True)
class Hints:
    """What a target lets a reader expect: JSON types at the root (none: any), every name that its properties have."""

    roots: frozenset[str] = frozenset()
    keys: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Spot:
    """One JSON value of a text, and what was unusual about where it stood.

    `solid`: it looks like JSON even where it could not be read; `ends_text`: nothing is said after it;
    `inline`: a sentence goes on after it.
    """

    parsed: Parsed
    notes: tuple[Note, ...] = ()
    solid: bool = True
    ends_text: bool = True
    inline: bool = False


def whole(text: str, hints: Hints) -> list[Spot]:
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
    plain = Spot(Parsed(value, len(text), "whole"), notes)
    return [plain, *_within_string(value, hints, notes)] if isinstance(value, str) else [plain]


def _within_string(text: str, hints: Hints, notes: tuple[Note, ...]) -> list[Spot]:
    if not _BRACKETED.match(text) or (hints.roots and not hints.roots & _CONTAINERS):
        return []
    found = (inner for inner in spots(text, hints, may_close=True) if inner.parsed.state == "whole")
    return [replace(inner, notes=(*notes, _ENCODED, *inner.notes)) for inner in found]


def spots(text: str, hints: Hints, *, may_close: bool) -> Iterator[Spot]:
    """Every JSON value of a text, in its order."""
    as_whole = whole(text, hints)
    first = _START.search(text)
    if as_whole:
        yield from as_whole
    elif hints.roots and not hints.roots & _CONTAINERS:
        yield from _scalar(text, hints, may_close=may_close)
    elif first and _ESCAPED.match(text, first.start()):
        inner = text.strip().removeprefix('"').removesuffix('"')
        yield from _noted(_ENCODED, _scanned(unescaped(inner), hints, may_close=may_close))
    elif _QUOTED_LINES.fullmatch(text):
        unquoted = _QUOTE_MARK.sub("", text)
        yield from _noted(_tolerant({"quoted lines": 1}), spots(unquoted, hints, may_close=may_close))
    else:
        yield from _scanned(text, hints, may_close=may_close)


def _noted(note: Note, found: Iterator[Spot]) -> Iterator[Spot]:
    return (replace(one, notes=(note, *one.notes)) for one in found)


def _scanned(text: str, hints: Hints, *, may_close: bool) -> Iterator[Spot]:
    headless = _HEADLESS.match(text)
    if headless:  # it begins with a field: the opening brace is missing
        text = f"{text[: headless.end()]}{{{text[headless.end() :]}"
    pieces = list(_pieces(text, hints, may_close=may_close))
    for index, (start, parsed) in enumerate(pieces):
        before = pieces[index - 1][1].end if index else 0
        after = pieces[index + 1][0] if index + 1 < len(pieces) else len(text)
        left, right = text[min(before, start) : start], text[parsed.end : after]
        spot = Spot(
            parsed,
            (*_surroundings(left, right), *_tolerance(parsed, missing=int(headless is not None and index == 0))),
            solid=bool(_SOLID.match(text, start)) or bool(parsed.value),
            ends_text=after == len(text) and not says_something(right),
            inline=_WORD_AFTER.match(right) is not None,
        )
        yield spot
        if parsed.state == "whole" and _CALL.search(left) and (inner := _called_with(parsed.value)) is not None:
            yield replace(spot, parsed=replace(parsed, value=inner), notes=(*spot.notes, _CALLED))


def _called_with(value: Json) -> Json:
    """The arguments of a tool call."""
    if not is_object(value) or "name" not in value:
        return None
    arguments = value.get("arguments", value.get("parameters"))
    if not isinstance(arguments, str):
        return arguments
    try:
        return plain_json(arguments)
    except (ValueError, RecursionError):
        return None


def _pieces(text: str, hints: Hints, *, may_close: bool) -> Iterator[tuple[int, Parsed]]:
    """Every place where an object or an array stands, but for the fragments of one that could not be read."""
    at, wreck = 0, False
    while found := _START.search(text, at):
        start = found.start()
        if (wreck and not _begins_line(text, start)) or _FIELD_BEFORE.search(text, max(at, start - 200), start):
            at, wreck = start + 1, True
            continue
        parsed = parse(text, start, keys=hints.keys, may_close=may_close)
        at = max(parsed.end, start + 1)
        doubted = any(flaw.code == "ambiguous" for flaw in parsed.flaws)
        wreck = bool(parsed.value) and (parsed.state == "broken" or doubted)
        yield start, parsed


def _begins_line(text: str, start: int) -> bool:
    return start == 0 or text[start - 1] in "\n>`"


def _scalar(text: str, hints: Hints, *, may_close: bool) -> Iterator[Spot]:
    """The JSON scalar that a text is, or that stands on a line of its own in it."""
    body = _FENCE.sub("", text.strip("\ufeff \t\r\n"), count=1).removesuffix("```")
    for line in (body, *reversed(text.splitlines())):
        parsed = parse(line.strip(), keys=hints.keys, may_close=may_close)
        bare = "missing quotes" in parsed.tolerated and '"' not in line
        rest = _REMARK.sub("", line.strip()[parsed.end :])
        if parsed.state == "whole" and not bare and not says_something(rest):
            prose = says_something(_FENCES.sub("", text.replace(line.strip(), "", 1)))
            yield Spot(parsed, (*((_prose(),) if prose else ()), *_tolerance(parsed)))
            return


def says_something(text: str) -> bool:
    """Whether a text holds more than blanks, tags and special tokens."""
    return bool(_MARKUP.sub("", text))


def _surroundings(left: str, right: str) -> Iterator[Note]:
    if _FENCES.search(left):
        yield _fenced()
    if says_something((_FENCE.sub("", left) + _FENCES.sub("", right)).replace("\ufeff", "")):
        yield _prose()


def _tolerance(parsed: Parsed, missing: int = 0) -> tuple[Note, ...]:
    kinds = {"missing brackets": missing, **parsed.tolerated} if missing else parsed.tolerated
    return (_tolerant(kinds),) if kinds else ()


def _fenced() -> Note:
    return Note("fenced", "the JSON stood in a code fence")


def _prose() -> Note:
    return Note("prose", "there was other text around the JSON")


def _tolerant(kinds: dict[str, int]) -> Note:
    counted = ", ".join(kind if count == 1 else f"{kind} ({count})" for kind, count in kinds.items())
    return Note("tolerant-json", f"read in spite of {counted}")
