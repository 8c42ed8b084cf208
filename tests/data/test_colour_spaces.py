"""Colour spaces, against published figures and there and back again."""

from __future__ import annotations

import numpy as np
import pytest

from pixelgen.data.colour_spaces import (
    colour_space,
    linear_to_oklab,
    linear_to_srgb,
    oklab_to_linear,
    srgb_to_linear,
    srgb_to_oklab,
)

SPACES = ("srgb", "linear", "oklab")


def test_every_level_comes_back_from_linear_light():
    levels = np.arange(256, dtype=np.uint8)[:, None].repeat(3, axis=1)
    np.testing.assert_allclose(linear_to_srgb(srgb_to_linear(levels)), levels, atol=1e-9)


def test_oklab_of_the_primaries_is_as_published():
    # CSS Color 4's sample conversions of red, lime and blue
    primaries = np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255]], np.uint8)
    published = [
        [0.62796, 0.22486, 0.12585],
        [0.86644, -0.23389, 0.17950],
        [0.45201, -0.03246, -0.31153],
        [1, 0, 0],
    ]
    np.testing.assert_allclose(srgb_to_oklab(primaries), published, atol=1e-4)


def test_oklab_there_and_back():
    light = np.random.default_rng(1).random((100, 3))
    np.testing.assert_allclose(oklab_to_linear(linear_to_oklab(light)), light, atol=1e-9)


@pytest.mark.parametrize("name", SPACES)
@pytest.mark.parametrize("channels", [3, 4])
def test_features_are_whole_and_give_opaque_colours_back(name, channels):
    colours = np.random.default_rng(2).integers(0, 256, (5000, channels), dtype=np.uint8)
    colours[:, 3:] = 255
    space = colour_space(name)
    features = space.features(colours)
    np.testing.assert_array_equal(features, np.rint(features))
    back = space.colours(features).astype(int)
    # OKLab's rounding to 1/4096 can cost dark blues a level or two.
    assert np.abs(back - colours).max() <= {"srgb": 0, "linear": 1, "oklab": 4}[name]


@pytest.mark.parametrize("name", SPACES)
def test_what_is_transparent_looks_alike_whatever_colour_it_hides(name):
    hidden = np.array([[255, 0, 0, 0], [0, 9, 200, 0]], np.uint8)
    space = colour_space(name)
    features = space.features(hidden)
    np.testing.assert_array_equal(features[0], features[1])
    assert space.colours(features).tolist() == [[0, 0, 0, 0]] * 2
