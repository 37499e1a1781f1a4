"""JSON that is still being written: text goes in as it comes, and the value so far can be looked at at any time.

Every character is read once.  What is shown only ever grows: complete scalars, strings as far as they have come, a
number once something follows it, no key before its value has begun.  A look shares all that is complete with the looks
before it and is put together when it is first read, so that not looking is free.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Any

from lmextract._absent import Shape
from lmextract.types import Json, Path, is_array, is_object

__all__ = ["Partial", "PartialJson"]

_DEEPEST = 200
_LONGEST_SCALAR = 4300  # digits that Python turns into a number
_MISSING: Any = object()

_BLANKS = " \t\n\r"
_BLANK = re.compile(r"[ \t\n\r]*")
_PLAIN = re.compile(r'[^"\\]+')
_WHOLE_STRING = re.compile(r'"([^"\\]*)"')
_WHOLE_KEY = re.compile(r'"([^"\\]*)"[ \t\n\r]*:')
_SCALAR = re.compile(r"[-+.\w]+")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")
_ESCAPE = re.compile(r'\\(?:(["\\/bfnrt])|u([0-9a-fA-F]{4}))')
_ESCAPE_BEGUN = re.compile(r"\\(?:u[0-9a-fA-F]{0,3})?")
_LOW = re.compile(r"\\u([dD][c-fC-F][0-9a-fA-F]{2})")
_LOW_BEGUN = re.compile(r"(?:\\(?:u(?:[dD](?:[c-fC-F][0-9a-fA-F]?)?)?)?)?")
_LITERALS = {"true": True, "false": False, "null": None}
_ESCAPED = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


class Snapshot:
    """The value as it stood at one moment: the open containers with their sizes then, and the open string."""

    def __init__(
        self, spine: tuple[tuple[Any, int, str], ...], string: tuple[list[str], int] | None, whole: Json = None
    ) -> None:
        self._spine = spine
        self._string = string
        self._whole = whole

    @cached_property
    def value(self) -> Json:
        """The value, made of copies of the containers that were open, and of the others themselves."""
        child = self._leaf()
        for container, size, key in reversed(self._spine):
            if is_array(container):
                made: Any = container[:size]
                if child is not _MISSING:
                    made.append(child)
            else:
                made = dict(islice(container.items(), size))
                if child is not _MISSING:
                    made.setdefault(key, child)
            child = made
        return child

    @cached_property
    def growing(self) -> Path | None:
        """The innermost value that was not complete; None if the whole was."""
        if not self._spine and self._string is None:
            return None
        steps = [size if is_array(container) else key for container, size, key in self._spine]
        return Path(*(steps if self._string is not None else steps[:-1]))

    def _leaf(self) -> Json:
        if self._string is not None:
            pieces, count = self._string
            return "".join(pieces[:count])
        return _MISSING if self._spine else self._whole


@dataclass(frozen=True, slots=True, eq=False)
class Partial:
    """What a model has written so far of a value: `json`, in the target's own form.

    Within a `draft` each value extends the one before it; a higher number is a new beginning (the server failed
    half-way, or the answer was asked again).  Nothing is checked yet: the validated `Extraction` comes last.
    """

    snapshot: Snapshot
    draft: int = 1

    @property
    def json(self) -> Json:
        """The value so far, of plain dicts, lists and scalars; shared with other partial values, so do not change it."""
        return self.snapshot.value

    @property
    def growing(self) -> Path | None:
        """The path of the innermost value that is still being written; None where the whole is complete."""
        return self.snapshot.growing

    def has(self, *path: str | int) -> bool:
        """Whether the value at a path (`has("authors", 0)`) is there and complete."""
        at = self.json
        for step in path:
            if isinstance(step, str):
                if not is_object(at) or step not in at:
                    return False
            elif not is_array(at) or not 0 <= step < len(at):
                return False
            at = at[step]
        return self.growing is None or self.growing[: len(path)] != path

    def __repr__(self) -> str:
        return f"Partial({self.json!r}, draft={self.draft})"


class PartialJson:
    """Reads one JSON value, piece by piece.

    `shape` names the nulls that stand for absent members, which are left out.  `wrapped` says that the value travels as
    the property `value` of an object, and is to be shown without it.  What is no JSON ends the reading: `broken`.
    """

    def __init__(self, shape: Shape | None = None, *, wrapped: bool = False) -> None:
        self.version = 0
        self.ended = False
        self.broken = False
        self.end = 0
        self._wrapped = wrapped
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._rest = ""
        self._root: Json = _MISSING
        self._containers: list[Any] = []
        self._keys: list[str] = []
        self._shapes: list[Shape | None] = []
        self._outer = shape
        self._key = ""
        self._pieces: list[str] = []
        self._in_value = False
        self._step: Callable[[str, int], int] = self._value

    def feed(self, text: str | bytes) -> None:
        """Read on: `version` has changed if there is more to see."""
        if isinstance(text, bytes):
            text = self._decode(text)
        if self.ended or self.broken:
            return
        if self._rest:
            text = self._rest + text
        at, size = 0, len(text)
        while at < size:
            after = self._step(text, at)
            if after < 0:
                break
            at = after
        self.end += at if not self.broken else 0
        self._rest = "" if self.ended or self.broken else text[at:]

    @property
    def begun(self) -> bool:
        """Whether there is anything to see."""
        return self._outermost() is not None

    def snapshot(self) -> Snapshot | None:
        """The value as it stands, None before it has begun; free until its value is read."""
        first = self._outermost()
        if first is None:
            return None
        string = (self._pieces, len(self._pieces)) if self._in_value else None
        spine = tuple(
            (container, len(container), key)
            for container, key in zip(self._containers[first:], self._keys[first:], strict=True)
        )
        whole = _MISSING if spine or string else self._complete_value()
        return Snapshot(spine, string, whole)

    def items(self) -> list[Json]:
        """The complete items of the list that the value is, so far; the list itself, which will grow."""
        first = self._outermost()
        if first is None:
            return []
        found = self._containers[first] if len(self._containers) > first else self._complete_value()
        return found if is_array(found) else []

    # --- the value as a whole

    def _outermost(self) -> int | None:
        """How many open containers stand around what is to be seen: none, or the one that it is wrapped into."""
        if self._root is _MISSING and not self._containers:
            return 0 if self._in_value else None
        outer = self._containers[0] if self._containers else self._root
        if not self._wrapped or not is_object(outer):
            return 0
        if not self._containers:
            return 0
        if self._keys[0] == "value":
            begun = len(self._containers) > 1 or self._in_value or "value" in outer
            return 1 if begun else None
        return 1 if "value" in outer else 0 if outer else None

    def _complete_value(self) -> Json:
        outer = self._containers[0] if self._containers else self._root
        return outer["value"] if self._wrapped and is_object(outer) and "value" in outer else outer

    # --- one step each: from a position in the text to the next, or -1 where more is needed

    def _value(self, text: str, at: int) -> int:
        char = text[at]
        if char in _BLANKS:
            return _BLANK.match(text, at).end()  # type: ignore[union-attr]
        if char == '"':
            whole = _WHOLE_STRING.match(text, at)
            if whole:
                self._complete(whole[1])
                return whole.end()
            self._pieces, self._in_value, self._step = [], True, self._string
            self.version += 1
            return at + 1
        if char == "{":
            return self._open({}, self._first_key, at)
        if char == "[":
            return self._open([], self._first_item, at)
        return self._scalar(text, at)

