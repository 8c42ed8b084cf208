"""The options of the canonical LSTM, and the article's settings of them.

What an LSTM has in common with any other network that reads a position's neighbours and answers
with the probabilities of its token stands in a class of its own, `NeighbourOptions`: a family whose
middle is something else builds on that, and shares the input and output layers, the optimizer and
the files.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from pixelgen.data.segments import Offsets, ScanName, Segments
from pixelgen.options import Options

# Everything that the article did not have, turned off.
ARTICLE: dict[str, Any] = {
    "layers": 2,
    "hidden": 512,
    "embedding": 256,
    "dropout": 0.2,
    "context": "previous",
    "memory": "picture",
    "window": 75,
    "window_step": 3,
    "batch": 128,
    "colours": False,
    "token_embeddings": 1,
    "positions": "none",
    "output": "plain",
    "optimizer": "rmsprop",
    "schedule": "constant",
    "warm_up": 0,
    "clip": None,
}

FAMILY = "canonical-lstm"

# Dropout keeps a network from learning nine paintings at 75×75 by heart; of 37 it has nothing to
# keep it from, and only learns more slowly.
FEW_TOKENS, DROPOUT_OF_FEW = 150_000, 0.2

# The options that decide which weights there are; a saved model keeps its own.
ENDS = (
    "embedding",
    "projection",
    "colours",
    "token_embeddings",
    "positions",
    "output",
    "tied_neighbours",
    "tied_coarser",
    "tied_heads",
)
SHAPING = ("layers", "hidden", *ENDS)


EMBEDDING = "width of the input at each position"
PROJECTION = "width of the tokens' output vectors (output=palette)"


class NeighbourOptions(Options):
    """What a network takes whatever is between its input and its output layer.

    Attributes:
        family: models of one family read each other's files.
        shaping: the options that decide which weights there are; a saved model keeps its own.
        earlier: what a model had, that was saved before there was such an option.
    """

    family: ClassVar[str]
    shaping: ClassVar[tuple[str, ...]]
    earlier: ClassVar[dict[str, Any]] = {
        "tied_neighbours": 0,
        "tied_coarser": False,
        "tied_heads": 1,
    }

    embedding: int = Field(256, ge=1, le=8192, description=EMBEDDING)
    projection: int = Field(256, ge=1, le=8192, description=PROJECTION)
    context: str | Offsets = Field(
        "wide",
        description="neighbours that a position sees: previous, near, wide, or [row, column] "
        "offsets",
    )
    batch: int = Field(32, ge=1, le=65536, description="sequences in a training batch")
    colours: bool = Field(
        True, description="see the neighbours' colours through a network, where there is a palette"
    )
    token_embeddings: int | None = Field(
        None,
        ge=0,
        le=64,
        description="how many of the nearest neighbours have token embeddings; unset: 1, and 4 "
        "where no colours are seen",
    )
    positions: Literal["absolute", "relative", "none"] = Field(
        "absolute",
        description="what the input tells of the place: its row and column, their share of the "
        "height and width, or nothing",
    )
    output: Literal["palette", "plain"] = Field(
        "palette",
        description="palette: tokens of like colour share what is learned; plain: one linear layer",
    )
    tied_neighbours: int = Field(
        8,
        ge=0,
        le=64,
        description="how many of the nearest neighbours' output vectors are added to what the "
        "colours are compared with (output=palette)",
    )
    tied_coarser: bool = Field(
        True,
        description="add those of the four coarser cells around the position as well "
        "(output=palette, scan=pyramid)",
    )
    tied_heads: int = Field(
        8,
        ge=1,
        le=64,
        description="parts of those vectors that are weighed on their own; in fact the greatest "
        "divisor of this number that divides 'projection' too",
    )
    optimizer: Literal["muon", "adamw", "rmsprop"] = Field(
        "muon",
        description="how the weights are moved; muon moves what is no matrix between layers as "
        "adamw does",
    )
    learning_rate: float | None = Field(
        None, gt=0, le=10, description="its peak; unset: 0.004, and 0.001 for rmsprop"
    )
    schedule: Literal["cosine", "constant"] = Field(
        "cosine", description="the learning rate's course from its peak to the end of the budget"
    )
    warm_up: int = Field(
        50, ge=0, description="training steps in which the learning rate rises to its peak"
    )
    weight_decay: float = Field(
        0.01, ge=0, le=10, description="decay of the weights; not rmsprop's"
    )
    clip: float | None = Field(
        1.0, gt=0, description="largest norm of the gradient; longer ones are scaled down"
    )

    @model_validator(mode="after")
    def _sees_something(self) -> Self:
        if not self.colours and self.token_embeddings == 0:
            raise ValueError("with colours=false, token_embeddings must be at least 1")
        return self

    @property
    def peak_learning_rate(self) -> float:
        """The learning rate given, or the optimizer's default."""
        if self.learning_rate is not None:
            return self.learning_rate
        return 0.001 if self.optimizer == "rmsprop" else 0.004

    def rate(self, steps: int, progress: float) -> float:
        """Return the learning rate of a training step.

        Args:
            steps: taken before.
            progress: how much of the budget is spent, 0 to 1.
        """
        rate = self.peak_learning_rate * min(1.0, (steps + 1) / (self.warm_up + 1))
        if self.schedule == "cosine":
            rate *= 0.5 * (1 + math.cos(math.pi * min(max(progress, 0.0), 1.0)))
        return rate

    @property
    def elsewhere(self) -> Literal["absolute", "relative"]:
        """How the places on a grid of another shape than the trained one are told."""
        return "relative" if self.positions == "relative" else "absolute"

    @property
    def scan(self) -> ScanName:
        """The order that suits them: where they see neighbours, the coarser ones are worth it."""
        return "raster" if self.context == "previous" else "pyramid"

    @property
    @abstractmethod
    def width(self) -> int:
        """How many numbers the output layer reads."""

    @abstractmethod
    def middle_shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shapes of the weights between the input and the output layer, by name."""

    def settled(self, tokens: int) -> Self:
        """Return the options with all decided that they leave to the pictures."""
        return self

    @abstractmethod
    def segments(self) -> Segments:
        """Return how sequences are to be cut."""


class CanonicalOptions(NeighbourOptions):
    """What every backend of the canonical LSTM takes; one may add its own."""

    family: ClassVar[str] = FAMILY
    shaping: ClassVar[tuple[str, ...]] = SHAPING

    embedding: int = Field(128, ge=1, le=8192, description=EMBEDDING)
    projection: int = Field(128, ge=1, le=8192, description=PROJECTION)
    layers: int = Field(1, ge=1, le=8, description="LSTM layers, one on top of another")
    hidden: int = Field(128, ge=1, le=8192, description="width of each LSTM layer's state")
    dropout: float | None = Field(
        None,
        ge=0,
        lt=1,
        description="share of each LSTM layer's outputs dropped in training, 0 for nothing; unset: "
        f"{DROPOUT_OF_FEW} where fewer than {FEW_TOKENS:,} tokens are learned, otherwise 0",
    )
    memory: Literal["row", "picture"] = Field(
        "row", description="how far the state reaches: along one line of the scan, or all of it"
    )
    chunk: int = Field(
        75,
        ge=1,
        le=65536,
        description="memory=picture: positions in a training step; gradients stop there",
    )
    window: int | None = Field(
        None,
        ge=1,
        description="memory=picture: train on windows of this length, each starting afresh",
    )
    window_step: int = Field(3, ge=1, description="how far apart those windows start")

    @model_validator(mode="after")
    def _windows_need_pictures(self) -> Self:
        if self.window is not None and self.memory != "picture":
            raise ValueError("'window' cuts whole pictures, so it needs memory=picture")
        return self

    @property
    def dropout_share(self) -> float:
        """How much is dropped: nothing where that has not been settled."""
        return self.dropout or 0.0

    def settled(self, tokens: int) -> Self:
        """Return the options with the dropout decided."""
        if self.dropout is not None:
            return self
        return self.model_copy(update={"dropout": DROPOUT_OF_FEW if tokens < FEW_TOKENS else 0.0})

    @property
    def width(self) -> int:
        """How many numbers the output layer reads."""
        return self.hidden

    def middle_shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shapes of the LSTM's weights, by name."""
        shapes: dict[str, tuple[int, ...]] = {}
        for layer in range(self.layers):
            into = self.hidden if layer else self.embedding
            shapes[f"lstm.{layer}.input"] = (4 * self.hidden, into)
            shapes[f"lstm.{layer}.recurrent"] = (4 * self.hidden, self.hidden)
            shapes[f"lstm.{layer}.bias"] = (4 * self.hidden,)
        return shapes

    def segments(self) -> Segments:
        """Return how sequences are to be cut."""
        return Segments(
            memory=self.memory,
            context=self.context,
            batch=self.batch,
            chunk=self.chunk,
            window=self.window,
            window_step=self.window_step,
            positions=self.elsewhere,
            scan=self.scan,
        )
