"""How sequences are cut for a model, and the batches that it is given."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from pixelgen.errors import OptionError, did_you_mean

Memory = Literal["none", "row", "picture"]
ScanName = Literal["raster", "serpentine", "column", "hilbert", "pyramid"]
SCANS: tuple[ScanName, ...] = get_args(ScanName)
Offsets = tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Segments:
    """How a model wants its sequences cut.

    Attributes:
        memory: `row`: a sequence is one line of the scan, its state starts afresh, and the lines
            of all pictures are shuffled together. `picture`: a sequence is a whole picture, its
            state carried from chunk to chunk. `none`: positions are independent given their
            context; cut as for `row`, but painting need not wait for the previous position.
        context: the neighbours that a position sees: `previous` (the last painted position, as in
            the article), `near` (left, up-left, up, up-right), `wide` (24 neighbours), or a list of
            (row, column) offsets relative to the position.
        batch: sequences in a training batch.
        chunk: with `memory="picture"`, positions in one training step (back-propagation through
            time is cut there).
        window: with `memory="picture"`, None, or the length of the windows that training is done
            on in place of whole pictures (at most that of a picture); each starts afresh, as in the
            article.
        window_step: how far apart the windows start; the last ends with the picture, however near.
        positions: what the model is told of the places on a grid of another shape than it was
            trained on: `absolute`, the row and column counted from the nearer edge, those in the
            middle repeated; `relative`, the place at the same share of the height and width.
            `fixed`: it can paint no other grid.
        scan: the order of the cells that suits the model, for recipes that name none: `pyramid` for
            one that makes use of the small copy's cells around a position.
    """

    memory: Memory = "row"
    context: str | Offsets = "wide"
    batch: int = 32
    chunk: int = 75
    window: int | None = None
    window_step: int = 3
    positions: Literal["absolute", "relative", "fixed"] = "absolute"
    scan: ScanName = "raster"

    def __post_init__(self) -> None:
        check_scan(self.scan, where="in the segments that the model asks for")
        if self.window is not None and self.memory != "picture":
            raise OptionError(
                f"windows of {self.window} tokens do not go with memory={self.memory}: they would "
                "reach over the ends of lines",
                where="in the model's option 'window'",
                remedy="Set -o model.memory=picture, or leave the window out",
            )


def check_scan(name: str, *, where: str) -> None:
    """Raise `OptionError` if no scan has this name."""
    if name not in SCANS:
        raise OptionError(
            f"no scan is called {name!r}",
            where=where,
            remedy=f"{did_you_mean(name, SCANS)}Known: {', '.join(SCANS)}",
        )


@dataclass(frozen=True, eq=False)
class Batch:
    """Sequences of tokens with their contexts.

    Attributes:
        context: (B, T, n) int32 in [0, V]; V is outside the canvas.
        targets: (B, T) int32 in [0, V).
        positions: (B, T) int32 in [0, P): indices into the spec's rows, columns and levels.
        groups: (B,) int32 in [0, groups).
        starts: (B,) bool: whether the state starts afresh at the first position; where it is
            False, sequence b goes on where sequence b of the previous batch ended.
    """

    context: np.ndarray
    targets: np.ndarray
    positions: np.ndarray
    groups: np.ndarray
    starts: np.ndarray

    @property
    def size(self) -> int:
        """The number of targets."""
        return int(self.targets.size)

    def rows(self, rows: slice) -> Batch:
        """Return some of the sequences."""
        return Batch(
            context=self.context[rows],
            targets=self.targets[rows],
            positions=self.positions[rows],
            groups=self.groups[rows],
            starts=self.starts[rows],
        )


def equal_parts(count: int, parts: int) -> list[slice]:
    """Return slices that cut `count` rows into parts whose sizes differ by one at most."""
    edges = np.linspace(0, count, min(parts, count) + 1).round().astype(int).tolist()
    return [slice(begin, end) for begin, end in itertools.pairwise(edges)]
