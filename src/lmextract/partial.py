"""JSON that is still being written: text goes in as it comes, and the value so far can be looked at at any time.

Every character is read once.  What is shown only ever grows: complete scalars, strings as far as they have come, a
number once something follows it, no key before its value has begun.  A look shares all that is complete with the looks
before it and is put together when it is first read, so that not looking is free.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Callable
from typing import Any

from lmextract._absent import Shape
from lmextract._snapshot import MISSING, Partial, Snapshot
from lmextract.types import Json, is_array, is_object

__all__ = ["Partial", "PartialJson"]

_DEEPEST = 200
_LONGEST_SCALAR = 4300  # digits that Python turns into a number
_Step = Callable[[str, int], int]

_BLANKS = " \t\n\r"
_S = r"[ \t\n\r]*"
_WORD = r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?|true|false|null"
_ATOM = rf'(?:"([^"\\]*)"|({_WORD})){_S}'
_ITEM = re.compile(rf"{_S}{_ATOM}([,\]])").match
_MEMBER = re.compile(rf'{_S}"([^"\\]*)"{_S}:{_S}{_ATOM}([,}}])').match
_BLANK = re.compile(_S).match
_KEY = re.compile(rf'"([^"\\]*)"{_S}:{_S}').match
_SCALAR = re.compile(r"[-+.\w]+", re.ASCII).match
_IS_WORD = re.compile(_WORD).fullmatch
_LITERALS = {"true": True, "false": False, "null": None}

_UNIT = (
    r'[^"\\]+|\\["\\/bfnrt]|\\u(?![dD][89abAB])[0-9a-fA-F]{4}'
    r"|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
)
_RUN = re.compile(rf"(?:{_UNIT})++").match
_LONE = re.compile(r"\\u([dD][89abAB][0-9a-fA-F]{2})").match
_DECODE = json.JSONDecoder(strict=False).decode
_UNIT_BEGUN = re.compile(
    r"\\(?:u(?:[0-9a-fA-F]{0,3}|[dD][89abAB][0-9a-fA-F]{2}(?:\\(?:u(?:[dD](?:[c-fC-F][0-9a-fA-F]?)?)?)?)?)?)?\Z"
).match


class PartialJson:
    """Reads one JSON value, piece by piece.

    `shape` names the nulls that stand for absent members, which are left out.  `wrapped` says that the value travels as
    the property `value` of an object, and is shown without it.  What is no JSON ends the reading, as `broken`.
    """

    def __init__(self, shape: Shape | None = None, *, wrapped: bool = False) -> None:
        self.version = 0
        """Changes with everything that there is to see."""
        self.ended = False
        self.broken = False
        self.end = 0
        """How many characters have been read."""
        self._wrapped = wrapped
        self._shape = shape
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._rest = ""
        self._root: Json = MISSING
        # Of the containers that are open, outermost first; those within are added to theirs when they are complete.
        self._containers: list[Any] = []
        self._keys: list[str] = []
        self._shapes: list[Shape | None] = []
        self._hidden = 0
        self._pieces: list[str] = []
        self._in_key = self._in_string = False
        self._step: _Step = self._value

    def feed(self, text: str | bytes) -> None:
        """Read on."""
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
            if self.ended:
                break
        self.end += at
        self._rest = text[at:]

    def snapshot(self) -> Snapshot | None:
        """The value as it stands, None before it has begun; costs next to nothing until its value is read."""
        string = (self._pieces, len(self._pieces)) if self._in_string else None
        if not self._containers:
            return Snapshot((), string, self._complete()) if string or self.ended else None
        if self._hidden and (self._keys[0] != "value" or (len(self._containers) == 1 and not string)):
            return Snapshot((), None, self._complete()) if "value" in self._containers[0] else None
        containers, keys = self._containers[self._hidden :], self._keys[self._hidden :]
        return Snapshot(tuple(zip(containers, map(len, containers), keys, strict=True)), string)

    def items(self) -> list[Json]:
        """The complete items so far of the list that the value is: the list itself, which will grow."""
        found = self._containers[self._hidden] if len(self._containers) > self._hidden else self._complete()
        return found if is_array(found) else []

    def _complete(self) -> Json:
        """The whole value where it is complete."""
        outer = self._containers[0] if self._containers else self._root
        return outer.get("value", outer) if self._hidden else outer

    # --- one step each: from a place in the text to the next, or -1 where more must come first

    def _value(self, text: str, at: int) -> int:
        char = text[at]
        if char == "{":
            return self._open({}, self._first_key, at)
        if char == "[":
            return self._open([], self._first_item, at)
        if char == '"':
            return self._begin_string(at, in_key=False)
        return _blank_end(text, at) if char in _BLANKS else self._scalar(text, at)

    def _item(self, text: str, at: int) -> int:
        """All items that are complete scalars at once, else one value."""
        items = self._containers[-1]
        while found := _ITEM(text, at):
            at = found.end()
            items.append(found[1] if found[2] is None else _scalar_of(found[2]))
            self.version += 1
            if found[3] == "]":
                return self._close(at - 1)
        self._step = self._value
        return at

    def _first_item(self, text: str, at: int) -> int:
        if text[at] in _BLANKS:
            return _blank_end(text, at)
        if text[at] == "]":
            return self._close(at)
        self._step = self._item
        return at

    def _key(self, text: str, at: int) -> int:
        """All members whose values are complete scalars at once, else one key."""
        while found := _MEMBER(text, at):
            at = found.end()
            self._name(found[1])
            self._add(found[2] if found[3] is None else _scalar_of(found[3]))
            if found[4] == "}":
                return self._close(at - 1)
            self._step = self._key
        if at == len(text):
            return at
        if text[at] in _BLANKS:
            return _blank_end(text, at)
        whole = _KEY(text, at)
        if whole:
            self._name(whole[1])
            self._step = self._value
            return whole.end()
        return self._begin_string(at, in_key=True) if text[at] == '"' else self._break()

    def _first_key(self, text: str, at: int) -> int:
        if text[at] in _BLANKS:
            return _blank_end(text, at)
        if text[at] == "}":
            return self._close(at)
        self._step = self._key
        return at

    def _colon(self, text: str, at: int) -> int:
        if text[at] == ":":
            self._step = self._value
            return at + 1
        return _blank_end(text, at) if text[at] in _BLANKS else self._break()

    def _next(self, text: str, at: int) -> int:
        char = text[at]
        in_list = is_array(self._containers[-1])
        if char == ",":
            self._step = self._item if in_list else self._key
            return at + 1
        if char == ("]" if in_list else "}"):
            return self._close(at)
        return _blank_end(text, at) if char in _BLANKS else self._break()

    def _string(self, text: str, at: int) -> int:
        if text[at] == '"':
            return self._end_string(at)
        run = _RUN(text, at)
        if run:
            said = run[0]
            return self._say(_DECODE(f'"{said}"') if "\\" in said else said, run.end())
        if _UNIT_BEGUN(text, at):
            return -1
        lone = _LONE(text, at)
        return self._say(chr(int(lone[1], 16)), lone.end()) if lone else self._break()

    def _scalar(self, text: str, at: int) -> int:
        found = _SCALAR(text, at)
        if found is None or found.end() - at > _LONGEST_SCALAR:
            return self._break()
        if found.end() == len(text):
            return -1
        if not _IS_WORD(found[0]):
            return self._break()
        self._add(_scalar_of(found[0]))
        return found.end()

    # --- what a step does

    def _begin_string(self, at: int, *, in_key: bool) -> int:
        self._pieces, self._in_key, self._in_string, self._step = [], in_key, not in_key, self._string
        self.version += not in_key
        return at + 1

    def _say(self, piece: str, end: int) -> int:
        self._pieces.append(piece)
        self.version += self._in_string
        return end

    def _end_string(self, at: int) -> int:
        text = "".join(self._pieces)
        if self._in_key:
            self._name(text)
            self._step = self._colon
        else:
            self._in_string = False
            self._add(text)
        return at + 1

    def _name(self, key: str) -> None:
        if self._hidden and len(self._containers) == 1 and key != "value" and not self._containers[0]:
            self._hidden = 0  # wrapped it should be, and is not
        self._keys[-1] = key

    def _open(self, container: Json, step: _Step, at: int) -> int:
        if len(self._containers) >= _DEEPEST:
            return self._break()
        self._shapes.append(self._shape_below())
        if self._wrapped and not self._containers:
            self._hidden = int(is_object(container))
        self._containers.append(container)
        self._keys.append("")
        self._step = step
        self.version += 1
        return at + 1

    def _shape_below(self) -> Shape | None:
        if not self._containers:
            return self._shape
        shape = self._shapes[-1]
        return shape and shape.below(None if is_array(self._containers[-1]) else self._keys[-1])

    def _close(self, at: int) -> int:
        self._keys.pop()
        self._shapes.pop()
        self._add(self._containers.pop())
        return at + 1

    def _add(self, value: Json) -> None:
        """Put a complete value where it belongs; of a key that comes twice the first value is shown."""
        self.version += 1
        if not self._containers:
            self._root, self.ended = value, True
            return
        self._step = self._next
        holder = self._containers[-1]
        if is_array(holder):
            holder.append(value)
        else:
            key, shape = self._keys[-1], self._shapes[-1]
            if value is not None or shape is None or not shape.is_absent(key):
                holder.setdefault(key, value)

    def _break(self) -> int:
        self.broken = True
        return -1


def _blank_end(text: str, at: int) -> int:
    found = _BLANK(text, at)
    return found.end() if found else at


def _scalar_of(word: str) -> Json:
    if word in _LITERALS:
        return _LITERALS[word]
    return float(word) if "." in word or "e" in word or "E" in word else int(word)
