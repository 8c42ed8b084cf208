"""One run in a process of its own, with the memory, time and energy that it took."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from pydantic import BaseModel

from pixelgen.comparison.energy import EnergyMeter
from pixelgen.interpreter import interpreter

TICK = 0.1  # seconds between two looks at the process
KIBIBYTE = 1024


class Usage(BaseModel):
    """What a process used.

    Attributes:
        seconds: by the clock, start-up and all.
        peak_memory: most bytes of main memory held at once; None where the system does not say.
            What a GPU holds is not counted.
        energy: joules that the machine's processors used meanwhile; None where they do not say.
        shared: whether other runs may have been carried out beside it.
        whole: False as long as a process goes on, and for ever where nobody was there at its end:
            seconds are of the others then, and the rest is not known.
    """

    seconds: float = 0.0
    peak_memory: int | None = None
    energy: float | None = None
    shared: bool = False
    whole: bool = True

    def and_then(self, later: Usage) -> Usage:
        """Return the usage of a run that went on in a second process."""
        peaks = [peak for peak in (self.peak_memory, later.peak_memory) if peak is not None]
        whole = self.whole and later.whole
        known = whole and (self.seconds == 0 or self.energy is not None)
        return Usage(
            seconds=self.seconds + later.seconds,
            peak_memory=max(peaks, default=None) if whole else None,
            energy=None
            if later.energy is None or not known
            else (self.energy or 0.0) + later.energy,
            shared=self.shared or later.shared,
            whole=whole,
        )


def run_process(
    arguments: Sequence[str],
    log: Path,
    *,
    tick: Callable[[], None],
    should_stop: Callable[[], bool],
) -> tuple[int, Usage]:
    """Run `pixelgen ARGUMENTS` to its end, in a process that stops when this one is gone.

    The peak of its memory cannot come out below this process's own, since that is where it
    begins: this is why nothing heavy is loaded here.

    Args:
        arguments: of the command.
        log: the file that its output is added to.
        tick: called every tenth of a second meanwhile.
        should_stop: once it says True, the process is asked to stop, to save and to end.

    Returns:
        The exit status, negative for a signal that it died of, and what it used.
    """
    meter = EnergyMeter()
    began = time.perf_counter()
    asked = False
    with log.open("ab") as output:
        # In a session of its own: Ctrl-C reaches it once, through us.
        process = subprocess.Popen(
            [*interpreter(), "-m", "pixelgen.comparison.child", *arguments],
            stdin=subprocess.PIPE,  # held open: its end tells the child that we are gone
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
        while (ended := _ended(process)) is None:
            time.sleep(TICK)
            meter.read()
            tick()
            if should_stop() and not asked:
                process.terminate()
                asked = True
        assert process.stdin is not None
        process.stdin.close()
    usage = Usage(
        seconds=round(time.perf_counter() - began, 3), peak_memory=ended[1], energy=meter.read()
    )
    return ended[0], usage


def _ended(process: subprocess.Popen[bytes]) -> tuple[int, int | None] | None:
    """The exit status and peak memory in bytes of a process that has ended; None until then."""
    if not hasattr(os, "wait4"):
        code = process.poll()
        return None if code is None else (code, None)
    pid, status, usage = os.wait4(process.pid, os.WNOHANG)
    if not pid:
        return None
    process.returncode = os.waitstatus_to_exitcode(status)  # it is reaped: poll() cannot know
    unit = 1 if sys.platform == "darwin" else KIBIBYTE
    return process.returncode, usage.ru_maxrss * unit


def last_words(log: Path, begin: int = 0) -> str:
    """Return why a process failed: the error that it explained in its log, or the last line.

    Args:
        log: what it said, and maybe others before it.
        begin: where its words begin, in bytes.
    """
    text = log.read_bytes()[begin:].decode(errors="replace") if log.exists() else ""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    begins = [number for number, line in enumerate(lines) if line.startswith("Error:")]
    kept = lines[begins[-1] :] if begins else lines[-1:]
    return ". ".join(kept).removeprefix("Error: ")
