"""One run directory and the files in it.

run.json          what ran: versions, plugins, data, budget spent, notes
recipe.toml       the resolved recipe; reproduces the run
tokenizer/        the fitted tokenizer
model/            the best weights so far
checkpoints/      step-00000123/: weights and all else that training goes on from
metrics.jsonl     a line an epoch
samples/          painted pictures and contact sheets
run.lock          held by the process that goes on with the run
evolution/        the same seeds at each moment, and moments.json
evolution.png, evolution.gif, report.html    what a person looks at
report/           training pictures and baselines, kept for the page
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any

from pixelgen import untrusted
from pixelgen.errors import OptionError, RunExists, RunNotFound, RunUnreadable
from pixelgen.models.interface import Model
from pixelgen.runs import atomic, checksums
from pixelgen.runs.checkpoints import Checkpoints
from pixelgen.runs.lock import locked
from pixelgen.runs.manifest import SCHEMA, complaint
from pixelgen.tokenizers.interface import Tokenizer

DAMAGED = "Put the file back from a copy, or begin a new run"
FOLDERS = ("checkpoints", "samples")  # that a run begins with
WRITTEN = (*FOLDERS, "evolution", "report")  # all that it writes single files into
NUMBERS = (
    *("epoch", "step", "seconds", "progress", "targets_per_second"),
    *("train_bits_per_pixel", "held_out_bits_per_pixel"),
)
UNMEASURED = "held_out_bits_per_pixel"  # the one that may be null
MOST_METRICS = 1 << 30  # bytes: some million epochs
MOST_VALUE = 1e30  # of which a plot can still be drawn
MORE_LATER = 1 << 20  # bytes that a run may add to what its run.json begins with


class RunDirectory:
    """Reads and writes a run directory. Every file is replaced whole or not at all."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def create(
        cls, path: Path, fill: Callable[[RunDirectory], None] = lambda run: None
    ) -> RunDirectory:
        """Make a new run directory, which is there whole or not at all.

        Args:
            path: where; an empty folder may be there already, which is then filled in place.
            fill: writes what a run begins with.

        Raises:
            RunExists: the place is taken.
            StorageError: it cannot be written to.
        """
        check_free(path)

        def make(place: Path) -> None:
            for folder in FOLDERS:
                (place / folder).mkdir()
            fill(cls(place))

        if path.is_dir():
            try:
                with atomic.explained(path):
                    make(path)
            except BaseException:
                atomic.empty(path)
                raise
        else:
            try:
                atomic.new_directory(path, make)
            except FileExistsError:  # another process was quicker
                check_free(path)
                raise
        return cls(path)

    @classmethod
    def open(cls, path: Path) -> RunDirectory:
        """Open an existing run directory, which may be a stranger's.

        Raises:
            RunNotFound: there is no run at this place.
            RunUnreadable: it was written by a newer version, is damaged, or has a link in it that
                leads out of it.
        """
        try:
            if not (path / "run.json").is_file():
                siblings = sorted(run.parent.name for run in path.parent.glob("*/run.json"))
                known = f"Runs beside it: {', '.join(siblings[-8:])}" if siblings else ""
                raise RunNotFound(
                    "there is no run here: no run.json",
                    where=str(path),
                    remedy=known or "Check the path",
                )
            _refuse_links_out(path)
        except OSError as error:
            raise RunUnreadable(
                f"the run cannot be read: {error.strerror or error}",
                where=str(path),
                remedy="Check who may read it (ls -ld)",
            ) from error
        run = cls(path)
        manifest = run.manifest()
        schema = manifest.get("schema")
        if not isinstance(schema, int) or schema > SCHEMA:
            raise RunUnreadable(
                f"the run has schema {schema!r}, and this pixelgen reads up to {SCHEMA}",
                where=str(path / "run.json"),
                remedy="Install a newer pixelgen-core",
            )
        if wrong := complaint(manifest):
            raise RunUnreadable(
                f"the file is not what it should be: {wrong}",
                where=str(path / "run.json"),
                remedy=DAMAGED,
            )
        return run

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the run for writing; what a process that died left half-done is put right.

        Raises:
            RunInUse: another process holds it.
            StorageError: it cannot be written to.
        """
        with locked(self.path):
            with atomic.explained(self.path):
                (self.path / "checkpoints").mkdir(exist_ok=True)
                for folder in (self.path, *(self.path / name for name in WRITTEN)):
                    atomic.recover(folder)
            yield

    # -- places ------------------------------------------------------------------------------

    @property
    def tokenizer(self) -> Path:
        return self.path / "tokenizer"

    @property
    def model(self) -> Path:
        return self.path / "model"

    @property
    def samples(self) -> Path:
        return self.path / "samples"

    @property
    def recipe(self) -> Path:
        return self.path / "recipe.toml"

    @property
    def checkpoints(self) -> Checkpoints:
        return Checkpoints(self.path / "checkpoints")

    # -- manifest and metrics ----------------------------------------------------------------

    def manifest(self) -> dict[str, Any]:
        """Return the contents of `run.json`."""
        return read_json(self.path / "run.json")

    def write_manifest(self, manifest: Mapping[str, Any]) -> None:
        """Replace `run.json`.

        Raises:
            OptionError: it would be too long to be read again.
            StorageError: it cannot be written.
        """
        data = atomic.json_text({"schema": SCHEMA, **manifest}).encode()
        most = untrusted.MOST_TEXT - (0 if (self.path / "run.json").exists() else MORE_LATER)
        if len(data) > most:
            raise OptionError(
                f"there are too many pictures for run.json to name each of them: it would have "
                f"{len(data):,} bytes, and at most {most:,} can be",
                where=str(self.path),
                remedy="Encode them first: pixelgen encode PICTURES --out TOKENS; then pixelgen "
                "run TOKENS",
            )
        atomic.write_bytes(self.path / "run.json", data)

    def add_note(self, note: str) -> None:
        """Add a sentence to the notes in `run.json`."""
        manifest = self.manifest()
        self.write_manifest({**manifest, "notes": [*manifest.get("notes", []), note]})

    def metrics(self) -> list[dict[str, Any]]:
        """Return the lines of `metrics.jsonl`, one an epoch; not one that was cut short."""
        path = self.path / "metrics.jsonl"
        if not path.exists():
            return []
        lines: list[dict[str, Any]] = []
        try:
            *whole, _ = untrusted.read_limited(path, MOST_METRICS).split(b"\n")
        except (OSError, ValueError) as error:
            raise RunUnreadable(
                f"the file cannot be read: {error}", where=str(path), remedy=DAMAGED
            ) from error
        for number, line in enumerate(whole, 1):
            try:
                lines.append(_numbers(dict(untrusted.parse_json(line))))
            except (ValueError, TypeError) as error:
                raise RunUnreadable(
                    f"line {number} is not a JSON object of numbers: {error}",
                    where=str(path),
                    remedy="Remove that line",
                ) from None
        return lines

    def write_metrics(self, lines: list[dict[str, Any]]) -> None:
        """Replace `metrics.jsonl`; what `add_metrics` may go on from."""
        text = "".join(json.dumps(line) + "\n" for line in lines)
        atomic.write_text(self.path / "metrics.jsonl", text)

    def add_metrics(self, line: Mapping[str, Any]) -> None:
        """Add a line to `metrics.jsonl`, and flush it to the disk."""
        path = self.path / "metrics.jsonl"
        with atomic.explained(path), path.open("ab") as file:
            file.write(json.dumps(line).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())

    # -- weights -----------------------------------------------------------------------------

    def save_tokenizer(self, tokenizer: Tokenizer) -> None:
        """Replace `tokenizer/`."""
        atomic.write_directory(self.tokenizer, _sealed(tokenizer.save))

    def save_model(self, model: Model) -> None:
        """Replace `model/` with the model's weights."""
        atomic.write_directory(self.model, _sealed(model.save))

    def check_whole(self, folder: Path) -> None:
        """Raise `RunUnreadable` if the files in `tokenizer/` or `model/` are not those written."""
        if not folder.is_dir():
            raise RunUnreadable(
                f"the run has no {folder.name}",
                where=str(folder),
                remedy=f"If it has only just begun, go on with it: pixelgen resume {self.path}",
            )
        if not checksums.is_sealed(folder):
            return
        # A run that goes on replaces its model: what is replaced while it is read is read again.
        damage = checksums.damage(folder) and checksums.damage(folder)
        if damage:
            raise RunUnreadable(
                f"the {folder.name} is damaged: {damage}", where=str(folder), remedy=DAMAGED
            )


def check_free(path: Path) -> None:
    """Raise `RunExists` if there is something at `path` that a new run would write over."""
    with atomic.explained(path):
        is_run = (path / "run.json").exists()
        is_taken = path.is_symlink() or (
            path.exists() and (not path.is_dir() or any(path.iterdir()))
        )
    if is_run:
        raise RunExists(
            "the run directory exists already",
            where=str(path),
            remedy=f"Go on with it: pixelgen resume {path}. Or choose another place with --out",
        )
    if is_taken:
        raise RunExists(
            "something else is where the run directory should be",
            where=str(path),
            remedy="Choose another place with --out, or a folder that is empty",
        )


def read_json(path: Path) -> dict[str, Any]:
    """Return the object in a JSON file.

    Raises:
        RunUnreadable: the file is missing, is not JSON, or holds something else than an object.
    """
    try:
        return untrusted.read_json(path)
    except (OSError, ValueError) as error:  # not there, not UTF-8, not JSON, too large
        raise RunUnreadable(
            f"the file cannot be read: {error}", where=str(path), remedy=DAMAGED
        ) from error


def _numbers(line: dict[str, Any]) -> dict[str, Any]:
    """The line, if what should be numbers in it are; a plugin may add what it likes."""
    for name in NUMBERS:
        value = line.get(name)
        if value is None and name == UNMEASURED:
            continue
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError(f"{name} is {type(value).__name__ if name in line else 'missing'}")
        if abs(value) > MOST_VALUE:
            raise ValueError(f"{name} is beyond all reason")
    return line


def _sealed(save: Callable[[Path], None]) -> Callable[[Path], None]:
    def fill(directory: Path) -> None:
        save(directory)
        checksums.seal(directory)

    return fill


def _refuse_links_out(run: Path) -> None:
    """Raise `RunUnreadable` if a link in the run would have us read or write somewhere else."""
    inside = run.resolve()
    names = ((folder, name) for folder, *there in os.walk(run) for name in chain(*there))
    for path in (Path(folder, name) for folder, name in names):
        if path.is_symlink() and not Path(os.path.realpath(path)).is_relative_to(inside):
            raise RunUnreadable(
                f"{path.relative_to(run).as_posix()!r} is a symbolic link that leads out",
                where=str(run),
                remedy="Remove the link; put in its place what it leads to, if you trust it",
            )
