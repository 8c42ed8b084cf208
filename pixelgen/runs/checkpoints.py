"""Checkpoints: all that training goes on from, each in a folder of its own, with checksums.

checkpoints/step-00000123/
    model.safetensors, …    what the model's `save` writes
    training.safetensors    optimizer, random state
    progress.json           where the training loop stands
    checksums.json          of the three
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy
from safetensors import SafetensorError, safe_open

from pixelgen.errors import RunUnreadable
from pixelgen.models.interface import Model
from pixelgen.runs import atomic, checksums
from pixelgen.untrusted import DTYPES, check_finite, read_arrays, read_json

TRAINING, PROGRESS = "training.safetensors", "progress.json"


class Checkpoints:
    """The checkpoints of one run."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def save(
        self, model: Model, progress: Mapping[str, Any], *, keep: int, also: int | None = None
    ) -> Path:
        """Write a checkpoint, and remove all but the last `keep`.

        Args:
            model: its weights and training state are written.
            progress: the training loop's own state, JSON-like; its `step` names the checkpoint.
            keep: how many to keep, this one among them.
            also: the step of one that is kept besides them, if there is one.
        """
        path = self.path / f"step-{progress['step']:08d}"

        def fill(directory: Path) -> None:
            model.save(directory)
            # Not ascontiguousarray, which makes an array of no dimensions one of one.
            state = {name: np.asarray(a, order="C") for name, a in model.training_state().items()}
            safetensors.numpy.save_file(state, directory / TRAINING)
            (directory / PROGRESS).write_text(json.dumps(progress))
            checksums.seal(directory)

        atomic.write_directory(path, fill)
        for old in self.newest_first()[keep:]:
            if step_of(old) != also:
                self.remove(old)
        return path

    def newest_first(self) -> list[Path]:
        """Return all checkpoints, whole or not."""
        found = self.path.glob("step-*")
        named = [path for path in found if re.fullmatch(r"step-\d{8,18}", path.name)]
        return sorted(named, key=step_of, reverse=True)

    def newest_whole(self) -> tuple[Path | None, list[str]]:
        """Return the newest checkpoint that is whole, and a sentence on each that was passed over.

        One that was half-written or damaged is known by its checksums and never taken.
        """
        passed: list[str] = []
        for path in self.newest_first():
            damage = checksums.damage(path)
            if damage is None:
                return path, passed
            passed.append(f"The checkpoint {path.name} is damaged: {damage}")
        return None, passed

    def read(self, path: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """Return a checkpoint's loop state and the model's training state.

        Raises:
            RunUnreadable: a file is missing, or is not what it should be.
        """
        reading = path / TRAINING
        try:
            state = read_arrays(reading)
            reading = path / PROGRESS
            return read_json(reading), state
        except (OSError, ValueError) as error:
            raise RunUnreadable(
                f"the checkpoint cannot be used: {error}",
                where=str(reading),
                remedy=f"Remove {path}: the run then goes on from the checkpoint before",
            ) from error

    def newest_sound(self, up_to: int) -> Path | None:
        """Return the newest whole checkpoint, up to a step, in which every number is one.

        Newer ones are removed: nothing can go on from them.
        """
        for path in self.newest_first():
            sound = step_of(path) <= up_to and checksums.damage(path) is None
            if sound and _is_finite(path):
                return path
            self.remove(path)
        return None

    def remove(self, path: Path) -> None:
        """Remove a checkpoint, so that half of it is never met with."""
        gone = atomic.temporary_of(path)
        with atomic.explained(path):
            shutil.rmtree(gone, ignore_errors=True)
            path.rename(gone)
        shutil.rmtree(gone, ignore_errors=True)


def step_of(checkpoint: Path) -> int:
    """Return the step that a checkpoint was written after."""
    return int(checkpoint.name.removeprefix("step-"))


def _is_finite(checkpoint: Path) -> bool:
    """Whether every number is one, as far as NumPy has the kinds: bfloat16 is looked over."""
    try:
        for path in checkpoint.glob("*.safetensors"):
            with safe_open(path, framework="numpy") as file:
                for name in file.keys():  # noqa: SIM118 - it is no mapping
                    if file.get_slice(name).get_dtype() in DTYPES:
                        check_finite({name: file.get_tensor(name)})
    except (OSError, ValueError, SafetensorError):
        return False
    return True
