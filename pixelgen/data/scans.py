"""Scans: in what order the cells of a picture are visited, and what each has seen by then.

A scan lays a grid of tokens out as a flat *canvas* of cells. Contexts, segments and schedules are
over cells, so a scan may have more cells than the grid has tokens.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from operator import index

import numpy as np

from pixelgen.data.segments import Memory, Offsets, check_scan
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

RATIO = 5  # of a pyramid's levels: cells of the finer one along a side of a coarser one's
COARSEST = 16  # cells along a side of a pyramid's coarsest level, at most
_COARSER = ((0, 0), *(offset for offset in _AROUND if max(map(abs, offset)) == 1))
# Which of those are at the corners of the square that a cell lies in.
COARSER_CORNERS = tuple(_COARSER.index(corner) for corner in ((0, 0), (0, 1), (1, 0), (1, 1)))


@dataclass(frozen=True, eq=False)
class Scan:
    """An order over the cells of one grid.

    Attributes:
        name: `raster`, `serpentine`, `column`, `hilbert` or `pyramid`.
        grid: (gh, gw), the shape of its canvas in cells: that of a picture in tokens, or that of
            the small copy which a pyramid begins with.
        order: (P,) int32, the cell visited at each step: a permutation of 0..P-1.
        rows, columns: (P,) int32, by cell, in the picture.
        levels: (P,) int32, by cell: 0 where there is one level. In a pyramid 0 is the coarsest, and
            each finer one has a number for each place within a cell of the next coarser one.
        forward: (P, 2) int32, by cell: the (row, column) direction in which its line is travelled.
            Contexts turn with it, so that "left" is always where the scan comes from.
        line_starts: (L,) int32, the steps at which lines begin, the units of `memory="row"`; the
            first is 0.
        around: whether named contexts look on all sides.
        strides: how far apart the cells of each level are in the picture, from the coarsest to the
            finest, which is 1 but in a small copy.
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
    strides: tuple[int, ...] = (1,)

    def over(self, grid: tuple[int, int]) -> Scan:
        """Return the same scan over another grid; a pyramid has as many levels as this one."""
        return _scan(self.name, grid, self.strides)

    @property
    def has_small_copy(self) -> bool:
        """Whether coarser levels come before the finest one; `small_copy` has them."""
        return len(self.strides) > 1

    def small_copy(self, grid: tuple[int, int]) -> Scan:
        """Return what `over(grid)` of a pyramid visits before its finest level, and no more."""
        height, width = (math.ceil(side / self.strides[-2]) for side in grid)
        return _scan(self.name, (height, width), self.strides[:-1])

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
        canvas's extra last column, which holds the token id V for "outside". In a pyramid, offsets
        are counted in cells of the level, and behind them stand the cells of the next coarser level
        around: the one that the cell is within, and the eight beside that, which are P on level 0.
        """
        if not offsets:  # previous
            table = np.full((self.cells, 1), self.cells, np.int32)
            table[self.order[1:], 0] = self.order[:-1]
            return table
        size = len(offsets) + self.coarser(offsets)
        table = np.full((self.cells, size), self.cells, np.int32)
        own, coarse = self.spacings
        ahead_row, ahead_column = self.forward[:, 0], self.forward[:, 1]
        # The direction of the lines not yet begun: down for rows, right for columns.
        next_row, next_column = np.abs(ahead_column), np.abs(ahead_row)
        for number, (across, along) in enumerate(offsets):
            row = self.rows + own * (along * ahead_row + across * next_row)
            column = self.columns + own * (along * ahead_column + across * next_column)
            table[:, number] = self._seen(row, column)
        for number in range(len(offsets), size):
            down, right = _COARSER[number - len(offsets)]
            row = (self.rows // coarse + down) * coarse
            column = (self.columns // coarse + right) * coarse
            table[:, number] = np.where(self.levels > 0, self._seen(row, column), self.cells)
        return table

    def coarser(self, offsets: Offsets) -> int:
        """Return how many neighbours of the next coarser level a context goes on with."""
        return len(_COARSER) if offsets and self.strides[0] > 1 else 0

    def _seen(self, row: np.ndarray, column: np.ndarray) -> np.ndarray:
        """(P,) int32: the cells at these places, or P where there is none visited before."""
        height, width = self.grid
        row, column = row // self.strides[-1], column // self.strides[-1]
        inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
        neighbour = np.where(inside, row * width + column, 0)
        seen = inside & (self.steps[neighbour] < self.steps)
        return np.where(seen, neighbour, self.cells).astype(np.int32)

    @property
    def spacings(self) -> tuple[np.ndarray, np.ndarray]:
        """(P,) each: the stride of a cell's level, and that of the next coarser one.

        The coarsest level has none that is coarser, and its own stride in both. So the second is
        also how far apart the cells with one number of `levels` are.
        """
        level = _level_of(self.rows, self.columns, self.strides)
        strides = np.array(self.strides)
        return strides[level], strides[np.maximum(level - 1, 0)]


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


def _level_of(rows: np.ndarray, columns: np.ndarray, strides: tuple[int, ...]) -> np.ndarray:
    """(P,): the coarsest level whose lattice each cell is on, counted from 0, the coarsest."""
    level = np.full(len(rows), len(strides) - 1)
    for number, stride in reversed(list(enumerate(strides))):
        level[(rows % stride == 0) & (columns % stride == 0)] = number
    return level


def _numbered_levels(rows: np.ndarray, columns: np.ndarray, strides: tuple[int, ...]) -> np.ndarray:
    """(P,) int32: the numbers that `Scan.levels` describes."""
    level, numbers, first = _level_of(rows, columns, strides), np.zeros(len(rows), np.int32), 1
    for number, (coarse, fine) in enumerate(pairwise(strides), 1):
        here, ratio = level == number, coarse // fine
        places = (rows // fine % ratio) * ratio + columns // fine % ratio
        numbers[here] = first + places[here]
        first += ratio * ratio
    return numbers


def _pyramid_lines(
    level: np.ndarray, row: np.ndarray, strides: tuple[int, ...], width: int
) -> np.ndarray:
    """(L,) int32, the steps at which lines begin: rows, and on the coarsest level `RATIO` of them.

    Those are short, and joined they are learned in batches with the rows of the next level. Over a
    grid larger than the trained one they are long, and fewer are joined or none: a line is painted
    one cell after another.

    Args:
        level, row: (P,) by step, of the cell visited.
        strides: of the levels.
        width: of the picture.
    """
    most = RATIO if strides[0] > 1 else 1
    joined = min(most, max(1, RATIO * COARSEST // math.ceil(width / strides[0])))
    line = row // np.where(level == 0, joined * strides[0], 1)
    begins = (np.diff(level, prepend=-1) != 0) | (np.diff(line, prepend=-1) != 0)
    return np.flatnonzero(begins).astype(np.int32)


def _scan(name: str, grid: tuple[int, int], strides: tuple[int, ...] = (1,)) -> Scan:
    height, width = grid
    cells = height * width
    rows, columns = np.divmod(np.arange(cells, dtype=np.int32), np.int32(width))
    rows, columns = rows * np.int32(strides[-1]), columns * np.int32(strides[-1])
    forward = np.tile(np.array([0, 1], np.int32), (cells, 1))
    line, around = width, False
    order = _raster(height, width)
    line_starts = None
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
    elif name == "pyramid":
        level = _level_of(rows, columns, strides)
        order = np.lexsort((columns, rows, level))
        line_starts = _pyramid_lines(level[order], rows[order], strides, width * strides[-1])
    if line_starts is None:
        line_starts = np.arange(0, cells, line, dtype=np.int32)
    return Scan(
        name=name,
        grid=grid,
        order=np.ascontiguousarray(order, np.int32).reshape(-1),
        rows=rows,
        columns=columns,
        levels=_numbered_levels(rows, columns, strides),
        forward=forward,
        line_starts=line_starts,
        around=around,
        strides=strides,
    )


def _strides(grid: tuple[int, int]) -> tuple[int, ...]:
    """Return those of a pyramid over a grid: so many levels that the coarsest is small."""
    strides = [1]
    while math.ceil(max(grid) / strides[0]) > COARSEST:
        strides.insert(0, strides[0] * RATIO)
    return tuple(strides)


def make_scan(name: str, grid: tuple[int, int]) -> Scan:
    """Return the scan of this name over a grid of (gh, gw) tokens.

    `raster` goes row by row from the left, `serpentine` turns round at each row's end, `column`
    goes column by column from the top, `hilbert` follows a Hilbert curve, and `pyramid` begins with
    cells far apart, which are a small copy of the picture, and fills in what is between them: every
    5th cell of every 5th row, or also every 25th of every 25th and so on, then all others.

    Raises:
        OptionError: there is no such scan.
    """
    check_scan(name, where="in the option 'scan'")
    return _scan(name, grid, _strides(grid) if name == "pyramid" else (1,))


def needs_previous(memory: Memory) -> bool:
    """Whether a position can be painted only after the one before it in its segment."""
    return memory != "none"


def segment_starts(scan: Scan, memory: Memory) -> np.ndarray:
    """(P,) bool, by step: whether a segment begins there, its state afresh."""
    starts = np.zeros(scan.cells, bool)
    starts[0 if memory == "picture" else scan.line_starts] = True
    return starts
