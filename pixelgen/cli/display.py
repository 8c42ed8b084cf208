"""What a run shows while it goes on: a live display on a terminal, plain lines elsewhere."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from pixelgen.cli.halfblocks import half_blocks
from pixelgen.cli.visible import shown
from pixelgen.listener import Listener
from pixelgen.loop_state import LoopState

PLAIN_EVERY = 10.0  # seconds between lines within an epoch, where there is no terminal
SHOWN_EPOCHS = 8
PICTURE_COLUMNS = 30


def make_display() -> Listener:
    """Return the display that suits the error stream."""
    console = Console(stderr=True, highlight=False)
    return LiveDisplay(console) if console.is_terminal else PlainDisplay(console)


def duration(seconds: float) -> str:
    """Return seconds as a person would write them: `45 s`, `3 min 20 s`, `2 h 5 min`."""
    if not math.isfinite(seconds):
        return "–"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def bits(value: float | None) -> str:
    """Return bits per pixel with three decimals, or a dash."""
    return "–" if value is None else f"{value:.3f}"


class PlainDisplay(Listener):
    """One line an event."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._last_line = 0.0

    def note(self, text: str) -> None:
        self._print(text)

    def stage(self, text: str) -> None:
        self._print(f"{text} …")

    def begin(self, state: LoopState, description: str) -> None:
        self._print(description)
        self._last_line = time.monotonic()

    def step(self, state: LoopState, progress: float, bits: float, seconds_left: float) -> None:
        if time.monotonic() - self._last_line < PLAIN_EVERY:
            return
        speed = state.targets / max(state.seconds, 1e-9)
        self._print(
            f"  epoch {state.epoch + 1}, step {state.step}: {bits:.3f} bits per pixel, "
            f"{speed:,.0f} targets/s, {duration(seconds_left)} left"
        )

    def epoch(self, metrics: dict[str, Any]) -> None:
        self._print(
            f"epoch {metrics['epoch']}: bits per pixel {bits(metrics['train_bits_per_pixel'])} "
            f"trained, {bits(metrics['held_out_bits_per_pixel'])} held out, "
            f"{metrics['targets_per_second']:,.0f} targets/s, {duration(metrics['seconds'])}"
        )

    def _print(self, text: str) -> None:
        self.console.print(shown(text), soft_wrap=True)
        self._last_line = time.monotonic()


class LiveDisplay(Listener):
    """A table of epochs, a progress bar, and what the model paints now."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._live: Live | None = None
        self._epochs: list[dict[str, Any]] = []
        self._picture: np.ndarray | None = None
        self._step: tuple[LoopState, float, float, float] | None = None

    def note(self, text: str) -> None:
        self.console.print(shown(text), style="dim", soft_wrap=True)

    def stage(self, text: str) -> None:
        self.console.print(f"{shown(text)} …")

    def begin(self, state: LoopState, description: str) -> None:
        self.console.print(shown(description), style="bold", soft_wrap=True)
        # Drawn four times a second by a thread of its own, not at every step.
        self._live = Live(console=self.console, get_renderable=self._render)
        self._live.start()

    def step(self, state: LoopState, progress: float, bits: float, seconds_left: float) -> None:
        self._step = (state, progress, bits, seconds_left)

    def epoch(self, metrics: dict[str, Any]) -> None:
        self._epochs.append(metrics)

    def sampled(self, epoch: int, temperatures: Sequence[float], pictures: np.ndarray) -> None:
        rows = pictures[:, :2]  # two pictures a temperature are enough to see
        self._picture = np.concatenate(list(rows[len(rows) // 2]), axis=1)

    def end(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _render(self) -> RenderableType:
        table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
        for heading in ("epoch", "trained", "held out", "targets/s", "time"):
            table.add_column(heading, justify="right")
        for line in self._epochs[-SHOWN_EPOCHS:]:
            table.add_row(
                str(line["epoch"]),
                bits(line["train_bits_per_pixel"]),
                bits(line["held_out_bits_per_pixel"]),
                f"{line['targets_per_second']:,.0f}",
                duration(line["seconds"]),
            )
        top = Table.grid(padding=(0, 2))
        room = self.console.width - 58
        if self._picture is not None and self.console.color_system == "truecolor" and room > 12:
            top.add_row(table, half_blocks(self._picture, min(room, 2 * PICTURE_COLUMNS)))
        else:
            top.add_row(table)
        return Group(top, self._bar())

    def _bar(self) -> RenderableType:
        if self._step is None:
            return Text("")
        state, progress, bits, seconds_left = self._step
        speed = state.targets / max(state.seconds, 1e-9)
        bar = Table.grid(padding=(0, 1))
        bar.add_row(
            ProgressBar(total=1.0, completed=progress, width=32),
            f"{progress:4.0%}  epoch {state.epoch + 1}  [bold]{bits:.3f}[/] bits  "
            f"{speed:,.0f} targets/s  {duration(seconds_left)} left",
        )
        return bar
