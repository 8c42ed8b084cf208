"""The Hilbert curve visits every colour once, and only ever takes one step."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from pixelgen.tokenizers.hilbert import hilbert_keys


def corner(side: int, channels: int) -> np.ndarray:
    """All colours with levels below a power of two: a whole cell of the curve."""
    return np.array(list(product(range(side), repeat=channels)), np.uint8)


@pytest.mark.parametrize(("side", "channels"), [(16, 3), (4, 4)])
def test_neighbours_on_the_curve_differ_by_one_level_of_one_channel(side, channels):
    colours = corner(side, channels)
    keys = hilbert_keys(colours)
    assert len(np.unique(keys)) == len(colours)
    steps = np.diff(colours[np.argsort(keys)].astype(int), axis=0)
    assert (np.abs(steps).sum(axis=1) == 1).all()


@pytest.mark.parametrize(("channels", "bits"), [(3, 6), (3, 5), (4, 6)])
def test_the_top_bits_of_a_key_are_the_cell_s(channels, bits):
    colours = np.random.default_rng(1).integers(0, 256, (4000, channels), dtype=np.uint8)
    cells = np.unique(colours >> (8 - bits), axis=0, return_inverse=True)[1]
    runs = np.unique(hilbert_keys(colours) >> np.uint32(channels * (8 - bits)), return_inverse=True)
    pairs = np.unique(np.stack([cells.reshape(-1), runs[1].reshape(-1)]), axis=1)
    assert pairs.shape[1] == len(np.unique(cells)) == len(runs[0])
