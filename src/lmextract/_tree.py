"""The JSON value that a tolerant parser builds, and its account of what it tolerated, doubted and might have read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from lmextract.types import Json, Path, Problem

__all__ = ["NOTHING", "Choice", "Open", "Tree", "Want"]

Want = Literal["key", "colon", "value", "item", "comma"]

NOTHING: Json = object()
"""In place of a value that was not there."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A place whose value can be read in other ways too, likeliest first."""

    path: Path
    others: tuple[Json, ...]


@dataclass(slots=True)
class Open:
    """An object or an array that is being read; `extra` counts its doubled braces."""

    closer: str
    held: Any
    want: Want
    extra: int = 0
    key: str = ""
    after_comma: bool = False


class Tree:
    """What is open, innermost last, and what has been read; `root` is NOTHING until the value is complete."""

    def __init__(self) -> None:
        self.stack: list[Open] = []
        self.root: Json = NOTHING
        self.tolerated: dict[str, int] = {}
        self.flaws: list[Problem] = []
        self.choices: list[Choice] = []

    def open(self, char: str) -> None:
        """Begin an object or an array."""
        self.stack.append(Open("}", {}, "key") if char == "{" else Open("]", [], "item"))

    def put(self, value: Json) -> None:
        """Add a value where it belongs."""
        if not self.stack:
            self.root = value
            return
        top = self.stack[-1]
        if isinstance(top.held, dict):
            self._put_field(top, value)
        else:
            top.held.append(value)
        top.want, top.after_comma = "comma", False

    def _put_field(self, top: Open, value: Json) -> None:
        if top.key in top.held:
            self.tolerate("duplicate keys")
            before = top.held[top.key]
            if not _same(before, value):
                path = self.here()
                self.flaws.append(Problem(path, "duplicate_keys", "was given twice, with different values", value))
                self.choices.append(Choice(path, (before,)))
        top.held[top.key] = value

    def close(self) -> None:
        """End the innermost object or array."""
        top = self.stack.pop()
        self.put(top.held)

    def close_to(self, closer: str) -> None:
        """End everything inside the innermost object or array that wants this bracket."""
        while self.stack[-1].closer != closer:
            self.close()

    def closers(self) -> str:
        """The brackets that are missing, innermost last."""
        return "".join(frame.closer for frame in self.stack)

    def inside(self, closer: str, depth: int = 1) -> bool:
        """Whether the innermost open thing, or the one `depth` levels out, wants this bracket."""
        return len(self.stack) >= depth and self.stack[-depth].closer == closer

    def tolerate(self, kind: str) -> None:
        """Count one departure from JSON."""
        self.tolerated[kind] = self.tolerated.get(kind, 0) + 1

    def flaw(self, code: str, message: str, value: Json = None) -> None:
        """Note why the value must not be taken as it is."""
        self.flaws.append(Problem(self.here(), code, message, value))

    def choose(self, others: tuple[Json, ...]) -> None:
        """Note other readings of the value that comes next."""
        if others:
            self.choices.append(Choice(self.here(), others))

    def here(self) -> Path:
        """The path of the value that is being read."""
        return _path(self.stack)

    def innermost(self) -> Path:
        """The path of the innermost open object or array."""
        return _path(self.stack[:-1])


def _path(frames: Iterable[Open]) -> Path:
    return Path(*(frame.key if isinstance(frame.held, dict) else len(frame.held) for frame in frames))


def _same(one: Json, other: Json) -> bool:
    """Equality of JSON values, where true is not 1."""
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)
