"""Gated PixelCNN (van den Oord et al. 2016) over tokens: a vertical and a horizontal stack.

Tokens are embedded, since a palette's numbers mean nothing; a first layer of 7×7, then seven gated
layers of 3×3 and 96 channels, and two 1×1 layers to the logits. Whole pictures, one at a time.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from baselines.peer import TorchPeer, cross_entropy

CHANNELS, LAYERS, BATCH = 96, 7, 1


class Gated(nn.Module):
    """One layer of both stacks; the first sees nothing of the position itself."""

    def __init__(self, into: int, size: int, *, first: bool) -> None:
        super().__init__()
        self.first, self.half = first, size // 2
        self.vertical = nn.Conv2d(into, 2 * CHANNELS, (self.half + (not first), size))
        self.across = nn.Conv2d(into, 2 * CHANNELS, (1, self.half + (not first)))
        self.down = nn.Conv2d(2 * CHANNELS, 2 * CHANNELS, 1)
        self.out = nn.Conv2d(CHANNELS, CHANNELS, 1)

    def forward(self, v: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        """(B, C, H, W) of each stack to the same.

        The vertical stack's row r is of the rows above r and, after the first layer, of its own,
        which is one that is above already.
        """
        rows, columns, half = v.shape[2], v.shape[3], self.half
        above = functional.pad(v, (half, half, half, 0))
        vertical = self.vertical(above)[:, :, :rows]
        left = self.across(functional.pad(h, (half, 0, 0, 0)))[..., :columns]
        gated = gate(left + self.down(vertical))
        sideways = self.out(gated)
        return gate(vertical), sideways if self.first else sideways + h


def gate(x: Tensor) -> Tensor:
    """(B, 2C, …) to (B, C, …): tanh of the one half times the sigmoid of the other."""
    one, other = x.chunk(2, 1)
    return torch.tanh(one) * torch.sigmoid(other)


class PixelCNN(nn.Module):
    """Tokens (B, H, W) to the logits (B, H, W, V) of each, given those before it."""

    def __init__(self, vocab_size: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocab_size, CHANNELS)
        self.first = Gated(CHANNELS, 7, first=True)
        self.layers = nn.ModuleList(Gated(CHANNELS, 3, first=False) for _ in range(LAYERS))
        self.hidden, self.output = nn.Linear(CHANNELS, 256), nn.Linear(256, vocab_size)

    def forward(self, tokens: Tensor) -> Tensor:
        """Return the logits."""
        x = self.embedding(tokens).permute(0, 3, 1, 2)
        v, h = self.first(x, x)
        for layer in self.layers:
            v, h = layer(v, h)
        return self.output(functional.relu(self.hidden(functional.relu(h.permute(0, 2, 3, 1)))))


class PixelCNNPeer(TorchPeer):
    """Whole pictures."""

    learning_rate = 2e-3

    def build(self) -> nn.Module:
        """Return the network."""
        return PixelCNN(self.vocab_size)

    def batches(self, canvases: np.ndarray, random: np.random.Generator) -> Iterator[Tensor]:
        """Yield pictures (B, H, W)."""
        grids = torch.from_numpy(canvases).long().view(-1, self.side, self.side)
        order = random.permutation(len(grids))
        for begin in range(0, len(order), BATCH):
            yield grids[order[begin : begin + BATCH]]

    def loss(self, batch: Tensor) -> Tensor:
        """Return the mean loss of a batch in nats a token."""
        return cross_entropy(self.model(batch), batch)

    @torch.no_grad()
    def nats(self, canvases: np.ndarray) -> np.ndarray:
        """Return −ln p of every token: (N, P)."""
        grids = torch.from_numpy(canvases).long().view(-1, self.side, self.side)
        found = [cross_entropy(self.model(each[None]), each[None], "none") for each in grids]
        return torch.stack(found).numpy()
