"""Scans: in what order the cells of a picture are visited, and what each has seen by then.

A scan lays a grid of tokens out as a flat *canvas* of cells. Contexts, segments and schedules are
over cells, so a scan may have more cells than the grid has tokens.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import index

import numpy as np

from pixelgen.data.segments import Memory, Offsets
from pixelgen.errors import OptionError, did_you_mean

NEAR: Offsets = ((0, -1), (-1, 0), (-1, -1), (-1, 1))
_ROWS_ABOVE = [(-up, across) for up in (1, 2, 3) for across in range(-3, 4)]
_FARTHER = sorted(
    {(0, -1), (0, -2), (0, -3), *_ROWS_ABOVE} - set(NEAR),
    key=lambda offset: (offset[0] ** 2 + offset[1] ** 2, offset),
)
WIDE: Offsets = (*NEAR, *_FARTHER)  # 24 neighbours, the four nearest first

# A scan without a direction of travel may have visited any side: look all around.
_AROUND = sorted(
    ((row, column) for row in range(-2, 3) for column in range(-2, 3) if (row, column) != (0, 0)),
    key=lambda offset: (offset[0] ** 2 + offset[1] ** 2, offset),
)
AROUND_NEAR: Offsets = tuple(_AROUND[:8])
AROUND_WIDE: Offsets = tuple(_AROUND)


@dataclass(frozen=True, eq=False)
class Scan:
    """An order over the cells of one grid.

    Attributes:
        name: `raster`, `serpentine`, `column` or `hilbert`.
        grid: (gh, gw), the shape of a picture in tokens.
        order: (P,) int32, the cell visited at each step: a permutation of 0..P-1.
        rows, columns, levels: (P,) int32, by cell.
        forward: (P, 2) int32, by cell: the (row, column) direction in which its line is travelled.
            Contexts turn with it, so that "left" is always where the scan comes from.
        line_starts: (L,) int32, the steps at which lines begin, the units of `memory="row"`; the
            first is 0.
        around: whether named contexts look on all sides.
    """

    name: str
    grid: tuple[int, int]
    order: np.ndarray
    rows: np.ndarray
    columns: np.ndarray
    levels: np.ndarray
    forward: np.ndarray
    line_starts: np.ndarray
    around: bool = False

    @property
    def cells(self) -> int:
        """P, the number of cells."""
        return len(self.order)

    @cached_property
    def steps(self) -> np.ndarray:
        """(P,) int32, by cell: the step at which it is visited."""
        steps = np.empty(self.cells, np.int32)
        steps[self.order] = np.arange(self.cells, dtype=np.int32)
        return steps

    @cached_property
    def line_lengths(self) -> np.ndarray:
        """(L,) int32: how many cells each line has."""
        lengths: np.ndarray = np.diff(self.line_starts, append=np.int32(self.cells))
        return lengths

    def canvas(self, grids: np.ndarray) -> np.ndarray:
        """Lay grids of tokens (N, gh, gw) out as canvases (N, P) int32."""
        return np.ascontiguousarray(grids, np.int32).reshape(len(grids), self.cells)

    def grids(self, canvas: np.ndarray) -> np.ndarray:
        """Return the grids of tokens (N, gh, gw) int32 of canvases (N, P)."""
        return np.ascontiguousarray(canvas, np.int32).reshape(len(canvas), *self.grid)

    def offsets(self, context: str | Sequence[Sequence[int]]) -> Offsets:
        """Return the (row, column) offsets of a context, nearest first; empty for `previous`.

        Raises:
            OptionError: the name is unknown, or the offsets are not different pairs of whole
                numbers; the position itself is no neighbour.
        """
        if not isinstance(context, str):
            try:
                offsets = tuple((index(row), index(column)) for row, column in context)
            except (TypeError, ValueError):  # not pairs, or not of whole numbers
                offsets = ()
            if not offsets or (0, 0) in offsets or len(set(offsets)) < len(offsets):
                raise OptionError(
                    f"the context cannot be {list(context)!r}",
                    where="in the option 'context'",
                    remedy="Give different offsets [row, column], none of them [0, 0]",
                )
            return offsets
        named: dict[str, Offsets] = {
            "previous": (),
            "near": AROUND_NEAR if self.around else NEAR,
            "wide": AROUND_WIDE if self.around else WIDE,
        }
        if context not in named:
            raise OptionError(
                f"no context is called {context!r}",
                where="in the option 'context'",
                remedy=f"{did_you_mean(context, named)}Known: {', '.join(named)}, or offsets such "
                "as [[0, -1], [-1, 0]]",
            )
        return named[context]

    def context_table(self, offsets: Offsets) -> np.ndarray:
        """Return for each cell the cells of its neighbours: (P, n) int32.

        Only neighbours that the scan visits earlier count; every other one is P, the index of the
        canvas's extra last column, which holds the token id V for "outside".
        """
        outside = self.cells
        if not offsets:  # previous
            table = np.full((self.cells, 1), outside, np.int32)
            table[self.order[1:], 0] = self.order[:-1]
            return table
        table = np.full((self.cells, len(offsets)), outside, np.int32)
        height, width = self.grid
        ahead_row, ahead_column = self.forward[:, 0], self.forward[:, 1]
        # The direction of the lines not yet begun: down for rows, right for columns.
        next_row, next_column = np.abs(ahead_column), np.abs(ahead_row)
        for number, (across, along) in enumerate(offsets):
            row = self.rows + along * ahead_row + across * next_row
            column = self.columns + along * ahead_column + across * next_column
            inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
            neighbour = np.where(inside, row * width + column, 0)
            seen = inside & (self.steps[neighbour] < self.steps)
            table[seen, number] = neighbour[seen]
        return table


def _raster(height: int, width: int) -> np.ndarray:
    return np.arange(height * width).reshape(height, width)


def _hilbert(height: int, width: int) -> np.ndarray:
    """The cells of a grid along a Hilbert curve through the smallest square that holds it."""
    side = 1 << max(height - 1, width - 1, 0).bit_length()
    distance = np.arange(side * side)
    x = np.zeros_like(distance)
    y = np.zeros_like(distance)
    rest = distance.copy()
    scale = 1
    while scale < side:
        right = (rest // 2) & 1
        up = (rest ^ right) & 1
        # Turn the quadrant built so far, then move it to its place.
        flip = (up == 0) & (right == 1)
        x[flip], y[flip] = scale - 1 - x[flip], scale - 1 - y[flip]
        swap = up == 0
        x[swap], y[swap] = y[swap], x[swap].copy()
        x += scale * right
        y += scale * up
        rest //= 4
        scale *= 2
    inside = (x < width) & (y < height)
    order: np.ndarray = y[inside] * width + x[inside]
    return order


def _scan(name: str, grid: tuple[int, int]) -> Scan:
    height, width = grid
    cells = height * width
    rows, columns = np.divmod(np.arange(cells, dtype=np.int32), np.int32(width))
    forward = np.tile(np.array([0, 1], np.int32), (cells, 1))
    line, around = width, False
    order = _raster(height, width)
    if name == "serpentine":
        order = order.copy()
        order[1::2] = order[1::2, ::-1]
        forward[rows % 2 == 1] = (0, -1)
    elif name == "column":
        order = order.T
        forward[:] = (1, 0)
        line = height
    elif name == "hilbert":
        order = _hilbert(height, width)
        around = True
    return Scan(
        name=name,
        grid=grid,
        order=np.ascontiguousarray(order, np.int32).reshape(-1),
        rows=rows,
        columns=columns,
        levels=np.zeros(cells, np.int32),
        forward=forward,
        line_starts=np.arange(0, cells, line, dtype=np.int32),
        around=around,
    )


SCANS = ("raster", "serpentine", "column", "hilbert")


def make_scan(name: str, grid: tuple[int, int]) -> Scan:
    """Return the scan of this name over a grid of (gh, gw) tokens.

    `raster` goes row by row from the left, `serpentine` turns round at each row's end, `column`
    goes column by column from the top, and `hilbert` follows a Hilbert curve.

    Raises:
        OptionError: there is no such scan.
    """
    if name not in SCANS:
        raise OptionError(
            f"no scan is called {name!r}",
            where="in the option 'scan'",
            remedy=f"{did_you_mean(name, SCANS)}Known: {', '.join(SCANS)}",
        )
    return _scan(name, grid)


def needs_previous(memory: Memory) -> bool:
    """Whether a position can be painted only after the one before it in its segment."""
    return memory != "none"


def segment_starts(scan: Scan, memory: Memory) -> np.ndarray:
    """(P,) bool, by step: whether a segment begins there, its state afresh."""
    starts = np.zeros(scan.cells, bool)
    starts[0 if memory == "picture" else scan.line_starts] = True
    return starts
