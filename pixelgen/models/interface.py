"""What a model is: token sequences to the probabilities of the next token.

A model sees integers only. The core cuts pictures into sequences, gathers each position's context
from its causal neighbours, runs the training loop and paints; a model supplies a training step,
likelihoods and a decoder.

Shapes: B sequences in a batch, T positions in a sequence, n neighbours in a context, V tokens in
the vocabulary, P cells on a canvas, M positions painted at once.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from pixelgen.data.segments import Batch, Offsets, Segments
from pixelgen.options import Options

if TYPE_CHECKING:
    from pixelgen.plan import Plan


@dataclass(frozen=True, eq=False)
class ModelSpec:
    """All that a model may know of its data.

    Attributes:
        vocab_size: V, the number of tokens; the id V stands for "outside the canvas" in contexts.
        grid: (gh, gw), the shape of a picture in tokens.
        offsets: n (row, column) offsets of the context, nearest first; empty for `previous`, whose
            single neighbour is the position painted before.
        rows, columns, levels: (P,) int32, where each position lies: its row and column in its
            level, and its level (0 where there is only one).
        groups: the number of groups that pictures belong to, at least 1.
        palette: (V, 3 or 4) uint8 colours of the tokens, or None.
    """

    vocab_size: int
    grid: tuple[int, int]
    offsets: Offsets
    rows: np.ndarray
    columns: np.ndarray
    levels: np.ndarray
    groups: int = 1
    palette: np.ndarray | None = None

    @property
    def context_size(self) -> int:
        """n, the number of neighbours in a context."""
        return len(self.offsets) or 1


@dataclass(frozen=True, eq=False)
class StepInputs:
    """The positions that are painted now, all together.

    Attributes:
        context: (M, n) int32 in [0, V].
        positions: (M,) int32 in [0, P) of the trained grid. On a grid of another shape several
            cells may have the same one; on the trained one, a cell's position is its own number.
        slots: (M,) int32: which recurrent state each row goes on from. No slot occurs twice, except
            with `memory="none"`, where there is no state.
        starts: (M,) bool: the slot's state starts afresh here.
        groups: (M,) int32.
        canvas: (N, P + 1) int32, read-only, all that was painted so far; the last column is V. P
            is that of the grid being painted.
        pictures: (M,) int32, which row of the canvas each position belongs to.
    """

    context: np.ndarray
    positions: np.ndarray
    slots: np.ndarray
    starts: np.ndarray
    groups: np.ndarray
    canvas: np.ndarray
    pictures: np.ndarray


class Decoder(ABC):
    """Paints: holds the recurrent states of a number of slots and moves them a step at a time."""

    @abstractmethod
    def step(self, inputs: StepInputs) -> np.ndarray:
        """Return the logits (M, V) float32 of the next token at each position.

        A row's logits must depend on its own inputs alone, bit for bit: not on the other rows, nor
        on how many there are. This is what makes a seed mean the same picture at any batch size.
        """


class Model(ABC):
    """Learns the probabilities of the next token given its context, position and past.

    Attributes:
        Options: the pydantic class of the model's options.
        family: models of one family take the same options, but for some of a backend's own, and
            read each other's files, so that a run which one has trained is painted, or trained
            further, with another. Its `save` writes `family` into `spec.json`. None for a model
            that stands alone.
    """

    Options: ClassVar[type[Options]] = Options
    family: ClassVar[str | None] = None

    @classmethod
    @abstractmethod
    def segments(cls, options: Any) -> Segments:
        """Return how a model with these options wants its sequences cut."""

    @classmethod
    @abstractmethod
    def build(cls, spec: ModelSpec, options: Any, *, seed: int = 0, device: str = "auto") -> Self:
        """Return a new, untrained model; the same for the same seed."""

    @abstractmethod
    def train_step(self, batch: Batch, progress: float) -> float:
        """Learn from one batch; return its mean loss in nats per token before the step.

        Args:
            batch: the sequences.
            progress: how much of the budget is spent, 0 to 1, for learning-rate schedules.
        """

    @abstractmethod
    def nll(self, batch: Batch) -> np.ndarray:
        """Return the negative log-likelihood of each target in nats: (B, T) float32.

        Changes nothing that training depends on.
        """

    @abstractmethod
    def decoder(self, slots: int) -> Decoder:
        """Return a decoder with this many recurrent states."""

    def generate(self, plan: Plan) -> np.ndarray | None:
        """Paint a whole plan on the model's own device; None leaves it to the core's loop.

        A fast path must give the very tokens that `pixelgen.generation.paint` gives. A plan may
        ask for more than whole new pictures; one that knows no more begins with
        `if not plan.plain: return None`.

        Returns:
            (N, P) int32 canvases, or None.
        """
        return None

    @property
    def device(self) -> str:
        """The device that was taken, such as `cpu` or `cuda:0`."""
        return "cpu"

    @property
    def parameter_count(self) -> int:
        """The number of learned numbers."""
        return 0

    @abstractmethod
    def save(self, directory: Path) -> None:
        """Write weights and spec into an existing, empty directory; never a pickle."""

    @classmethod
    @abstractmethod
    def load(cls, directory: Path, options: Any, *, device: str = "auto") -> Self:
        """Return the model that `save` wrote.

        Raises:
            RunUnreadable: a file is missing or damaged.
        """

    @abstractmethod
    def training_state(self) -> Mapping[str, np.ndarray]:
        """Return all that training goes on from besides the weights: optimizer, random state."""

    @abstractmethod
    def restore_training_state(self, state: Mapping[str, np.ndarray]) -> None:
        """Take back what `training_state` returned, so that training goes on exactly."""
