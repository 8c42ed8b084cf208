"""How the weights are moved: AdamW, RMSprop or Muon on tensors, the same on every engine.

`keras.optimizers` would do the like, but not the same: its RMSprop adds ε inside the root, its
clipping divides where PyTorch's has 10⁻⁶ more, and its state is not the canonical one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from keras import ops

from pixelgen.models.canonical import muon
from pixelgen.models.canonical.options import CanonicalOptions
from pixelgen.models.canonical.training_state import MOMENTS
from pixelgen_keras.engines.interface import Engine, Tensor

MEAN, SQUARE = 0.9, 0.99  # AdamW's decays (Loshchilov and Hutter, 2019), and its ε
ADAMW_EPSILON = 1e-8
RMSPROP, RMSPROP_EPSILON = 0.9, 1e-7  # Keras's constants, since the article's recipe is Keras's

Moments = list[list[Tensor]]  # the running means of `MOMENTS`, each in the order of the weights


@dataclass(frozen=True)
class Matrix:
    """How Muon takes a weight.

    Attributes:
        blocks: into how many it is cut.
        turned: whether Keras has it the other way round.
    """

    blocks: int
    turned: bool


class Optimizer:
    """AdamW, RMSprop or Muon with a warm-up, a learning-rate schedule and clipped gradients.

    Args:
        options: say which, and how fast.
        engine: fuses what is elementwise.
        matrices: for each weight, how Muon takes it; None for one that is no matrix.
    """

    def __init__(
        self, options: CanonicalOptions, engine: Engine, matrices: Sequence[Matrix | None]
    ) -> None:
        self._options = options
        self._matrices = matrices if options.optimizer == "muon" else [None] * len(matrices)
        self.scale = 1.0  # of the learning rate
        self.moments: tuple[str, ...] = MOMENTS[options.optimizer]
        self._move = engine.fused(self._rmsprop if options.optimizer == "rmsprop" else self._adamw)

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
        return self.scale * self._options.rate(steps, progress)

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
        scale = self._scale(gradients)
        rest = [place for place, matrix in enumerate(self._matrices) if matrix is None]
        some = [[tensors[place] for place in rest] for tensors in (weights, *moments, gradients)]
        moved, means = self._move(some[0], some[1:-1], some[-1], numbers, scale)
        after = list(weights)
        kept = [list(tensors) for tensors in moments]
        for number, place in enumerate(rest):
            after[place] = moved[number]
            for tensors, some_tensors in zip(kept, means, strict=True):
                tensors[place] = some_tensors[number]
        for place, matrix in enumerate(self._matrices):
            if matrix is not None:
                after[place], kept[0][place] = self._muon(
                    weights[place], moments[0][place], scale * gradients[place], numbers[0], matrix
                )
        return after, kept

    def _muon(
        self, weight: Tensor, mean: Tensor, gradient: Tensor, rate: Tensor, matrix: Matrix
    ) -> tuple[Tensor, Tensor]:
        mean = muon.MEAN * mean + (1 - muon.MEAN) * gradient
        wanted = muon.MEAN * mean + (1 - muon.MEAN) * gradient
        if matrix.turned:
            wanted = ops.transpose(wanted)
        moves = [
            muon.factor(*block.shape) * _orthogonal(block)
            for block in ops.split(wanted, matrix.blocks, axis=0)
        ]
        move = ops.concatenate(moves, axis=0)
        if matrix.turned:
            move = ops.transpose(move)
        return weight * (1 - rate * muon.RATE * self._options.weight_decay) - rate * move, mean

    def _adamw(
        self,
        weights: list[Tensor],
        moments: Moments,
        gradients: list[Tensor],
        numbers: Tensor,
        scale: Tensor | float,
    ) -> tuple[list[Tensor], Moments]:
        rate, mean_correction, square_correction = numbers[0], numbers[1], numbers[2]
        kept = 1 - rate * self._options.weight_decay
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
        self,
        weights: list[Tensor],
        moments: Moments,
        gradients: list[Tensor],
        numbers: Tensor,
        scale: Tensor | float,
    ) -> tuple[list[Tensor], Moments]:
        after: list[Tensor] = []
        squares: list[Tensor] = []
        for weight, square, gradient in zip(weights, *moments, gradients, strict=True):
            gradient = gradient * scale
            square = RMSPROP * square + (1 - RMSPROP) * ops.square(gradient)
            after.append(weight - numbers[0] * gradient / (ops.sqrt(square) + RMSPROP_EPSILON))
            squares.append(square)
        return after, [squares]

    def _scale(self, gradients: Sequence[Tensor]) -> Tensor | float:
        """What the gradients are multiplied by, so that together they are no longer than `clip`."""
        if self._options.clip is None:
            return 1.0
        squares = [ops.sum(ops.square(gradient)) for gradient in gradients]
        norm = ops.sqrt(sum(squares[1:], squares[0]))
        return ops.minimum(1.0, self._options.clip / (norm + 1e-6))


def _orthogonal(block: Tensor) -> Tensor:
    """`muon.orthogonal` of a block (R, C) on the engine."""
    tall = block.shape[0] > block.shape[1]
    x = ops.transpose(block) if tall else block
    x = x / (ops.sqrt(ops.sum(ops.square(x))) + muon.SMALLEST)
    for _ in range(muon.ITERATIONS):
        square = ops.matmul(x, ops.transpose(x))
        polynomial = muon.B * square + muon.C * ops.matmul(square, square)
        x = muon.A * x + ops.matmul(polynomial, x)
    return ops.transpose(x) if tall else x
