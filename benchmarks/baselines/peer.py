"""What all peers of `quality.py` have in common: they learn for so long, and are measured."""

from __future__ import annotations

import math
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

Epochs = Callable[[int], np.ndarray]  # (N, P) int32 canvases of an epoch's varied pictures


class TorchPeer(ABC):
    """A network that learns batches of tokens, with AdamW or another optimizer of its own.

    Attributes:
        learning_rate: its peak; it falls to zero along a cosine, after a twentieth to warm up.
        vocab_size, side: of the tokens, and of the square pictures.
    """

    learning_rate: float

    def __init__(self, vocab_size: int, side: int) -> None:
        torch.manual_seed(1)
        self.vocab_size, self.side = vocab_size, side
        self.model = self.build()
        self.optimizer = self.make_optimizer()

    @abstractmethod
    def build(self) -> nn.Module:
        """Return the network."""

    @abstractmethod
    def batches(self, canvases: np.ndarray, random: np.random.Generator) -> Iterator[Tensor]:
        """Yield what `loss` is given, in random order: int64 tokens."""

    @abstractmethod
    def loss(self, batch: Tensor) -> Tensor:
        """Return the mean loss of a batch in nats a token."""

    @abstractmethod
    def nats(self, canvases: np.ndarray) -> np.ndarray:
        """Return −ln p of every token of canvases: (N, P)."""

    def targets_of(self, batch: Tensor) -> int:
        """Return how many tokens a batch teaches; all that are in it, unless said otherwise."""
        return batch.numel()

    def make_optimizer(self) -> torch.optim.Optimizer:
        """Return what moves the weights."""
        return torch.optim.AdamW(
            self.model.parameters(), lr=self.learning_rate, betas=(0.9, 0.95), weight_decay=0.01
        )

    def learn(self, epochs: Epochs, seconds: float) -> int:
        """Learn for so many seconds; return how many targets were seen."""
        began, targets, epoch = time.perf_counter(), 0, 0
        self.model.train()
        while True:
            for batch in self.batches(epochs(epoch), np.random.default_rng(epoch)):
                share = (time.perf_counter() - began) / seconds
                if share >= 1:
                    self.model.eval()
                    return targets
                rate = min(1.0, share / 0.05 + 1e-3) * 0.5 * (1 + math.cos(math.pi * share))
                for group in self.optimizer.param_groups:
                    group["lr"] = self.learning_rate * rate
                with torch.autocast("cpu", torch.bfloat16):
                    loss = self.loss(batch)
                self.optimizer.zero_grad(set_to_none=True)
                loss.backward()
                nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
                self.optimizer.step()
                targets += self.targets_of(batch)
            epoch += 1


def cross_entropy(logits: Tensor, targets: Tensor, reduction: str = "mean") -> Tensor:
    """Return the cross-entropy in float32 of logits (…, V) and targets (…)."""
    return functional.cross_entropy(
        logits.float().flatten(0, -2), targets.flatten(), reduction=reduction
    )


def before(tokens: Tensor, start: int) -> Tensor:
    """Return for each position of (B, T) the token before it; `start` before the first."""
    return functional.pad(tokens, (1, 0), value=start)[:, :-1]
