"""`csv`: the metrics of every epoch as a table that spreadsheets read."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

from pixelgen.hookspecs import hookimpl
from pixelgen.runs import atomic
from pixelgen.runs.directory import RunDirectory
from pixelgen.trackers.interface import Tracker


class CSV(Tracker):
    """Writes `metrics.csv` into the run directory, a line an epoch; what is unknown is empty."""

    def __init__(self, options: Any) -> None:
        super().__init__(options)
        self._columns: list[str] = []
        self._epoch = 0

    @hookimpl
    def epoch_finished(self, directory: Path, metrics: dict[str, Any]) -> None:
        """Add a line; or write the table anew, as `metrics.jsonl` has it: at the first of a
        process, and where the run has gone back."""
        path = directory / "metrics.csv"
        before, self._epoch = self._epoch, metrics["epoch"]
        if self._columns and self._epoch > before:
            with atomic.explained(path), path.open("a", encoding="utf-8", newline="") as file:
                file.write(self._lines([metrics]))
            return
        self._columns = list(metrics)
        heading = ",".join(self._columns) + "\n"
        atomic.write_text(path, heading + self._lines(RunDirectory(directory).metrics()))

    def _lines(self, metrics: list[dict[str, Any]]) -> str:
        text = io.StringIO()
        writer = csv.DictWriter(text, self._columns, extrasaction="ignore", lineterminator="\n")
        writer.writerows(metrics)
        return text.getvalue()
