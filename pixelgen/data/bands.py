"""Pictures of another size than the trained one, a band of rows at a time.

A line of a raster or serpentine scan depends on a few lines above it and on nothing else, so a tall
picture is painted in bands, each under the last rows of the one before. Of a pyramid the small copy
is painted first, in one go, and then its finest level in bands, each among the copy's cells in it
and around it. The picture is the same as in one go, and the memory for tables, states and logits
grows with the width alone; but for the small copy's, which has a 25th of the picture's cells.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from pixelgen.data.batches import Cutter
from pixelgen.data.places import places
from pixelgen.data.scans import Scan
from pixelgen.data.schedule import Schedule, make_schedule
from pixelgen.errors import OptionError

ROWS, CELLS = 128, 1 << 17  # of a band: so many rows, or more while it has fewer cells than this
FREE = -1  # in grids of given tokens: to be painted


@dataclass(frozen=True, eq=False)
class Band:
    """Some rows of a picture, all of them, or its small copy.

    Attributes:
        cutter: over the band's cells and those around it that it depends on.
        schedule: its painting.
        grid: (gh, gw), of the picture.
        first_row: of the cutter's cells, in the picture.
        rows: how many of the cutter's rows are painted once the band is, those above it included.
        stood: how many of the cutter's cells are painted before.
        adds: how many it adds to the picture.
        trained: the scan of the trained grid, if the picture's is another.
        given: tokens that stand in the cutter's grid from the beginning, -1 elsewhere; or None.
    """

    cutter: Cutter
    schedule: Schedule
    grid: tuple[int, int]
    first_row: int
    rows: int
    stood: int
    adds: int
    trained: Scan | None
    given: np.ndarray | None

    @property
    def scan(self) -> Scan:
        """The order of its cells."""
        return self.cutter.scan

    @property
    def places(self) -> np.ndarray | None:
        """(P,) int32, by cell: the position that the model is told; None for the cell itself."""
        positions = self.cutter.segments.positions
        if self.trained is None or positions == "fixed":
            return None
        return places(self.trained, self.scan, positions, first_row=self.first_row, grid=self.grid)

    @property
    def numbers(self) -> np.ndarray:
        """(P,) int64, by cell: its number in the picture."""
        rows: np.ndarray = self.scan.rows.astype(np.int64) + self.first_row
        return rows * self.grid[1] + self.scan.columns

    def part(self, picture: np.ndarray) -> np.ndarray:
        """Return a view of what it has of a picture: (…, rows, columns) of (…, gh, gw)."""
        return _part(picture, self.scan, self.first_row)


def bands(
    cutter: Cutter, grid: tuple[int, int] | None = None, given: np.ndarray | None = None
) -> Iterator[Band]:
    """Cut a picture into bands, in the order of painting; where it cannot or need not be, into one.

    Args:
        cutter: that of the trained grid.
        grid: (gh, gw) to paint; the trained one if None.
        given: (gh, gw) int32, tokens that stand there already, and -1 where the canvas is free.

    Raises:
        OptionError: the model cannot paint other grids than the one it was trained on.
    """
    trained, grid = cutter.scan, grid or cutter.scan.grid
    if grid != trained.grid and cutter.segments.positions == "fixed":
        raise OptionError(
            f"the model paints {trained.grid[1]}×{trained.grid[0]} tokens and cannot paint "
            f"{grid[1]}×{grid[0]}",
            where="in the size of the pictures",
            remedy="Leave the size out, or train a model that can, such as torch-lstm",
        )
    picture = _Picture(cutter, grid, given)
    if grid == trained.grid:
        yield picture.band(cutter)
    elif grid[0] <= band_rows(grid[1]) or not _near(cutter):
        yield picture.band(picture.cutter_of(trained.over(grid)))
    else:
        if trained.has_small_copy:
            yield picture.band(picture.cutter_of(trained.small_copy(grid)))
        yield from picture.finest()


def band_rows(width: int) -> int:
    """Return how many rows of a picture are painted in a band, if not a few less."""
    return max(ROWS, CELLS // width)


def _near(cutter: Cutter) -> bool:
    """Whether all that a row of the finest level depends on is near it, or in the small copy."""
    if cutter.segments.memory == "picture":
        return False
    if not cutter.offsets and cutter.scan.has_small_copy:
        return False  # with `previous` a level's first cell follows on the last one of another
    return cutter.scan.name in ("raster", "serpentine", "pyramid")


@dataclass(frozen=True, eq=False)
class _Picture:
    """What all bands of a picture have in common.

    Attributes:
        cutter: that of the trained grid.
        grid, given: as for `bands`.
        cutters: of bands, by their number of rows.
        schedules: of bands, by their cutter and the steps from which and before which they paint.
    """

    cutter: Cutter
    grid: tuple[int, int]
    given: np.ndarray | None
    cutters: dict[int, Cutter] = field(default_factory=dict)
    schedules: dict[tuple[Cutter, int, int], Schedule] = field(default_factory=dict)

    def cutter_of(self, scan: Scan) -> Cutter:
        """Return one like that of the trained grid."""
        return Cutter(scan, self.cutter.segments, self.cutter.offsets, self.cutter.vocab_size)

    def finest(self) -> Iterator[Band]:
        """Cut the finest level into bands."""
        trained, (height, width) = self.cutter.scan, self.grid
        looks = [row for row, _ in self.cutter.offsets] or [-1]  # `previous` goes one row up
        step, below = trained.strides[0], 0  # of rows: a band's levels lie as the picture's do
        if trained.name == "serpentine":
            step = 2  # which turns each row
        if trained.has_small_copy:
            below = max(1, *looks)  # the small copy's next row, which is a band's first
        above = math.ceil(max(1, -min(looks)) / step) * step
        rows = max(1, band_rows(width) // step) * step
        for begin in range(0, height, rows):
            first, end = max(0, begin - above), min(begin + rows, height)
            tall = min(end + below, height) - first
            if tall not in self.cutters:
                self.cutters[tall] = self.cutter_of(trained.over((tall, width)))
            yield self.band(self.cutters[tall], first, range(begin - first, end - first))

    def band(self, cutter: Cutter, first_row: int = 0, rows: range | None = None) -> Band:
        """Return the band of a cutter's cells: all, or those of the finest level in some rows.

        Args:
            cutter: over the band's cells.
            first_row: that it begins with, in the picture.
            rows: of the cutter's, those whose cells of the finest level it paints; None for all.
        """
        scan = cutter.scan
        stands, later = np.zeros((2, scan.cells), bool)  # painted before; painted with another band
        if rows is not None:
            stands = (scan.rows < rows.start) | (scan.spacings[0] > scan.strides[-1])
            later = (scan.rows >= rows.stop) & ~stands
        until = scan.cells - int(np.count_nonzero(later))
        stood = int(np.count_nonzero(stands))
        given = None
        if self.given is not None:
            given = _part(self.given, scan, first_row)
            if rows is None or self._given_above(first_row + rows.start):
                stands = stands | (scan.canvas(given[None])[0] != FREE)
        return Band(
            cutter=cutter,
            schedule=self._schedule(cutter, stands, until),
            grid=self.grid,
            first_row=first_row,
            rows=scan.grid[0] if rows is None else rows.stop,
            stood=stood,
            adds=until - stood,
            trained=None if self.grid == self.cutter.scan.grid else self.cutter.scan,
            given=given,
        )

    def _given_above(self, row: int) -> bool:
        """Whether no cell of the small copy, and none above this row, has had to be painted.

        If so, what is given next is the same for all tries, and need not be gone through.
        """
        assert self.given is not None
        parts = [self.given[:row]]
        if self.cutter.scan.has_small_copy:
            parts.append(_part(self.given, self.cutter.scan.small_copy(self.grid)))
        return all((part != FREE).all() for part in parts)

    def _schedule(self, cutter: Cutter, stands: np.ndarray, until: int) -> Schedule:
        """Return the one that does not come by the lines before the first free cell."""
        scan, memory = cutter.scan, cutter.segments.memory
        free = ~stands[scan.order]
        done = 0
        if memory != "picture":  # where a state goes from line to line
            first_free = int(free.argmax()) if free.any() else scan.cells
            ends = np.append(scan.line_starts, scan.cells)
            done = int(ends[ends <= first_free][-1])
        alike = cutter, done, until
        if alike not in self.schedules:
            schedule = make_schedule(scan, cutter.table, memory, done=done, until=until)
            self.schedules[alike] = schedule
        return self.schedules[alike]


def _part(picture: np.ndarray, scan: Scan, first_row: int = 0) -> np.ndarray:
    """Return a view of what a scan is over: cells (…, rows, columns) of a picture (…, gh, gw)."""
    stride = scan.strides[-1]
    rows = slice(first_row, first_row + scan.grid[0] * stride, stride)
    return picture[..., rows, ::stride]
