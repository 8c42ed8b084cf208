"""A comparison from beginning to end: its runs, one after another or shared out, and their rank.

The directory of a comparison:

    runs/NAME/          the run directories, named after plugins, seed, and a digest of the recipe
                        and the pictures
    recipes/NAME.toml   the recipe that each was started with
    logs/NAME.txt       what each said
    measured/NAME/      what was measured, what the process used, and pictures
    compare.*, bits.*   the table, the plot and the page

What is finished is not run again, so the same command goes on where it was broken off, and a larger
matrix adds only what is new.
"""

from __future__ import annotations

import hashlib
import threading
import tomllib
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pixelgen.comparison.comparable import check_comparable
from pixelgen.comparison.isolation import apart
from pixelgen.comparison.labels import distinct, label_settings
from pixelgen.comparison.matrix import Matrix, Setting, read_finished
from pixelgen.comparison.one_run import Failure, is_finished, measurement_of, outcome_of
from pixelgen.comparison.preparing import Job, prepare
from pixelgen.comparison.ranking import Finished, Ranking, rank, unequal_budgets
from pixelgen.errors import TrainingError
from pixelgen.executors.interface import Executor
from pixelgen.recipe import Recipe
from pixelgen.runs import atomic

LISTEN_EVERY = 0.2  # seconds between two questions whether to stop
FOLDERS = ("runs", "recipes", "logs", "measured")


SHARED = (
    "The runs were shared out, and those on one machine at a time have taken its cores from one "
    "another: speeds and energy are not those of a run by itself"
)
MINUTES = "A budget in targets, steps or epochs is the same for all, one in minutes is not"


class Watcher:
    """Told of everything that happens in a comparison; the default does nothing with it."""

    def preparing(self) -> None:
        """The settings are being checked, and the pictures read."""

    def begin(self, number: int, total: int, name: str, seed: int, *, found: bool) -> None:
        """A run begins, or has been `found` finished."""

    def sharing_out(self, total: int) -> None:
        """So many runs are carried out by an executor; `begin` comes when each has ended."""

    def tick(self, run: Path) -> None:
        """The run goes on; called several times a second."""

    def end(self, finished: Finished) -> None:
        """A run has been measured."""

    def failed(self, failure: Failure) -> None:
        """A run has failed; the others go on."""


@dataclass(frozen=True)
class Comparison:
    """What came of a comparison.

    Attributes:
        directory: where everything is.
        ranking: the rows.
        failures: runs that are missing from them.
        budget: what each run was allowed, in words.
        notes: sentences that a reader should know.
        stopped: whether it was broken off.
    """

    directory: Path
    ranking: Ranking
    failures: tuple[Failure, ...]
    budget: str
    notes: tuple[str, ...]
    stopped: bool = False


def compare(
    matrix: Matrix,
    directory: Path,
    watcher: Watcher | None = None,
    should_stop: Callable[[], bool] = lambda: False,
    executor: Executor | None = None,
) -> Comparison | None:
    """Run what a matrix asks for and is not finished yet, and rank its settings.

    Args:
        matrix: settings, seeds and budget.
        directory: of the comparison; made where it is missing.
        watcher: is told of everything.
        should_stop: asked several times a second; True stops the runs that go on, saves them, and
            ranks what is finished.
        executor: carries the runs out, several at a time, on machines that all see the directory;
            one after another in this process if None.

    Returns:
        What came of it; None where it was stopped before the first run had finished.

    Raises:
        NotComparable: the settings hold out different pictures.
        TrainingError: not one run could be finished.
        PixelgenError: a plugin, an option or the pictures are wrong; nothing has been run then.
    """
    watcher = watcher or Watcher()
    watcher.preparing()
    jobs = apart(prepare, matrix)
    recipes = [tomllib.loads(job.recipe) for job in jobs]
    names = _names(matrix.settings, [_without_steps(recipe) for recipe in recipes])
    check_comparable([(f"{names[job.setting]}, seed {job.seed}", job.held_out) for job in jobs])
    with atomic.explained(directory):
        for folder in FOLDERS:
            (directory / folder).mkdir(parents=True, exist_ok=True)
    jobs, same = _once(jobs, names)
    finished: dict[str, list[Finished]] = {name: [] for name in names}
    failures = []
    stopped = False
    if executor is None:
        outcomes = _one_by_one(jobs, names, directory, watcher, should_stop)
    else:
        outcomes = _shared_out(jobs, names, directory, watcher, should_stop, executor)
    with closing(outcomes):
        for outcome, job in zip(outcomes, jobs, strict=False):  # to the outcomes' own end
            if outcome is None:
                stopped = True
            elif isinstance(outcome, Failure):
                failures.append(outcome)
                watcher.failed(outcome)
            else:
                finished[names[job.setting]].append(outcome)
                watcher.end(outcome)
    ranked = [(name, runs) for name, runs in finished.items() if runs]
    if not ranked and stopped:
        return None
    if not ranked:
        raise TrainingError(
            f"not one of {len(jobs)} runs could be finished: {failures[0].reason}",
            where=f"in {failures[0].setting}, seed {failures[0].seed}",
            remedy=f"See {directory / 'logs'}, and give the same command again",
        )
    ranking = rank(ranked)
    notes = [*ranking.notes, *same, *unequal_budgets(ranking.rows)]
    if any(run.usage and run.usage.shared for row in ranking.rows for run in row.runs):
        notes.append(SHARED)
        if matrix.budget.unit == "minutes":
            notes.append(MINUTES)
    return Comparison(
        directory, ranking, tuple(failures), str(matrix.budget), tuple(notes), stopped
    )


def compare_finished(
    paths: Sequence[Path], directory: Path, watcher: Watcher | None = None
) -> Comparison:
    """Rank finished run directories; those that differ in nothing but their seed are one setting.

    Raises:
        RunNotFound, RunUnreadable: there is no finished run at a place.
        NotComparable: they hold out different pictures.
    """
    watcher = watcher or Watcher()
    settings = read_finished(paths)
    names = _names([setting for setting, _ in settings], [each.recipe for each, _ in settings])
    with atomic.explained(directory):
        (directory / "measured").mkdir(parents=True, exist_ok=True)
    ranked: list[tuple[str, list[Finished]]] = []
    number = 0
    for name, (_, runs) in zip(names, settings, strict=True):
        ranked.append((name, []))
        for path in runs:
            number += 1
            seed = Recipe.read(path / "recipe.toml").seed
            watcher.begin(number, len(paths), name, seed, found=True)
            digest = hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:8]
            record = directory / "measured" / f"{path.resolve().name}-{digest}"
            run = Finished(str(path), seed, path, record, measurement_of(path, record), None)
            ranked[-1][1].append(run)
            watcher.end(run)
            check_comparable(
                [(each.name, each.measurement.held_out) for _, done in ranked for each in done]
            )
    ranking = rank(ranked)
    notes = (*ranking.notes, *unequal_budgets(ranking.rows))
    return Comparison(directory, ranking, (), "as each was given", notes)


def _once(jobs: Sequence[Job], names: Sequence[str]) -> tuple[list[Job], list[str]]:
    """The jobs without those that are the very run of an earlier setting, and notes of these."""
    first: dict[str, Job] = {}
    same: dict[tuple[int, int], None] = {}  # pairs of settings, in order
    for job in jobs:
        earlier = first.setdefault(job.name, job)
        if earlier is not job:
            same[earlier.setting, job.setting] = None
    notes = [
        f"{names[one]} and {names[other]} are the same: what is run and shown is the first"
        for one, other in same
    ]
    return list(first.values()), notes


def _one_by_one(
    jobs: Sequence[Job],
    names: Sequence[str],
    directory: Path,
    watcher: Watcher,
    should_stop: Callable[[], bool],
) -> Generator[Finished | Failure | None]:
    """Carry jobs out, one after another; None is one that was stopped, and the last."""
    for number, job in enumerate(jobs, start=1):
        found = is_finished(directory / "runs" / job.name)
        watcher.begin(number, len(jobs), names[job.setting], job.seed, found=found)
        outcome = outcome_of(job, names[job.setting], directory, watcher.tick, should_stop)
        yield outcome
        if outcome is None:
            return


def _shared_out(
    jobs: Sequence[Job],
    names: Sequence[str],
    directory: Path,
    watcher: Watcher,
    should_stop: Callable[[], bool],
    executor: Executor,
) -> Generator[Finished | Failure | None]:
    """Let the workers of an executor carry jobs out; in the order of the jobs, None if stopped.

    Workers, on whatever machine, hear of a stop by a file in the directory. It is there until each
    has answered, since some may have taken a job that they have not begun; and where this ends
    before that, by an error, it stays.
    """
    watcher.sharing_out(len(jobs))
    before = [is_finished(directory / "runs" / job.name) for job in jobs]
    stop = directory / ".stop"
    stop.unlink(missing_ok=True)
    ended = threading.Event()

    def listen() -> None:
        while not ended.wait(LISTEN_EVERY):
            if should_stop():
                stop.touch()
                return

    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    try:
        work = partial(_outcome_apart, names, directory.resolve())
        for number, outcome in enumerate(executor.map(work, jobs), start=1):
            job = jobs[number - 1]
            found = before[number - 1]
            watcher.begin(number, len(jobs), names[job.setting], job.seed, found=found)
            yield outcome
    except BaseException:
        ended.set()
        stop.touch()
        raise
    ended.set()
    listener.join()
    stop.unlink(missing_ok=True)


def _outcome_apart(names: Sequence[str], directory: Path, job: Job) -> Finished | Failure | None:
    stop = (directory / ".stop").exists
    return outcome_of(job, names[job.setting], directory, Watcher().tick, stop, shared=True)


def _names(settings: Sequence[Setting], recipes: Sequence[dict[str, object]]) -> list[str]:
    """What each setting is called; `recipes` holds a complete one for each, in order, and more."""
    labels = label_settings(recipes[: len(settings)])
    return distinct(
        [_printable(setting.name or label) for setting, label in zip(settings, labels, strict=True)]
    )


def _without_steps(recipe: dict[str, object]) -> dict[str, object]:
    """A recipe without its steps, which are others for each model under a budget in targets."""
    training = recipe.get("training")
    kept = dict(training) if isinstance(training, dict) else {}
    kept.pop("steps", None)
    return {**recipe, "training": kept}


def _printable(text: str) -> str:
    """Text with control characters written out, so that a name cannot steer a terminal."""
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in text
    )
