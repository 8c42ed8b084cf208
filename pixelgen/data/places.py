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
    height: int | None = None,
) -> np.ndarray:
    """Return for each cell of a scan the cell of the trained grid that it is told as.

    Args:
        trained: the scan that the model was trained with.
        scan: the same order over a grid of another shape, or over a band of its rows.
        positions: `absolute`: as far from the nearer edge as in the trained grid, and what is
            farther from both edges as its middle. `relative`: at the same share of the height and
            width. On the trained grid both leave every cell as it is.
        first_row: where `scan` is a band of a taller grid, the row that it begins with.
        height: of the whole grid in rows; the scan's own if None.

    Returns:
        (P,) int32 by cell, in the cells of the trained grid.
    """
    told = np.empty(scan.cells, np.int32)
    for level in np.unique(scan.levels):
        here, there = scan.levels == level, trained.levels == level
        known_rows, known_columns = trained.rows[there], trained.columns[there]
        shape = (int(known_rows.max()) + 1, int(known_columns.max()) + 1)
        cells = np.zeros(shape, np.int32)
        cells[known_rows, known_columns] = np.flatnonzero(there)
        tall = int(scan.rows[here].max()) + 1 if height is None else height
        wide = int(scan.columns[here].max()) + 1
        map_along = _from_edges if positions == "absolute" else _by_share
        rows = map_along(scan.rows[here] + first_row, tall, shape[0])
        columns = map_along(scan.columns[here], wide, shape[1])
        told[here] = cells[rows, columns]
    return told


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
