"""An evaluation in the terminal, and the bar while it is made."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import Progress as RichProgress
from rich.progress import TaskID
from rich.table import Table

from pixelgen.cli.visible import shown
from pixelgen.evaluation.conduct import Progress
from pixelgen.evaluation.record import FILE, Evaluation, nearest_first

SHOWN = 8  # samples listed: the nearest to a training picture


class Bar(Progress):
    """A progress bar a part on a terminal; one line a part elsewhere."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bars = RichProgress(console=console, transient=True, disable=not console.is_terminal)
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bars.stop()

    def stage(self, text: str, total: int | None = None) -> None:
        if not self._console.is_terminal:
            self._console.print(f"{text} …", soft_wrap=True, highlight=False)
        if self._task is not None:
            self._bars.remove_task(self._task)
        self._task = self._bars.add_task(text, total=total)

    def advance(self, done: int) -> None:
        if self._task is not None:
            self._bars.update(self._task, completed=done)


def show(console: Console, found: Evaluation, run: Path) -> None:
    """Print what was found, for a terminal of 80 columns."""
    bits, calibration, novelty = found.bits, found.calibration, found.novelty
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column()
    table.add_row("Held out", f"{bits.held_out} bits per pixel")
    table.add_row("Training", f"{bits.train} bits per pixel, not augmented")
    table.add_row("Fit", f"[bold]{bits.fit}[/]. {bits.explanation}")
    table.add_row(
        "Calibration",
        f"{calibration.explanation}. The likeliest token is right {calibration.accuracy:.0%} of "
        "the time",
    )
    table.add_row(
        "Colours",
        f"{found.palette.distance:.4f} from the held-out pictures; training pictures: "
        f"{found.palette.floor:.4f} (OKLab)",
    )
    for each in found.likeness:
        table.add_row(
            f"{each.patch}×{each.patch} patches",
            f"{each.distance:.4f}; training pictures: {each.floor:.4f} ({each.ratio:.1f} times as "
            "far)",
        )
    table.add_row("Diversity", found.diversity.explanation)
    table.add_row("Novelty", f"{novelty.explanation}")
    console.print(table)
    console.print()
    samples = Table(box=None, pad_edge=False)
    for heading in ("sample", "verdict"):
        samples.add_column(heading)
    for heading in ("distance", "rank", "run", "square"):
        samples.add_column(heading, justify="right", no_wrap=True)
    for sample in nearest_first(novelty.samples)[:SHOWN]:
        words = sample.words if sample.verdict != "new" else f"new (nearest: {sample.nearest})"
        samples.add_row(
            str(sample.index),
            shown(words),
            f"{sample.distance:.2f}",
            f"{sample.rank:.0%}",
            str(sample.longest_run),
            str(sample.largest_block),
        )
    console.print(samples)
    console.print(
        f"[dim]distance: of detail, below {novelty.copy_below:.2f} a copy; rank: share of real "
        "pictures with a training picture as near; run, square: tokens copied verbatim (real "
        f"pictures: {novelty.real_longest_run:g} and {novelty.real_largest_block:g})[/]"
    )
    console.print()
    for path in (*found.sheets.values(), FILE):
        console.print(shown(run / path), soft_wrap=True)
