"""Ctrl-C and SIGTERM: the first asks for a stop after the step, the second stops at once."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

from pixelgen.processes import rank, world_size

FIRST = b"\nStopping as soon as it can be gone on with; once more stops at once\n"
AGAIN = 5.0  # seconds within which torchrun sends on a signal that a terminal has sent to all


class Stop:
    """Whether a stop was asked for, by which signal, and when."""

    def __init__(self) -> None:
        self.signal: int | None = None
        self.since = 0.0

    def __call__(self) -> bool:
        return self.signal is not None

    @property
    def exit_code(self) -> int:
        """130 after Ctrl-C and 143 after SIGTERM, as shells have it; 0 without a signal."""
        return 0 if self.signal is None else 128 + self.signal


@contextmanager
def stop_on_signals() -> Iterator[Stop]:
    """Note signals instead of dying of them, for the length of a `with` block."""
    stop = Stop()

    def note(number: int, frame: FrameType | None) -> None:
        if stop.signal is not None:
            if world_size() > 1 and time.monotonic() - stop.since < AGAIN:
                return
            if sys.stderr.isatty():
                os.write(2, b"\x1b[?25h\n")  # a live display hides the cursor
            os._exit(128 + number)  # every file is replaced whole, so nothing is left half-written
        stop.signal, stop.since = number, time.monotonic()
        if rank() == 0:
            with suppress(OSError):  # whoever closed the stream need not read it
                os.write(2, FIRST)

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    except KeyboardInterrupt:  # the stop came before there was a run
        sys.exit(stop.exit_code or 130)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
