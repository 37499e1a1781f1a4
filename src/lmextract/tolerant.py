"""A JSON parser that reads what a writer of JSON meant, and tells what it tolerated and where the text was cut.

It never fails: it returns what it read, with a state (`whole`, `cut` or `broken`), and time and memory grow linearly
with the text.  It never closes what was cut off: the items that were complete come back, with the path that was open.
What reads two ways about as well is a flaw, not a choice.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from lmextract._brackets import goes_on_after_root, judge
from lmextract._lookahead import COMMAS, OPENERS, Manners, Place, fits_key
from lmextract._plain import MAX_DEPTH, plain_start
from lmextract._strings import Read, read_string
from lmextract._tree import NOTHING, Choice, Open, Tree, Want
from lmextract._words import read_word
from lmextract.types import Json, Path, Problem, is_array, is_object

__all__ = ["Choice", "Parsed", "State", "parse"]

State = Literal["whole", "cut", "broken"]


@dataclass(frozen=True, slots=True)
class Parsed:
    """What was read of a text, up to `end`.

    `tolerated` counts each kind of departure from JSON.  `cut_at` is the innermost path that was still open at the
    end of a text that was cut.  `flaws` are why a value must not be taken as it is, `choices` where it could differ.
    """

    value: Json
    end: int
    state: State
    tolerated: dict[str, int] = field(default_factory=dict[str, int])
    flaws: tuple[Problem, ...] = ()
    choices: tuple[Choice, ...] = ()
    cut_at: Path | None = None


def parse(text: str, start: int = 0, *, keys: frozenset[str] = frozenset(), may_close: bool = True) -> Parsed:
    """Read the one JSON value that starts at `start`, blanks and comments before it aside.

    `keys` are names that the target knows; they decide what an unquoted word or a lost colon means.  `may_close` says
    that a value may lack its last brackets where prose or a fence shows that its writer had finished.
    """
    return _Parser(text, start, keys, may_close=may_close).run()


_TRIES = 20
_MOST_JUDGED = 100
_BLANK = re.compile(r"[ \t\r\n]*")
_ODD_BLANK = re.compile(r"\s|[\ufeff\u200b\u2060]|//[^\n]*|#[^\n]*|/\*.*?(?:\*/|$)", re.DOTALL)
_ELISION = re.compile(r"(?:(?://|#|/\*)\s*)?(?:\.\.\.|…)")
_BARE_KEY = re.compile(r"([^\s:=：,;，{}\[\]\"'`][^:=：,;，{}\[\]\n\"]*+)(\"?)\s*(?=[:=：])")
_COLON = re.compile(r":=|=>|->|[:=：]")
_FIELD = re.compile(r"\"[^\"\n]*\"\s*:")
# What follows a value that ended too early, for one of its quotes or brackets was misread.
_LOOSE_END = re.compile(r"[\s}\])]*+(?:[\"'“”‘’:+]|,\s*+(?:[\"'“‘\d]|\w+\s*+:\s*+[\"'“‘\d])|;[ \t]*+[^\s])")


class _Parser:
    """One pass over one text; every step moves `at` forward or ends the pass."""

    def __init__(self, text: str, start: int, keys: frozenset[str], *, may_close: bool) -> None:
        self.text = text
        self.start = start
        self.at = start
        self.after_value = start
        self.may_close = may_close
        self.tries = _TRIES
        self.judged = 0
        self.manners = Manners(keys)
        self.tree = Tree()
        self.stack = self.tree.stack

    def run(self) -> Parsed:
        steps: dict[Want, Callable[[Open, str], bool]] = {
            "key": self._key,
            "colon": self._colon,
            "value": self._value,
            "item": self._value,
            "comma": self._comma,
        }
        char = self._next()
        if not char:
            return self._result("cut")
        if not self._start_value(char, "root"):
            return self._result("broken")
        while self.stack:
            char = self._next()
            if not char:
                return self._result("cut")
            top = self.stack[-1]
            if not steps[top.want](top, char):
                return self._result("whole" if self._may_end_here(top) else "broken")
        return self._result("cut" if self.tree.root is NOTHING else "whole")

    def _result(self, state: State) -> Parsed:
        cut_at = self.tree.innermost() if state == "cut" else None
        if state == "whole" and self.stack:
            self.tree.tolerate("missing brackets")
        while self.stack:
            self.tree.close()
        root, tree = self.tree.root, self.tree
        if state == "whole" and (is_object(root) or is_array(root)) and self._ends_loosely():
            tree.flaws.append(Problem(Path(), "ambiguous", "more of it seems to follow where it ends"))
        value = None if root is NOTHING else root
        return Parsed(value, self.at, state, tree.tolerated, tuple(tree.flaws), tuple(tree.choices), cut_at)

    def _ends_loosely(self) -> bool:
        before = self.text[max(0, self.start - 8) : self.start].rstrip()[-1:]
        if before and before in "\"'`" and self.text.startswith(before, _end(_BLANK, self.text, self.at)):
            return False  # all of it was put into quotes
        return _LOOSE_END.match(self.text, self.at) is not None

    def _may_end_here(self, top: Open) -> bool:
        """Whether the writer went on to something else after a complete value, and only forgot the last brackets."""
        gap = self.text[self.after_value : self.at]
        goes_on = "\n" in gap or self.text.startswith(("```", "<|", "</"), self.at)
        if not (self.may_close and top.want == "comma" and goes_on) or _FIELD.search(self.text, self.at):
            return False
        self.at = self.after_value
        return True

    def _next(self) -> str:
        """The next character that is neither blank nor comment; empty at the end."""
        text = self.text
        while True:
            self.at = _end(_BLANK, text, self.at)
            char = text[self.at : self.at + 1]
            if char in '{}[]",:' or not self._skip_odd_blank(char):
                return char

    def _skip_odd_blank(self, char: str) -> bool:
        end = _end(_ODD_BLANK, self.text, self.at)
        if end == self.at:
            return False
        if char in "/#":
            self.tree.tolerate("comments")
            if _ELISION.match(self.text, self.at):
                self.tree.flaw("elided", "something was left out here")
        elif char == "\ufeff":
            self.tree.tolerate("byte-order mark")
        self.at = end
        return True

    # What may stand where

    def _key(self, top: Open, char: str) -> bool:
        if char in "}])":
            return self._close(char, top)
        if char in COMMAS:
            return self._extra_comma()
        if char in OPENERS:
            return self._take_string("key")
        if char == "{":
            return self._brace_for_key(top)
        if _ELISION.match(self.text, self.at):
            return self._elision()
        return self._bare_key(top)

    def _brace_for_key(self, top: Open) -> bool:
        if not top.held and not top.after_comma:
            self.tree.tolerate("doubled braces")
            top.extra += 1
            self.at += 1
            return True
        if self.tree.inside("]", 2):
            self.tree.tolerate("missing brackets")
            self.tree.close()
            self.stack[-1].want = "item"
            return True
        return False

    def _bare_key(self, top: Open) -> bool:
        found = _BARE_KEY.match(self.text, self.at)
        if not found:
            return False
        self.tree.tolerate("missing quotes" if found[2] else "unquoted keys")
        self.manners.bare_keys = self.manners.bare_keys or not found[2]
        top.key, top.want = found[1] if found[2] else found[1].rstrip(), "colon"
        self.at = found.end()
        return True

    def _colon(self, top: Open, char: str) -> bool:
        found = _COLON.match(self.text, self.at)
        if found:
            if found[0] != ":":
                self.tree.tolerate("other colons")
            self.at = found.end()
        elif char in ",，}])":
            return False
        else:
            self.tree.tolerate("missing colons")
            self.manners.no_colons = True
        top.want = "value"
        return True

    def _value(self, top: Open, char: str) -> bool:
        if char in "}])":
            if top.want == "value":
                self._missing_value(top)
            return self._close(char, top)
        if char in COMMAS:
            return self._missing_value(top) if top.want == "value" else self._extra_comma()
        return self._start_value(char, "item" if top.want == "item" else "value")

    def _missing_value(self, top: Open) -> bool:
        self.tree.tolerate("missing values")
        top.want = "comma"
        return True

    def _comma(self, top: Open, char: str) -> bool:
        if char in COMMAS:
            if char != ",":
                self.tree.tolerate("other commas")
            self.at += 1
            top.want, top.after_comma = self._next_want(top), True
            return True
        if char in "}])":
            return self._close(char, top)
        if char == ":" and top.closer == "]":
            return self._item_was_key(top)
        if char == "{" and top.closer == "}" and self.tree.inside("]", 2):
            return self._brace_for_key(top)
        if not self._goes_on(top, char):
            return False
        self.tree.tolerate("missing commas")
        top.want = self._next_want(top)
        return True

    @staticmethod
    def _next_want(top: Open) -> Want:
        return "key" if top.closer == "}" else "item"

    def _item_was_key(self, top: Open) -> bool:
        """A colon after an array's item: the array lacks its bracket, and the item is the next key of the object."""
        if not self.tree.inside("}", 2) or not top.held or not isinstance(top.held[-1], str):
            return False
        key = top.held.pop()
        self.tree.tolerate("missing brackets")
        self.tree.close()
        self.stack[-1].key, self.stack[-1].want = key, "colon"
        return True

    def _goes_on(self, top: Open, char: str) -> bool:
        if top.closer == "}":
            return fits_key(self.text, self.at, self.manners)
        if char in "{[" or char in OPENERS:
            return not self.text.startswith("```", self.at)
        return read_word(self.text, self.at, "item", self.manners).plain

    # Values

    def _start_value(self, char: str, place: Place) -> bool:
        if char in "{[(":
            return self._open(char)
        if char in OPENERS and not self.text.startswith("```", self.at):
            return self._take_string(place)
        if _ELISION.match(self.text, self.at):
            return self._elision()
        return self._take_word(place)

    def _open(self, char: str) -> bool:
        if len(self.stack) >= MAX_DEPTH:
            self.tree.flaws.append(Problem(Path(), "too_deep", f"nested deeper than {MAX_DEPTH} levels"))
            return False
        if self._take_plain():
            return True
        if char == "(":
            self.tree.tolerate("parentheses")
        self.tree.open(char)
        self.at += 1
        return True

    def _take_plain(self) -> bool:
        """Read an object or array that is plain JSON at once; many failures in a row mean that trying is a waste."""
        if self.tries <= 0 or not (found := plain_start(self.text, self.at, MAX_DEPTH - len(self.stack))):
            self.tries -= 1
            return False
        if not self.stack and goes_on_after_root(self.text, found[1], self.text[self.at]):
            return False
        self.tries = _TRIES
        self.at = found[1]
        self._put(found[0])
        return True

    def _take_string(self, place: Place) -> bool:
        self.manners.in_object = self.tree.inside("}", 2)
        read = read_string(self.text, self.at, place, self.manners)
        for kind in read.tolerated:
            self.tree.tolerate(kind)
        self.at = read.end if read.end >= 0 else len(self.text)
        if read.end < 0:
            return True
        if place == "key":
            self.stack[-1].key, self.stack[-1].want = read.text, "colon"
            return True
        if read.doubtful:
            self.tree.flaw("ambiguous", "its quotes can be read in two ways", read.text)
        self._put(self._joined(read))
        return True

    def _joined(self, read: Read) -> str:
        """The string, with those that Python would join to it."""
        text = read.text
        while read.joins:
            self.tree.tolerate("joined strings")
            if self._next() == "+":
                self.at += 1
                self._next()
            read = read_string(self.text, self.at, "value" if self.tree.inside("}") else "item", self.manners)
            text += read.text
            self.at = read.end if read.end >= 0 else len(self.text)
        return text

    def _take_word(self, place: Place) -> bool:
        word = read_word(self.text, self.at, place, self.manners)
        if word.end <= self.at:
            return False
        self.at = word.end
        if word.end == len(self.text) and self.stack:
            return True
        for kind in word.tolerated:
            self.tree.tolerate(kind)
        if word.flaw:
            self.tree.flaw(word.flaw, word.message, word.value)
        self.tree.choose(word.others)
        self._put(word.value)
        return True

    def _elision(self) -> bool:
        self.tree.flaw("elided", "something was left out here")
        self.at = _end(_ELISION, self.text, self.at)
        return True

    def _extra_comma(self) -> bool:
        self.tree.tolerate("extra commas")
        self.at += 1
        return True

    def _put(self, value: Json) -> None:
        self.after_value = self.at
        self.tree.put(value)

    # Brackets

    def _close(self, char: str, top: Open) -> bool:
        if top.after_comma:
            self.tree.tolerate("trailing commas")
        closer = "]" if char == ")" else char
        if closer == top.closer:
            return self._close_top(top)
        self.judged += 1
        if self.judged > _MOST_JUDGED:  # each judgement may look at the whole text
            return False
        verdict = judge(self.text, self.at, self.tree.closers())
        self.tree.tolerate("missing brackets" if verdict == "left out" else "wrong brackets")
        if verdict == "mistyped":
            return self._close_top(top)
        if verdict == "unwanted":
            self.at += 1
            return True
        self.tree.close_to(closer)
        return True

    def _close_top(self, top: Open) -> bool:
        self.at += 1
        if len(self.stack) == 1 and goes_on_after_root(self.text, self.at, "{" if top.closer == "}" else "["):
            self.tree.tolerate("extra brackets")
            top.want = "comma"
            return True
        while top.extra and self.text.startswith("}", end := _end(_BLANK, self.text, self.at)):
            self.at, top.extra = end + 1, top.extra - 1
        self.tree.close()
        return True


def _end(pattern: re.Pattern[str], text: str, at: int) -> int:
    found = pattern.match(text, at)
    return found.end() if found else at
