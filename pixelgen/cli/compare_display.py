"""What a comparison shows while it goes on: a status line on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Self

from rich.console import Console
from rich.status import Status

from pixelgen.cli.display import bits, duration
from pixelgen.cli.visible import shown
from pixelgen.comparison.conduct import Watcher
from pixelgen.comparison.one_run import Failure
from pixelgen.comparison.ranking import Finished
from pixelgen.errors import PixelgenError
from pixelgen.runs.directory import RunDirectory

LOOK_EVERY = 1.0  # seconds between two looks at a run's metrics


def make_watcher() -> Display:
    """Return the watcher that writes to the error stream."""
    return Display(Console(stderr=True, highlight=False))


class Display(Watcher):
    """A line a run; while it goes on, on a terminal, how far it has come.

    Used as a context manager it leaves the terminal as it was, whatever happens.
    """

    def __init__(self, console: Console) -> None:
        self.console = console
        self._status: Status | None = None
        self._heading = ""
        self._found = self._shared = False
        self._began = self._looked = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._stop()

    def preparing(self) -> None:
        self.console.print("Checking the settings and reading pictures …")

    def sharing_out(self, total: int) -> None:
        self._shared = True
        self.console.print(f"Sharing out {total} runs …")

    def begin(self, number: int, total: int, name: str, seed: int, *, found: bool) -> None:
        self._heading = shown(f"[{number}/{total}] {name}, seed {seed}")
        self._found = found
        self._began = self._looked = time.monotonic()
        if self.console.is_terminal and not self._shared:
            doing = "finished before, measuring" if found else "starting"
            self._status = self.console.status(f"{self._heading}: {doing} …")
            self._status.start()
        elif not (found or self._shared):
            self.console.print(f"{self._heading}: training …", soft_wrap=True)

    def tick(self, run: Path) -> None:
        now = time.monotonic()
        if self._status is None or now - self._looked < LOOK_EVERY:
            return
        self._looked = now
        try:
            metrics = RunDirectory(run).metrics()
        except (OSError, PixelgenError):  # not there yet
            metrics = []
        known = [line for line in metrics if line.get("held_out_bits_per_pixel") is not None]
        so_far = (
            f", epoch {known[-1]['epoch']}: {bits(known[-1]['held_out_bits_per_pixel'])} held-out "
            "bits per pixel"
            if known
            else ""
        )
        self._status.update(f"{self._heading}: {duration(now - self._began)}{so_far} …")

    def end(self, finished: Finished) -> None:
        self._stop()
        found = finished.measurement
        mean = sum(found.bits) / len(found.bits)
        when = "; finished before" if self._found else ""
        self.console.print(
            f"{self._heading}: {mean:.3f} held-out bits per pixel after {duration(found.seconds)} "
            f"({found.targets_per_second:,.0f} targets/s{when})",
            soft_wrap=True,
        )

    def failed(self, failure: Failure) -> None:
        self._stop()
        self.console.print(
            f"{self._heading}: [bold red]failed[/]: {shown(failure.reason)}", soft_wrap=True
        )

    def _stop(self) -> None:
        if self._status is not None:
            self._status.stop()
            self._status = None
