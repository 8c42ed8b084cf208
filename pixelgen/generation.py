"""Painting: from a model's logits to tokens on a canvas, wave by wave.

Every cell's number is drawn from a counter-based generator keyed by the seed, the picture's index
and the cell, so a seed means the same picture whatever the batch size or the schedule.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import array_api_compat.numpy as xp
import numpy as np

from pixelgen.data.batches import Cutter
from pixelgen.data.schedule import Schedule, make_schedule
from pixelgen.memory import in_parts
from pixelgen.models.interface import Model, StepInputs
from pixelgen.samplers.draw import STAGES, draw, uniforms
from pixelgen.samplers.interface import Sampler

PICTURES_AT_ONCE = 64  # bounds the memory of states and logits; the pictures are the same


@dataclass(frozen=True, eq=False)
class Plan:
    """All that painting a number of pictures needs, for the core's loop and for fast paths.

    Attributes:
        cutter: the scan, the context table and the vocabulary.
        schedule: which cells are painted together.
        sampler: logits to probabilities.
        seed: keys the random numbers.
        pictures: (N,) int64, the index of each picture; it keys the random numbers too.
        groups: (N,) int32, the group to paint each picture as.
    """

    cutter: Cutter
    schedule: Schedule
    sampler: Sampler
    seed: int
    pictures: np.ndarray
    groups: np.ndarray
    uniforms: np.ndarray = field(init=False)  # (N, P, STAGES) float64

    def __post_init__(self) -> None:
        cells = self.cutter.scan.cells
        numbers = np.empty((len(self.pictures), cells, STAGES))
        for row, picture in enumerate(self.pictures):
            numbers[row] = uniforms(self.seed, int(picture), cells)
        object.__setattr__(self, "uniforms", numbers)


def paint(model: Model, plan: Plan, *, progress: Callable[[int], None] | None = None) -> np.ndarray:
    """Paint a plan with the core's loop.

    Args:
        model: its decoder gives the logits.
        plan: what to paint.
        progress: called with the number of cells painted so far, after each wave.

    Returns:
        (N, P) int32 canvases of tokens.
    """
    cutter, schedule = plan.cutter, plan.schedule
    count, cells = len(plan.pictures), cutter.scan.cells
    canvas = np.full((count, cells + 1), cutter.vocab_size, np.int32)
    seen = canvas.view()  # what the decoder may look at, but not touch
    seen.flags.writeable = False
    decoder = model.decoder(count * schedule.segments)
    pictures = np.arange(count, dtype=np.int32)
    painted = 0
    for wave in schedule.waves:
        row = np.repeat(pictures, len(wave))  # (M,) all cells of picture 0, then of picture 1, …
        cell = np.tile(wave, count)
        inputs = StepInputs(
            context=canvas[row[:, None], cutter.table[cell]],
            positions=cell,
            slots=row * np.int32(schedule.segments) + schedule.segment[cell],
            starts=schedule.starts[cell],
            groups=plan.groups[row],
            canvas=seen,
            pictures=row,
        )
        # In rows, since another layout would sum in another order for one picture than for many.
        logits = np.ascontiguousarray(decoder.step(inputs))
        probabilities = plan.sampler.probabilities(logits, xp)
        canvas[row, cell] = draw(np.asarray(probabilities), plan.uniforms[row, cell])
        painted += len(cell)
        if progress is not None:
            progress(painted)
    return canvas[:, :-1]


def paint_many(
    model: Model,
    cutter: Cutter,
    sampler: Sampler,
    *,
    seed: int,
    pictures: Sequence[int],
    groups: Sequence[int] | None = None,
    progress: Callable[[int], None] | None = None,
) -> Iterator[np.ndarray]:
    """Paint any number of pictures, in bounded memory.

    Args:
        model: a trained model.
        cutter: the scan, context and vocabulary that it was trained with.
        sampler: logits to probabilities.
        seed: the same seed and index give the same picture.
        pictures: the indices to paint, such as `range(8)`.
        groups: the group of each picture; 0 where not given.
        progress: called with the number of cells painted so far.

    Yields:
        (M, gh, gw) int32 grids of tokens, up to `PICTURES_AT_ONCE` at a time, in order.
    """
    schedule = make_schedule(cutter.scan, cutter.table, cutter.segments.memory)
    indices = np.asarray(pictures, np.int64)
    group = np.zeros(len(indices), np.int32) if groups is None else np.asarray(groups, np.int32)
    cells = cutter.scan.cells

    def some(chosen: slice) -> np.ndarray:
        plan = Plan(cutter, schedule, sampler, seed, indices[chosen], group[chosen])
        canvas = model.generate(plan)
        if canvas is None:
            report = None if progress is None else _after(progress, chosen.start * cells)
            canvas = paint(model, plan, progress=report)
        elif progress is not None:
            progress(chosen.stop * cells)
        return cutter.scan.grids(canvas)

    yield from in_parts(some, len(indices), PICTURES_AT_ONCE, model.ran_out_of_memory)


def _after(progress: Callable[[int], None], done: int) -> Callable[[int], None]:
    return lambda painted: progress(done + painted)
