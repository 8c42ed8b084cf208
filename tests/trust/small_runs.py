"""Runs of a fraction of a second, and all that they leave, for tests that end them badly."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

SIDE = 12
PICTURES = 8
SMALL = {"hidden": 8, "embedding": 8, "projection": 8, "batch": 16, "dropout": 0.2}
MODELS = {
    "markov": {"name": "markov", "batch": 16},
    "numpy-lstm": {"name": "numpy-lstm", **SMALL, "memory": "picture", "chunk": 50},
    "torch-lstm": {"name": "torch-lstm", **SMALL},
}


def make_pictures(folder: Path) -> None:
    """Write a few pictures that a model can learn from."""
    folder.mkdir(parents=True)
    down, across = np.mgrid[:SIDE, :SIDE]
    for number in range(PICTURES):
        noise = np.random.default_rng(number).integers(0, 24, (SIDE, SIDE, 3))
        colours = [across * 20 + 7 * number, down * 20, (down + across) * 10]
        pixels = np.stack(colours, axis=-1) % 232 + noise
        Image.fromarray(pixels.astype(np.uint8)).save(folder / f"{number}.png")


def small_recipe(pictures: Path, model: str) -> dict[str, Any]:
    """Return a recipe of some steps that writes everything a run can write, and often."""
    return {
        "device": "cpu",
        "source": {"name": "folder", "location": str(pictures)},
        "data": {"size": SIDE, "held_out": 0.25, "augment": "flips"},
        "tokenizer": {"name": "rgb-grid", "colors": 27},
        "model": MODELS[model],
        "training": {"epochs": 4, "checkpoint_every": 1e-9},
        "painting": {"pictures": 2, "while_training": 1, "every": 1},
    }


def carry_out(recipe: dict[str, Any], out: Path) -> None:
    """Do what a person would who finds a run here, or none: go on with it, or begin."""
    from pixelgen import training
    from pixelgen.api import resume, start
    from pixelgen.recipe import Recipe
    from pixelgen.resolving import resolve

    training.CHECKPOINT_SHARE = float("inf")  # after every step, whatever it costs
    if not (out / "run.json").exists():
        start(resolve(Recipe.parse(recipe)), out)
    elif json.loads((out / "run.json").read_text())["state"] != "finished":
        resume(out)


def results(run: Path) -> dict[str, Any]:
    """Return all that a run left, but for what the clock decides."""
    from pixelgen.runs.directory import RunDirectory

    directory = RunDirectory.open(run)
    newest = directory.checkpoints.newest_first()[0]
    left: dict[str, Any] = {"checkpoint": newest.name}
    for folder in (directory.model, directory.samples, directory.tokenizer, newest):
        for file in folder.iterdir():
            if file.name not in ("progress.json", "checksums.json"):
                left[f"{folder.name}/{file.name}"] = file.is_dir() or file.read_bytes()
    progress, _ = directory.checkpoints.read(newest)
    left["progress"] = {**progress, "seconds": None}
    left["metrics"] = [
        {**line, "seconds": None, "targets_per_second": None} for line in directory.metrics()
    ]
    manifest = directory.manifest()
    left["spent"] = {**manifest["spent"], "seconds": None}
    left["best"], left["state"] = manifest["best"], manifest["state"]
    return left


def difference(run: Path, expected: dict[str, Any]) -> str:
    """Return in what a run differs from what was expected; empty if in nothing."""
    found = results(run)
    return ", ".join(
        sorted(key for key in found.keys() | expected.keys() if found.get(key) != expected.get(key))
    )
