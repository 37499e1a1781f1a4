"""Strings of damaged JSON: where one ends, and what it says.

A quote ends a string only where what follows it fits the place: `"he said "hi" to me"` is one string.  Every look
ahead stops at the next quote, so that reading stays linear in the length of the text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from json.decoder import scanstring
from typing import Literal

__all__ = ["OPENERS", "Manners", "Place", "Read", "fits_key", "read_string", "unescaped"]

Place = Literal["root", "key", "value", "item"]

OPENERS = {
    '"': '"',
    "'": "'",
    "“": "”“„‟\"",
    "”": "”\"",
    "„": "“”„\"",
    "‟": "”\"",
    "‘": "’‘'",
    "’": "’'",
    "«": "»",
    "`": "`´",
}
"""Every character that may open a string, with those that may close it."""

_COMMENT = r"//[^\n]*(?:\n|$)|#[^\n]*(?:\n|$)|/\*.{0,2000}?\*/"
_BLANK = rf"(?>[\s\ufeff]+|{_COMMENT})*+"
_QUOTED = r"(?:\"(?>[^\"\\]+|\\.)*+\"|'[^'\n]*'|[“”„‟][^“”\"\n]*[”“\"]|[‘’][^’\n]*’|`[^`\n]*`)"
_WORD = r"[@$]?[^\W\d][\w$.\-]*+"
_LITERALS = r"(?:true|false|null|True|False|None)\b"
_BLANKS = re.compile(_BLANK, re.DOTALL)
# Right after a quote, "#1" and the like are rather the rest of the string, if the line ends as a string's line would.
_CAREFUL_BLANKS = re.compile(
    rf"(?>[\s\ufeff]+|(?!(?:#|//)[^\n]*(?:$|\"\s*[,}}\]]*[ \t]*\n))(?:{_COMMENT}))*+", re.DOTALL
)
_KEY = re.compile(rf"({_QUOTED})\s*+(?::|=)", re.DOTALL)
# The text was cut within or right after a key: nothing speaks against taking the quote before it at its word.
_CUT_KEY = re.compile(rf"(?:{_QUOTED}\s*+|\"(?>[^\"\\]+|\\.?)*+|[“'‘][^\"]*+)?$", re.DOTALL)
_LOOSE_KEY = re.compile(rf"({_WORD})\s*+:(\s*+(?:[\"'“‘\[{{\-\d]|{_LITERALS}))?", re.DOTALL)
_COLONLESS_KEY = re.compile(
    rf"({_QUOTED}|{_WORD})\s*+(?:({_QUOTED}\s*+[,}}]|[\[{{]|-?\d[\d.eE+\-]*+\s*+[,}}]|{_LITERALS}\s*+[,}}])|(?=[\"'“‘\[{{\-\d]|{_LITERALS}))",
    re.DOTALL,
)
_ITEM = re.compile(rf"{_BLANK}(?:[\"'“”‘„«`{{\[\]\-\d]|{_LITERALS}|[tfnTFN][a-zA-Z]{{0,3}}$|$)", re.DOTALL)
_SCALAR_ITEM = re.compile(rf"(?:-?\d[\d.eE+\-]*+|{_LITERALS})\s*+[,\]]")
_LINE_ITEM = re.compile(rf"(?:-?\d[\d.eE+\-]*+|{_LITERALS})[ \t]*\n")
_GLUED_ITEM = re.compile(rf"(?:-?\d[\d.eE+\-]*+|{_LITERALS})\"")
_LITERAL = re.compile(_LITERALS)
_EMBEDDED = re.compile(r"\s*+[\[{][\s\[{]*+([\"'])")
_LINE_END = re.compile(r"[ \t\r]*+(?:\n|$|```)")
_BARE_QUOTE = re.compile(r'(?<!\\)(?:\\\\)*+"')
_CONTROL = re.compile(r"[\x00-\x1f]")
_STRUCTURE = frozenset(",:]}")
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


@dataclass(slots=True)
class Manners:
    """What a text has shown of its habits so far, and the keys that its target knows."""

    keys: frozenset[str] = frozenset()
    bare_keys: bool = False
    no_colons: bool = False
    in_object: bool = False


@dataclass(frozen=True, slots=True)
class Read:
    """A string that was read: its text, where the text goes on (-1: it never ended), what was tolerated.

    `doubtful` tells that another reading is about as likely.
    """

    text: str
    end: int
    tolerated: tuple[str, ...] = ()
    doubtful: bool = False


def fits_key(text: str, at: int, manners: Manners) -> bool:
    """Whether an object's next key stands here, after blanks."""
    return _fits_key(text, _blanks_end(text, at), manners, sure=True)


def _fits_key(text: str, at: int, manners: Manners, *, sure: bool) -> bool:
    """`sure` tells that a comma came before, so that any word with a colon and a value after it is a key."""
    if _KEY.match(text, at) or _CUT_KEY.match(text, at):
        return True
    bare = _LOOSE_KEY.match(text, at)
    if bare and ((bare[2] and sure) or manners.bare_keys or bare[1] in manners.keys):
        return True
    found = _COLONLESS_KEY.match(text, at)
    if not found:
        return False
    if found[1][0] not in OPENERS:
        return sure and found[1] in manners.keys
    return bool(found[2]) or manners.no_colons or found[1][1:-1] in manners.keys


def read_string(text: str, at: int, place: Place, manners: Manners) -> Read:
    """Read the string whose opening quote stands at `at`."""
    quote = text[at]
    if text.startswith(quote * 3, at) and quote in "\"'":
        tripled = _read_tripled(text, at, quote * 3)
        if tripled:
            return tripled
    if quote == '"':
        try:
            plain, end = scanstring(text, at + 1, True)  # noqa: FBT003  # a positional-only flag of the C function
        except ValueError:
            pass
        else:
            if _ends(text, end, place, manners):
                return Read(plain, end)
    return _read_by_its_end(text, at, place, manners)


def _read_tripled(text: str, at: int, quotes: str) -> Read | None:
    end = text.find(quotes, at + 3)
    if end < 0 or "\n" not in text[at + 3 : end]:
        return None
    return Read(_decoded(text[at + 3 : end])[0], end + 3, ("tripled quotes",))


def _read_by_its_end(text: str, at: int, place: Place, manners: Manners) -> Read:
    """Look at one quote after the other for the first that can end this string."""
    start, odd, last = at + 1, False, -1
    embedded = _EMBEDDED.match(text, start)
    embeds = embedded is not None and embedded[1] == text[at]
    for found in _stops(text[at]).finditer(text, start):
        if found[0][0] == "\\":
            continue
        here = found.start()
        if embeds and text[here - 1] not in "}] \n":
            continue
        if _ends(text, found.end(), place, manners):
            return _finished(text, at, here, doubtful=odd and place == "item")
        if place == "value" and not embeds and _opens_key(text, start, here):
            return _unclosed(text, at, here)
        odd, last = (not odd if text[at] == '"' else odd), here
    if last >= 0 and _LINE_END.match(text, last + 1):
        return _finished(text, at, last, doubtful=odd)
    return Read("", -1)


def _finished(text: str, at: int, end: int, *, doubtful: bool) -> Read:
    body = text[at + 1 : end]
    value, kinds = _decoded(body)
    if text[at] != '"':
        kinds = (*kinds, "single quotes" if text[at] == "'" else "other quotes")
    elif _BARE_QUOTE.search(body):
        kinds = (*kinds, "unescaped quotes")
    return Read(value, end + 1, kinds, doubtful)


def _opens_key(text: str, start: int, quote: int) -> bool:
    """Whether this quote opens the next key, so that the string before it never got its own closing quote."""
    before = quote
    while before > start and text[before - 1] in " \t\r\n":
        before -= 1
    separated = text[before - 1] == "," or "\n" in text[before:quote]
    return separated and _KEY.match(text, quote) is not None


def _unclosed(text: str, at: int, quote: int) -> Read:
    body = text[at + 1 : quote].rstrip().removesuffix(",").rstrip()
    swallowed = body.endswith('\\"')  # a path such as "C:\dir\" escapes its own closing quote
    value, kinds = _decoded(body[:-2] if swallowed else body)
    inner = _BARE_QUOTE.search(body) is not None and not swallowed
    end = at + 1 + len(text[at + 1 : quote].rstrip().removesuffix(",").rstrip())
    return Read(value + "\\" * swallowed, end, (*kinds, "missing quotes"), doubtful=inner)


def _ends(text: str, at: int, place: Place, manners: Manners) -> bool:
    """Whether what follows a quote shows that it ended a string of this place."""
    if place == "root":
        return _blanks_end(text, at) == len(text)
    after = at if text[at : at + 1] in _STRUCTURE else _blanks_end(text, at, _CAREFUL_BLANKS)
    char = text[after : after + 1]
    if place == "key":
        return char in ":=" or _starts_value(text, after)
    if char in "}]":  # also "", the end of the text
        return True
    if char == "`":
        return text.startswith("```", after)
    if place == "value":
        if char in ",;":
            return fits_key(text, after + 1, manners) or _closes(text, after + 1)
        return _fits_key(text, after, manners, sure=False)
    if char in ",;":
        return _ITEM.match(text, after + 1) is not None
    if char == ":":  # the key after an array whose bracket is missing
        return manners.in_object
    return _next_item(text, at, after)


def _next_item(text: str, at: int, after: int) -> bool:
    """Whether an array's next item follows without a comma."""
    char = text[after]
    if char in OPENERS:
        beyond = _blanks_end(text, after + 1)
        return text[at - 1] in OPENERS[char] and (after > at or text[beyond : beyond + 1] not in ",]")
    if char in "{[" or _SCALAR_ITEM.match(text, after):
        return True
    if "\n" in text[at:after] and _LINE_ITEM.match(text, after):
        return True
    return after == at and text[at - 2] not in ' \n\t([{' and _GLUED_ITEM.match(text, at) is not None


def _closes(text: str, at: int) -> bool:
    after = _blanks_end(text, at)
    return text[after : after + 1] in "}]"


def _starts_value(text: str, at: int) -> bool:
    return text[at : at + 1] in "\"'“‘{[-0123456789" or _LITERAL.match(text, at) is not None


def _blanks_end(text: str, at: int, blanks: re.Pattern[str] = _BLANKS) -> int:
    found = blanks.match(text, at)
    return found.end() if found else at


@cache
def _stops(quote: str) -> re.Pattern[str]:
    return re.compile(rf"\\.|[{re.escape(OPENERS[quote])}]", re.DOTALL)


def _decoded(body: str) -> tuple[str, tuple[str, ...]]:
    """What a string's body says, and what was wrong with its characters."""
    kinds = ("control characters",) if _CONTROL.search(body) else ()
    if "\\" not in body:
        return body, kinds
    escapes = _ESCAPE.findall(body)
    bad = any(_is_bad(escape) for escape in escapes)

    def meant(found: re.Match[str]) -> str:
        escape = found[0]
        if bad and escape[1] in "bfnrt" and _LATEX.match(body, found.start()):
            return escape
        return _meaning(escape)

    return _ESCAPE.sub(meant, body), (*kinds, "bad escapes") if bad else kinds


def _is_bad(escape: str) -> bool:
    return escape[1] not in _SIMPLE and len(escape) == 2


def _meaning(escape: str) -> str:
    match escape[1]:
        case "u" if len(escape) > 2:
            return str(scanstring(escape + '"', 0, False)[0])  # noqa: FBT003
        case "x" | "U" if len(escape) > 2:
            return chr(min(int(escape[2:], 16), 0x10FFFF))
        case simple:
            return _SIMPLE.get(simple, escape)


def unescaped(text: str) -> str:
    """A text with one layer of JSON escapes taken off."""
    return _decoded(text)[0]
