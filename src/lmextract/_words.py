"""Whatever stands unquoted in damaged JSON where a value belongs: numbers, literals, bare words.

A number means what it says, digit by digit, or it comes with its own spelling as another reading.
"""

from __future__ import annotations

import math
import re
from typing import Any

from lmextract._lookahead import Manners, Place, fits_key
from lmextract._numbers import MAX_DIGITS, Word, number
from lmextract._strings import unescaped
from lmextract.types import Json

__all__ = ["read_word"]

_NUMBER = re.compile(r"-?(?:0|[1-9]\d*+)(?:\.\d++)?(?:[eE][-+]?\d++)?(?=[\s,，\])};:/#\"]|$)")
_TO_NEXT = re.compile(r"\s*+(?:[,，}\])\[{;:/#\"'“`<\-\d]|$)|\s*+\n|\s++(?:true|false|null|True|False|None)\b")
_QUOTE_AFTER = re.compile(r"\"\s*+(?:[,}\]\n]|$)")
_STOP = re.compile(r"[,，}\]\n{\[;\"]")
_LITERAL = re.compile(r"(?:[+-]?inf(?:inity)?|nan|true|false|null|none|nil|undefined)\b", re.IGNORECASE)
_COMMENT = re.compile(r"\s(?://|#)[^\n]*$|\s*/\*.*$", re.DOTALL)
_LITERALS: dict[str, Any] = {
    "true": True,
    "false": False,
    "null": None,
    "none": None,
    "nil": None,
    "undefined": None,
    "nan": math.nan,
    "inf": math.inf,
    "+inf": math.inf,
    "-inf": -math.inf,
    "infinity": math.inf,
    "+infinity": math.inf,
    "-infinity": -math.inf,
}
_GROUPED = re.compile(r"[-+]?\d{1,3}(?:,\d{3})+(?:\.\d+)?(?=\s*(?:[}\]\n]|,\s))")
_ODD_NUMBER = re.compile(r"[-+]?(?:\d+(?:_\d+)*\.?(?:\d+)?|\.\d+)(?:[eE][-+]?\d+)?\Z")
_OBJECT_END = re.compile(r"\s*+(?:[}\]]|$)")
_HEX = re.compile(r"[-+]?0[xX][0-9a-fA-F]+\Z")


def read_word(text: str, at: int, place: Place, manners: Manners) -> Word:
    """Read the unquoted value that stands at `at`."""
    grouped = _GROUPED.match(text, at) if place == "value" else None
    if grouped and not fits_key(text, at + grouped[0].index(",") + 1, manners):
        return _odd_number(grouped[0].replace(",", ""), grouped[0], grouped.end())
    found = _NUMBER.match(text, at)
    if found and _stands_alone(text, found.end(), manners):
        return number(found[0], found.end())
    literal = _LITERAL.match(text, at)
    if literal and _stands_alone(text, literal.end(), manners):
        return _meaning(literal[0], literal.end())
    raw = _bare(text, at, place, manners)
    return _meaning(raw, at + len(raw))


def _stands_alone(text: str, end: int, manners: Manners) -> bool:
    """Whether a number or a literal ends here, rather than being the start of a longer text such as `12 kg`."""
    if text[end : end + 1] == '"' and _QUOTE_AFTER.match(text, end):
        return False  # the closing quote of a string whose opening quote is missing
    return _TO_NEXT.match(text, end) is not None or fits_key(text, end, manners)


def _bare(text: str, at: int, place: Place, manners: Manners) -> str:
    """The bare word, up to the comma or bracket that ends it; a comma that starts no next field belongs to it."""
    end = at
    for stop in _STOP.finditer(text, at):
        end = stop.start()
        if stop[0] == '"':
            if _ends_object(text, end + 1) or text[end + 1 : end + 2] == ",":
                end += 1
                break
            if fits_key(text, end, manners):
                break
        elif (
            stop[0] not in ",，" or place != "value" or fits_key(text, end + 1, manners) or _ends_object(text, end + 1)
        ):
            break
    else:
        end = len(text)
    word = text[at:end]
    return word if word.endswith('"') else _COMMENT.sub("", word).rstrip()


def _ends_object(text: str, at: int) -> bool:
    return _OBJECT_END.match(text, at) is not None


def _meaning(raw: str, end: int) -> Word:
    if raw.casefold() in _LITERALS:
        kinds = () if raw in ("true", "false", "null") else ("other literals",)
        return Word(_LITERALS[raw.casefold()], end, kinds)
    if _HEX.match(raw):
        return Word(int(raw, 16), end, ("odd numbers",), (raw,))
    if _ODD_NUMBER.match(raw):
        return _odd_number(raw.replace("_", ""), raw, end)
    if raw.endswith('"'):
        inner = _meaning(raw[:-1].rstrip(), end) if len(raw) > 1 else None
        others = (inner.value,) if inner and inner.plain else ()
        return Word(unescaped(raw[:-1]), end, ("missing quotes",), others, plain=False)
    return Word(raw, end, ("missing quotes",), plain=False)


def _odd_number(digits: str, raw: str, end: int) -> Word:
    plain = digits.lstrip("+")
    if len(plain) > MAX_DIGITS:
        return Word(None, end, flaw="too_large", message=f"a number of {len(plain)} digits")
    value: Json = float(plain) if set(plain) & set(".eE") else int(plain)
    if re.match(r"-?0\d", plain):  # a leading zero is the mark of a code, such as a postcode, rather than of a number
        return Word(raw, end, ("odd numbers",), (value,))
    return Word(value, end, ("odd numbers",), (raw,))
