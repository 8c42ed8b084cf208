"""A run that has been trained: opened from its directory, measured, and painted from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from pixelgen.backends import with_backend
from pixelgen.data.augmentation import Augmentation
from pixelgen.data.batches import Cutter
from pixelgen.data.material import Framing, make_cutter, make_spec
from pixelgen.errors import OptionError, RunUnreadable, did_you_mean
from pixelgen.generation import paint_many
from pixelgen.models.interface import Model, ModelSpec
from pixelgen.options import parse_options
from pixelgen.plugins import catalogue
from pixelgen.recipe import Recipe, Resolved, resolve
from pixelgen.report.contact_sheet import contact_sheet, png_bytes
from pixelgen.runs import atomic
from pixelgen.runs.directory import RunDirectory
from pixelgen.samplers.interface import Sampler
from pixelgen.tokenizers.interface import Tokenizer


class Run:
    """A run directory with its tokenizer and model, loaded when first needed.

    Args:
        path: the run directory.
        device: overrides the recipe's device.
        model: another model of the same family, by name, in place of the recipe's.

    Raises:
        RunNotFound: there is no run at this place.
        RunUnreadable: the run is from a newer version, or damaged.
    """

    def __init__(
        self, path: str | Path, *, device: str | None = None, model: str | None = None
    ) -> None:
        self.directory = RunDirectory.open(Path(path))
        self._device = device
        self._model_name = model

    def __repr__(self) -> str:
        return f"Run({str(self.path)!r})"

    @property
    def path(self) -> Path:
        """The run directory."""
        return self.directory.path

    @cached_property
    def recipe(self) -> Recipe:
        """The resolved recipe, with the model that was asked for.

        Raises:
            OptionError: the model that was asked for is of another family.
        """
        recipe = Recipe.read(self.directory.recipe)
        if self._model_name is None:
            return recipe
        return with_backend(recipe, self._model_name, self.directory.model)

    @cached_property
    def resolved(self) -> Resolved:
        """The recipe with its plugins loaded."""
        return resolve(self.recipe)

    @property
    def device(self) -> str:
        """The device that was asked for."""
        return self._device or self.recipe.device

    @property
    def manifest(self) -> dict[str, Any]:
        """The contents of `run.json`."""
        return self.directory.manifest()

    @property
    def metrics(self) -> list[dict[str, Any]]:
        """The lines of `metrics.jsonl`, one an epoch."""
        return self.directory.metrics()

    @cached_property
    def tokenizer(self) -> Tokenizer:
        """The fitted tokenizer."""
        self.directory.check_whole(self.directory.tokenizer)
        loaded: Tokenizer = self.resolved.classes["tokenizer"].load(
            self.directory.tokenizer, device=self.device
        )
        return loaded

    @cached_property
    def model(self) -> Model:
        """The model with the best weights of the run."""
        self.directory.check_whole(self.directory.model)
        loaded: Model = self.resolved.classes["model"].load(
            self.directory.model, self.resolved.options["model"], device=self.device
        )
        expected = make_spec(self.cutter, self.tokenizer, len(self.manifest["data"]["groups"]))
        check_fits(loaded, expected, where=self.directory.model)
        return loaded

    @cached_property
    def cutter(self) -> Cutter:
        """The scan, context and vocabulary that the model was trained with."""
        segments = self.resolved.classes["model"].segments(self.resolved.options["model"])
        return make_cutter(framing_of(self.recipe), self.tokenizer, segments)

    def sampler(
        self,
        temperature: float | None = None,
        *,
        name: str | None = None,
        options: dict[str, Any] | None = None,
    ) -> Sampler:
        """Return the run's sampler, or another, at a temperature."""
        section = self.recipe.sampler
        name = name or section.name or "multinomial"
        values = {**(section.options if name == section.name else {}), **(options or {})}
        if temperature is not None:
            values["temperature"] = temperature
        loaded = catalogue().load("sampler", name)
        sampler: Sampler = loaded(parse_options(loaded.Options, values, owner=f"sampler {name}"))
        return sampler

    def sample(
        self,
        pictures: int = 8,
        *,
        temperature: float | None = None,
        seed: int | None = None,
        first: int = 0,
        group: str | None = None,
        sampler: Sampler | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> np.ndarray:
        """Paint pictures.

        Args:
            pictures: how many.
            temperature: of the sampler; the run's own if None.
            seed: the same seed and index give the same picture; the run's own if None.
            first: the index of the first.
            group: the group to paint, where the run has several; the first if None.
            sampler: in place of the run's.
            progress: called with the number of cells painted so far.

        Returns:
            (N, H, W, 3 or 4) uint8.
        """
        parts = list(
            self.sample_in_parts(
                pictures,
                temperature=temperature,
                seed=seed,
                first=first,
                group=group,
                sampler=sampler,
                progress=progress,
            )
        )
        return (
            np.concatenate(parts)
            if parts
            else self.tokenizer.decode(np.empty((0, *self.cutter.scan.grid), np.int32))
        )

    def sample_in_parts(
        self,
        pictures: int,
        *,
        temperature: float | None = None,
        seed: int | None = None,
        first: int = 0,
        group: str | None = None,
        sampler: Sampler | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> Iterator[np.ndarray]:
        """Paint as `sample` does, giving some pictures at a time, in bounded memory."""
        painted = paint_many(
            self.model,
            self.cutter,
            sampler or self.sampler(temperature),
            seed=self.recipe.seed if seed is None else seed,
            pictures=range(first, first + pictures),
            groups=[self._group_number(group)] * pictures,
            progress=progress,
        )
        return (self.tokenizer.decode(grids) for grids in painted)

    def _group_number(self, group: str | None) -> int:
        if group is None:
            return 0
        groups = self.manifest["data"]["groups"]
        if group not in groups:
            raise OptionError(
                f"no group is called {group!r}",
                where=f"in {self.path}",
                remedy=f"{did_you_mean(group, groups)}Known groups: {', '.join(map(repr, groups))}",
            )
        return int(groups.index(group))


def check_fits(model: Model, expected: ModelSpec, *, where: Path) -> None:
    """Raise `RunUnreadable` if a model was made for other tokens or grids than a run's."""
    if model.spec is None:
        return
    for name in ("vocab_size", "grid", "context_size", "cells"):
        found, needed = getattr(model.spec, name), getattr(expected, name)
        if found != needed and not (name == "cells" and found == 0):  # not every model keeps them
            raise RunUnreadable(
                f"the model was made for another {name.replace('_', ' ')}: {found}, not {needed}",
                where=str(where),
                remedy="Put the run's own files back from a copy, or train again",
            )


def framing_of(recipe: Recipe) -> Framing:
    """Return how a recipe's pictures become grids."""
    return Framing(
        size=recipe.data.size,
        fit=recipe.data.fit,
        augmentation=Augmentation.parse(recipe.data.augment, jitter=recipe.data.jitter or 0.0),
        scan=recipe.data.scan,
        seed=recipe.seed,
    )


class Gallery:
    """Writes painted pictures into a folder, one PNG each, and then their contact sheet.

    Args:
        folder: is made where it is missing, with the first pictures.
        seed: is part of the files' names.
    """

    MOST_ON_SHEET = 64

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder = folder
        self.seed = seed
        self._rows: dict[str, list[np.ndarray]] = {}

    def add(self, pictures: np.ndarray, *, first: int, temperature: float | None = None) -> None:
        """Write (N, H, W, C) uint8 pictures, the first of which has the index `first`."""
        label = "" if temperature is None else f"temperature {temperature:g}"
        mark = "" if temperature is None else f"-t{temperature:g}"
        with atomic.explained(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
        for index, pixels in enumerate(pictures, first):
            name = f"seed{self.seed}{mark}-{index:04d}.png"
            atomic.write_bytes(self.folder / name, png_bytes(pixels))
        row = self._rows.setdefault(label, [])
        row.extend(pictures[: self.MOST_ON_SHEET - len(row)])

    @property
    def rows(self) -> list[np.ndarray]:
        """The first pictures that were added, (N, H, W, C) uint8 for each temperature."""
        return [np.stack(row) for row in self._rows.values()]

    @property
    def sheet(self) -> Path:
        """Where the contact sheet is."""
        return self.folder / "contact-sheet.png"

    def write_sheet(self) -> Path:
        """Write the contact sheet of what was added, a row a temperature; return its path."""
        labels: Sequence[str] = list(self._rows) if any(self._rows) else ()
        atomic.write_bytes(self.sheet, png_bytes(contact_sheet(self.rows, labels)))
        return self.sheet
