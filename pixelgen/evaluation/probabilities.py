"""The model's whole distribution at every token of given pictures, through its decoder.

A decoder is what paints, and every model has one: it is led along the pictures' own tokens. So what
is measured are the very probabilities that pictures are drawn from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from pixelgen.data.batches import Cutter
from pixelgen.data.schedule import make_schedule
from pixelgen.models.interface import Model, StepInputs

TOKENS_AT_ONCE = 1 << 22  # logits held at a time


def distributions(
    model: Model,
    cutter: Cutter,
    canvases: np.ndarray,
    groups: np.ndarray,
    progress: Callable[[int], None] | None = None,
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield (M, V) float64 log-probabilities with the (M,) true tokens, until all were met once.

    Args:
        model: a trained model.
        cutter: the scan, context and vocabulary that it was trained with.
        canvases: (N, P) int32 tokens.
        groups: (N,) int32.
        progress: called with the number of tokens seen so far.
    """
    schedule = make_schedule(cutter.scan, cutter.table, cutter.segments.memory)
    widest = max(len(wave) for wave in schedule.waves)
    at_once = max(1, TOKENS_AT_ONCE // (widest * cutter.vocab_size))
    extended = cutter.extended(canvases)
    extended.flags.writeable = False
    seen = 0
    for begin in range(0, len(canvases), at_once):
        canvas = extended[begin : begin + at_once]
        count = len(canvas)
        decoder = model.decoder(count * schedule.segments)
        pictures = np.arange(count, dtype=np.int32)
        for wave in schedule.waves:
            row, cell = np.repeat(pictures, len(wave)), np.tile(wave, count)
            logits = decoder.step(
                StepInputs(
                    context=canvas[row[:, None], cutter.table[cell]],
                    positions=cell,
                    slots=row * np.int32(schedule.segments) + schedule.segment[cell],
                    starts=schedule.starts[cell],
                    groups=groups[begin : begin + count][row],
                    canvas=canvas,
                    pictures=row,
                )
            )
            yield log_softmax(np.asarray(logits, np.float64)), canvas[row, cell]
            seen += len(cell)
            if progress is not None:
                progress(seen)


def log_softmax(logits: np.ndarray) -> np.ndarray:
    """Return log-probabilities (M, V) of logits (M, V)."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    normalised: np.ndarray = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return normalised
