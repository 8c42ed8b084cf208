"""Places on a grid of another shape than a model was trained on, as places that it knows."""

from __future__ import annotations

from typing import Literal

import numpy as np

from pixelgen.data.scans import Scan


def places(
    trained: Scan,
    scan: Scan,
    positions: Literal["absolute", "relative"],
    *,
    first_row: int = 0,
    grid: tuple[int, int] | None = None,
) -> np.ndarray:
    """Return for each cell of a scan the cell of the trained grid that it is told as.

    Args:
        trained: the scan that the model was trained with.
        scan: the same order over a grid of another shape, a band of its rows, or its small copy.
        positions: `absolute`: as far from the nearer edge as in the trained grid, and what is
            farther from both edges as its middle. `relative`: at the same share of the height and
            width. On the trained grid both leave every cell as it is.
        first_row: where `scan` is a band, the row that it begins with.
        grid: (gh, gw) that `scan` is a part of; the scan's own if None.

    Returns:
        (P,) int32 by cell, in the cells of the trained grid.
    """
    height, width = grid or scan.grid
    _, spacings = scan.spacings
    told = np.empty(scan.cells, np.int32)
    for level in np.unique(scan.levels):
        here, there = scan.levels == level, trained.levels == level
        if not there.any():  # a grid smaller than a cell of its coarsest level has not all of them
            there[:] = True
        # A level's places lie on a lattice, which need not be that of the grid.
        known_rows, row_index = np.unique(trained.rows[there], return_inverse=True)
        known_columns, column_index = np.unique(trained.columns[there], return_inverse=True)
        cells = np.zeros((len(known_rows), len(known_columns)), np.int32)
        cells[row_index, column_index] = np.flatnonzero(there)
        spacing = int(spacings[here][0])
        rows, tall = _along(scan.rows[here] + first_row, spacing, height)
        columns, wide = _along(scan.columns[here], spacing, width)
        map_along = _from_edges if positions == "absolute" else _by_share
        rows = map_along(rows, tall, len(known_rows))
        columns = map_along(columns, wide, len(known_columns))
        told[here] = cells[rows, columns]
    return told


def _along(places: np.ndarray, spacing: int, size: int) -> tuple[np.ndarray, int]:
    """Rows or columns as numbers on the lattice that they lie on, and that one's size.

    Args:
        places: (M,) of a level's cells.
        spacing: of the lattice.
        size: of the grid in rows or columns.
    """
    first = int(places[0]) % spacing
    return (places - first) // spacing, len(range(first, size, spacing))


def _from_edges(along: np.ndarray, size: int, trained: int) -> np.ndarray:
    half = (trained - 1) // 2
    ahead = size - 1 - along
    told: np.ndarray = np.where(
        along <= ahead, np.minimum(along, half), trained - 1 - np.minimum(ahead, half)
    )
    return told


def _by_share(along: np.ndarray, size: int, trained: int) -> np.ndarray:
    told: np.ndarray = (2 * along + 1) * np.int64(trained) // (2 * size)
    return told
