"""Painting: from a model's logits to tokens on a canvas, wave by wave.

Every cell's number is drawn from a counter-based generator keyed by the seed, the picture's index
and the cell, so a seed means the same picture whatever the batch size or the schedule.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import array_api_compat.numpy as xp
import numpy as np

from pixelgen.data.bands import FREE, Band, bands
from pixelgen.data.batches import Cutter
from pixelgen.memory import in_parts
from pixelgen.models.interface import Model, StepInputs
from pixelgen.plan import Plan, Wishes
from pixelgen.samplers.draw import draw
from pixelgen.samplers.interface import Sampler
from pixelgen.samplers.mixture import log_probabilities, mixed

__all__ = ["Plan", "Wishes", "paint", "paint_many"]

PICTURES_AT_ONCE = 64  # bounds the memory of states and logits; the pictures are the same
WIDTH_AT_ONCE = 8192  # in tokens, of all pictures painted at once


def paint(
    model: Model,
    plan: Plan,
    *,
    progress: Callable[[int], None] | None = None,
    nats: np.ndarray | None = None,
) -> np.ndarray:
    """Paint a plan with the core's loop.

    Args:
        model: its decoder gives the logits.
        plan: what to paint.
        progress: called with the number of cells painted so far, after each wave.
        nats: (N, P) float64 to be filled with −ln p of every token that the schedule comes by,
            painted or given, as the model has it before any temperature or sampler.

    Returns:
        (N, P) int32 canvases of tokens.
    """
    cutter, schedule = plan.cutter, plan.schedule
    count, cells = len(plan.pictures), cutter.scan.cells
    canvas = np.full((count, cells + 1), cutter.vocab_size, np.int32)
    seen = canvas.view()  # what the decoder may look at, but not touch
    seen.flags.writeable = False
    if plan.given is not None:
        canvas[:, schedule.done] = plan.given[:, schedule.done]
    groups, weights = _voices(plan)  # (N, G), (G,)
    voices = len(weights)
    decoder = model.decoder(count * voices * schedule.segments)
    pictures = np.arange(count, dtype=np.int32)
    painted = count * len(schedule.done)
    for wave in schedule.waves:
        # (M G,): all cells of picture 0, then of picture 1, …; each once for every voice.
        row = np.repeat(pictures, len(wave) * voices)
        cell = np.tile(np.repeat(wave, voices), count)
        voice = np.tile(np.arange(voices, dtype=np.int32), count * len(wave))
        inputs = StepInputs(
            context=canvas[row[:, None], cutter.table[cell]],
            positions=cell if plan.places is None else plan.places[cell],
            slots=(row * voices + voice) * np.int32(schedule.segments) + schedule.segment[cell],
            starts=schedule.starts[cell],
            groups=groups[row, voice],
            canvas=seen,
            pictures=row,
        )
        # In rows, since another layout would sum in another order for one picture than for many.
        logits = np.ascontiguousarray(decoder.step(inputs))
        if voices > 1:
            logits = mixed(logits.reshape(-1, voices, logits.shape[-1]), weights)
            row, cell = row[::voices], cell[::voices]
        tokens = _tokens(plan, logits, row, cell)
        canvas[row, cell] = tokens
        if nats is not None:
            nats[row, cell] = -log_probabilities(logits)[np.arange(len(row)), tokens]
        painted += len(cell)
        if progress is not None:
            progress(painted)
    return canvas[:, :-1]


def _voices(plan: Plan) -> tuple[np.ndarray, np.ndarray]:
    """The groups that each picture is painted as, (N, G) int32, and their weights (G,)."""
    if not plan.mixture:
        return plan.groups[:, None], np.ones(1)
    groups = np.array(list(plan.mixture), np.int32)
    return np.tile(groups, (len(plan.pictures), 1)), np.array(list(plan.mixture.values()))


def _tokens(plan: Plan, logits: np.ndarray, row: np.ndarray, cell: np.ndarray) -> np.ndarray:
    """The tokens (M,) of cells: drawn from the logits (M, V), or as they are given."""
    if plan.temperatures is not None:
        # The highest is 0, or those of the smallest temperatures would be beyond all numbers.
        lowered = logits - logits.max(axis=-1, keepdims=True)
        with np.errstate(over="ignore"):  # what is then -inf has no chance
            logits = (lowered / plan.temperatures[cell, None]).astype(logits.dtype)
    probabilities = plan.sampler.probabilities(logits, xp)
    tokens = draw(np.asarray(probabilities), plan.uniforms[row, cell])
    if plan.given is not None:
        given = plan.given[row, cell]
        tokens = np.where(given == FREE, tokens, given)
    return tokens


def paint_many(
    model: Model,
    cutter: Cutter,
    sampler: Sampler,
    *,
    seed: int,
    pictures: Sequence[int],
    groups: Sequence[int] | None = None,
    wishes: Wishes | None = None,
    progress: Callable[[int], None] | None = None,
) -> Iterator[np.ndarray]:
    """Paint any number of pictures, in bounded memory.

    With `best_of` K, picture i is the best of what are pictures i K to i K + K - 1 without it.

    Args:
        model: a trained model.
        cutter: the scan, context and vocabulary that it was trained with.
        sampler: logits to probabilities.
        seed: the same seed and index give the same picture.
        pictures: the indices to paint, such as `range(8)`.
        groups: the group of each picture, such as `in_turn` gives; 0 where not given.
        wishes: what else is asked.
        progress: called with the number of cells painted so far, those of all tries.

    Returns:
        An iterator of (M, gh, gw) int32 grids of tokens, in order: at most `PICTURES_AT_ONCE` at a
        time, and no more than have `WIDTH_AT_ONCE` between them.

    Raises:
        OptionError: the model cannot paint the grid that is asked for.
    """
    wishes = wishes or Wishes()
    numbers = np.asarray(pictures, np.int64)
    group = np.zeros(len(numbers), np.int32) if groups is None else np.asarray(groups, np.int32)
    if len(wishes.mixture) == 1:  # no mixture, so that a model's fast path can paint it
        group = np.full(len(numbers), next(iter(wishes.mixture)), np.int32)
        wishes = replace(wishes, mixture={})
    parts = list(bands(cutter, wishes.grid, wishes.given))
    grid = wishes.grid or cutter.scan.grid
    studio = _Studio(model, sampler, grid, parts, wishes, seed, progress or _nobody)

    def some(chosen: slice) -> np.ndarray:
        return studio.best(numbers[chosen], group[chosen], chosen.start)

    return in_parts(some, len(numbers), studio.at_once, model.ran_out_of_memory)


def in_turn(pictures: Iterable[int], groups: int) -> list[int]:
    """Return the group of each picture where none is asked for: one after another."""
    return [picture % max(1, groups) for picture in pictures]


@dataclass(frozen=True, eq=False)
class _Studio:
    """All that stays the same from one lot of pictures to the next."""

    model: Model
    sampler: Sampler
    grid: tuple[int, int]
    bands: list[Band]
    wishes: Wishes
    seed: int
    progress: Callable[[int], None]

    @property
    def at_once(self) -> int:
        """How many pictures."""
        return max(1, min(PICTURES_AT_ONCE, WIDTH_AT_ONCE // self.grid[1]))

    def best(self, pictures: np.ndarray, groups: np.ndarray, before: int) -> np.ndarray:
        """Return the best try of each picture: (N, gh, gw) tokens.

        Args:
            pictures, groups: (N,).
            before: how many pictures have been painted already, for the progress.
        """
        tries = self.wishes.best_of
        done = before * tries * self.grid[0] * self.grid[1]
        best, least = self.paint(pictures * tries, groups, done)
        for attempt in range(1, tries):
            done += best.size
            grids, nats = self.paint(pictures * tries + attempt, groups, done)
            better = nats < least
            best[better], least[better] = grids[better], nats[better]
        return best

    def paint(
        self, pictures: np.ndarray, groups: np.ndarray, done: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return (N, gh, gw) tokens and, where there are several tries, their nats (N,)."""
        count, scored = len(pictures), self.wishes.best_of > 1
        nats = np.zeros(count)
        grids = np.full((count, *self.grid), FREE, np.int32)
        for band in self.bands:
            scan = band.scan
            plan = self._plan(band, pictures, groups, grids)
            report = _after(self.progress, done - count * band.stood)
            canvas = None if scored else self.model.generate(plan)
            if canvas is None:
                by_cell = np.zeros((count, scan.cells)) if scored else None
                canvas = paint(self.model, plan, progress=report, nats=by_cell)
                nats += 0 if by_cell is None else by_cell.sum(axis=1)
            band.part(grids)[:, : band.rows] = scan.grids(canvas)[:, : band.rows]
            done += count * band.adds
            self.progress(done)
        return grids, nats

    def _plan(
        self, band: Band, pictures: np.ndarray, groups: np.ndarray, grids: np.ndarray
    ) -> Plan:
        """The plan of a band, given what of it stands in the grids already."""
        scan, wishes = band.scan, self.wishes
        given = None
        if band.given is not None or band.stood:
            stands = band.part(grids)
            if band.given is not None:
                stands = np.where(stands == FREE, band.given, stands)
            given = scan.canvas(stands)
        temperatures = wishes.temperatures
        if temperatures is not None:
            temperatures = np.asarray(temperatures, np.float64)[scan.rows + band.first_row]
        return Plan(
            cutter=band.cutter,
            schedule=band.schedule,
            sampler=self.sampler,
            seed=self.seed,
            pictures=pictures,
            groups=groups,
            given=given,
            temperatures=temperatures,
            mixture=wishes.mixture,
            places=band.places,
            numbers=band.numbers if self.grid != scan.grid else None,
        )


def _after(progress: Callable[[int], None], done: int) -> Callable[[int], None]:
    return lambda painted: progress(done + painted)


def _nobody(done: int) -> None:
    """Listens to no progress."""
