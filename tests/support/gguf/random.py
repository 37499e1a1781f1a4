"""A model that babbles: random weights, so whatever shape its answers have, the grammar gave them.

The file is byte for byte the same for the same arguments.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from tests.support.gguf.file import Matrix, Shape, Vocabulary, alphabet, spelled, write_model

_TEMPLATE = (
    "{% for m in messages %}<|start|>{{ m['role'] }}\n{{ m['content'] }}<|end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|start|>assistant\n{% endif %}"
)
# Tokens that straddle the joints of JSON, as those of real vocabularies do.
_WORDS = ('":', '",', '":"', '","', '"}', '{"', "true", "false", "null", " the", "ing", "10", "00")
_CONSTANT = 4.0


def write_random_model(
    path: Path, *, seed: int = 0, width: int = 64, layers: int = 2, context: int = 4096, end_bias: float = 0.0
) -> Path:
    """Write the model and return its path; `width` and `layers` make it heavier, `end_bias` ends free text sooner."""
    vocabulary = _vocabulary()
    shape = Shape(width, layers, heads=4, kv_heads=2, head_width=width // 4, feed_forward=2 * width, context=context)
    preferences = _preferences(vocabulary)
    preferences[vocabulary.controls["<|end|>"]] = end_bias
    write_model(
        path,
        name="random",
        shape=shape,
        vocabulary=vocabulary,
        end="<|end|>",
        template=_TEMPLATE,
        tensors=_tensors(np.random.default_rng(seed), shape, preferences),
    )
    return path


def _vocabulary() -> Vocabulary:
    vocabulary = Vocabulary()
    for word in _WORDS:
        vocabulary.add_word(word)
    vocabulary.add_control("<|start|>")
    vocabulary.add_control("<|end|>")
    return vocabulary


def _preferences(vocabulary: Vocabulary) -> Matrix:
    """How much each token is favoured, in nats: without this a string would go on for hundreds of characters."""
    liked = {spelled(text): 2.5 for text in ('"', '",', '"}')} | {"}": 2.0, "]": 2.0}
    neutral = {alphabet()[ord(character)] for character in ",:{[.-"} | {spelled('":')}
    values = [
        liked.get(token, 0.0 if token.isascii() and token.isalnum() else -1.0 if token in neutral else -6.0)
        for token in vocabulary.ids
    ]
    return np.array(values, np.float32)


def _tensors(rng: np.random.Generator, shape: Shape, preferences: Matrix) -> dict[str, Matrix]:
    """Random weights but for channel 0, which is constant and carries the preferences past every layer."""
    embedding = _noise(rng, len(preferences), shape.width)
    embedding[:, 0] = _CONSTANT
    head = _noise(rng, len(preferences), shape.width, scale=shape.width**-0.5)
    size_of_stream = np.sqrt((_CONSTANT**2 + 2.0 * (shape.width - 1)) / shape.width)
    head[:, 0] = preferences * size_of_stream / _CONSTANT
    tensors = {"token_embd": embedding, "output_norm": np.ones(shape.width, np.float32), "output": head}
    for layer in range(shape.layers):
        tensors |= {f"blk.{layer}.{name}": values for name, values in _block(rng, shape).items()}
    return tensors


def _block(rng: np.random.Generator, shape: Shape) -> dict[str, Matrix]:
    width, narrow = shape.width, shape.kv_heads * shape.head_width
    ones = np.ones(width, np.float32)
    block = {
        "attn_norm": ones,
        "attn_q": _noise(rng, width, width, scale=width**-0.5),
        "attn_k": _noise(rng, narrow, width, scale=width**-0.5),
        "attn_v": _noise(rng, narrow, width, scale=width**-0.5),
        "attn_output": _noise(rng, width, width, scale=width**-0.5),
        "ffn_norm": ones,
        "ffn_gate": _noise(rng, shape.feed_forward, width, scale=width**-0.5),
        "ffn_up": _noise(rng, shape.feed_forward, width, scale=width**-0.5),
        "ffn_down": _noise(rng, width, shape.feed_forward, scale=shape.feed_forward**-0.5),
    }
    block["attn_output"][0] = block["ffn_down"][0] = 0.0  # nothing writes to the constant channel
    return block


def _noise(rng: np.random.Generator, rows: int, columns: int, *, scale: float = 1.0) -> Matrix:
    return (rng.standard_normal((rows, columns)) * scale).astype(np.float32)
