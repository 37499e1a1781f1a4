"""Muon for the matrices, AdamW for the embedding and the norms.

Muon (Keller Jordan and others, 2024, https://kellerjordan.github.io/posts/muon/) replaces a matrix's momentum by the
nearest orthogonal matrix, found by a few Newton-Schulz steps; matrices of one shape are treated together.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import torch
from torch import Tensor, nn

__all__ = ["Optimiser"]

_STEPS = ((3.4445, -4.7750, 2.0315),) * 5


class Optimiser:
    """Steps a model's weights; `rate` is the fraction of the peak learning rate."""

    def __init__(self, model: nn.Module, *, matrix_rate: float = 0.02, other_rate: float = 4e-3) -> None:
        shapes: dict[tuple[int, ...], list[nn.Parameter]] = defaultdict(list)
        others: list[nn.Parameter] = []
        for name, weight in model.named_parameters():
            if weight.dim() == 2 and not name.startswith("emb"):
                shapes[tuple(weight.shape)].append(weight)
            else:
                others.append(weight)
        self.groups = list(shapes.values())
        self.momenta = [torch.zeros(len(group), *group[0].shape) for group in self.groups]
        self.matrix_rate, self.other_rate = matrix_rate, other_rate
        self.adam = torch.optim.AdamW(others, lr=other_rate, betas=(0.9, 0.98), weight_decay=0.0)

    @torch.no_grad()
    def step(self, rate: float) -> None:
        """Apply the gradients and forget them."""
        for group, momentum in zip(self.groups, self.momenta, strict=True):
            gradient = torch.stack([weight.grad for weight in group if weight.grad is not None])
            momentum.lerp_(gradient, 0.05)
            update = _orthogonal(gradient.lerp(momentum, 0.95))
            size = self.matrix_rate * rate * max(1.0, update.shape[1] / update.shape[2]) ** 0.5
            for weight, change in zip(group, update, strict=True):
                weight.mul_(1 - 0.02 * size).sub_(change, alpha=size)
                weight.grad = None
        self.adam.param_groups[0]["lr"] = self.other_rate * rate
        self.adam.step()
        self.adam.zero_grad(set_to_none=True)

    def state_dict(self) -> dict[str, Any]:
        """What a resumed run needs."""
        return {"momenta": self.momenta, "adam": self.adam.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up a run where `state_dict` left it."""
        for mine, saved in zip(self.momenta, state["momenta"], strict=True):
            mine.copy_(saved)
        self.adam.load_state_dict(state["adam"])


def _orthogonal(matrices: Tensor) -> Tensor:
    tall = matrices.shape[1] > matrices.shape[2]
    x = (matrices.mT if tall else matrices).bfloat16()
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
    for a, b, c in _STEPS:
        square = x @ x.mT
        x = a * x + (b * square + c * square @ square) @ x
    return (x.mT if tall else x).float()
