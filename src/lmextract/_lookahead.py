"""What follows a quote in damaged JSON: whether it shows that a string ended there, and whether a key stands there.

Every look ahead stops at the next quote or line end that matters, so that reading stays linear in the text's length.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

__all__ = [
    "COMMAS",
    "LITERALS",
    "OPENERS",
    "Manners",
    "Place",
    "ends_string",
    "fits_key",
    "joins",
    "lost_key",
    "opens_key",
    "opens_line",
]

Place = Literal["root", "key", "value", "item"]

OPENERS = {
    '"': '"',
    "'": "'",
    "“": '”“„‟"',
    "”": '”"',
    "„": '“”"',
    "‟": '”"',
    "‘": "’‘'",
    "’": "’'",
    "«": "»",
    "`": "`´",
}
"""Every character that may open a string, with those that may close it."""

COMMAS = ",;，"
"""What stands for a comma, also where a model falls back into the signs of another language."""

LITERALS = r"(?:true|false|null|True|False|None)\b"

_COMMENT = r"//[^\n]*(?:\n|$)|#[^\n]*(?:\n|$)|/\*.{0,2000}?\*/"
_BLANK = rf"(?>[\s\ufeff\u200b\u2060]+|{_COMMENT})*+"
_QUOTED = r"(?:\"(?>[^\"\\]+|\\.)*+\"|'[^'\n]*+'|[“”„‟][^“”\"\n]*+[”“\"]|[‘’][^’\n]*+’|«[^»\n]*+»|`[^`\n]*+`)"
_WORD = r"[@$]?[^\W\d][\w$.\-]*+"
_STARTS_VALUE = rf"[\"'“‘«\[{{\-\d]|{LITERALS}"
_BLANKS = re.compile(_BLANK, re.DOTALL)
_COMMAS = re.compile(rf"[,;，](?:{_BLANK}[,;，])*+", re.DOTALL)
# Right after a quote, "#1" and the like are rather the rest of the string, if the line ends as a string's line would.
_CAREFUL_BLANKS = re.compile(
    rf"(?>[\s\ufeff\u200b\u2060]+|(?!(?:#|//)[^\n]*(?:$|\"\s*[,}}\]]*[ \t]*\n))(?:{_COMMENT}))*+", re.DOTALL
)
_KEY = re.compile(rf"({_QUOTED})\s*+[:=：]", re.DOTALL)
# The text was cut within or right after a key: nothing speaks against taking the quote before it at its word.
_CUT_KEY = re.compile(rf"(?:{_QUOTED}\s*+|\"(?>[^\"\\]+|\\.?)*+|'[^'\n]*+|[“‘][^\"”’\n]*+)?$", re.DOTALL)
_LOST_KEY = re.compile(
    rf"[\"'“]((?:[^\"'“”‘’:,{{}}\[\]\n\\]|:(?!\s*+(?:{_STARTS_VALUE}))){{1,80}}):\s*+(?={_STARTS_VALUE})"
)
_HALF_KEY = re.compile(r"[^\s\"':,{}\[\]#/][^\":,{}\[\]\n]{0,80}\"\s*+:")
_LOOSE_KEY = re.compile(rf"({_WORD})\s*+:(\s*+(?:{_STARTS_VALUE}))?", re.DOTALL)
_COLONLESS_KEY = re.compile(
    rf"({_QUOTED}|{_WORD})\s*+(?:({_QUOTED}\s*+[,}}]|[\[{{]|(?:-?\d[\d.eE+\-]*+|{LITERALS})\s*+[,}}])|(?={_STARTS_VALUE}))",
    re.DOTALL,
)
_ITEM = re.compile(rf"{_BLANK}(?:[\"'“”‘„«`{{\[\]\-\d]|{LITERALS}|[tfnTFN][a-zA-Z]{{0,3}}$|\.\.\.|…|$)", re.DOTALL)
_SCALAR_ITEM = re.compile(rf"(?:-?\d[\d.eE+\-]*+|{LITERALS})\s*+[,\]]")
_LINE_ITEM = re.compile(rf"(?:-?\d[\d.eE+\-]*+|{LITERALS})[ \t]*\n")
_GLUED_ITEM = re.compile(rf"(?:-?\d[\d.eE+\-]*+|{LITERALS})\"")
_VALUE = re.compile(_STARTS_VALUE)
_PLUS = re.compile(r"\+\s*+[\"']")
_STRUCTURE = frozenset(",:]}")


@dataclass(slots=True)
class Manners:
    """What a text has shown of its habits so far, and the keys that its target knows."""

    keys: frozenset[str] = frozenset()
    bare_keys: bool = False
    no_colons: bool = False
    in_object: bool = False
    closers: dict[str, re.Pattern[str]] = field(default_factory=dict[str, re.Pattern[str]])


def fits_key(text: str, at: int, manners: Manners) -> bool:
    """Whether an object's next key stands here, after blanks."""
    return _fits_key(text, _blanks_end(text, at), manners, sure=True)


def _fits_key(text: str, at: int, manners: Manners, *, sure: bool) -> bool:
    """`sure` tells that a comma came before, so that any word with a colon and a value after it is a key."""
    if _KEY.match(text, at):
        return True
    if sure and (
        text.startswith(("...", "…"), at)
        or _CUT_KEY.match(text, at)
        or _LOST_KEY.match(text, at)
        or _HALF_KEY.match(text, at)
    ):
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


def lost_key(text: str, at: int) -> re.Match[str] | None:
    """A key whose closing quote is missing, as in `"name: "x"`; the first group is the key."""
    return None if _KEY.match(text, at) or _CUT_KEY.match(text, at) else _LOST_KEY.match(text, at)


def ends_string(text: str, at: int, place: Place, manners: Manners) -> bool:
    """Whether what follows the quote before `at` shows that it ended a string of this place."""
    if place == "root":
        return _blanks_end(text, at) == len(text)
    after = at if text[at : at + 1] in _STRUCTURE else _blanks_end(text, at, _CAREFUL_BLANKS)
    char = text[after : after + 1]
    if place == "key":
        return char in ":=：" or _VALUE.match(text, after) is not None
    if char in "}]":  # also "", the end of the text
        return True
    if char == "`":
        return text.startswith("```", after)
    if joins(text, at, after, place):
        return True
    if place == "value":
        return _ends_value(text, after, char, manners)
    if char in COMMAS:
        return _ITEM.match(text, _commas_end(text, after)) is not None
    if char == ":":  # the key after an array whose bracket is missing
        return manners.in_object
    return _next_item(text, at, after)


def _ends_value(text: str, after: int, char: str, manners: Manners) -> bool:
    if char not in COMMAS:
        return _fits_key(text, after, manners, sure=False)
    beyond = _blanks_end(text, _commas_end(text, after))
    return text[beyond : beyond + 1] in "}]" or _fits_key(text, beyond, manners, sure=True)


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
    return after == at and text[at - 2] not in " \n\t([{" and _GLUED_ITEM.match(text, at) is not None


def joins(text: str, at: int, after: int, place: Place) -> bool:
    """Whether the string before `at` goes on in the one at `after`, as Python and JavaScript write long strings."""
    if text[after] == "+":
        return _PLUS.match(text, after) is not None
    quoted = text[after] in "\"'" and (text[at - 1] == "'" or (text[at - 1] == '"' and place == "value"))
    broken = text[at - 2] == " " or text[at - 3 : at - 1] == "\\n"  # Python breaks lines after a blank
    return quoted and broken and "\n" in text[at:after] and not _KEY.match(text, after)


def opens_key(text: str, start: int, quote: int) -> bool:
    """Whether this quote opens the next key, so that the string from `start` never got its own closing quote."""
    before = quote
    while before > start and text[before - 1] in " \t\r\n":
        before -= 1
    separated = text[before - 1] in ",{[" or "\n" in text[before:quote]
    return separated and _KEY.match(text, quote) is not None


def opens_line(text: str, start: int, quote: int) -> bool:
    """Whether this quote opens the next line's item, the line before having ended in a comma."""
    before = quote
    while before > start and text[before - 1] in " \t\r\n":
        before -= 1
    return text[before - 1] == "," and "\n" in text[before:quote]


def _commas_end(text: str, at: int) -> int:
    found = _COMMAS.match(text, at)
    return found.end() if found else at + 1


def _blanks_end(text: str, at: int, blanks: re.Pattern[str] = _BLANKS) -> int:
    found = blanks.match(text, at)
    return found.end() if found else at
