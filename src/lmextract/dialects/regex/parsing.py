r"""Reading a `pattern` into a tree: the common ground of ECMA 262, Python and Rust.

What has no tree is read as something wider and named in `Parsed.wider`: look-arounds and word boundaries as the empty
text, back-references as any text, `\p{..}` as any character.  A pattern that cannot be read at all is a PatternError.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache

from lmextract.dialects.regex.charsets import (
    ALL,
    DIGIT,
    DOT,
    NOT_DIGIT,
    NOT_SPACE,
    NOT_WORD,
    SPACE,
    WORD,
    CharSet,
    complement,
    either_case,
    intersect,
    single,
    union,
)
from lmextract.dialects.regex.tree import ANYTHING, EMPTY, Anchor, Chars, Node, alternatives, repeated, sequence

__all__ = ["Parsed", "PatternError", "parse"]

_CLASSES = {"d": DIGIT, "D": NOT_DIGIT, "w": WORD, "W": NOT_WORD, "s": SPACE, "S": NOT_SPACE}
_CONTROLS = {"t": "\t", "n": "\n", "r": "\r", "f": "\f", "v": "\v", "0": "\0", "a": "\a", "e": "\x1b"}
_QUANTIFIER = re.compile(r"\{(\d*)(?:(,)(\d*))?\}")
_CODE = re.compile(r"x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|u\{([0-9a-fA-F]+)\}|U([0-9a-fA-F]{8})")
_MOST_TIMES = 100_000
_DEEPEST = 60


class PatternError(ValueError):
    """The text is no regular expression that can be read."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """A pattern as a tree; `wider` names what the tree allows more than the pattern does."""

    node: Node
    wider: tuple[str, ...] = ()


@lru_cache(maxsize=4096)
def parse(pattern: str) -> Parsed:
    """The tree of a pattern; PatternError if there is none."""
    reader = _Reader(pattern)
    node = reader.choice(0)
    if reader.at < len(pattern):
        raise PatternError(f"unmatched ) at {reader.at}")
    return Parsed(node, tuple(dict.fromkeys(reader.wider)))


@dataclass(slots=True)
class _Reader:
    text: str
    at: int = 0
    ignore_case: bool = False
    dot_all: bool = False
    wider: list[str] = field(default_factory=list[str])

    def peek(self, length: int = 1) -> str:
        return self.text[self.at : self.at + length]

    def take(self, length: int = 1) -> str:
        taken = self.peek(length)
        if len(taken) < length:
            raise PatternError("unexpected end")
        self.at += length
        return taken

    def skip(self, text: str) -> bool:
        if self.text.startswith(text, self.at):
            self.at += len(text)
            return True
        return False

    def choice(self, depth: int) -> Node:
        if depth > _DEEPEST:
            raise PatternError("nested too deeply")
        options = [self.series(depth)]
        while self.skip("|"):
            options.append(self.series(depth))
        return alternatives(options)

    def series(self, depth: int) -> Node:
        parts: list[Node] = []
        while self.peek() and self.peek() not in "|)":
            parts.append(self.quantified(self.atom(depth)))
        return sequence(parts)

    def quantified(self, body: Node) -> Node:
        while True:
            low: int = 1
            high: int | None = 1
            if self.skip("*"):
                low, high = 0, None
            elif self.skip("+"):
                low, high = 1, None
            elif self.skip("?"):
                low, high = 0, 1
            elif found := _QUANTIFIER.match(self.text, self.at):
                if found.group() in {"{}", "{,}"}:
                    return body
                self.at = found.end()
                low = int(found[1] or 0)
                high = (int(found[3]) if found[3] else None) if found[2] else low
            else:
                return body
            if low > _MOST_TIMES or (high is not None and (high < low or high > _MOST_TIMES)):
                raise PatternError("impossible repetition")
            if not self.skip("?"):
                self.skip("+")
            body = repeated(body, low, high)

    def atom(self, depth: int) -> Node:
        char = self.take()
        match char:
            case "(":
                return self.group(depth)
            case "[":
                return Chars(self.bracket())
            case ".":
                return Chars(ALL if self.dot_all else DOT)
            case "^" | "$":
                return Anchor(char)
            case "\\":
                return self.escape()
            case "*" | "+" | "?":
                raise PatternError("nothing to repeat")
            case _:
                return self.chars(single(char))

    def chars(self, chosen: CharSet) -> Node:
        return Chars(either_case(chosen) if self.ignore_case else chosen)

    def group(self, depth: int) -> Node:
        around = False
        if self.skip("?"):
            if self.skip("=") or self.skip("!") or self.skip("<=") or self.skip("<!"):
                around = True
            elif self.skip("P<") or self.skip("<"):
                self.until(">")
            elif self.skip("P="):
                self.until(")")
                self.wider.append("back-reference")
                return ANYTHING
            elif self.skip("#"):
                self.until(")")
                return EMPTY
            elif not (self.skip(":") or self.skip(">")):
                return self.flags(depth)
        node = self.choice(depth + 1)
        if not self.skip(")"):
            raise PatternError("missing )")
        if around:
            self.wider.append("look-around")
            return EMPTY
        return node

    def until(self, end: str) -> str:
        found = self.text.find(end, self.at)
        if found < 0:
            raise PatternError(f"missing {end}")
        taken, self.at = self.text[self.at : found], found + 1
        return taken

    def flags(self, depth: int) -> Node:
        found = re.compile(r"([a-zA-Z]*)([:)])").match(self.text, self.at)
        if not found or set(found[1]) - set("isuaL"):
            raise PatternError("unknown group")
        self.at = found.end()
        before = self.ignore_case, self.dot_all
        self.ignore_case |= "i" in found[1]
        self.dot_all |= "s" in found[1]
        if found[2] == ")":
            return EMPTY
        node = self.choice(depth + 1)
        if not self.skip(")"):
            raise PatternError("missing )")
        self.ignore_case, self.dot_all = before
        return node

    def escape(self) -> Node:
        char = self.take()
        if char in _CLASSES:
            return Chars(_CLASSES[char])
        match char:
            case "b" | "B" | "G":
                self.wider.append("word boundary")
                return EMPTY
            case "A":
                return Anchor("^")
            case "Z" | "z":
                return Anchor("$")
            case "p" | "P":
                return self.property()
            case "k":
                self.until(">")
                self.wider.append("back-reference")
                return ANYTHING
            case "1" | "2" | "3" | "4" | "5" | "6" | "7" | "8" | "9":
                while self.peek().isdigit():
                    self.at += 1
                self.wider.append("back-reference")
                return ANYTHING
            case _:
                return self.chars(single(self.escaped(char)))

    def property(self) -> Node:
        if self.skip("{"):
            self.until("}")
        else:
            self.take()
        self.wider.append("character property")
        return Chars(ALL)

    def escaped(self, char: str) -> str:
        """The one character that an escape stands for; `char` follows the backslash."""
        if char in _CONTROLS:
            return _CONTROLS[char]
        if char == "c":
            return chr(ord(self.take()) % 32)
        if char in "xuU" and (found := _CODE.match(self.text, self.at - 1)):
            self.at = found.end()
            code = int(next(filter(None, found.groups())), 16)
            if code > 0x10FFFF:
                raise PatternError("no such character")
            return chr(code)
        if char.isascii() and char.isalnum():
            raise PatternError(f"unknown escape \\{char}")
        return char

    def bracket(self) -> CharSet:
        negated = self.skip("^")
        # Of what is named so far; not each other's complement, see charsets.
        inside: CharSet = ()
        outside: CharSet = ALL
        named: set[str] = set()
        first = True
        while first or self.peek() != "]":
            if first and negated and self.peek() == "]":  # [^]: any character, in ECMA 262
                break
            if self.peek(2) in {"[:", "&&"}:
                raise PatternError("set operation")
            named.add(self.peek(2))
            chosen, left = self.member()
            inside, outside, first = union(inside, chosen), intersect(outside, left), False
        self.take()
        if any({f"\\{each}", f"\\{each.upper()}"} <= named for each in "dws"):
            inside, outside = ALL, ()
        return outside if negated else inside

    def member(self) -> tuple[CharSet, CharSet]:
        """A character, range or class, and what it leaves."""
        if (kind := self.peek(2)[1:]) and self.peek() == "\\" and kind in "dDwWsSpP":
            self.at += 2
            if kind in "pP":
                self.property()
                return ALL, ALL
            return _CLASSES[kind], _CLASSES[kind.swapcase()]
        low = high = self.one()
        if self.peek() == "-" and self.peek(2) != "-]" and self.peek(2)[1:]:
            before = self.at
            self.at += 1
            if self.peek() == "\\" and self.peek(2)[1:] in "dDwWsSpP":
                self.at = before
            else:
                high = self.one()
        if high < low:
            raise PatternError("bad range")
        chosen: CharSet = ((ord(low), ord(high)),)
        if self.ignore_case:
            chosen = either_case(chosen)
        return chosen, complement(chosen)

    def one(self) -> str:
        char = self.take()
        if char != "\\":
            return char
        char = self.take()
        return "\b" if char == "b" else self.escaped(char)
