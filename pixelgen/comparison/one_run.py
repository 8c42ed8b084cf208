"""One run of a comparison: begun, gone on with or found, and measured."""

from __future__ import annotations

import shutil
import signal
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pixelgen.comparison.isolation import apart
from pixelgen.comparison.measure import Measurement, measure, read_measurement
from pixelgen.comparison.preparing import Job
from pixelgen.comparison.process import Usage, last_words, run_process
from pixelgen.comparison.ranking import Finished
from pixelgen.errors import PixelgenError, RunNotFound, TrainingError
from pixelgen.registration import reason_of
from pixelgen.runs import atomic
from pixelgen.runs.directory import RunDirectory
from pixelgen.runs.lock import locked


@dataclass(frozen=True)
class Failure:
    """A run that failed, and why."""

    setting: str
    seed: int
    reason: str


def outcome_of(
    job: Job,
    name: str,
    directory: Path,
    tick: Callable[[Path], None],
    should_stop: Callable[[], bool],
    *,
    shared: bool = False,
) -> Finished | Failure | None:
    """Carry a job out, unless it is finished, and measure it; None if it was stopped.

    Args:
        job: what is to be run.
        name: of its setting.
        directory: of the comparison.
        tick: told of the run directory, several times a second.
        should_stop: asked as often.
        shared: whether other runs may go on at the same time.
    """
    try:
        with atomic.explained(directory):
            if _state(directory / "runs" / job.name) != "finished":
                if should_stop():
                    return None
                if not _carry_out(job, directory, tick, should_stop, shared):
                    return None
            return _measured(f"{name}, seed {job.seed}", job.seed, directory, job.name)
    except PixelgenError as error:
        return Failure(name, job.seed, str(error))


def is_finished(path: Path) -> bool:
    """Whether there is a finished run; one that cannot be read is for `outcome_of` to explain."""
    try:
        return _state(path) == "finished"
    except PixelgenError:
        return False


def measurement_of(path: Path, record: Path) -> Measurement:
    """What was measured of a run before, or is now, in a process of its own."""
    ended = RunDirectory.open(path).manifest().get("ended", "")
    return read_measurement(record, ended) or apart(measure, path, record)


def _state(path: Path) -> str:
    """`finished`, `stopped`, `running`, or an empty string where there is no run."""
    try:
        return str(RunDirectory.open(path).manifest().get("state"))
    except RunNotFound:
        return ""


def _carry_out(
    job: Job,
    directory: Path,
    tick: Callable[[Path], None],
    should_stop: Callable[[], bool],
    shared: bool,
) -> bool:
    """Run a job, or go on with it; return whether it has finished rather than been stopped."""
    path, record = directory / "runs" / job.name, directory / "measured" / job.name
    recipe, log = directory / "recipes" / f"{job.name}.toml", directory / "logs" / f"{job.name}.txt"
    usage_file = record / "usage.json"
    before = Usage()
    if path.exists() and any((path / "checkpoints").glob("step-*")):
        arguments = ["resume", str(path)]
        before = _usage(record) or Usage(whole=False)
    else:  # nothing, or one that was killed before its first checkpoint
        _clear(path)
        log.unlink(missing_ok=True)
        atomic.write_text(recipe, job.recipe)
        arguments = ["run", "--recipe", str(recipe), "--out", str(path)]
    if should_stop():
        return False
    said = log.stat().st_size if log.exists() else 0
    # Should this process be killed, what the run used up to then is not known.
    record.mkdir(exist_ok=True)
    unfinished = before.and_then(Usage(shared=shared, whole=False))
    atomic.write_text(usage_file, unfinished.model_dump_json(indent=2) + "\n")
    code, usage = run_process(arguments, log, tick=lambda: tick(path), should_stop=should_stop)
    used = before.and_then(usage.model_copy(update={"shared": shared}))
    atomic.write_text(usage_file, used.model_dump_json(indent=2) + "\n")
    if _state(path) == "finished":
        return True
    if should_stop():
        return False
    if code < 0:
        raise TrainingError(
            f"it died of signal {-code}",
            where=str(log),
            remedy="It was out of memory, most likely: take smaller pictures or models"
            if -code == signal.SIGKILL
            else "",
        )
    raise TrainingError(last_words(log, said) or f"it left with exit code {code}", where=str(log))


def _clear(run: Path) -> None:
    """Remove what is left of a run.

    Raises:
        RunInUse: another process goes on with it.
    """
    if not run.is_dir():
        return
    with locked(run, then="give the same command again, which goes on with"):
        shutil.rmtree(run, ignore_errors=True)
    if sys.platform == "win32":  # where the file of a lock that is held stays
        shutil.rmtree(run, ignore_errors=True)


def _usage(record: Path) -> Usage | None:
    """What a run's processes used; None where nobody wrote it down."""
    path = record / "usage.json"
    return Usage.model_validate_json(path.read_bytes()) if path.exists() else None


def _measured(name: str, seed: int, directory: Path, directory_name: str) -> Finished:
    path, record = directory / "runs" / directory_name, directory / "measured" / directory_name
    try:
        found = measurement_of(path, record)
    except (PixelgenError, OSError):
        raise
    except Exception as error:  # of a plugin's: the other runs go on
        log = directory / "logs" / f"{directory_name}.txt"
        with log.open("a", encoding="utf-8") as file:
            file.write(traceback.format_exc())
        reason = f"it cannot be measured: {reason_of(error)}"
        raise TrainingError(reason, where=str(log)) from error
    return Finished(name, seed, path, record, found, _usage(record))
