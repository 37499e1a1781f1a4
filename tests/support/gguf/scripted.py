"""A model that recites: weights set by hand, so that given words in the prompt bring a given answer.

Tokens, sampling, grammar and HTTP are all llama.cpp's own, so a whole conversation can be played on the real engine, a
wrong answer and its repair included; where a grammar forbids the next piece of the script, the model leaves it.

How it works.  One attention head per trigger word looks for that word and says whether it occurs.  Every piece of every
answer is a token of its own, and the output matrix holds which piece follows which.  After the assistant's header each
answer bids: its number of triggers, less a fine for each of them that is missing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from tests.support.gguf.file import Matrix, Shape, Vocabulary, spelled, write_model

_TEMPLATE = (
    "{% for m in messages %}<|{{ m['role'] }}|>{{ m['content'] }}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
_ROLES = ("system", "user", "assistant")
_CODE_WIDTH = 128
_HEAD_WIDTH = 32
_SHARPNESS = 40.0
# In one scale: what follows by the script, what ends off it (so that it ends soon), and a bid per trigger.
_NEXT, _END_OFF_SCRIPT, _BID = 300.0, 150.0, 40.0
_ENDINGS = {'"': 3.0, "}": 2.0, "]": 1.0, ",": 0.0, ":": 0.0}


@dataclass(frozen=True)
class Script:
    """An answer, given when all the trigger words occur in the prompt and no answer with more of them fits.

    Triggers are of letters or of digits only, and found inside words too, in upper and lower case as given.  A script
    without triggers is the answer to everything else.
    """

    answer: str
    when: tuple[str, ...] = ()


def write_scripted_model(path: Path, scripts: Sequence[Script], *, context: int = 8192, seed: int = 0) -> Path:
    """Write the model and return its path."""
    plan = _plan(scripts)
    channels = _Channels(max(1, len(plan.words)))
    codes = _codes(len(plan.vocabulary), seed)
    shape = Shape(
        width=channels.width,
        layers=1,
        heads=channels.words,
        kv_heads=channels.words,
        head_width=_HEAD_WIDTH,
        feed_forward=32,
        context=context,
        rope_base=1e18,  # so that the last pair of a head does not turn with the position
    )
    write_model(
        path,
        name="scripted",
        shape=shape,
        vocabulary=plan.vocabulary,
        end="<|end|>",
        template=_TEMPLATE,
        tensors={
            "token_embd": _embedding(codes, plan, channels),
            "output_norm": np.ones(channels.width, np.float32),
            "output": _output(codes, plan, channels),
            **_attention(channels),
            **_idle_feed_forward(shape),
        },
    )
    return path


@dataclass(frozen=True)
class _Plan:
    """Scripts as tokens: each trigger word is one, and each answer a path of them."""

    scripts: Sequence[Script]
    vocabulary: Vocabulary
    words: Sequence[str]
    word_tokens: Sequence[int]
    paths: Sequence[Sequence[int]]


def _plan(scripts: Sequence[Script]) -> _Plan:
    words = sorted({word for script in scripts for word in script.when})
    vocabulary = Vocabulary()
    word_tokens = [vocabulary.add_word(word) for word in words]
    if broken := [word for word in words if not vocabulary.is_token(word)]:
        raise ValueError(f"the tokenizer would break {broken} up in favour of other triggers")
    paths = [_pieces(script.answer, vocabulary) for script in scripts]
    for name in ("end", *_ROLES):
        vocabulary.add_control(f"<|{name}|>")
    return _Plan(scripts, vocabulary, words, word_tokens, paths)


@dataclass(frozen=True)
class _Channels:
    """What each number of the residual stream means: a code of the token, a constant 1, and two flags per word."""

    words: int

    @property
    def constant(self) -> int:
        return _CODE_WIDTH

    def is_word(self, at: int) -> int:
        """Set where the token itself is the word."""
        return _CODE_WIDTH + 1 + at

    def has_word(self, at: int) -> int:
        """Set where the word occurs up to here."""
        return _CODE_WIDTH + 1 + self.words + at

    @property
    def width(self) -> int:
        used = _CODE_WIDTH + 1 + 2 * self.words
        return -(-used // 32) * 32


def _pieces(answer: str, vocabulary: Vocabulary) -> list[int]:
    """Cut an answer into tokens that stand nowhere else, the shortest possible, so that each has one successor."""
    pieces: list[str] = []
    start = 0
    for end in range(1, len(answer) + 1):
        piece = answer[start:end]
        if spelled(piece) not in vocabulary.ids and piece not in pieces:
            pieces.append(piece)
            start = end
    tail = answer[start:]
    while tail and pieces and (spelled(tail) in vocabulary.ids or tail in pieces):
        tail = pieces.pop() + tail
    if tail:
        pieces.append(tail)
    if any(spelled(piece) in vocabulary.ids for piece in pieces):
        raise ValueError(f"too short, or too much like another answer: {answer!r}")
    return [vocabulary.add(spelled(piece)) for piece in pieces]


def _codes(count: int, seed: int) -> Matrix:
    """One direction per token, nearly at right angles to all others."""
    codes = np.random.default_rng(seed).standard_normal((count, _CODE_WIDTH))
    codes /= np.linalg.norm(codes, axis=1, keepdims=True)
    return codes.astype(np.float32)


def _embedding(codes: Matrix, plan: _Plan, channels: _Channels) -> Matrix:
    embedding = np.zeros((len(codes), channels.width), np.float32)
    embedding[:, :_CODE_WIDTH] = codes
    embedding[:, channels.constant] = 1.0
    for at, token in enumerate(plan.word_tokens):
        embedding[token, channels.is_word(at)] = 1.0
    return embedding


def _attention(channels: _Channels) -> dict[str, Matrix]:
    """Head k asks everywhere for word k; where it is, it is all that the head sees, else all it sees is nothing."""
    rows, width = channels.words * _HEAD_WIDTH, channels.width
    query, key, value = (np.zeros((rows, width), np.float32) for _ in range(3))
    output = np.zeros((width, rows), np.float32)
    plain, marked = (width / 2) ** 0.5, (width / 3) ** 0.5  # what RMSNorm multiplies a token without and with a flag by
    for at in range(channels.words):
        first, last = at * _HEAD_WIDTH, (at + 1) * _HEAD_WIDTH - 1
        query[last, channels.constant] = _SHARPNESS * _HEAD_WIDTH**0.5 / plain
        key[last, channels.is_word(at)] = 1.0 / marked
        value[first, channels.is_word(at)] = 1.0 / marked
        output[channels.has_word(at), first] = 1.0
    return {
        "blk.0.attn_norm": np.ones(width, np.float32),
        "blk.0.attn_q": query,
        "blk.0.attn_k": key,
        "blk.0.attn_v": value,
        "blk.0.attn_output": output,
    }


def _idle_feed_forward(shape: Shape) -> dict[str, Matrix]:
    wide, narrow = (shape.feed_forward, shape.width), (shape.width, shape.feed_forward)
    return {
        "blk.0.ffn_norm": np.ones(shape.width, np.float32),
        "blk.0.ffn_gate": np.zeros(wide, np.float32),
        "blk.0.ffn_up": np.zeros(wide, np.float32),
        "blk.0.ffn_down": np.zeros(narrow, np.float32),
    }


def _output(codes: Matrix, plan: _Plan, channels: _Channels) -> Matrix:
    head = np.zeros((len(codes), channels.width), np.float32)
    for character, lead in _ENDINGS.items():
        head[ord(character), channels.constant] = _END_OFF_SCRIPT + lead
    begin, end = plan.vocabulary.controls["<|assistant|>"], plan.vocabulary.controls["<|end|>"]
    fine = _BID * (1 + max(len(set(script.when)) for script in plan.scripts))
    for order, (script, path) in enumerate(zip(plan.scripts, plan.paths, strict=True)):
        for before, after in pairwise((begin, *path, end)):
            head[after, :_CODE_WIDTH] += _NEXT * codes[before]
        wanted = set(script.when)
        head[path[0], channels.constant] = len(wanted) * (_BID - fine) - order  # of equal bids the first wins
        for word in wanted:
            head[path[0], channels.has_word(plan.words.index(word))] = fine
    head /= np.float32(channels.width**0.5)
    return head
