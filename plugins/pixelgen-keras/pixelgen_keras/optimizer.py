"""How the weights are moved: AdamW or RMSprop on tensors, the same on every engine.

`keras.optimizers` would do the like, but not the same: its RMSprop adds ε inside the root, its
clipping divides where PyTorch's has 10⁻⁶ more, and its state is not the canonical one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from keras import ops

from pixelgen.models.canonical.options import CanonicalOptions
from pixelgen.models.canonical.training_state import MOMENTS
from pixelgen_keras.engines.interface import Engine, Tensor

MEAN, SQUARE = 0.9, 0.99  # AdamW's decays (Loshchilov and Hutter, 2019), and its ε
ADAMW_EPSILON = 1e-8
RMSPROP, RMSPROP_EPSILON = 0.9, 1e-7  # Keras's constants, since the article's recipe is Keras's

Moments = list[list[Tensor]]  # the running means of `MOMENTS`, each in the order of the weights


class Optimizer:
    """AdamW or RMSprop with a warm-up, a learning-rate schedule and clipped gradients."""

    def __init__(self, options: CanonicalOptions, engine: Engine) -> None:
        self._options = options
        self.scale = 1.0  # of the learning rate
        self.moments: tuple[str, ...] = MOMENTS[options.optimizer]
        self._move = engine.fused(self._adamw if options.optimizer == "adamw" else self._rmsprop)

    def numbers(self, steps: int, progress: float) -> np.ndarray:
        """Return what the next update depends on besides tensors: (3,) float32.

        Args:
            steps: training steps taken before.
            progress: how much of the budget is spent, 0 to 1.
        """
        corrections = 1 - MEAN ** (steps + 1), math.sqrt(1 - SQUARE ** (steps + 1))
        return np.array([self.rate(steps, progress), *corrections], np.float32)

    def rate(self, steps: int, progress: float) -> float:
        """Return the learning rate of the next step."""
        options = self._options
        rate = self.scale * options.peak_learning_rate
        rate *= min(1.0, (steps + 1) / (options.warm_up + 1))
        if options.schedule == "cosine":
            rate *= 0.5 * (1 + math.cos(math.pi * min(max(progress, 0.0), 1.0)))
        return rate

    def fresh(self, weights: Sequence[Tensor]) -> Moments:
        """Return the moments before the first step."""
        return [[ops.zeros_like(weight) for weight in weights] for _ in self.moments]

    def update(
        self,
        weights: Sequence[Tensor],
        moments: Moments,
        gradients: Sequence[Tensor],
        numbers: Tensor,
    ) -> tuple[list[Tensor], Moments]:
        """Return the weights moved along the gradients, and the moments moved on."""
        return self._move(list(weights), moments, list(gradients), numbers)

    def _adamw(
        self, weights: list[Tensor], moments: Moments, gradients: list[Tensor], numbers: Tensor
    ) -> tuple[list[Tensor], Moments]:
        rate, mean_correction, square_correction = numbers[0], numbers[1], numbers[2]
        kept = 1 - rate * self._options.weight_decay
        scale = self._scale(gradients)
        after: list[Tensor] = []
        means: list[Tensor] = []
        squares: list[Tensor] = []
        for weight, mean, square, gradient in zip(weights, *moments, gradients, strict=True):
            gradient = gradient * scale
            mean = MEAN * mean + (1 - MEAN) * gradient
            square = SQUARE * square + (1 - SQUARE) * ops.square(gradient)
            size = ops.sqrt(square) / square_correction + ADAMW_EPSILON
            after.append(weight * kept - (rate / mean_correction) * mean / size)
            means.append(mean)
            squares.append(square)
        return after, [means, squares]

    def _rmsprop(
        self, weights: list[Tensor], moments: Moments, gradients: list[Tensor], numbers: Tensor
    ) -> tuple[list[Tensor], Moments]:
        scale = self._scale(gradients)
        after: list[Tensor] = []
        squares: list[Tensor] = []
        for weight, square, gradient in zip(weights, *moments, gradients, strict=True):
            gradient = gradient * scale
            square = RMSPROP * square + (1 - RMSPROP) * ops.square(gradient)
            after.append(weight - numbers[0] * gradient / (ops.sqrt(square) + RMSPROP_EPSILON))
            squares.append(square)
        return after, [squares]

    def _scale(self, gradients: list[Tensor]) -> Tensor | float:
        """What the gradients are multiplied by, so that together they are no longer than `clip`."""
        if self._options.clip is None:
            return 1.0
        squares = [ops.sum(ops.square(gradient)) for gradient in gradients]
        norm = ops.sqrt(sum(squares[1:], squares[0]))
        return ops.minimum(1.0, self._options.clip / (norm + 1e-6))
