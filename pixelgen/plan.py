"""What is to be painted: a plan for a model, and the wishes that plans are made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from pixelgen.data.batches import Cutter
from pixelgen.data.schedule import Schedule
from pixelgen.samplers.draw import STAGES, uniforms_of
from pixelgen.samplers.interface import Sampler


@dataclass(frozen=True, eq=False)
class Plan:
    """All that painting a number of pictures needs, for the core's loop and for fast paths.

    Attributes:
        cutter: the scan, the context table and the vocabulary.
        schedule: which cells are painted together.
        sampler: logits to probabilities.
        seed: keys the random numbers.
        pictures: (N,) int64, the index of each picture; it keys the random numbers too.
        groups: (N,) int32, the group to paint each picture as.
        given: (N, P) int32, the tokens that stand there already, and -1 where the canvas is free;
            None if all of it is. The model reads what is given as if it had painted it. Cells that
            the schedule leaves out are given in every picture.
        temperatures: (P,) float64, by cell: logits are divided by it before the sampler has them.
        mixture: groups and their weights, of sum one, that every picture is painted as in place of
            its own group; empty for none.
        places: (P,) int32, by cell: the position, of the grid that the model was trained on, which
            the model is told; None where that is the cell itself.
        numbers: (P,) int64, ascending, by cell: its number in the picture that the canvas is a part
            of; None where the canvas is the picture.
    """

    cutter: Cutter
    schedule: Schedule
    sampler: Sampler
    seed: int
    pictures: np.ndarray
    groups: np.ndarray
    given: np.ndarray | None = None
    temperatures: np.ndarray | None = None
    mixture: Mapping[int, float] = field(default_factory=dict)
    places: np.ndarray | None = None
    numbers: np.ndarray | None = None
    uniforms: np.ndarray = field(init=False)  # (N, P, STAGES) float64

    def __post_init__(self) -> None:
        cells = self.cutter.scan.cells
        numbers = np.arange(cells) if self.numbers is None else self.numbers
        drawn = np.empty((len(self.pictures), cells, STAGES))
        for row, picture in enumerate(self.pictures):
            drawn[row] = uniforms_of(self.seed, int(picture), numbers)
        object.__setattr__(self, "uniforms", drawn)

    @property
    def plain(self) -> bool:
        """Whether whole new pictures of the trained size are wanted, each of its own group.

        A fast path that can do this and nothing else begins with `if not plan.plain: return None`.
        """
        wishes = (self.given, self.temperatures, self.places, self.mixture or None)
        return all(wish is None for wish in wishes)


@dataclass(frozen=True, eq=False)
class Wishes:
    """What is asked of pictures besides their number; everything may be left out.

    Attributes:
        grid: (gh, gw) in tokens, where it is another than the trained one.
        given: (gh, gw) int32, tokens that stand there already, and -1 where the canvas is free.
        temperatures: (gh,) float64, by row: logits are divided by it before the sampler has them.
        mixture: the group that all pictures are painted as, or several and their weights, of sum
            one; none: each picture's own.
        best_of: of so many pictures, the one that the model holds to be the most probable.
    """

    grid: tuple[int, int] | None = None
    given: np.ndarray | None = None
    temperatures: np.ndarray | None = None
    mixture: Mapping[int, float] = field(default_factory=dict)
    best_of: int = 1
