"""A text that matches a regular expression: always the same one, and a short one."""

from __future__ import annotations

import importlib
import itertools
import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

__all__ = ["matching"]

# The parse tree of the standard library's own regex engine; it has no public name since 3.11, and no types.
_PARSER: Any = importlib.import_module("re._parser")
_ALPHABET = "a0A_ -.@/:,;+*=#%&!?~^|<>()[]{}$'\"\\é\t\n" + "bcdefghijklmnopqrstuvwxyzBCDEFGHIJKLMNOPQRSTUVWXYZ123456789"
_CATEGORIES = {
    "CATEGORY_DIGIT": r"\d",
    "CATEGORY_NOT_DIGIT": r"\D",
    "CATEGORY_SPACE": r"\s",
    "CATEGORY_NOT_SPACE": r"\S",
    "CATEGORY_WORD": r"\w",
    "CATEGORY_NOT_WORD": r"\W",
}


@lru_cache(maxsize=256)
def matching(pattern: str, *, least: int = 0, most: int | None = None, nth: int = 0) -> str | None:
    """A text of `least` to `most` characters in which the pattern is found, or None; `nth` asks for different ones."""
    try:
        wanted = re.compile(pattern)
        tree = _PARSER.parse(pattern)
    except (re.error, OverflowError, RecursionError):
        return None
    for branch, extra in itertools.product((0, 1, 2), (0, 1, 2, 3, 5, 8, 13, 21, 40, 80, 150, 300, 600, 1200)):
        try:
            text = _Sampler(extra, nth + branch).sequence(tree)
        except _Impossible:
            return None
        fitted = [text, text.ljust(least, "x"), "x" * max(0, least - len(text)) + text]
        for candidate in fitted:
            if len(candidate) >= least and (most is None or len(candidate) <= most) and wanted.search(candidate):
                return candidate
    return None


class _Impossible(ValueError):
    pass


class _Sampler:
    """Writes the tree out, repeating every loop `extra` times more than it must."""

    def __init__(self, extra: int, nth: int) -> None:
        self._extra = extra
        self._nth = nth
        self._groups: dict[int, str] = {}

    def sequence(self, tree: Iterable[tuple[Any, Any]]) -> str:
        return "".join(self._write(str(kind), value) for kind, value in tree)

    def _write(self, kind: str, value: Any) -> str:
        match kind:
            case "LITERAL":
                return chr(value)
            case "NOT_LITERAL":
                return self._pick([("LITERAL", value)], negated=True)
            case "ANY":
                return self._pick([], negated=True)
            case "IN":
                parts = [(str(part), inner) for part, inner in value]
                negated = parts[0][0] == "NEGATE"
                return self._pick(parts[1:] if negated else parts, negated=negated)
            case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
                least, most, inner = value
                times = min(int(most), int(least) + self._extra)
                return "".join(self.sequence(inner) for _ in range(times))
            case "SUBPATTERN":
                text = self.sequence(value[-1])
                if value[0] is not None:
                    self._groups[value[0]] = text
                return text
            case "ATOMIC_GROUP":
                return self.sequence(value)
            case "BRANCH":
                return self.sequence(value[1][self._nth % len(value[1])])
            case "GROUPREF":
                return self._groups.get(value, "")
            case "AT" | "ASSERT" | "ASSERT_NOT":
                return ""
            case _:
                raise _Impossible(kind)

    def _pick(self, parts: list[tuple[str, Any]], *, negated: bool) -> str:
        """A character of a class; the `nth` that fits, so that unlike texts can be had."""
        fitting = [letter for letter in _ALPHABET if _in_class(letter, parts) is not negated]
        if not fitting and not negated:
            fitting = [
                chr(value if kind == "LITERAL" else value[0]) for kind, value in parts if kind in ("LITERAL", "RANGE")
            ]
        if not fitting:
            raise _Impossible("an empty class")
        fitting = [letter for letter in fitting if letter not in '"\\\n\t'] or fitting
        return fitting[self._nth % len(fitting)]


def _in_class(letter: str, parts: list[tuple[str, Any]]) -> bool:
    for kind, value in parts:
        if kind == "LITERAL" and ord(letter) == value:
            return True
        if kind == "RANGE" and value[0] <= ord(letter) <= value[1]:
            return True
        if kind == "CATEGORY" and re.fullmatch(_CATEGORIES[str(value)], letter):
            return True
    return False
