"""Imports a plugin's module, whatever it does: raise, print, or never come back."""

from __future__ import annotations

import contextlib
import gc
import io
import os
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

# Seconds. Nothing sound takes so long; it is here so that one plugin cannot hold up every command.
IMPORT_LIMIT = 10.0
LIMIT_VARIABLE = "PIXELGEN_IMPORT_LIMIT"


class ImportHangs(Exception):
    """An import has not come back within its time; says where it is."""


@dataclass
class Printed:
    """What was printed to the output stream in a block."""

    stream: io.StringIO = field(default_factory=io.StringIO)

    @property
    def beginning(self) -> str:
        """The first words, for a report; empty where nothing was printed."""
        text = " ".join(self.stream.getvalue().split())
        return text if len(text) <= 60 else f"{text[:60]}…"


@contextlib.contextmanager
def keep_quiet() -> Iterator[Printed]:
    """Catch what is printed: scripts read what commands write to the output stream."""
    printed = Printed()
    with contextlib.redirect_stdout(printed.stream):
        yield printed


@contextlib.contextmanager
def without_collecting() -> Iterator[None]:
    """Keep Python from looking for garbage in a block.

    An import makes objects to stay, by the ten thousand: PyTorch's takes a tenth less time.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def within_limit(load: Callable[[], Any], limit: float | None = None) -> Any:
    """Return what `load` returns, or raise what it raises.

    It runs in a thread of its own, which is left behind where it does not end.

    Args:
        load: imports something.
        limit: seconds; those of PIXELGEN_IMPORT_LIMIT, or `IMPORT_LIMIT`, if None.

    Raises:
        ImportHangs: it has not ended in time.
    """
    outcome: list[tuple[Any, BaseException | None]] = []

    def run() -> None:
        try:
            outcome.append((load(), None))
        except BaseException as error:
            outcome.append((None, error))

    allowed = import_limit() if limit is None else limit
    thread = threading.Thread(target=run, name="pixelgen-import", daemon=True)
    thread.start()
    thread.join(allowed)
    if not outcome:
        raise ImportHangs(f"it has not ended after {allowed:g} s{_place(thread)}")
    result, error = outcome[0]
    if error is not None:
        raise error
    return result


def import_limit() -> float:
    """Return how many seconds an import may take; a variable that is no such number is ignored."""
    try:
        seconds = float(os.environ.get(LIMIT_VARIABLE, IMPORT_LIMIT))
    except ValueError:
        return IMPORT_LIMIT
    return seconds if 0 < seconds < 3600 else IMPORT_LIMIT


def _place(thread: threading.Thread) -> str:
    """Where a thread is: the innermost line that is no import's machinery."""
    frame = sys._current_frames().get(thread.ident or 0)
    if frame is None:
        return ""
    lines = [
        line
        for line in traceback.extract_stack(frame)
        if "importlib" not in line.filename and line.filename not in (__file__, threading.__file__)
    ]
    return f", at {lines[-1].filename}:{lines[-1].lineno}" if lines else ""
