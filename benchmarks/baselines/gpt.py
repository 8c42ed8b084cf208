"""A transformer of GPT-2's shape over the sequence of tokens, as in image-gpt (Chen et al. 2020).

Pre-norm blocks, learned positions, GELU, tied embeddings; 4 layers of 256 with 4 heads, and a
context of 375 tokens, five rows. That is smaller than the paper's, for two cores and minutes: of 6
layers of 384 they learn a third as much in the time, and get less far in a minute (9.49 bits, and
7.37). Measured with the context sliding by three rows, so that a token has two rows before it at
least.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from baselines.peer import TorchPeer, before, cross_entropy

WIDTH, LAYERS, HEADS, ROWS, BATCH = 256, 4, 4, 5, 4


class Block(nn.Module):
    """Attention to what is before, and two linear layers, each beside what it is added to."""

    def __init__(self) -> None:
        super().__init__()
        self.norms = nn.ModuleList([nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)])
        self.qkv, self.back = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.up, self.down = nn.Linear(WIDTH, 4 * WIDTH), nn.Linear(4 * WIDTH, WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, E) to the same."""
        rows, steps, _ = x.shape
        qkv = self.qkv(self.norms[0](x)).view(rows, steps, 3, HEADS, -1).permute(2, 0, 3, 1, 4)
        y = functional.scaled_dot_product_attention(*qkv, is_causal=True)
        x = x + self.back(y.transpose(1, 2).flatten(2))
        return x + self.down(functional.gelu(self.up(self.norms[1](x)), approximate="tanh"))


class GPT(nn.Module):
    """The tokens before each position (B, T) and its place to its logits (B, T, V)."""

    def __init__(self, vocab_size: int, cells: int) -> None:
        super().__init__()
        self.tokens, self.places = nn.Embedding(vocab_size + 1, WIDTH), nn.Embedding(cells, WIDTH)
        for table in (self.tokens, self.places):
            nn.init.normal_(table.weight, std=0.02)
        self.blocks = nn.Sequential(*(Block() for _ in range(LAYERS)))
        self.norm = nn.LayerNorm(WIDTH)

    def forward(self, inputs: Tensor, places: Tensor) -> Tensor:
        """Return the logits."""
        x = self.blocks(self.tokens(inputs) + self.places(places))
        return self.norm(x) @ self.tokens.weight[:-1].t()


class GPTPeer(TorchPeer):
    """Windows of five rows, wherever they begin."""

    learning_rate = 1.5e-3

    def build(self) -> nn.Module:
        """Return the network."""
        return GPT(self.vocab_size, self.side**2)

    def batches(self, canvases: np.ndarray, random: np.random.Generator) -> Iterator[Tensor]:
        """Yield the places, and the tokens there with the one before: (B, T + 1, 2)."""
        cells, window = canvases.shape[1], ROWS * self.side
        extended = np.pad(canvases, ((0, 0), (1, 0)), constant_values=self.vocab_size)
        for _ in range(max(1, canvases.size // (window * BATCH))):
            pictures = random.integers(0, len(canvases), BATCH)
            firsts = random.integers(0, cells - window + 1, BATCH)
            steps = firsts[:, None] + np.arange(window + 1)  # into `extended`
            tokens = extended[pictures[:, None], steps]
            yield torch.from_numpy(np.stack([tokens, steps], -1)).long()

    def targets_of(self, batch: Tensor) -> int:
        """Return how many tokens a batch teaches: not its first, and not the places."""
        return batch[:, 1:, 0].numel()

    def loss(self, batch: Tensor) -> Tensor:
        """Return the mean loss of a batch in nats a token."""
        tokens, places = batch[..., 0], batch[:, :-1, 1]
        return cross_entropy(self.model(tokens[:, :-1], places), tokens[:, 1:])

    @torch.no_grad()
    def nats(self, canvases: np.ndarray) -> np.ndarray:
        """Return −ln p of every token: (N, P)."""
        tokens = torch.from_numpy(canvases).long()
        inputs, cells = before(tokens, self.vocab_size), tokens.shape[1]
        window, slide = ROWS * self.side, 3 * self.side
        found = torch.empty(tokens.shape)
        known = 0
        while known < cells:
            end = min(cells, window if known == 0 else known + slide)
            part = torch.arange(max(0, end - window), end)
            logits = self.model(inputs[:, part], part.expand(len(tokens), -1))
            loss = cross_entropy(logits, tokens[:, part], "none").view(len(tokens), -1)
            found[:, known:end] = loss[:, known - end :]
            known = end
        return found.numpy()
