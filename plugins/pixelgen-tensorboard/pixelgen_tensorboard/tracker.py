"""`tensorboard`: a run's metrics and pictures as TensorBoard's event files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from tensorboardX import SummaryWriter

import pixelgen
from pixelgen.trackers.interface import Tracker


class TensorBoard(Tracker):
    """Writes `tensorboard/` into the run directory; steps are epochs."""

    def __init__(self, options: Any) -> None:
        super().__init__(options)
        self._writer: Any = None
        self._finished = -1  # the last epoch

    @pixelgen.hookimpl
    def run_started(self, directory: Path, recipe: dict[str, Any]) -> None:
        """Write the recipe down."""
        text = (directory / "recipe.toml").read_text(encoding="utf-8")
        indented = "".join(f"    {line}\n" for line in text.splitlines())
        self._open(directory, 0).add_text("recipe", indented, 0)

    @pixelgen.hookimpl
    def epoch_finished(self, directory: Path, metrics: dict[str, Any]) -> None:
        """Write every number of an epoch."""
        writer = self._open(directory, metrics["epoch"])
        for name, value in metrics.items():
            if value is not None and name != "epoch":
                writer.add_scalar(name, value, metrics["epoch"])
        writer.flush()
        self._finished = metrics["epoch"]

    @pixelgen.hookimpl
    def pictures_sampled(
        self, directory: Path, epoch: int, temperature: float, pictures: np.ndarray
    ) -> None:
        """Write the pictures side by side."""
        row = np.concatenate(list(pictures), axis=1)
        writer = self._open(directory, epoch)
        writer.add_image(f"temperature {temperature:g}", row, epoch, dataformats="HWC")

    @pixelgen.hookimpl
    def run_finished(self) -> None:
        """Close the file."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def _open(self, directory: Path, epoch: int) -> Any:
        """The writer; what was written earlier of this epoch and later ones no longer counts."""
        if self._writer is not None and epoch <= self._finished:  # the run has gone back
            self._writer.close()
            self._writer, self._finished = None, epoch - 1
        if self._writer is None:
            folder = directory / "tensorboard"
            later = epoch if folder.exists() else None
            # Files are named after the second; two of one second are to be two.
            name = "" if later is None else f".{later}"
            self._writer = SummaryWriter(str(folder), purge_step=later, filename_suffix=name)
        return self._writer
