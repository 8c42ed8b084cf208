"""The histogram counts what `numpy.unique` counts, however the pictures are cut up."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pixelgen.tokenizers import histogram
from pixelgen.tokenizers.histogram import ColourHistogram


@given(
    seed=st.integers(0, 2**32 - 1),
    sizes=st.lists(st.integers(1, 60), min_size=1, max_size=12),
    channels=st.sampled_from([3, 4]),
)
def test_counts_are_those_of_all_pixels_together(seed, sizes, channels):
    generator = np.random.default_rng(seed)
    pictures = [generator.integers(0, 3, (1, size, channels), dtype=np.uint8) for size in sizes]
    counted = ColourHistogram(channels)
    for picture in pictures:
        counted.add([picture])
    pixels = np.concatenate([picture.reshape(-1, channels) for picture in pictures])
    colours, counts = np.unique(pixels, axis=0, return_counts=True)
    np.testing.assert_array_equal(counted.colours, colours)
    np.testing.assert_array_equal(counted.counts, counts)
    assert counted.pixels == len(pixels)


def test_a_large_picture_is_counted_in_chunks(monkeypatch):
    monkeypatch.setattr(histogram, "CHUNK", 7)
    picture = np.arange(60, dtype=np.uint8).reshape(4, 5, 3) % 9
    counted = ColourHistogram(3)
    counted.add([picture])
    assert counted.counts.sum() == 20
    np.testing.assert_array_equal(counted.colours, np.unique(picture.reshape(-1, 3), axis=0))


def test_an_empty_histogram_has_no_colours():
    assert len(ColourHistogram(3).codes) == len(ColourHistogram(4).with_alpha().counts) == 0
