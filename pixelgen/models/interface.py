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
        coarser: how many neighbours on the next coarser level follow in a context after those of
            `offsets`; 0 where there is one level.
    """

    vocab_size: int
    grid: tuple[int, int]
    offsets: Offsets
    rows: np.ndarray
    columns: np.ndarray
    levels: np.ndarray
    groups: int = 1
    palette: np.ndarray | None = None
    coarser: int = 0

    @property
    def context_size(self) -> int:
        """n, the number of neighbours in a context."""
        return (len(self.offsets) or 1) + self.coarser

    @property
    def cells(self) -> int:
        """P, the number of positions."""
        return len(self.rows)


MOST_TOKENS = 1 << 24
MOST_CELLS = 1 << 26


def parse_shape(
    described: Mapping[str, Any],
    rows: np.ndarray | None = None,
    columns: np.ndarray | None = None,
    levels: np.ndarray | None = None,
    palette: np.ndarray | None = None,
) -> ModelSpec:
    """Return the spec that a model's file describes, checked before anything is made by it.

    Args:
        described: `vocab_size`, `grid`, `offsets`, and `groups` and `coarser` where there are any.
        rows, columns, levels: (P,) int32, if the file holds them.
        palette: (V, 3 or 4) uint8, if the file holds one.

    Raises:
        ValueError, TypeError, KeyError: an entry is missing, or cannot be.
    """
    height, width = (int(side) for side in described["grid"])
    vocab_size, groups = int(described["vocab_size"]), int(described.get("groups", 1))
    offsets = tuple((int(row), int(column)) for row, column in described["offsets"])
    coarser = int(described.get("coarser", 0))
    if not 1 <= vocab_size <= MOST_TOKENS:
        raise ValueError(f"a vocabulary of {vocab_size} tokens")
    if not (height >= 1 and width >= 1 and height * width <= MOST_CELLS):
        raise ValueError(f"a grid of {height}×{width}")
    if not 1 <= groups <= MOST_TOKENS or len(offsets) > 4096 or not 0 <= coarser <= 4096:
        raise ValueError(f"{groups} groups, {len(offsets)} and {coarser} neighbours")
    none = np.empty(0, np.int32)
    places = [none if array is None else array for array in (rows, columns, levels)]
    for array in places:
        if array.dtype != np.int32 or array.ndim != 1 or len(array) > MOST_CELLS:
            raise ValueError(f"places as {array.dtype}{list(array.shape)}")
        if len(array) != len(places[0]) or (len(array) and array.min() < 0):
            raise ValueError("places that do not fit each other")
    if palette is not None and (
        palette.dtype != np.uint8 or palette.shape not in ((vocab_size, 3), (vocab_size, 4))
    ):
        raise ValueError(f"a palette of {palette.dtype}{list(palette.shape)}")
    return ModelSpec(
        vocab_size=vocab_size,
        grid=(height, width),
        offsets=offsets,
        rows=places[0],
        columns=places[1],
        levels=places[2],
        groups=groups,
        palette=palette,
        coarser=coarser,
    )


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
            is that of the grid being painted. On another grid than the trained one nothing tells
            which of its cells a row is, so a model that looks here has `positions="fixed"` in its
            segments.
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
        painting_options: names of options that matter in painting alone, so that `pixelgen sample`
            may set them anew. All others stay as they were in training.
        trains_in_company: whether several processes can train it together, as `torchrun` starts
            them. The first carries the run out as if it were alone, and `train_step` shares out
            each batch; the others call `help_leader`.
        spec: what the model was built or saved for; None where it does not tell. A run's model is
            checked by it against the run's tokenizer and scan before it is used.
    """

    Options: ClassVar[type[Options]] = Options
    family: ClassVar[str | None] = None
    painting_options: ClassVar[frozenset[str]] = frozenset()
    trains_in_company: ClassVar[bool] = False
    spec: ModelSpec | None = None

    @classmethod
    @abstractmethod
    def segments(cls, options: Any) -> Segments:
        """Return how a model with these options wants its sequences cut."""

    @classmethod
    def settle(cls, options: Any, tokens: int) -> Any:
        """Return the options with all decided that they leave to the pictures, as a run begins.

        The recipe keeps them, so a run that goes on, or is repeated, has the same: what has been
        settled is given again, and must stay. The pictures have been cut by then, so `segments`
        must not depend on it. The default returns what it is given.

        Args:
            options: as the recipe has them.
            tokens: how many there are to be learned, augmentation aside.
        """
        return options

    @classmethod
    @abstractmethod
    def build(cls, spec: ModelSpec, options: Any, *, seed: int = 0, device: str = "auto") -> Self:
        """Return a new, untrained model; the same for the same seed.

        Args:
            spec: what the model may know of tokens and grid.
            options: checked, and settled.
            seed: of the weights, and of all that is random in training.
            device: auto, cpu, cuda or cuda:N.

        Raises:
            DeviceNotFound: the device is not there.
        """

    @abstractmethod
    def train_step(self, batch: Batch, progress: float) -> float:
        """Learn from one batch; return its mean loss in nats per token before the step.

        Args:
            batch: the sequences.
            progress: how much of the budget is spent, 0 to 1, for learning-rate schedules. It is
                less than it was where a run goes on to a larger budget.
        """

    @abstractmethod
    def nll(self, batch: Batch) -> np.ndarray:
        """Return the negative log-likelihood of each target in nats: (B, T) float32.

        There may be more sequences than in a training batch. Changes nothing that training depends
        on.
        """

    @abstractmethod
    def decoder(self, slots: int) -> Decoder:
        """Return a decoder with this many recurrent states.

        Several may paint at once, each in a thread of its own (`--executor local`), so that what
        one of them writes to is its own, and not the model's.
        """

    def scale_learning_rate(self, factor: float) -> bool:
        """Learn with this multiple of the learning rate from now on.

        The core asks for it when the loss was no number, or has run away, of a model that it has
        just loaded or built, and again after each resumption.

        Args:
            factor: above 0 and below 1.

        Returns:
            Whether the model can; the default cannot.
        """
        return False

    def learn_in_parts(self, parts: int) -> bool:
        """Take each training step in so many parts from now on, gathering their gradients.

        The core asks for it when `train_step` has run out of memory, and then takes the step
        again. So a model that can do it leaves its weights, optimizer and random state as they
        were when a step fails. But for rounding, the result is that of whole batches.

        Args:
            parts: a power of two, at most the sequences in a batch.

        Returns:
            Whether the model can; the default cannot.
        """
        return False

    @classmethod
    def help_leader(cls) -> None:
        """Take part in the training steps of the job's first process until that one has ended.

        Asked of a model that `trains_in_company`, in every process of a job but the first.
        """
        raise NotImplementedError

    def ran_out_of_memory(self, error: Exception) -> bool:
        """Whether an error that one of these methods raised is about a lack of memory.

        A backend adds its framework's own errors to Python's.
        """
        return isinstance(error, MemoryError)

    def generate(self, plan: Plan) -> np.ndarray | None:
        """Paint a whole plan on the model's own device; None leaves it to the core's loop.

        A fast path must give the very tokens that `pixelgen.generation.paint` gives. A plan may
        ask for more than whole new pictures; one that knows no more begins with
        `if not plan.plain: return None`. `pixelgen.samplers.device_draw.choose` draws on a device.

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
        """Write weights and spec into an existing, empty directory; never a pickle.

        Every number is finite: a mask of -inf is left out. In a checkpoint, `training.safetensors`,
        `progress.json` and `checksums.json` are added, so no file has one of these names.
        """

    @classmethod
    @abstractmethod
    def load(cls, directory: Path, options: Any, *, device: str = "auto") -> Self:
        """Return the model that `save` wrote.

        Raises:
            RunUnreadable: a file is missing or damaged.
        """

    @abstractmethod
    def training_state(self) -> Mapping[str, np.ndarray]:
        """Return all that training goes on from besides the weights: optimizer, random state.

        Numbers are finite, of types that NumPy has.
        """

    @abstractmethod
    def restore_training_state(self, state: Mapping[str, np.ndarray]) -> None:
        """Take back what `training_state` returned, so that training goes on exactly."""
