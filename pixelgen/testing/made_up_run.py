"""A run that is made up, in a temporary folder, for what hears of runs to be told of."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from pixelgen.plugins import Catalogue
from pixelgen.testing.arrays import expect_equal, frozen
from pixelgen.testing.contract import Broken
from pixelgen.testing.files import folder
from pixelgen.testing.global_state import unchanged
from pixelgen.testing.pictures import toy_pictures


def expect_heard_quietly(*heard_by: Catalogue) -> None:
    """Tell the plugins in these catalogues of a run; of several, each goes on with the run.

    The first hears of a run of two epochs from its beginning to its end. Each further one hears of
    one more epoch of the same run, as where it is gone on with: from the first event of that.

    Raises:
        Broken: one raises, returns or prints something, changes what it is given, or changes a file
            of the run.
    """
    pictures = np.stack(toy_pictures(2, (6, 6)))
    seen = frozen(pictures)
    with folder() as parent:
        directory = parent / "run"
        files = _write_run(directory)
        given: dict[str, Any] = {
            "recipe": {"seed": 1, "model": {"name": "markov"}},
            "manifest": {"name": "run", "versions": {}},
        }
        before = json.dumps(given, sort_keys=True)
        for turn, found in enumerate(heard_by):
            known = list(found.problems)
            with unchanged("hearing events"):
                if turn == 0:
                    found.announce("run_started", directory=directory, recipe=given["recipe"])
                for epoch in (1, 2) if turn == 0 else (turn + 2,):
                    metrics = _metrics(epoch)
                    found.announce(
                        "pictures_sampled",
                        directory=directory,
                        epoch=epoch,
                        temperature=1.0,
                        pictures=seen,
                    )
                    found.announce("epoch_finished", directory=directory, metrics=metrics)
                    if metrics != _metrics(epoch):
                        raise Broken("the metrics are changed")
                found.announce("run_finished", directory=directory, manifest=given["manifest"])
            new = [each.reason for each in found.problems if each not in known]
            if new:
                raise Broken("; ".join(new))
            for path, contents in files.items():
                if not path.exists() or path.read_bytes() != contents:
                    raise Broken(f"{path.name} of the run directory is changed")
    expect_equal(seen, pictures, "the pictures after the event and before")
    if json.dumps(given, sort_keys=True) != before:
        raise Broken("the recipe or the manifest is changed")


def expect_no_problems(found: Catalogue, word: str) -> None:
    """Raise `Broken` with the catalogue's problems in which a word stands."""
    reasons = [problem.reason for problem in found.problems if word in problem.reason]
    if reasons:
        raise Broken("; ".join(reasons))


def _metrics(epoch: int) -> dict[str, Any]:
    """What is told of an epoch; the first was not measured."""
    held_out = None if epoch == 1 else 3.0
    return {
        "epoch": epoch,
        "step": 8 * epoch,
        "seconds": 0.5 * epoch,
        "progress": epoch / 4,
        "train_bits_per_pixel": 2.5,
        "held_out_bits_per_pixel": held_out,
        "targets_per_second": 1e5,
    }


def _write_run(directory: Path) -> dict[Path, bytes]:
    """A run directory's own files."""
    (directory / "samples").mkdir(parents=True)
    lines = "".join(json.dumps(_metrics(epoch)) + "\n" for epoch in (1, 2, 3))
    files = {
        directory / "run.json": b'{"name": "run"}\n',
        directory / "recipe.toml": b"seed = 1\n",
        directory / "metrics.jsonl": lines.encode(),
    }
    for path, contents in files.items():
        path.write_bytes(contents)
    return files
