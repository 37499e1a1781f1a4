"""Closing brackets that do not match: which of them was left out, mistyped, or typed too often.

Decided by what comes next, and where that does not tell, by whether the rest of the text has as many closing brackets
as either reading needs.
"""

from __future__ import annotations

import re
from typing import Literal

__all__ = ["Verdict", "goes_on_after_root", "judge"]

Verdict = Literal["left out", "mistyped", "unwanted"]

_NEXT = re.compile(
    r"\s*+(,?)\s*+(\"(?>[^\"\\]+|\\.)*+\"\s*+:|'[^'\n]*+'\s*+:|\w++\s*+:|[}\])]|[\[{\"'\-\w]|$)?", re.DOTALL
)
_MORE_FIELDS = re.compile(r"[\s}\]]*+,\s*+[\"'“‘][^\"'”’\\\n]*+[\"'”’]\s*+:")
_MORE_ITEMS = re.compile(r"[\s}\]]*+,\s*+[{\[\"]")
_BRACKETS = re.compile(r"[{\[]|[}\]]")


def goes_on_after_root(text: str, after: int, opener: str) -> bool:
    """Whether fields or items follow the bracket that closes the root, so that it came too early."""
    return (_MORE_FIELDS if opener == "{" else _MORE_ITEMS).match(text, after) is not None


def judge(text: str, at: int, closers: str) -> Verdict:
    """What to make of the closing bracket at `at`, where the open objects and arrays want `closers`, innermost last."""
    below = closers.rfind("]" if text[at] == ")" else text[at])
    if below < 0:
        return "mistyped" if len(closers) > 1 or not goes_on_after_root(text, at + 1, "{") else "unwanted"
    left_out = _fits(text, at + 1, closers[below - 1 : below])
    mistyped = _fits(text, at + 1, closers[-2:-1])
    if left_out == mistyped:
        return "mistyped" if _balance(text, at) == len(closers) else "left out"
    return "left out" if left_out else "mistyped"


def _fits(text: str, after: int, closer: str) -> bool:
    """Whether what comes next can stand in the object or array that is then open; `closer` "" means none is."""
    found = _NEXT.match(text, after)
    comma, following = (found[1], found[2]) if found else ("", None)
    if not closer:
        return not comma and following not in {"}", "]"}
    if following in ("}", "]", ")"):
        return following == closer
    is_field = following is not None and following.endswith(":")
    return bool(following) and is_field == (closer == "}")


def _balance(text: str, at: int) -> int:
    """How many more brackets are closed than opened from here on."""
    return sum(1 if bracket[0] in "}]" else -1 for bracket in _BRACKETS.finditer(text, at))
