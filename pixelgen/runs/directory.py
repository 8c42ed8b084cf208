"""One run directory and the files in it.

run.json          what ran: versions, plugins, data, budget spent, notes
recipe.toml       the resolved recipe; reproduces the run
tokenizer/        the fitted tokenizer
model/            the best weights so far
checkpoints/      step-00000123/: weights and all else that training goes on from
metrics.jsonl     a line an epoch
samples/          painted pictures and contact sheets
evolution/        the same seeds at each moment, and moments.json
evolution.png, evolution.gif, report.html    what a person looks at
report/           training pictures and baselines, kept for the page
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy

from pixelgen.errors import RunExists, RunNotFound, RunUnreadable
from pixelgen.models.interface import Model
from pixelgen.runs import atomic
from pixelgen.tokenizers.interface import Tokenizer

SCHEMA = 1
KEEP_CHECKPOINTS = 2
DAMAGED = "Put the file back from a copy, or begin a new run"


class RunDirectory:
    """Reads and writes a run directory. Every file is replaced whole or not at all."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def create(cls, path: Path) -> RunDirectory:
        """Make a new run directory.

        Raises:
            RunExists: the place is taken.
            StorageError: it cannot be written to.
        """
        check_free(path)
        with atomic.explained(path):
            for folder in (path, path / "checkpoints", path / "samples"):
                folder.mkdir(parents=True, exist_ok=True)
        return cls(path)

    @classmethod
    def open(cls, path: Path, *, to_write: bool = False) -> RunDirectory:
        """Open an existing run directory.

        Args:
            path: where it is.
            to_write: whether the caller goes on with the run; what a process that died left
                half-done is then put right.

        Raises:
            RunNotFound: there is no run at this place.
            RunUnreadable: it was written by a newer version.
        """
        if not (path / "run.json").is_file():
            siblings = sorted(run.parent.name for run in path.parent.glob("*/run.json"))
            known = f"Runs beside it: {', '.join(siblings[-8:])}" if siblings else ""
            raise RunNotFound(
                "there is no run here: no run.json",
                where=str(path),
                remedy=known or "Check the path",
            )
        run = cls(path)
        if to_write:
            for folder in (path, path / "checkpoints"):
                atomic.recover_directories(folder)
        schema = run.manifest().get("schema")
        if not isinstance(schema, int) or schema > SCHEMA:
            raise RunUnreadable(
                f"the run has schema {schema!r}, and this pixelgen reads up to {SCHEMA}",
                where=str(path / "run.json"),
                remedy="Install a newer pixelgen-core",
            )
        return run

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

    # -- manifest and metrics ----------------------------------------------------------------

    def manifest(self) -> dict[str, Any]:
        """Return the contents of `run.json`."""
        return read_json(self.path / "run.json")

    def write_manifest(self, manifest: Mapping[str, Any]) -> None:
        """Replace `run.json`."""
        atomic.write_json(self.path / "run.json", {"schema": SCHEMA, **manifest})

    def metrics(self) -> list[dict[str, Any]]:
        """Return the lines of `metrics.jsonl`, one an epoch; not one that was cut short."""
        path = self.path / "metrics.jsonl"
        if not path.exists():
            return []
        lines = []
        *whole, _ = path.read_bytes().split(b"\n")
        for number, line in enumerate(whole, 1):
            try:
                lines.append(dict(json.loads(line)))
            except (ValueError, TypeError) as error:
                raise RunUnreadable(
                    f"line {number} is not a JSON object: {error}",
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
        atomic.write_directory(self.tokenizer, tokenizer.save)

    def save_model(self, model: Model) -> None:
        """Replace `model/` with the model's weights."""
        atomic.write_directory(self.model, model.save)

    def save_checkpoint(self, model: Model, progress: Mapping[str, Any]) -> Path:
        """Write all that training goes on from; keep the last `KEEP_CHECKPOINTS`.

        Args:
            model: its weights and training state are written.
            progress: the training loop's own state, JSON-like; its `step` names the checkpoint.
        """
        path = self.path / "checkpoints" / f"step-{progress['step']:08d}"

        def fill(directory: Path) -> None:
            model.save(directory)
            # Not ascontiguousarray, which makes an array of no dimensions one of one.
            state = {name: np.asarray(a, order="C") for name, a in model.training_state().items()}
            safetensors.numpy.save_file(state, directory / "training.safetensors")
            (directory / "progress.json").write_text(json.dumps(progress))

        atomic.write_directory(path, fill)
        for old in self._checkpoints()[:-KEEP_CHECKPOINTS]:
            shutil.rmtree(old, ignore_errors=True)
        return path

    def latest_checkpoint(self) -> Path:
        """Return the newest checkpoint.

        Raises:
            RunUnreadable: the run ended before its first checkpoint.
        """
        checkpoints = self._checkpoints()
        if not checkpoints:
            raise RunUnreadable(
                "the run has no checkpoint: it ended before its first epoch did",
                where=str(self.path / "checkpoints"),
                remedy=f"Begin again: pixelgen run --recipe {self.recipe} --out ANOTHER-PLACE",
            )
        return checkpoints[-1]

    def read_checkpoint(self, path: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """Return a checkpoint's loop state and the model's training state."""
        try:
            state = safetensors.numpy.load_file(path / "training.safetensors")
        except (OSError, safetensors.SafetensorError) as error:
            raise RunUnreadable(
                f"the checkpoint is damaged: {error}",
                where=str(path / "training.safetensors"),
                remedy=f"Remove {path}: the run then goes on from the checkpoint before",
            ) from error
        return read_json(path / "progress.json"), state

    def _checkpoints(self) -> list[Path]:
        found = (self.path / "checkpoints").glob("step-*")
        named = [path for path in found if re.fullmatch(r"step-\d{8,}", path.name)]
        return sorted(named, key=lambda path: int(path.name.removeprefix("step-")))


def check_free(path: Path) -> None:
    """Raise `RunExists` if there is something at `path` that a new run would write over."""
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise RunExists(
            "the run directory exists already",
            where=str(path),
            remedy=f"Go on with it: pixelgen resume {path}. Or choose another place with --out",
        )


def read_json(path: Path) -> dict[str, Any]:
    """Return the object in a JSON file.

    Raises:
        RunUnreadable: the file is missing, is not JSON, or holds something else than an object.
    """
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:  # not there, not UTF-8, not JSON
        raise RunUnreadable(
            f"the file cannot be read: {error}", where=str(path), remedy=DAMAGED
        ) from error
    if not isinstance(value, dict):
        raise RunUnreadable(
            f"the file holds {type(value).__name__} where an object should be",
            where=str(path),
            remedy=DAMAGED,
        )
    return value
