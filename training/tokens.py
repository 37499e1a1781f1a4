"""Bytes as tokens, four control tokens, and one token for each piece of text that all of this library's prompts share.

A byte's token is its value, so nothing is ever unknown and copying is spelling.  The shared pieces are read off the
prompts themselves, so that the constant part of a prompt costs a dozen tokens.  `Tokens.encode` does what llama.cpp
does with user-defined tokens: the longest piece first, wherever it occurs in what is still raw text.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from lmextract.prompt import document_message, preamble
from lmextract.types import JsonSchema, Message

__all__ = ["CONTROL", "END", "TEMPLATE", "Tokens", "shared_pieces"]

CONTROL = ("<|end|>", "<|system|>", "<|user|>", "<|assistant|>")
END = 256
TEMPLATE = (
    "{% for m in messages %}<|{{ m['role'] }}|>{{ m['content'] }}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
GLUE = ('","', '":', "null", "|null", ": string", ": integer")
"""JSON's and the notation's own punctuation; no two of equal length can overlap, see `_check`."""

WORDS = 160
FIELDS = ("title", "author", "year", "publisher")


@dataclass(frozen=True, slots=True)
class Tokens:
    """The vocabulary: 256 bytes, CONTROL, then `pieces`."""

    pieces: tuple[str, ...]

    def __post_init__(self) -> None:
        _check(self.pieces)

    @property
    def size(self) -> int:
        """How many tokens there are."""
        return END + len(CONTROL) + len(self.pieces)

    def encode(self, text: str) -> list[int]:
        """The tokens of a text in which control tokens have no meaning."""
        parts: list[str | int] = [text]
        first = END + len(CONTROL)
        for number in sorted(range(len(self.pieces)), key=lambda each: -len(self.pieces[each].encode())):
            piece = self.pieces[number]
            if piece in text:
                parts = [each for part in parts for each in _cut(part, piece, first + number)]
        return [token for part in parts for token in ([part] if isinstance(part, int) else part.encode())]

    def decode(self, tokens: Iterable[int]) -> str:
        """The text of tokens."""
        return b"".join(map(self._bytes, tokens)).decode(errors="replace")

    def turns(self, messages: Iterable[Message]) -> list[int]:
        """The tokens of a conversation, by the chat template."""
        return [token for message in messages for token in self._turn(message)]

    def role(self, name: str) -> int:
        """The token that opens a turn."""
        return END + CONTROL.index(f"<|{name}|>")

    def _turn(self, message: Message) -> list[int]:
        return [self.role(message.role), *self.encode(message.content), END]

    def _bytes(self, token: int) -> bytes:
        if token < END:
            return bytes([token])
        return (*CONTROL, *self.pieces)[token - END].encode()


def shared_pieces(first: JsonSchema, second: JsonSchema, documents: Sequence[str]) -> tuple[str, ...]:
    """What every prompt says, read off the prompts of two schemas that differ in name and fields; and usual words.

    A word counts with the space before it and in small letters only: names and titles stay spelled out.
    """
    texts = [preamble(schema, name=name)[0].content for schema, name in ((first, "One"), (second, "Two"))]
    lines = [text.split("\n") for text in texts]
    common = [line for line in lines[0] if line in lines[1] and len(line) > 1]
    asked = [
        next(line for line in each if line.endswith(f", {name}:"))
        for each, name in zip(lines, ("One", "Two"), strict=True)
    ]
    common.append(asked[0].removesuffix(", One:"))
    # What the first schema says of its fields is as constant as the rules are.
    common += [f" // {said}" for line in lines[0] for _, mark, said in [line.partition(" // ")] if mark]
    before, after = document_message("\0").content.split("\0")
    pieces = (*dict.fromkeys(common), before, after, *GLUE, *FIELDS)
    return (*pieces, *_usual(documents, pieces))


def _usual(documents: Sequence[str], pieces: Sequence[str]) -> list[str]:
    words = Counter(
        word for text in documents for word in re.findall(r"(?<=[\w,]) [a-z]{2,}\b|(?<=, ) [a-z]{2,}\b", text)
    )
    saved = {word: count * (len(word) - 1) for word, count in words.items() if word.isascii()}
    ranked = sorted(saved, key=lambda word: (-saved[word], word))
    return sorted([word for word in ranked if not any(_clash(word, piece) for piece in pieces)][:WORDS])


def _cut(part: str | int, piece: str, token: int) -> list[str | int]:
    if isinstance(part, int) or piece not in part:
        return [part]
    found: list[str | int] = []
    for text in part.split(piece):
        found += [text, token] if text else [token]
    return found[:-1]


def _check(pieces: Sequence[str]) -> None:
    """llama.cpp leaves the order of equally long pieces open: two such must never compete for the same letters."""
    for one in pieces:
        for other in pieces:
            if _clash(one, other):
                raise ValueError(f"{one!r} and {other!r} are equally long and can overlap")


def _clash(one: str, other: str) -> bool:
    if one == other or len(one.encode()) != len(other.encode()):
        return False
    return any(one.endswith(other[:size]) or other.endswith(one[:size]) for size in range(1, len(other)))
