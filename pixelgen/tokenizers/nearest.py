"""The nearest colour of a palette: the same answer as trying them all, from a table of the cube.

The colour cube is cut into 32×32×32 cells of 8×8×8 colours. A cell is solved when a colour in it
is first asked for: only palette colours that can be nearest to some colour of the cell are tried,
for all its 512 colours together. After that a colour costs one look into the table. Features are
whole numbers, so every distance is exact, and of equally near palette colours the first is taken.
"""

from __future__ import annotations

from threading import Lock

import numpy as np

from pixelgen.data.colour_spaces import ColourSpace
from pixelgen.threads import spread
from pixelgen.tokenizers.hilbert import hilbert_keys
from pixelgen.tokenizers.histogram import pack, unpack
from pixelgen.tokenizers.leaves import Leaves

CELL_BITS = 3  # a cell is 2**3 levels wide
CELLS_AT_ONCE = 2048
COLOURS_AT_ONCE = 4096  # at most, so that there is work for all threads
SCORES_AT_ONCE = 1 << 22  # that a thread holds
PIXELS_AT_ONCE = 1 << 16
MAKING = Lock()
_LEVELS = 1 << CELL_BITS
_CELLS_A_SIDE = 256 >> CELL_BITS


class NearestColour:
    """Finds the palette colour nearest to each pixel.

    Args:
        palette: (V, 3 or 4) uint8, at least one colour.
        space: where distance is measured.
    """

    def __init__(self, palette: np.ndarray, space: ColourSpace) -> None:
        self.space = space
        self.channels = palette.shape[1]
        self._features = space.features(palette)
        self._table: np.ndarray | None = None
        self._unsolved = len(palette)  # stands in the table where a cell is not solved yet

    def __call__(self, pixels: np.ndarray) -> np.ndarray:
        """Return the palette index (n,) int32 of each of the pixels (n, channels) uint8."""
        if self.channels == 4:
            codes, inverse = np.unique(pack(pixels), return_inverse=True)
            return self._try_all(unpack(codes, 4))[inverse]
        table = self._its_table()
        starts = range(0, len(pixels), PIXELS_AT_ONCE)
        codes = np.empty(len(pixels), np.uint32)
        nearest = np.empty(len(pixels), np.int32)

        def look_up(start: int) -> np.ndarray:
            some = slice(start, start + PIXELS_AT_ONCE)
            codes[some] = pack(pixels[some])
            nearest[some] = table[codes[some]]
            return np.flatnonzero(nearest[some] == self._unsolved) + start

        unsolved = np.concatenate([*spread(look_up, starts), np.empty(0, np.intp)])
        if len(unsolved):
            self._solve_cells_of(codes[unsolved], table)
            nearest[unsolved] = table[codes[unsolved]]
        return nearest

    def _its_table(self) -> np.ndarray:
        """The one table (2²⁴,), whatever thread is first; a cell solved twice is solved alike."""
        with MAKING:
            if self._table is None:
                kind = np.uint16 if self._unsolved < 1 << 16 else np.uint32
                self._table = np.full(1 << 24, self._unsolved, kind)
            return self._table

    def _try_all(self, colours: np.ndarray) -> np.ndarray:
        nearest = np.empty(len(colours), np.int32)
        at_once = max(1, min(COLOURS_AT_ONCE, SCORES_AT_ONCE // len(self._features)))

        def try_some(start: int) -> None:
            some = self.space.features(colours[start : start + at_once])
            # |x - c|² is least where |c|² - 2 x·c is
            scores = some @ (-2 * self._features.T)
            scores += (self._features**2).sum(axis=1)
            nearest[start : start + at_once] = scores.argmin(axis=1)

        spread(try_some, range(0, len(colours), at_once))
        return nearest

    def _solve_cells_of(self, codes: np.ndarray, table: np.ndarray) -> None:
        wanted = np.zeros((_CELLS_A_SIDE,) * 3, bool)
        red, green, blue = ((codes >> shift & 255) >> CELL_BITS for shift in (16, 8, 0))
        wanted[red, green, blue] = True
        cells = np.argwhere(wanted)  # (m, 3)
        # Cells side by side share most of their candidates.
        cells = cells[np.argsort(hilbert_keys(cells.astype(np.uint8)))]
        for start in range(0, len(cells), CELLS_AT_ONCE):
            self._solve(cells[start : start + CELLS_AT_ONCE], table)

    def _solve(self, cells: np.ndarray, table: np.ndarray) -> None:
        """Fill the table for cells (m, 3), their places in the grid of cells."""
        levels = np.arange(_LEVELS)
        offsets = np.stack(np.meshgrid(levels, levels, levels, indexing="ij"), axis=-1)
        offsets = offsets.reshape(-1, 3)
        if self.space.name == "srgb":  # all cells look the same from their middle
            half = _LEVELS // 2
            leaves = Leaves(cells * _LEVELS + float(half), (offsets - float(half)).T[None])
        else:
            colours = (cells * _LEVELS)[:, None] + offsets
            features = self.space.features(colours.reshape(-1, 3).astype(np.uint8))
            leaves = Leaves.of(features.reshape(len(cells), -1, 3))
        nearest = leaves.nearest(self._features).astype(table.dtype)
        cube = table.reshape((_CELLS_A_SIDE, _LEVELS) * 3)
        red, green, blue = cells.T
        cube[red, :, green, :, blue, :] = nearest.reshape(-1, _LEVELS, _LEVELS, _LEVELS)
