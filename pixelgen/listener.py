"""Who is told of everything that happens in a run, such as a display in the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from pixelgen.loop_state import LoopState


class Listener:
    """Told of everything that happens in a run; the default does nothing with it."""

    def note(self, text: str) -> None:
        """Something the user should know, in one sentence."""

    def note_once(self, text: str) -> None:
        """The same, of what may come about again and again."""
        said: set[str] = self.__dict__.setdefault("_said", set())
        if text not in said:
            said.add(text)
            self.note(text)

    def stage(self, text: str) -> None:
        """A stage before or after training begins, such as "reading pictures"."""

    def begin(self, state: LoopState, description: str) -> None:
        """Training begins or goes on."""

    def step(self, state: LoopState, progress: float, bits: float, seconds_left: float) -> None:
        """A step has been taken; `bits` are the epoch's mean training bits per pixel so far."""

    def epoch(self, metrics: dict[str, Any]) -> None:
        """An epoch's line has been added to `metrics.jsonl`."""

    def sampled(self, epoch: int, temperatures: Sequence[float], pictures: np.ndarray) -> None:
        """The model has painted (rows, columns, H, W, C) uint8, a row a temperature."""

    def end(self) -> None:
        """Training has ended, for whatever reason."""
