"""A run that has been trained: opened from its directory, measured, and painted from."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np

from pixelgen.backends import with_backend, with_painting_options
from pixelgen.data.batches import Cutter
from pixelgen.data.material import make_cutter, make_spec
from pixelgen.errors import OptionError, RunUnreadable
from pixelgen.executors.interface import Executor
from pixelgen.framing import framing_of
from pixelgen.generation import in_turn, paint_many
from pixelgen.models.interface import Model, ModelSpec
from pixelgen.options import parse_options
from pixelgen.plan import Wishes
from pixelgen.plugins import catalogue
from pixelgen.recipe import Recipe
from pixelgen.request import (
    Asked,
    GroupLike,
    PictureLike,
    Temperature,
    framing_at,
    is_course,
    numbers_of,
    prime_tokens,
    wishes_for,
)
from pixelgen.resolving import Resolved, check_device, resolve
from pixelgen.runs.directory import RunDirectory
from pixelgen.samplers.interface import Sampler
from pixelgen.tokenizers.interface import Tokenizer

if TYPE_CHECKING:
    from pixelgen.completion import Completion


class Run:
    """A run directory with its tokenizer and model, loaded when first needed.

    Args:
        path: the run directory.
        device: overrides the recipe's device.
        model: another model of the same family, by name, in place of the recipe's.
        model_options: in place of the recipe's, of those that matter in painting alone; see
            `Model.painting_options`.

    Raises:
        RunNotFound: there is no run at this place.
        RunUnreadable: the run is from a newer version, or damaged.
        OptionError: no device can be called so.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        device: str | None = None,
        model: str | None = None,
        model_options: Mapping[str, Any] | None = None,
    ) -> None:
        if device is not None:
            check_device(device)
        self.directory = RunDirectory.open(Path(path))
        self._device = device
        self._model_name = model
        self._model_options = dict(model_options or {})

    def __repr__(self) -> str:
        return f"Run({str(self.path)!r})"

    @property
    def path(self) -> Path:
        """The run directory."""
        return self.directory.path

    @cached_property
    def recipe(self) -> Recipe:
        """The resolved recipe, with the model and the options that were asked for.

        Raises:
            OptionError: the model that was asked for is of another family, or has learned with an
                option as it is.
        """
        recipe = Recipe.read(self.directory.recipe)
        if self._model_name is not None:
            recipe = with_backend(recipe, self._model_name, self.directory.model)
        return with_painting_options(recipe, self._model_options)

    @cached_property
    def resolved(self) -> Resolved:
        """The recipe with the plugins loaded that painting needs."""
        return resolve(self.recipe, kinds=("tokenizer", "model", "sampler"))

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
        chosen = resolve(self.recipe, kinds=("tokenizer",)).classes["tokenizer"]
        loaded: Tokenizer = chosen.load(self.directory.tokenizer, device=self.device)
        return loaded

    @cached_property
    def model(self) -> Model:
        """The model with the best weights of the run."""
        self.directory.check_whole(self.directory.model)
        loaded: Model = self.resolved.classes["model"].load(
            self.directory.model, self.resolved.options["model"], device=self.device
        )
        expected = make_spec(
            self.cutter, self.tokenizer.palette, len(self.manifest["data"]["groups"])
        )
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
        """Return the run's sampler, or another, at a temperature.

        Args:
            temperature: the run's own if None: the one that it painted at, or its sampler's where
                those were several.
            name: of another sampler.
            options: in place of the sampler's.
        """
        section = self.recipe.sampler
        name = name or section.name or "multinomial"
        values = {**(section.options if name == section.name else {}), **(options or {})}
        own = self.recipe.temperatures
        if temperature is None and len(own) == 1 and "temperature" not in (options or {}):
            temperature = own[0]
        if temperature is not None:
            values["temperature"] = temperature
        loaded = catalogue().load("sampler", name)
        sampler: Sampler = loaded(parse_options(loaded.Options, values, owner=f"sampler {name}"))
        return sampler

    @property
    def groups(self) -> list[str]:
        """The names of the groups that its pictures came in, sorted; `[""]` where in none."""
        named: list[str] = self.manifest["data"]["groups"]
        return named

    @cached_property
    def channels(self) -> int:
        """Of its pictures: 3, or 4 where it keeps transparency."""
        return int(self.tokenizer.decode(np.zeros((1, 1, 1), np.int32)).shape[-1])

    def sample(
        self,
        pictures: int = 8,
        *,
        temperature: Temperature = None,
        seed: int | None = None,
        first: int = 0,
        group: GroupLike = None,
        width: int | None = None,
        height: int | None = None,
        prime: PictureLike | None = None,
        prime_rows: int = 5,
        best_of: int = 1,
        sampler: Sampler | None = None,
        executor: Executor | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> np.ndarray:
        """Paint pictures.

        Args:
            pictures: how many.
            temperature: of the sampler; the run's own if None. Several are a course from the top of
                the picture to the bottom, along straight lines.
            seed: the same seed and index give the same picture; the run's own if None.
            first: the index of the first.
            group: the group to paint, where the run has several, or several groups with their
                weights: the mean of what they hold to be probable. If None, they take turns.
            width: in pixels, where it is another than the run's.
            height: the same.
            prime: a picture, a file or (H, W, 3 or 4) uint8, that the first rows are taken from.
            prime_rows: how many rows of pixels.
            best_of: of so many pictures, take the one that the model holds to be the most probable.
            sampler: in place of the run's; at 1.0 where the temperatures are several.
            executor: whose workers paint, each a part of the pictures, which are the same; each
                opens the run for itself. This process paints if None.
            progress: called with the number of cells painted so far.

        Returns:
            (N, H, W, 3 or 4) uint8.

        Raises:
            OptionError: one of these cannot be.
            SourceError: `prime` cannot be read.
        """
        parts = list(
            self.sample_in_parts(
                pictures,
                temperature=temperature,
                seed=seed,
                first=first,
                group=group,
                width=width,
                height=height,
                prime=prime,
                prime_rows=prime_rows,
                best_of=best_of,
                sampler=sampler,
                executor=executor,
                progress=progress,
            )
        )
        if parts:
            return np.concatenate(parts)
        size = framing_at(self, width, height).size
        return np.empty((0, size[1], size[0], self.channels), np.uint8)

    def sample_in_parts(self, pictures: int, **asked: Unpack[Asked]) -> Iterator[np.ndarray]:
        """Paint as `sample` does, giving some pictures at a time, in bounded memory."""
        numbers = numbers_of(
            pictures, asked.get("first", 0), asked.get("seed"), asked.get("best_of", 1)
        )
        sampler = self.sampler_at(asked.get("temperature"), asked.get("sampler"))
        if executor := asked.get("executor"):
            return self._spread(executor, numbers, asked)
        return self.paint(
            self.wishes(asked),
            numbers,
            sampler,
            seed=asked.get("seed"),
            progress=asked.get("progress"),
        )

    def wishes(self, asked: Mapping[str, Any]) -> Wishes:
        """Return what is asked for as painting takes it; raises as `sample`, and paints nothing."""
        framing = framing_at(self, asked.get("width"), asked.get("height"))
        return wishes_for(
            self,
            framing,
            given=prime_tokens(self, framing, asked.get("prime"), asked.get("prime_rows", 5)),
            temperature=asked.get("temperature"),
            group=asked.get("group"),
            best_of=asked.get("best_of", 1),
        )

    def _spread(
        self, executor: Executor, pictures: range, asked: Mapping[str, Any]
    ) -> Iterator[np.ndarray]:
        """Paint by the workers of an executor."""
        from pixelgen.spreading import Place, paint_spread

        own = {"first", "executor", "progress"}
        self.directory.check_whole(self.directory.model)
        place = Place(
            str(self.path.resolve()),
            self.directory.model.stat().st_mtime_ns,
            self._device,
            self._model_name,
            json.dumps(self._model_options, sort_keys=True),
        )
        told = asked.get("progress")
        framing = framing_at(self, asked.get("width"), asked.get("height"))
        rows, columns = framing.grid(self.tokenizer.token_shape)
        cells = rows * columns * asked.get("best_of", 1)
        return paint_spread(
            executor,
            place,
            pictures,
            {name: value for name, value in asked.items() if name not in own},
            told and (lambda done: told(done * cells)),
        )

    def complete(self, picture: PictureLike, **asked: Any) -> Completion:
        """Keep a part of a picture and paint the rest; takes and raises what
        `pixelgen.completion.complete` does.

        run.complete("lilies.jpg", keep=0.5).variants  # (4, 75, 75, 3) uint8
        """
        from pixelgen.completion import complete

        return complete(self, picture, **asked)

    def sampler_at(self, temperature: Temperature, sampler: Sampler | None = None) -> Sampler:
        """Return the run's sampler at a temperature, or at 1 where there is a course of them.

        Args:
            temperature: as of `sample`.
            sampler: in place of the run's; it has a temperature already.

        Raises:
            OptionError: the sampler has another temperature than is asked for.
        """
        wanted = 1.0 if is_course(temperature) else temperature
        if sampler is None:
            return self.sampler(None if wanted is None else float(np.asarray(wanted)))
        if wanted is not None and sampler.options.temperature != wanted:
            raise OptionError(
                f"the sampler is at the temperature {sampler.options.temperature}, not at "
                f"{float(np.asarray(wanted))}",
                where="in the temperature and the sampler",
                remedy="Make the sampler at it: run.sampler(TEMPERATURE, name=…), at 1.0 for a "
                "course of temperatures; or leave the temperature out",
            )
        return sampler

    def paint(
        self,
        wishes: Wishes,
        pictures: Sequence[int],
        sampler: Sampler,
        *,
        seed: int | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> Iterator[np.ndarray]:
        """Paint what is wished for in tokens; `sample` and `complete` come down to this.

        Yields:
            (M, H, W, 3 or 4) uint8.
        """
        painted = paint_many(
            self.model,
            self.cutter,
            sampler,
            seed=self.recipe.seed if seed is None else seed,
            pictures=pictures,
            groups=in_turn(pictures, len(self.groups)),
            wishes=wishes,
            progress=progress,
        )
        return (self.tokenizer.decode(grids) for grids in painted)


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
