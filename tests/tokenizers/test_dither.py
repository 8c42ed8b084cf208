"""Dithering, against a plain loop, and the properties of the mask."""

from __future__ import annotations

import numpy as np
import pytest

from pixelgen.data.alpha import with_alpha
from pixelgen.data.colour_spaces import colour_space
from pixelgen.errors import TokenizerError
from pixelgen.tokenizers.dither import MASK_SIDE, blue_noise_mask, dither
from pixelgen.tokenizers.nearest import NearestColour

PALETTE = np.array([[0, 0, 0], [255, 255, 255], [200, 30, 30], [20, 120, 220]], np.uint8)


def noise(shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def plain_floyd_steinberg(picture, palette, nearest):
    height, width, _ = picture.shape
    wanted = picture.astype(int) * 16
    tokens = np.zeros((height, width), int)
    for y in range(height):
        for x in range(width):
            pixel = np.clip((wanted[y, x] + 8) // 16, 0, 255).astype(np.uint8)
            tokens[y, x] = nearest(pixel[None])[0]
            error = np.clip(wanted[y, x], 0, 255 * 16) - 16 * palette[tokens[y, x]].astype(int)
            parts = [7 * error // 16, 3 * error // 16, 5 * error // 16]
            places = [(0, 1), (1, -1), (1, 0), (1, 1)]
            for (down, right), part in zip(places, [*parts, error - sum(parts)], strict=True):
                if y + down < height and 0 <= x + right < width:
                    wanted[y + down, x + right] += part
    return tokens


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (7, 12), (12, 5)])
def test_floyd_steinberg_equals_a_plain_loop(shape):
    pictures = noise((2, *shape, 3))
    nearest = NearestColour(PALETTE, colour_space("srgb"))
    tokens = dither("floyd-steinberg", pictures, PALETTE, nearest)
    for picture, found in zip(pictures, tokens, strict=True):
        np.testing.assert_array_equal(found, plain_floyd_steinberg(picture, PALETTE, nearest))


@pytest.mark.parametrize("how", ["floyd-steinberg", "blue-noise"])
def test_colours_of_the_palette_stay_what_they_are(how):
    chosen = np.random.default_rng(3).integers(0, len(PALETTE), (1, 20, 20))
    nearest = NearestColour(PALETTE, colour_space("srgb"))
    np.testing.assert_array_equal(dither(how, PALETTE[chosen], PALETTE, nearest), chosen)


@pytest.mark.parametrize("level", [1, 60, 128, 200, 254])
def test_blue_noise_hits_the_share_of_a_grey_exactly(level):
    palette = np.array([[0, 0, 0], [255, 255, 255]], np.uint8)
    picture = np.full((1, MASK_SIDE, MASK_SIDE, 3), level, np.uint8)
    tokens = dither("blue-noise", picture, palette, NearestColour(palette, colour_space("srgb")))
    assert abs(int(tokens.sum()) - round(level / 255 * MASK_SIDE**2)) <= 1


@pytest.mark.parametrize("how", ["floyd-steinberg", "blue-noise"])
@pytest.mark.parametrize("alpha", [5, 20, 128])
def test_what_is_nearly_transparent_becomes_as_little_of_its_own_colour(how, alpha):
    palette = np.array([[0, 0, 0, 0], [40, 200, 40, 255], [200, 30, 30, 255]], np.uint8)
    picture = np.full((1, 64, 64, 4), (200, 30, 30, alpha), np.uint8)
    tokens = dither(how, picture, palette, NearestColour(palette, colour_space("srgb")))
    assert not (tokens == 1).any()
    assert (tokens == 2).mean() == pytest.approx(alpha / 255, abs=0.007)


@pytest.mark.parametrize("how", ["floyd-steinberg", "blue-noise"])
@pytest.mark.parametrize("space", ["srgb", "oklab"])
def test_opaque_colours_are_dithered_as_those_without_alpha(how, space):
    palette, pictures = noise((12, 3), seed=1), noise((2, 20, 30, 3))
    plain, opaque = (
        dither(how, pixels, colours, NearestColour(colours, colour_space(space)))
        for pixels, colours in ((pictures, palette), (with_alpha(pictures), with_alpha(palette)))
    )
    np.testing.assert_array_equal(plain, opaque)


def test_the_mask_is_a_permutation_whose_first_ranks_keep_apart():
    mask = blue_noise_mask()
    assert sorted(mask.reshape(-1)) == list(range(MASK_SIDE**2))
    first = np.argwhere(mask < 40)
    apart = np.abs(first[:, None] - first)
    apart = np.minimum(apart, MASK_SIDE - apart)  # the tile repeats
    squares = (apart**2).sum(axis=2) + 10_000 * np.eye(len(first), dtype=int)
    assert squares.min() >= 9  # drawn at random, two of 40 would all but surely touch


def test_an_unknown_way_is_an_error():
    with pytest.raises(TokenizerError, match="bayer"):
        dither("bayer", np.zeros((1, 2, 2, 3), np.uint8), PALETTE, NearestColour)
