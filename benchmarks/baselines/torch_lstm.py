"""The article's network in today's PyTorch: embedding, two `nn.LSTM` layers of 512, a linear layer.

Trained on every position of a window and not on the one after it alone, which is how anybody would
write it today; the state is carried along a whole picture when it is measured. With AdamW, which is
better than the article's RMSprop here; dropout 0.2 as in the article.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from baselines.peer import TorchPeer, before, cross_entropy

WINDOW, BATCH = 150, 8


class StackedLSTM(nn.Module):
    """The tokens before each position (B, T) to its logits (B, T, V)."""

    def __init__(self, vocab_size: int, hidden: int = 512, layers: int = 2, dropout: float = 0.2):
        super().__init__()
        self.embedding = nn.Embedding(vocab_size + 1, hidden)
        self.lstm = nn.LSTM(hidden, hidden, layers, dropout=dropout, batch_first=True)
        self.output = nn.Linear(hidden, vocab_size)

    def forward(self, tokens: Tensor, state: Any = None) -> tuple[Tensor, Any]:
        """Return the logits, and the state after the last position."""
        h, state = self.lstm(self.embedding(tokens), state)
        return self.output(h), state


class LSTMPeer(TorchPeer):
    """Windows of two rows, wherever they begin."""

    learning_rate = 3e-3

    def build(self) -> nn.Module:
        """Return the network."""
        return StackedLSTM(self.vocab_size)

    def batches(self, canvases: np.ndarray, random: np.random.Generator) -> Iterator[Tensor]:
        """Yield windows (B, T)."""
        cells = canvases.shape[1]
        for _ in range(max(1, canvases.size // (WINDOW * BATCH))):
            pictures = random.integers(0, len(canvases), BATCH)
            firsts = random.integers(0, cells - WINDOW + 1, BATCH)
            steps = firsts[:, None] + np.arange(WINDOW)
            yield torch.from_numpy(canvases[pictures[:, None], steps]).long()

    def loss(self, batch: Tensor) -> Tensor:
        """Return the mean loss of a batch in nats a token; a window begins without a past."""
        logits, _ = self.model(before(batch, self.vocab_size))
        return cross_entropy(logits, batch)

    @torch.no_grad()
    def nats(self, canvases: np.ndarray) -> np.ndarray:
        """Return −ln p of every token: (N, P)."""
        tokens = torch.from_numpy(canvases).long()
        inputs, state, found = before(tokens, self.vocab_size), None, []
        for first in range(0, tokens.shape[1], 225):
            part = slice(first, first + 225)
            logits, state = self.model(inputs[:, part], state)
            loss = cross_entropy(logits, tokens[:, part], "none")
            found.append(loss.view(len(tokens), -1))
        return torch.cat(found, 1).numpy()


class Trainer:
    """Steps on windows of tokens with the article's optimizer, for `training_speed.py`."""

    def __init__(self, vocab_size: int, dtype: torch.dtype, device: torch.device) -> None:
        torch.manual_seed(1)
        self.device = device
        self.model = StackedLSTM(vocab_size).to(device)
        self.optimizer = torch.optim.RMSprop(self.model.parameters(), lr=1e-3, alpha=0.9, eps=1e-7)
        self.dtype = dtype

    def step(self, inputs: np.ndarray, targets: np.ndarray) -> float:
        """Learn a batch; return its mean loss in nats.

        Args:
            inputs: (B, T) the token before each position.
            targets: (B, T) the tokens.
        """
        rough = self.dtype == torch.bfloat16
        with torch.autocast(self.device.type, torch.bfloat16, enabled=rough):
            logits, _ = self.model(torch.from_numpy(inputs).to(self.device).long())
        loss = functional.cross_entropy(
            logits.float().flatten(0, 1), torch.from_numpy(targets).to(self.device).long().flatten()
        )
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss.item()
