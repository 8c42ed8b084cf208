"""Each check of trackers catches the tracker that it is there for, and what else it must."""

from __future__ import annotations

import json
import random
import sys
from pathlib import Path
from typing import Any

import pytest
from mutation import broken, failures, unproven
from pydantic import ConfigDict, Field

import pixelgen


class Sound(pixelgen.Tracker):
    """Keeps a line an epoch."""

    class Options(pixelgen.Options):
        name: str = Field("lines.txt", description="of the file")

    def __init__(self, options: Any) -> None:
        super().__init__(options)
        self.place: Path | None = None

    @pixelgen.hookimpl
    def run_started(self, directory: Path) -> None:
        self.place = directory / self.options.name

    @pixelgen.hookimpl
    def epoch_finished(self, directory: Path, metrics: dict[str, Any]) -> None:
        with (directory / self.options.name).open("a") as file:
            file.write(json.dumps(metrics) + "\n")


class Unchecked(Sound.Options):
    model_config = ConfigDict(extra="ignore")


class Undescribed(Sound.Options):
    other: int = 0


class Forgetful(Sound.Options):
    chosen: Any = Field((1, 2), description="a tuple, which TOML has not")


def epoch(function: Any) -> dict[str, Any]:
    """A change of what happens after an epoch."""
    return {"epoch_finished": pixelgen.hookimpl(function)}


def raising(self, directory, metrics):
    raise OSError("the server is gone")


def printing(self, metrics):
    sys.stdout.write(str(metrics["epoch"]))


def adding(self, metrics):
    metrics["seen"] = True


def measured(self, metrics):
    round(metrics["held_out_bits_per_pixel"], 3)


def overwriting(self, directory, metrics):
    (directory / "metrics.jsonl").write_text(json.dumps(metrics))


def rolling(self, metrics):
    random.random()


def unready(self, metrics):
    with self.place.open("a") as file:  # which only the run's beginning tells
        file.write("line")


def registering(self, register):
    """A hook that is no event."""


def wanting(self, loss):
    """An argument that the event has not."""


HEARD = "run_is_heard_quietly run_is_gone_on_with"
EVERY = f"some_event_is_heard {HEARD}"

TABLE: dict[str, tuple[type[Any], str]] = {
    "no docstring": (broken(Sound, __doc__=""), "class_is_described"),
    "an option without a description": (broken(Sound, Options=Undescribed), "class_is_described"),
    "unknown options taken": (broken(Sound, Options=Unchecked), "options_are_validated"),
    "a tuple for an option": (broken(Sound, Options=Forgetful), "options_survive_a_recipe"),
    "no event at all": (
        type("Deaf", (pixelgen.Tracker,), {"__doc__": "Hears nothing."}),
        EVERY,
    ),
    "another hook": (
        broken(Sound, register_models=pixelgen.hookimpl(registering)),
        "some_event_is_heard",
    ),
    "an argument that the event has not": (broken(Sound, **epoch(wanting)), EVERY),
    "raising": (broken(Sound, **epoch(raising)), HEARD),
    "printing": (broken(Sound, **epoch(printing)), HEARD),
    "changing the metrics": (broken(Sound, **epoch(adding)), HEARD),
    "taking all for measured": (broken(Sound, **epoch(measured)), HEARD),
    "writing over the run's file": (broken(Sound, **epoch(overwriting)), HEARD),
    "global random numbers": (broken(Sound, **epoch(rolling)), HEARD),
    "needing the beginning": (broken(Sound, **epoch(unready)), "run_is_gone_on_with"),
}


def test_the_sound_one_passes() -> None:
    assert failures(Sound) == set()


@pytest.mark.parametrize("mistake", TABLE)
def test_a_mistake_is_caught(mistake: str) -> None:
    mutant, caught = TABLE[mistake]
    assert failures(mutant) == set(caught.split())


def test_every_check_is_proven() -> None:
    assert unproven("tracker", TABLE) - {"class_is_complete"} == set()  # it has no abstract method
