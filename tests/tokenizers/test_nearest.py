"""The nearest colour is the one that trying them all would find."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pixelgen.data.colour_spaces import colour_space
from pixelgen.tokenizers.nearest import NearestColour


def brute_force(palette, pixels, space):
    features, centres = (space.features(colours).astype(np.int64) for colours in (pixels, palette))
    return ((features[:, None] - centres) ** 2).sum(axis=2).argmin(axis=1)


@pytest.mark.parametrize("space", ["srgb", "linear", "oklab"])
@pytest.mark.parametrize("channels", [3, 4])
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), size=st.sampled_from([1, 2, 3, 17, 64, 300]))
def test_equals_brute_force(space, channels, seed, size):
    generator = np.random.default_rng(seed)
    spread = generator.integers(1, 256)  # narrow palettes crowd a few cells
    palette = generator.integers(0, spread, (size, channels), dtype=np.uint8)
    pixels = generator.integers(0, 256, (200, channels), dtype=np.uint8)
    pixels[:100] %= np.uint8(spread)
    nearest = NearestColour(palette, colour_space(space))(pixels)
    assert nearest.dtype == np.int32
    np.testing.assert_array_equal(nearest, brute_force(palette, pixels, colour_space(space)))


def test_of_equally_near_colours_the_first_is_taken():
    palette = np.array([[9, 0, 0], [12, 0, 0], [8, 0, 0], [12, 0, 0]], np.uint8)
    nearest = NearestColour(palette, colour_space("srgb"))
    assert nearest(np.array([[10, 0, 0], [12, 0, 0], [11, 0, 0]], np.uint8)).tolist() == [0, 1, 1]
    assert nearest(np.array([[10, 0, 0]], np.uint8)).tolist() == [0]


def test_a_second_call_in_other_cells_agrees_with_a_first():
    generator = np.random.default_rng(5)
    palette = generator.integers(0, 256, (50, 3), dtype=np.uint8)
    pixels = generator.integers(0, 256, (400, 3), dtype=np.uint8)
    nearest = NearestColour(palette, colour_space("srgb"))
    parts = np.concatenate([nearest(pixels[:100]), nearest(pixels[100:]), nearest(pixels[:0])])
    np.testing.assert_array_equal(parts, NearestColour(palette, colour_space("srgb"))(pixels))


def test_65536_colours_are_told_apart():
    codes = np.arange(1 << 16)
    palette = np.stack([codes >> 8, codes & 255, np.zeros_like(codes)], axis=1).astype(np.uint8)
    chosen = np.array([0, 1, 255, 256, 65535])
    nearest = NearestColour(palette, colour_space("srgb"))(palette[chosen])
    np.testing.assert_array_equal(nearest, chosen)


def test_threads_that_come_first_at_the_same_time_share_one_table():
    generator = np.random.default_rng(5)
    palette = generator.integers(0, 256, (64, 3), dtype=np.uint8)
    pixels = generator.integers(0, 256, (4, 2000, 3), dtype=np.uint8)
    expected = [NearestColour(palette, colour_space("srgb"))(some) for some in pixels]
    for _ in range(10):
        together = Barrier(4)
        shared = NearestColour(palette, colour_space("srgb"))

        def look_up(some, shared=shared, together=together):
            together.wait()
            return shared(some)

        with ThreadPoolExecutor(4) as pool:
            np.testing.assert_array_equal(list(pool.map(look_up, pixels)), expected)
