"""A folder of painted pictures: one PNG each, and their contact sheet."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from pixelgen.report.contact_sheet import contact_sheet, most_on_sheet, png_bytes
from pixelgen.runs import atomic
from pixelgen.runs.pictures import SHEET


class Gallery:
    """Writes painted pictures into a folder, one PNG each, and then their contact sheet.

    Args:
        folder: is made where it is missing, with the first pictures.
        seed: is part of the files' names.
    """

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder = folder
        self.seed = seed
        self._rows: dict[str, list[np.ndarray]] = {}

    def add(self, pictures: np.ndarray, *, first: int, temperature: float | None = None) -> None:
        """Write (N, H, W, C) uint8 pictures, the first of which has the index `first`."""
        label = "" if temperature is None else f"temperature {temperature:g}"
        mark = "" if temperature is None else f"-t{temperature:g}"
        with atomic.explained(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
        for index, pixels in enumerate(pictures, first):
            name = f"seed{self.seed}{mark}-{index:04d}.png"
            atomic.write_bytes(self.folder / name, png_bytes(pixels))
        row = self._rows.setdefault(label, [])
        row.extend(pictures[: max(0, most_on_sheet(pictures) - len(row))])

    @property
    def rows(self) -> list[np.ndarray]:
        """The first pictures that were added, as many as a sheet has room for.

        (N, H, W, C) uint8 for each temperature.
        """
        return [np.stack(row) for row in self._rows.values()]

    @property
    def sheet(self) -> Path:
        """Where the contact sheet is."""
        return self.folder / SHEET

    def write_sheet(self) -> Path:
        """Write the contact sheet of what was added, a row a temperature; return its path."""
        labels: Sequence[str] = list(self._rows) if any(self._rows) else ()
        atomic.write_bytes(self.sheet, png_bytes(contact_sheet(self.rows, labels)))
        return self.sheet
