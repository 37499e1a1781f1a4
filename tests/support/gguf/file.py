"""What both makers of test models share: a tokenizer over bytes, and the writing of a GGUF file.

Layout and names: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md, architecture `llama`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from pathlib import Path

import gguf
import numpy as np
import numpy.typing as npt

Matrix = npt.NDArray[np.float32]

_PRINTABLE = [*range(33, 127), *range(161, 173), *range(174, 256)]


@cache
def alphabet() -> tuple[str, ...]:
    """The character that stands for each byte in a byte-level vocabulary: itself if printable, else one past 255."""
    others = iter(range(256, 512))
    return tuple(chr(byte if byte in _PRINTABLE else next(others)) for byte in range(256))


def spelled(text: str) -> str:
    """A text as the vocabulary spells it, one character per byte."""
    return "".join(alphabet()[byte] for byte in text.encode())


@dataclass
class Vocabulary:
    """Tokens under construction: first the 256 bytes, then whatever is added; ids in the order of addition."""

    ids: dict[str, int] = field(default_factory=lambda: {token: byte for byte, token in enumerate(alphabet())})
    merges: dict[str, None] = field(default_factory=dict[str, None])
    controls: dict[str, int] = field(default_factory=dict[str, int])

    def __len__(self) -> int:
        return len(self.ids)

    def add(self, spelling: str) -> int:
        """Return the id of a token, which is new if it has to be."""
        return self.ids.setdefault(spelling, len(self.ids))

    def add_word(self, text: str) -> int:
        """Make a text one token whenever it occurs in a prompt, by merging it from left to right."""
        spelling = spelled(text)
        left = spelling[0]
        for character in spelling[1:]:
            self.merges[f"{left} {character}"] = None
            left += character
            self.add(left)
        return self.ids[left]

    def is_token(self, word: str) -> bool:
        """Whether the merges, in their order, make a word one token, as those of other words can prevent."""
        parts, ranks = list(spelled(word)), {merge: rank for rank, merge in enumerate(self.merges)}
        while len(parts) > 1:
            pairs = [f"{left} {right}" for left, right in pairwise(parts)]
            best = min(pairs, key=lambda pair: ranks.get(pair, len(ranks)))
            if best not in ranks:
                return False
            at = pairs.index(best)
            parts[at : at + 2] = ["".join(parts[at : at + 2])]
        return True

    def add_control(self, name: str) -> int:
        """Add a token that no text of a user can spell, such as `<|end|>`."""
        self.controls[name] = self.add(name)
        return self.controls[name]


@dataclass(frozen=True)
class Shape:
    """The numbers that make up a llama architecture."""

    width: int
    layers: int
    heads: int
    kv_heads: int
    head_width: int
    feed_forward: int
    context: int
    rope_base: float = 10_000.0


def write_model(
    path: Path,
    *,
    name: str,
    shape: Shape,
    vocabulary: Vocabulary,
    end: str,
    template: str,
    tensors: Mapping[str, Matrix],
) -> None:
    """Write a model file that llama.cpp loads; `end` is the control token that ends a turn, `template` Jinja."""
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name(name)
    writer.add_description("made for tests, knows nothing")
    _write_shape(writer, shape)
    _write_tokenizer(writer, vocabulary, end)
    writer.add_chat_template(template)
    for tensor, values in tensors.items():
        writer.add_tensor(f"{tensor}.weight", np.ascontiguousarray(values, dtype=np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _write_shape(writer: gguf.GGUFWriter, shape: Shape) -> None:
    writer.add_context_length(shape.context)
    writer.add_embedding_length(shape.width)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.feed_forward)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.kv_heads)
    writer.add_key_length(shape.head_width)
    writer.add_value_length(shape.head_width)
    writer.add_rope_dimension_count(shape.head_width)
    writer.add_rope_freq_base(shape.rope_base)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)


def _write_tokenizer(writer: gguf.GGUFWriter, vocabulary: Vocabulary, end: str) -> None:
    writer.add_vocab_size(len(vocabulary))
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(list(vocabulary.ids))
    writer.add_token_types([_kind(token, vocabulary.controls) for token in vocabulary.ids])
    # llama.cpp refuses a file without merges, so one that can never apply stands in for none.
    writer.add_token_merges(list(vocabulary.merges) or [f"{alphabet()[0]} {alphabet()[0]}"])
    writer.add_bos_token_id(vocabulary.controls[end])
    writer.add_eos_token_id(vocabulary.controls[end])
    writer.add_add_bos_token(value=False)


def _kind(token: str, controls: Iterable[str]) -> gguf.TokenType:
    return gguf.TokenType.CONTROL if token in controls else gguf.TokenType.NORMAL
