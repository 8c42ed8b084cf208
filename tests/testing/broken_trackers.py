"""Ways to break a tracker, and the checks of the kit that each is caught by."""

from __future__ import annotations

import json
import random
import sys
from pathlib import Path
from typing import Any

from mutation import Mistakes, broken
from pydantic import Field

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

MISTAKES = Mistakes("tracker", Sound)
MISTAKES |= {
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
