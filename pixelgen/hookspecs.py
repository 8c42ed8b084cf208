"""Every hook of pixelgen. A plugin implements those that it needs and no others.

    import pixelgen

    @pixelgen.hookimpl
    def register_samplers(register):
        register("coin", "my_package.coin:Coin", summary="heads or tails")

A distribution makes such a module known through an entry point in the group `pixelgen`:

    [project.entry-points.pixelgen]
    my-plugin = "my_package.plugin"

Keep that module light: it is imported by every command. `register` takes the *name* of the class,
`"module:Class"`, which is imported when somebody uses it. Hooks return nothing. An event hook
takes as many of the listed arguments as it wants; one that raises is reported and skipped, and the
run goes on.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pluggy

if TYPE_CHECKING:
    import numpy as np

PROJECT = "pixelgen"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


class Register(Protocol):
    """What a `register_…` hook is given: it puts one lazily imported class under a name."""

    def __call__(
        self, name: str, target: str, *, summary: str = "", needs: Sequence[str] = ()
    ) -> None:
        """Register a plugin class.

        Args:
            name: lower-case words joined by hyphens, as typed on the command line.
            target: `"package.module:Class"`, imported on first use.
            summary: one line for `pixelgen plugins list`.
            needs: importable modules without which the class cannot work, such as `"torch"`; a
                missing one is shown by `pixelgen plugins list` without importing anything.
        """


@hookspec
def register_tokenizers(register: Register) -> None:
    """Register `pixelgen.Tokenizer` classes: pictures to grids of token ids and back."""


@hookspec
def register_models(register: Register) -> None:
    """Register `pixelgen.Model` classes: token sequences to the probabilities of the next token."""


@hookspec
def register_samplers(register: Register) -> None:
    """Register `pixelgen.Sampler` classes: logits to the probabilities that are drawn from."""


@hookspec
def register_sources(register: Register) -> None:
    """Register `pixelgen.Source` classes: where pictures come from."""


@hookspec
def register_executors(register: Register) -> None:
    """Register `pixelgen.Executor` classes: how independent work is spread over processes."""


@hookspec
def register_trackers(register: Register) -> None:
    """Register `pixelgen.Tracker` classes: event hooks that a run switches on by name."""


@hookspec
def register_commands(app: Any) -> None:
    """Add commands to the command line.

    Args:
        app: a `typer.Typer` whose commands become pixelgen's; use `@app.command()` or
            `app.add_typer(…)`. None may have the name of one that is already there.
    """


@hookspec
def run_started(directory: Path, recipe: dict[str, Any]) -> None:
    """A run is about to take its first step.

    Args:
        directory: the run directory, already written.
        recipe: the resolved recipe, as in `recipe.toml`.
    """


@hookspec
def epoch_finished(directory: Path, metrics: dict[str, Any]) -> None:
    """An epoch has ended, and its metrics, pictures and checkpoint are on disk.

    Where epochs are short, not every one has pictures and a checkpoint. An epoch may come again,
    after the run has gone back or was resumed: it takes the place of what was said of it before,
    and of all later ones.

    Args:
        directory: the run directory.
        metrics: the line just added to `metrics.jsonl`.
    """


@hookspec
def pictures_sampled(directory: Path, epoch: int, temperature: float, pictures: np.ndarray) -> None:
    """The model has painted the run's few seeds, while it trains.

    First before the first epoch, then after some. What a finished run paints is in its `samples/`
    when `run_finished` is called.

    Args:
        directory: the run directory.
        epoch: how many epochs the model had learned for.
        temperature: the sampler's temperature.
        pictures: (N, H, W, 3 or 4) uint8.
    """


@hookspec
def run_finished(directory: Path, manifest: dict[str, Any]) -> None:
    """A run has ended, was stopped, or has used up its budget.

    Not called for one that ends by an error, or is killed.

    Args:
        directory: the run directory.
        manifest: the contents of `run.json`.
    """


REGISTERING_HOOKS = {
    "tokenizer": "register_tokenizers",
    "model": "register_models",
    "sampler": "register_samplers",
    "source": "register_sources",
    "executor": "register_executors",
    "tracker": "register_trackers",
}

EVENT_HOOKS = ("run_started", "epoch_finished", "pictures_sampled", "run_finished")
