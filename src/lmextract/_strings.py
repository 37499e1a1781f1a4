"""Strings of damaged JSON: where one ends, and what it says.

A quote ends a string only where what follows it fits the place: `"he said "hi" to me"` is one string.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from lmextract._lookahead import OPENERS, Manners, Place, ends_string, joins, lost_key, opens_key, opens_line
from lmextract._plain import plain_start

__all__ = ["Read", "read_string", "unescaped"]

_EMBEDDED = re.compile(r"\s*+[\[{][\s\[{]*+([\"'])")
_LINE_END = re.compile(r"[ \t\r]*+(?:\n|$|```)")
_BARE_QUOTE = re.compile(r'(?<!\\)(?:\\\\)*+"')
# What a string swallowed that would better be structure: the end of a key, or of a line.
_SWALLOWED = re.compile(r"[\"']\s*+:\s*+(?:[\"'\d\[{\-]|true|false|null)|\",[ \t]*+\n")
_LINES = re.compile(r"\n\s*[\"}\]]")
_STRUCTURE_AT_END = re.compile(r"[\s,{}\[\]]*\Z")
_CONTROL = re.compile(r"[\x00-\x1f]")
_BLANK = re.compile(r"\s*")
_HEX = "[0-9a-fA-F]"
_ESCAPE = re.compile(
    rf"\\(?:u[dD][89abAB]{_HEX}{{2}}\\u[dD][c-fC-F]{_HEX}{{2}}|u{_HEX}{{4}}|U{_HEX}{{8}}|x{_HEX}{{2}}|.)", re.DOTALL
)
_SIMPLE = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "'": "'", "`": "`"}
_LATEX = re.compile(
    r"\\(?:b(?:ar|eta|egin|f|ig\w*|inom|oldsymbol|mod|ot|ullet)|f(?:rac|orall|box|lat|ootnote)"
    r"|n(?:u|abla|eq?|ot\w*|e[gw]\w*|atural)|r(?:ho|ight\w*|angle|ceil|floor|m)"
    r"|t(?:ext\w*|heta|au|imes|o|ilde|frac|an|op|riangle\w*))(?![a-z])"
)
_PROPER_CLOSERS = {"“": "”", "„": "“”", "‟": "”", "‘": "’", "«": "»", "`": "`"}


@dataclass(frozen=True, slots=True)
class Read:
    """A string that was read: its text, where the text goes on (-1: it never ended), what was tolerated.

    `doubtful` tells that another reading is about as likely, `joins` that the next string is its continuation.
    """

    text: str
    end: int
    tolerated: tuple[str, ...] = ()
    doubtful: bool = False
    joins: bool = False


def read_string(text: str, at: int, place: Place, manners: Manners) -> Read:
    """Read the string whose opening quote stands at `at`."""
    quote = text[at]
    if quote in "\"'" and text.startswith(quote * 3, at) and (tripled := _read_tripled(text, at, quote * 3)):
        return tripled
    if quote == '"' and (plain := _read_plain(text, at, place, manners)):
        return plain
    if place == "key" and (lost := lost_key(text, at)):
        name = lost[1] if lost[1] in manners.keys else lost[1].strip()
        return Read(name, at + 1 + len(lost[1]), ("missing quotes",))
    return _read_by_its_end(text, at, place, manners)


def _read_plain(text: str, at: int, place: Place, manners: Manners) -> Read | None:
    found = plain_start(text, at, 1)
    if not found or not ends_string(text, found[1], place, manners):
        return None
    value, end = found
    if place == "key":
        after = _after(text, end)
        return None if text[after : after + 1] not in ":=\"'[{" and lost_key(text, at) else Read(value, end)
    return Read(value, end, joins=_joins(text, end, place))


def _joins(text: str, end: int, place: Place) -> bool:
    after = _after(text, end)
    return after < len(text) and joins(text, end, after, place)


def _after(text: str, at: int) -> int:
    found = _BLANK.match(text, at)
    return found.end() if found else at


def _read_tripled(text: str, at: int, quotes: str) -> Read | None:
    end = text.find(quotes, at + 3)
    if end < 0 or "\n" not in text[at + 3 : end]:
        return None
    return Read(_decoded(text[at + 3 : end])[0], end + 3, ("tripled quotes",))


def _read_by_its_end(text: str, at: int, place: Place, manners: Manners) -> Read:
    """Look at one quote after the other for the first that can end this string."""
    start, inner, last = at + 1, 0, -1
    embedded = _EMBEDDED.match(text, start)
    embeds = embedded is not None and embedded[1] == text[at]
    for found in _stops(text, text[at], manners).finditer(text, start):
        here = found.start()
        if found[0][0] == "\\" or (embeds and text[here - 1] not in "}] \n"):
            continue
        if ends_string(text, found.end(), place, manners):
            return _finished(text, at, here, place, odd=inner % 2 == 1 and place == "item", embeds=embeds)
        if place == "value" and not embeds and opens_key(text, start, here):
            return _unclosed(text, at, here)
        if place == "item" and inner == 0 and opens_line(text, start, here):
            return _unclosed(text, at, here)
        inner, last = inner + 1, here
    if last >= 0 and _LINE_END.match(text, last + 1):
        return _finished(text, at, last, place, odd=inner % 2 == 0, embeds=embeds)
    return Read("", -1)


def _finished(text: str, at: int, end: int, place: Place, *, odd: bool, embeds: bool) -> Read:
    """The string up to a quote; an odd number of double quotes within one of several items is doubtful."""
    body = text[at + 1 : end]
    value, kinds = _decoded(body)
    doubtful = False
    if text[at] != '"':
        kinds = (*kinds, "single quotes" if text[at] == "'" else "other quotes")
    elif _BARE_QUOTE.search(body):
        kinds = (*kinds, "unescaped quotes")
        doubtful = odd or (_LINES if embeds else _SWALLOWED).search(body) is not None
    return Read(value, end + 1, kinds, doubtful, _joins(text, end + 1, place))


def _unclosed(text: str, at: int, quote: int) -> Read:
    """The string that lacks its closing quote, before the quote that opens what comes next."""
    body = text[at + 1 : quote]
    line, newline, _ = body.partition("\n")
    kept = line.rstrip().removesuffix(",").rstrip() if newline else _STRUCTURE_AT_END.sub("", body)
    swallowed = kept.endswith('\\"')  # a path such as "C:\dir\" escapes its own closing quote
    value, kinds = _decoded(kept[:-2] if swallowed else kept)
    doubtful = not swallowed and _BARE_QUOTE.search(kept) is not None
    lost_brackets = not newline and bool(set(body[len(kept) :]) & set("{}[]"))
    return Read(value + "\\" * swallowed, at + 1 + len(kept), (*kinds, "missing quotes"), doubtful or lost_brackets)


def _stops(text: str, quote: str, manners: Manners) -> re.Pattern[str]:
    """What to stop at in a string: escapes, and its closing quotes, the proper ones if the text has any."""
    if quote not in manners.closers:
        proper = _PROPER_CLOSERS.get(quote, "")
        closers = proper if any(closer in text for closer in proper) else OPENERS[quote]
        manners.closers[quote] = re.compile(rf"\\.|[{re.escape(closers)}]", re.DOTALL)
    return manners.closers[quote]


def unescaped(text: str) -> str:
    """A text with one layer of JSON escapes taken off."""
    return _decoded(text)[0]


def _decoded(body: str) -> tuple[str, tuple[str, ...]]:
    """What a string's body says, and what was wrong with its characters."""
    kinds = ("control characters",) if _CONTROL.search(body) else ()
    if "\\" not in body:
        return body, kinds
    bad = any(len(escape) == 2 and escape[1] not in _SIMPLE for escape in _ESCAPE.findall(body))

    def meant(found: re.Match[str]) -> str:
        escape = found[0]
        if bad and escape[1] in "bfnrt" and _LATEX.match(body, found.start()):
            return escape
        return _meaning(escape)

    return _ESCAPE.sub(meant, body), (*kinds, "bad escapes") if bad else kinds


def _meaning(escape: str) -> str:
    match escape[1]:
        case "u" if len(escape) > 2:
            return str(json.loads(f'"{escape}"'))
        case "x" | "U" if len(escape) > 2:
            return chr(min(int(f"0{escape[1:].lower().replace('u', 'x')}", 0), 0x10FFFF))
        case simple:
            return _SIMPLE.get(simple, escape)
