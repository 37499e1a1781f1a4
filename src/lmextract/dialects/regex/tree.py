"""Regular expressions as trees, with what can be told from a tree alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from lmextract.dialects.regex.charsets import ALL, CharSet, intersect

__all__ = [
    "ANYTHING",
    "EMPTY",
    "NOTHING",
    "Alt",
    "Anchor",
    "Chars",
    "Node",
    "Repeat",
    "Seq",
    "alternatives",
    "lengths",
    "listed",
    "literal",
    "nullable",
    "only",
    "repeated",
    "sequence",
    "settled",
]


@dataclass(frozen=True, slots=True)
class Chars:
    """One character of a set; of the empty set: no text at all fits."""

    set: CharSet


@dataclass(frozen=True, slots=True)
class Seq:
    """One after the other; none: the empty text."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Alt:
    """Any one of them."""

    options: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """Between `low` and `high` times; `high` None: without end."""

    body: Node
    low: int
    high: int | None


@dataclass(frozen=True, slots=True)
class Anchor:
    """The start (`^`) or the end (`$`) of the text."""

    kind: str


Node: TypeAlias = Chars | Seq | Alt | Repeat | Anchor

EMPTY = Seq(())
NOTHING = Chars(())
ANYTHING = Repeat(Chars(ALL), 0, None)


def literal(char: str) -> Node:
    """One character."""
    return Chars(((ord(char), ord(char)),))


def sequence(parts: Iterable[Node]) -> Node:
    """A sequence, flattened."""
    flat: list[Node] = []
    for part in parts:
        if part == NOTHING:
            return NOTHING
        flat.extend(part.parts if isinstance(part, Seq) else (part,))
    return flat[0] if len(flat) == 1 else Seq(tuple(flat))


def alternatives(options: Iterable[Node]) -> Node:
    """A choice, flattened, without doubles and impossible options."""
    flat: dict[Node, None] = {}
    for option in options:
        for each in option.options if isinstance(option, Alt) else (option,):
            if each != NOTHING:
                flat[each] = None
    if EMPTY in flat and any(nullable(each) for each in flat if each != EMPTY):
        del flat[EMPTY]
    if len(flat) == 2 and EMPTY in flat:
        return repeated(next(each for each in flat if each != EMPTY), 0, 1)
    return next(iter(flat)) if len(flat) == 1 else Alt(tuple(flat)) if flat else NOTHING


def repeated(body: Node, low: int, high: int | None) -> Node:
    """A repetition, without pointless nesting."""
    if body == NOTHING:
        return EMPTY if low == 0 else NOTHING
    if high == 0 or body == EMPTY:
        return EMPTY
    if (low, high) == (1, 1):
        return body
    if isinstance(body, Repeat) and body.high is None and body.low <= 1 and high is None:
        return Repeat(body.body, min(low, body.low), None)
    return Repeat(body, low, high)


def lengths(node: Node) -> tuple[int, int | None]:
    """How many characters a text that fits has, at least and at most."""
    match node:
        case Chars():
            return 1, 1
        case Anchor():
            return 0, 0
        case Repeat(body, low, high):
            least, most = lengths(body)
            return least * low, None if most is None or high is None else most * high
        case Seq(parts):
            spans = [lengths(part) for part in parts]
            mosts = [most for _, most in spans if most is not None]
            return sum(least for least, _ in spans), sum(mosts) if len(mosts) == len(spans) else None
        case Alt(options):
            spans = [lengths(option) for option in options]
            mosts = [most for _, most in spans if most is not None]
            return min(least for least, _ in spans), max(mosts) if len(mosts) == len(spans) else None


def only(node: Node, allowed: CharSet) -> Node:
    """The tree with every set cut down to the allowed characters."""
    match node:
        case Chars(chars):
            return Chars(intersect(chars, allowed))
        case Anchor():
            return node
        case Repeat(body, low, high):
            return repeated(only(body, allowed), low, high)
        case Seq(parts):
            return sequence(only(part, allowed) for part in parts)
        case Alt(options):
            return alternatives(only(option, allowed) for option in options)


def nullable(node: Node) -> bool:
    """Whether the empty text fits."""
    match node:
        case Chars():
            return False
        case Anchor():
            return True
        case Repeat(body, low):
            return low == 0 or nullable(body)
        case Seq(parts):
            return all(map(nullable, parts))
        case Alt(options):
            return any(map(nullable, options))


def settled(node: Node) -> Node:
    """The same texts with no repetition of what may be empty: an engine could turn in such a circle without end."""
    match node:
        case Repeat(body, low, high):
            body = settled(body)
            return repeated(_filled(body), 0, high) if nullable(body) else repeated(body, low, high)
        case Seq(parts):
            return sequence(map(settled, parts))
        case Alt(options):
            return alternatives(map(settled, options))
        case _:
            return node


def _filled(node: Node) -> Node:
    """The same texts but the empty one, of a settled tree."""
    match node:
        case Repeat(body, _, high) if nullable(node):
            return repeated(body, 1, high)
        case Seq(parts) if nullable(node):
            return alternatives(sequence((_filled(part), *parts[i + 1 :])) for i, part in enumerate(parts))
        case Alt(options):
            return alternatives(map(_filled, options))
        case Anchor():
            return NOTHING
        case _:
            return node


def listed(node: Node, most: int = 50) -> list[str] | None:
    """The texts that fit, if there are few."""
    match node:
        case Chars(chars):
            if sum(high - low + 1 for low, high in chars) > most:
                return None
            return [chr(code) for low, high in chars for code in range(low, high + 1)]
        case Seq(parts):
            return _joined([listed(part, most) for part in parts], most)
        case Alt(options):
            lists = [listed(option, most) for option in options]
            union = [text for texts in lists if texts is not None for text in texts]
            return None if None in lists or len(union) > most else list(dict.fromkeys(union))
        case Repeat(body, low, high):
            if high is None or high > most:
                return None
            once = listed(body, most)
            turns = [_joined([once] * count, most) for count in range(low, high + 1)]
            found = [text for texts in turns if texts is not None for text in texts]
            return None if None in turns or len(found) > most else list(dict.fromkeys(found))
        case Anchor():
            return [""]


def _joined(lists: Sequence[list[str] | None], most: int) -> list[str] | None:
    """Every way to take a text of each list, one after the other."""
    found = [""]
    for texts in lists:
        if texts is None or len(found) * len(texts) > most:
            return None
        found = [start + end for start in found for end in texts]
    return found
