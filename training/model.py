"""A small llama: RMS norm, interleaved rotary positions, SwiGLU, tied embeddings; with one prefix for a whole batch.

All rows of a batch share their prefix (the prompt's constant part), so its keys and values are computed once.  The last
layer computes only what is asked of it.  Module names are those that `export.py` expects.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["Llama", "Shape"]


@dataclass(frozen=True, slots=True)
class Shape:
    """The hyperparameters of a model, as the GGUF file names them."""

    vocabulary: int
    dim: int = 128
    layers: int = 5
    heads: int = 4
    hidden: int = 352
    context: int = 2048
    rope_base: float = 10000.0
    epsilon: float = 1e-5

    def asdict(self) -> dict[str, Any]:
        """As plain values, for a checkpoint."""
        return asdict(self)


class Norm(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(shape.dim))
        self.epsilon = shape.epsilon

    def forward(self, x: Tensor) -> Tensor:
        return functional.rms_norm(x, (x.shape[-1],), self.weight.to(x.dtype), self.epsilon)


class Block(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.heads = shape.heads
        self.attn_norm = Norm(shape)
        self.q, self.k, self.v, self.o = (nn.Linear(shape.dim, shape.dim, bias=False) for _ in range(4))
        self.ffn_norm = Norm(shape)
        self.gate, self.up = (nn.Linear(shape.dim, shape.hidden, bias=False) for _ in range(2))
        self.down = nn.Linear(shape.hidden, shape.dim, bias=False)

    def keys(self, h: Tensor, turn: Tensor) -> tuple[Tensor, Tensor]:
        return _turned(self._split(self.k(h)), turn), self._split(self.v(h))

    def queries(self, h: Tensor, turn: Tensor) -> Tensor:
        return _turned(self._split(self.q(h)), turn)

    def _split(self, x: Tensor) -> Tensor:
        return x.unflatten(-1, (self.heads, -1)).transpose(-2, -3)

    def finish(self, x: Tensor, attended: Tensor) -> Tensor:
        x = x + self.o(attended.transpose(-2, -3).flatten(-2))
        h = self.ffn_norm(x)
        return x + self.down(functional.silu(self.gate(h)) * self.up(h))


class Llama(nn.Module):
    """`forward` gives the logits at the places asked for; all else of the last layer is left out."""

    turns: Tensor

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.emb = nn.Embedding(shape.vocabulary, shape.dim)
        self.blk = nn.ModuleList(Block(shape) for _ in range(shape.layers))
        self.norm = Norm(shape)
        size = shape.dim // shape.heads
        angles = torch.outer(
            torch.arange(shape.context).float(), shape.rope_base ** (-torch.arange(0, size, 2).float() / size)
        )
        cos, sin = (each.repeat_interleave(2, -1) for each in (angles.cos(), angles.sin()))
        sin[:, 0::2] *= -1
        self.register_buffer("turns", torch.stack((cos, sin)), persistent=False)
        for name, weight in self.named_parameters():
            if weight.dim() == 2:
                small = name.endswith(("o.weight", "down.weight"))
                std = 0.05 if name == "emb.weight" else weight.shape[1] ** -0.5 * (0.3 if small else 1)
                nn.init.normal_(weight, std=std)

    def forward(self, prefix: Tensor, rows: Tensor, places: Tensor) -> Tensor:
        """Logits [batch, places, vocabulary] for rows [batch, length] after a prefix [length] of its own.

        `places` [batch, n] are indices into a row.
        """
        start, length = len(prefix), rows.shape[1]
        before, after = self.turns[:, :start], self.turns[:, start : start + length]
        hidden = functional.embedding(prefix, self.emb.weight)
        x = functional.embedding(rows, self.emb.weight)
        future = torch.ones(start, start, dtype=torch.bool, device=x.device).triu(1)
        later = torch.ones(length, length, dtype=torch.bool, device=x.device).triu(1)
        for number, block in enumerate(self.blk):
            last = number == len(self.blk) - 1
            h, g = block.attn_norm(x), block.attn_norm(hidden)
            shared_keys, shared_values = block.keys(g, before)
            keys, values = block.keys(h, after)
            turn, mask = after, later
            if last:
                at = places.unsqueeze(-1).expand(-1, -1, x.shape[-1])
                x, h = x.gather(1, at), h.gather(1, at)
                turn, mask = after[:, places].unsqueeze(2), later[places].unsqueeze(1)
            else:
                own = _attend(block.queries(g, before), shared_keys, shared_values, future)
                hidden = block.finish(hidden, own)
            shared = (shared_keys, shared_values)
            x = block.finish(x, _attend_shared(block.queries(h, turn), shared, (keys, values), mask))
        return functional.linear(self.norm(x), self.emb.weight)


def _turned(x: Tensor, turn: Tensor) -> Tensor:
    """Rotate neighbouring pairs, as llama.cpp does for the architecture `llama`."""
    cos, sin = turn.to(x.dtype)
    return x * cos + x.unflatten(-1, (-1, 2)).flip(-1).flatten(-2) * sin


def _attend(queries: Tensor, keys: Tensor, values: Tensor, mask: Tensor) -> Tensor:
    scores = (queries @ keys.transpose(-1, -2)) * queries.shape[-1] ** -0.5
    return torch.softmax(scores.masked_fill(mask, -1e4), -1) @ values


def _attend_shared(queries: Tensor, shared: tuple[Tensor, Tensor], own: tuple[Tensor, Tensor], mask: Tensor) -> Tensor:
    """Each row attends to the shared prefix and to its own past; both are given as keys and values."""
    shared_keys, shared_values = shared
    keys, values = own
    batch, heads, length, size = queries.shape
    scale = size**-0.5
    flat = (queries * scale).transpose(0, 1).reshape(heads, batch * length, size)
    ahead = (flat @ shared_keys.transpose(-1, -2)).view(heads, batch, length, -1).transpose(0, 1)
    past = ((queries * scale) @ keys.transpose(-1, -2)).masked_fill(mask, -1e4)
    weights = torch.softmax(torch.cat((ahead, past), -1), -1)
    start = shared_keys.shape[-2]
    on_prefix = weights[..., :start].transpose(0, 1).reshape(heads, batch * length, start) @ shared_values
    return on_prefix.view(heads, batch, length, size).transpose(0, 1) + weights[..., start:] @ values
