"""Pictures of another size than the trained one, a band of rows at a time.

A line of a raster or serpentine scan depends on a few lines above it and on nothing else, so a tall
picture is painted in bands, each under the last rows of the one before. The picture is the same as
in one go, and the memory for tables, states and logits grows with the width alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from pixelgen.data.batches import Cutter
from pixelgen.data.places import places
from pixelgen.data.schedule import Schedule, make_schedule
from pixelgen.data.segments import Offsets
from pixelgen.errors import OptionError

ROWS = 128  # painted in a band
FREE = -1  # in grids of given tokens: to be painted


@dataclass(frozen=True, eq=False)
class Band:
    """Some rows of a picture, or all of them.

    Attributes:
        cutter: over the band's rows, those above included.
        schedule: its painting.
        places: (P,) int32, by cell: the position that the model is told; None for the cell itself.
        first_row: of the band in the picture.
        above: how many rows, at its top, are the last of the band before.
        given: (rows, gw) int32, tokens that stand there already, -1 elsewhere; None if none do.
    """

    cutter: Cutter
    schedule: Schedule
    places: np.ndarray | None
    first_row: int
    above: int
    given: np.ndarray | None

    @property
    def rows(self) -> int:
        """How many rows it adds to the picture."""
        return self.cutter.scan.grid[0] - self.above


def bands(
    cutter: Cutter, grid: tuple[int, int] | None = None, given: np.ndarray | None = None
) -> Iterator[Band]:
    """Cut a picture into bands, from the top; where it cannot or need not be cut, into one.

    Args:
        cutter: that of the trained grid.
        grid: (gh, gw) to paint; the trained one if None.
        given: (gh, gw) int32, tokens that stand there already, and -1 where the canvas is free.

    Raises:
        OptionError: the model cannot paint other grids than the one it was trained on.
    """
    trained, segments = cutter.scan, cutter.segments
    height, width = grid or trained.grid
    if (height, width) == trained.grid:
        yield Band(cutter, _schedule(cutter, given), None, 0, 0, given)
        return
    if segments.positions == "fixed":
        raise OptionError(
            f"the model paints {trained.grid[1]}×{trained.grid[0]} tokens and cannot paint "
            f"{width}×{height}",
            where="in the size of the pictures",
            remedy="Leave the size out, or train a model that can, such as torch-lstm",
        )
    positions = segments.positions
    above, rows = reach(cutter.offsets), ROWS
    if trained.name not in ("raster", "serpentine") or segments.memory == "picture":
        rows = height
    cut: dict[int, Cutter] = {}
    for begin in range(0, height, rows):
        first, end = max(0, begin - above), min(begin + rows, height)
        if end - first not in cut:
            scan = trained.over((end - first, width))
            cut[end - first] = Cutter(scan, segments, cutter.offsets, cutter.vocab_size)
        here = cut[end - first]
        told = places(trained, here.scan, positions, first_row=first, height=height)
        own = None if given is None else given[first:end]
        stands = np.full((end - first, width), FREE, np.int32) if own is None else own.copy()
        stands[: begin - first] = 0  # whatever it will be, it is there
        yield Band(here, _schedule(here, stands), told, first, begin - first, own)


def reach(offsets: Offsets) -> int:
    """Return how many rows above a context looks into, made even: a serpentine turns each row."""
    farthest = max([1, *(-row for row, _ in offsets)])  # `previous`, too, goes one row up
    return farthest + farthest % 2


def _schedule(cutter: Cutter, given: np.ndarray | None) -> Schedule:
    """The schedule that does not come by the given lines before the first free cell."""
    scan, memory = cutter.scan, cutter.segments.memory
    done = 0
    if given is not None and memory != "picture":  # where a state goes from line to line
        free = (scan.canvas(given[None])[0] == FREE)[scan.order]
        first_free = int(free.argmax()) if free.any() else scan.cells
        ends = np.append(scan.line_starts, scan.cells)
        done = int(ends[ends <= first_free][-1])
    return make_schedule(scan, cutter.table, memory, done=done)
