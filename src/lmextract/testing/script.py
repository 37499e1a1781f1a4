"""A script of replies: an iterable that runs out, or a function of the question; both doubles speak from one."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Generic, TypeAlias, TypeVar

from lmextract.types import Json

__all__ = ["OutOfReplies", "Script", "Scripted", "text_of", "tokens"]

Q = TypeVar("Q")

Scripted: TypeAlias = Any
"""One scripted reply: a str is the content as it stands, a dict or list is the content as JSON, a `Reply` is itself."""


class OutOfReplies(AssertionError):
    """More questions came than replies were scripted; an AssertionError, so that no code under test handles it."""


class Script(Generic[Q]):
    """Gives the next reply to a question; safe to ask from several threads."""

    def __init__(self, replies: Iterable[Scripted] | Callable[[Q], Scripted]) -> None:
        single: object = replies
        if isinstance(single, (str, bytes, Mapping)):
            kind = "str" if isinstance(single, str) else "bytes" if isinstance(single, bytes) else "dict"
            raise TypeError(f"replies are a list of replies or a function, not one {kind}")
        self._answer: Callable[[Q], Scripted] | None = None
        self._lock = threading.Lock()
        self._given = 0
        if callable(replies):
            self._answer = replies
        else:
            self._rest = iter(replies)

    def next(self, question: Q) -> Scripted:
        """The reply to this question; raises `OutOfReplies` when the list has ended."""
        if self._answer is not None:
            return self._answer(question)
        with self._lock:
            for reply in self._rest:
                self._given += 1
                return reply
            raise OutOfReplies(f"{self._given} replies were scripted, and one question more was asked")


def text_of(reply: Json) -> str:
    """A scripted reply as the text a model would have written: a str as it stands, anything else as JSON."""
    return reply if isinstance(reply, str) else json.dumps(reply, ensure_ascii=False)


def tokens(text: str) -> int:
    """How many tokens the doubles count for a text: one for every four characters begun."""
    return (len(text) + 3) // 4
