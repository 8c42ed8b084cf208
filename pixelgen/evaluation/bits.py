"""Bits per pixel: how well a model predicts pictures that it has not seen."""

from __future__ import annotations

import math

import numpy as np

from pixelgen.data.batches import EVALUATION_BATCH, Cutter
from pixelgen.errors import OutOfMemory
from pixelgen.models.interface import Model


def nats_by_cell(
    model: Model, cutter: Cutter, canvases: np.ndarray, groups: np.ndarray
) -> np.ndarray:
    """Return −ln p of every token: (N, P) float64, by picture and cell."""
    nats = np.empty(canvases.shape)
    size = EVALUATION_BATCH
    while True:
        try:
            for batch, pictures in cutter.evaluation_batches(canvases, groups, size):
                nats[pictures[:, None], batch.positions] = model.nll(batch)
        except Exception as error:
            if not model.ran_out_of_memory(error):
                raise
            if size == 1:
                raise OutOfMemory(
                    "memory does not suffice to measure one sequence at a time",
                    where=f"on {model.device}",
                    remedy="Lower what takes memory: --size, --colors, -o model.hidden",
                ) from error
            size //= 2  # and all of it again, since states are carried from batch to batch
        else:
            return nats


def bits_per_pixel(nats_per_token: float, token_shape: tuple[int, int]) -> float:
    """Convert a mean loss in nats per token to bits per pixel."""
    return nats_per_token / math.log(2) / (token_shape[0] * token_shape[1])
