"""How the weights are moved: AdamW, RMSprop or Muon, a warm-up, a schedule, clipped gradients."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from pixelgen.models.canonical import muon
from pixelgen.models.canonical.options import CanonicalOptions
from pixelgen.models.canonical.training_state import MOMENTS

BETA_MEAN, BETA_SQUARE, EPSILON = 0.9, 0.99, 1e-8  # adamw's
RHO, RMSPROP_EPSILON = 0.9, 1e-7  # rmsprop's are Keras's, since the article's recipe is Keras's


class Optimizer:
    """Moves weights in place.

        adamw (Loshchilov and Hutter, "Decoupled weight decay regularization", 2019), at step n:
        m ← 0.9 m + 0.1 g,  v ← 0.99 v + 0.01 g²
        w ← (1 - rate · decay) w - rate · (m / (1 - 0.9ⁿ)) / (√(v / (1 - 0.99ⁿ)) + 1e-8)

        rmsprop (Tieleman and Hinton, 2012):
        v ← 0.9 v + 0.1 g²,  w ← w - rate · g / (√v + 1e-7)

        muon: matrices as in `muon.py`, the rest as adamw.

    Attributes:
        steps: how many were taken.
        moments: m and v by `mean` and `square`, and then by the weight's name; empty at first.
        scale: what the learning rate is multiplied by.
    """

    def __init__(self, options: CanonicalOptions) -> None:
        self.options = options
        self.steps = 0
        self.scale = 1.0
        self.moments: dict[str, dict[str, np.ndarray]] = {}

    def step(
        self,
        weights: Mapping[str, np.ndarray],
        gradients: Mapping[str, np.ndarray],
        progress: float,
    ) -> None:
        """Move all weights along their gradients, both by name; gradients are written over.

        Args:
            weights: are moved in place.
            gradients: as many, of the same shapes.
            progress: how much of the budget is spent, 0 to 1.
        """
        if not self.moments:
            self.moments = {
                moment: {name: np.zeros_like(weight) for name, weight in weights.items()}
                for moment in MOMENTS[self.options.optimizer]
            }
        if self.options.clip is not None:
            clip(gradients, self.options.clip)
        rate = self.rate(progress)
        # What takes much memory comes first: where it does not suffice, nothing has moved yet.
        planned = {
            name: self._planned(name, gradients[name])
            for name, weight in weights.items()
            if self._is_muons(name, weight)
        }
        others = [gradient for name, gradient in gradients.items() if name not in planned]
        room = np.empty(max((each.size for each in others), default=0), _dtype_of(others))
        self.steps += 1
        usual = self._rmsprop if self.options.optimizer == "rmsprop" else self._adamw
        for name, weight in weights.items():
            if name in planned:
                self._muon(name, weight, *planned[name], rate)
            else:
                shaped = room[: weight.size].reshape(weight.shape)
                usual(name, weight, gradients[name], rate, shaped)

    def rate(self, progress: float) -> float:
        """Return the learning rate of the next step."""
        return self.scale * self.options.rate(self.steps, progress)

    def _is_muons(self, name: str, weight: np.ndarray) -> bool:
        return self.options.optimizer == "muon" and muon.is_matrix(name, weight.shape)

    def _adamw(
        self, name: str, weight: np.ndarray, gradient: np.ndarray, rate: float, room: np.ndarray
    ) -> None:
        mean, square = self.moments["mean"][name], self.moments["square"][name]
        mean *= BETA_MEAN
        mean += np.multiply(1 - BETA_MEAN, gradient, out=room)
        gradient *= gradient
        gradient *= 1 - BETA_SQUARE
        square *= BETA_SQUARE
        square += gradient
        weight *= 1 - rate * self.options.weight_decay
        root = np.sqrt(square, out=gradient)
        root *= 1 / math.sqrt(1 - BETA_SQUARE**self.steps)
        root += EPSILON
        move = np.divide(mean, root, out=root)
        move *= rate / (1 - BETA_MEAN**self.steps)
        weight -= move

    def _rmsprop(
        self, name: str, weight: np.ndarray, gradient: np.ndarray, rate: float, room: np.ndarray
    ) -> None:
        square = self.moments["square"][name]
        square *= RHO
        squared = np.multiply(1 - RHO, gradient, out=room)
        squared *= gradient
        square += squared
        gradient *= rate
        root = np.sqrt(square, out=room)
        root += RMSPROP_EPSILON
        gradient /= root
        weight -= gradient

    def _planned(self, name: str, gradient: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
        """Muon's next mean of a matrix, and where each of its blocks is to move."""
        mean = muon.MEAN * self.moments["mean"][name]
        gradient *= 1 - muon.MEAN
        mean += gradient
        gradient += muon.MEAN * mean
        return mean, [muon.orthogonal(part) for part in np.split(gradient, muon.blocks_of(name))]

    def _muon(
        self,
        name: str,
        weight: np.ndarray,
        mean: np.ndarray,
        moves: list[np.ndarray],
        rate: float,
    ) -> None:
        self.moments["mean"][name][...] = mean
        weight *= 1 - rate * muon.RATE * self.options.weight_decay
        for part, move in zip(np.split(weight, muon.blocks_of(name)), moves, strict=True):
            move *= rate * muon.factor(*part.shape)
            part -= move


def _dtype_of(arrays: Sequence[np.ndarray]) -> np.dtype:
    return arrays[0].dtype if arrays else np.dtype(np.float32)


def clip(gradients: Mapping[str, np.ndarray], most: float) -> None:
    """Scale all gradients down in place, so that the norm of all together is at most `most`."""
    norm = math.sqrt(sum(float(np.vdot(each, each)) for each in gradients.values()))
    if norm > most:
        for gradient in gradients.values():
            gradient *= most / norm
