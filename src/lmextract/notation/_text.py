"""Rendered types as lines of code with comments, and how they are put together: no schema is known here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum

__all__ = ["Line", "Rank", "Text", "code", "fields", "glued", "joined"]

MAX_INDENT = 12


class Rank(IntEnum):
    """How tightly a type holds together; a lower one needs parentheses inside a higher one."""

    IF, OR, AND, NOT, ATOM = range(5)


@dataclass(frozen=True, slots=True)
class Line:
    """One line on a nesting level."""

    level: int
    code: str
    comment: str = ""

    def __str__(self) -> str:
        # Fields of the outermost object are not indented, deeper ones by one space a level: a first space before
        # a word is part of its token, so that this layout costs next to nothing.
        indent = " " * min(max(0, self.level - 1), MAX_INDENT)
        return f"{indent}{self.code} // {self.comment}" if self.comment else f"{indent}{self.code}"


@dataclass(frozen=True, slots=True)
class Text:
    """A rendered type; the comment of its first line speaks of the type as a whole."""

    lines: tuple[Line, ...]
    rank: Rank = Rank.ATOM

    def __str__(self) -> str:
        return "\n".join(map(str, self.lines))

    @property
    def single(self) -> bool:
        """Whether it stands on one line."""
        return len(self.lines) == 1

    @property
    def comment(self) -> str:
        """What is said of the type as a whole."""
        return self.lines[0].comment

    @property
    def nullable(self) -> bool:
        """Whether null can be seen to be allowed."""
        end = self.lines[-1].code
        return end in {"any", "null"} or end.endswith("|null")

    def ranked(self, rank: Rank) -> Text:
        """The same, held together as tightly as `rank`."""
        return replace(self, rank=rank)

    def within(self, rank: Rank) -> Text:
        """Ready to stand in a type of that rank: in parentheses if it must."""
        return self if self.rank >= rank else glued((code("("), self, code(")")))

    def or_null(self) -> Text:
        """With null allowed."""
        return self if self.nullable else joined((self, code("null")), "|", Rank.OR)

    def led(self, comment: str) -> Text:
        """With `comment` in front of the one that it has."""
        return self._with_comment(_sentence(comment, self.comment))

    def noted(self, comment: str) -> Text:
        """With `comment` behind the one that it has."""
        return self._with_comment(_sentence(self.comment, comment))

    def limited(self, limits: Sequence[str]) -> Text:
        """With `limits` behind it or, where it takes several lines, beside its first line."""
        if not limits:
            return self
        listed = ", ".join(limits)
        return glued((self, code(f"({listed})"))) if self.single else self.led(listed)

    def entry(self, start: str, level: int) -> tuple[Line, ...]:
        """Its lines as an entry of an object on `level`, with `start` in front."""
        first = self.lines[0]
        return (Line(level, start + first.code, first.comment), *self.lines[1:])

    def _with_comment(self, comment: str) -> Text:
        return replace(self, lines=(replace(self.lines[0], comment=comment), *self.lines[1:]))


def code(text: str) -> Text:
    """A type that is just these characters."""
    return Text((Line(0, text),))


def glued(texts: Iterable[Text]) -> Text:
    """The texts, one behind the other: where two meet, their lines become one and so do their comments."""
    lines: list[Line] = []
    for text in texts:
        if lines:
            last, first = lines.pop(), text.lines[0]
            lines.append(Line(last.level, last.code + first.code, _sentence(last.comment, first.comment)))
            lines.extend(text.lines[1:])
        else:
            lines.extend(text.lines)
    return Text(tuple(lines))


def joined(texts: Iterable[Text], separator: str, rank: Rank) -> Text:
    """The types with `separator` between them; nothing is said twice."""
    first, *others = dict.fromkeys(texts)
    if not others:
        return first
    between = code(separator)
    tail = (part for text in others for part in (between, text.within(rank)))
    return glued((first.within(rank), *tail)).ranked(rank)


def fields(entries: Sequence[tuple[Line, ...]], level: int) -> Text:
    """An object with these entries; on one line if there is only one and nothing to say about it."""
    if len(entries) == 1 and len(entries[0]) == 1 and not entries[0][0].comment:
        return code(f"{{{entries[0][0].code}}}")
    return Text((Line(level, "{"), *(line for entry in entries for line in entry), Line(level, "}")))


def _sentence(first: str, second: str) -> str:
    if not first or not second or first == second:
        return first or second
    return f"{first} {second}" if first[-1] in ".!?:;," else f"{first}; {second}"
