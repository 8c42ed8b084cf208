import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pixelgen.data.fitting import (
    FITS,
    KEPT_SIZES,
    fit_picture,
    fit_region,
    shrink_picture,
)
from pixelgen.errors import OptionError

sides = st.integers(1, 40)
fits = st.sampled_from(FITS)
channels = st.sampled_from([3, 4])


def noise(height: int, width: int, channels: int = 3, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, channels), np.uint8)


def plain(height: int, width: int, colour: tuple[int, ...]) -> np.ndarray:
    return np.full((height, width, len(colour)), colour, np.uint8)


@given(sides, sides, channels, sides, sides, fits)
def test_every_fit_gives_the_asked_size_and_keeps_the_channels(
    height, width, channels, new_width, new_height, fit
):
    fitted = fit_picture(noise(height, width, channels), (new_width, new_height), fit)
    assert fitted.shape == (new_height, new_width, channels)
    assert fitted.dtype == np.uint8


@given(sides, sides, channels, fits)
def test_a_picture_of_the_right_size_is_returned_unchanged(height, width, channels, fit):
    pixels = noise(height, width, channels)
    assert fit_picture(pixels, (width, height), fit) is pixels


@given(sides, sides, sides, sides, fits)
def test_a_plain_picture_stays_plain(height, width, new_width, new_height, fit):
    fitted = fit_picture(plain(height, width, (10, 200, 90)), (new_width, new_height), fit)
    assert (fitted == (10, 200, 90)).all()


def test_stretch_shows_the_whole_picture():
    pixels = np.concatenate([plain(20, 40, (255, 0, 0)), plain(20, 40, (0, 0, 255))], axis=1)
    fitted = fit_picture(pixels, (10, 10), "stretch")
    assert tuple(fitted[5, 0]) == (255, 0, 0)
    assert tuple(fitted[5, -1]) == (0, 0, 255)


def test_cover_cuts_off_the_same_on_both_sides():
    red, green, blue = (plain(20, 20, c) for c in [(255, 0, 0), (0, 255, 0), (0, 0, 255)])
    fitted = fit_picture(np.concatenate([red, green, blue], axis=1), (20, 20), "cover")
    assert (fitted == (0, 255, 0)).all()


def test_contain_centres_the_picture_and_pads_with_the_mean_colour_of_its_edge():
    pixels = plain(10, 20, (100, 50, 0))
    pixels[3:7, 5:15] = (0, 0, 250)  # inside: does not colour the frame
    fitted = fit_picture(pixels, (20, 20), "contain")
    assert (fitted[5:15] == pixels).all()
    assert (fitted[:5] == (100, 50, 0)).all()
    assert (fitted[15:] == (100, 50, 0)).all()


def test_contain_pads_with_transparency_where_there_is_alpha():
    fitted = fit_picture(plain(20, 10, (9, 9, 9, 255)), (20, 20), "contain")
    assert (fitted[:, 5:15] == (9, 9, 9, 255)).all()
    assert (fitted[:, :5] == 0).all()
    assert (fitted[:, 15:] == 0).all()


def test_contain_keeps_at_least_one_pixel_of_a_very_thin_picture():
    fitted = fit_picture(plain(1, 1000, (5, 6, 7)), (10, 10), "contain")
    assert (fitted == (5, 6, 7)).all()


@pytest.mark.parametrize("fit", FITS)
def test_hidden_colours_do_not_bleed_into_visible_ones(fit):
    pixels = plain(30, 30, (0, 0, 255, 255))
    pixels[:, ::2] = (255, 0, 0, 0)  # red, but transparent
    fitted = fit_picture(pixels, (10, 10), fit)
    visible = fitted[fitted[..., 3] > 8]
    assert len(visible) > 0
    assert visible[:, 0].max() <= 2
    assert visible[:, 2].min() >= 250


def test_a_region_may_begin_between_pixels():
    ramp = np.repeat(np.arange(0, 200, 2, dtype=np.uint8)[None, :, None], 3, axis=2)
    ramp = np.repeat(ramp, 100, axis=0)  # grey = 2 x
    whole = fit_region(ramp, (10, 0, 90, 80), (20, 20), "stretch").astype(int)
    shifted = fit_region(ramp, (12.5, 0, 92.5, 80), (20, 20), "stretch").astype(int)
    assert (np.abs(shifted - whole - 5)[:, 1:-1] <= 1).all()


def test_an_unknown_fit_is_an_error_that_names_the_nearest():
    with pytest.raises(OptionError, match=r"unknown fit 'strech'.*Did you mean 'stretch'"):
        fit_picture(noise(4, 4), (2, 2), "strech")  # type: ignore[arg-type]


@given(st.integers(1, 300), st.integers(1, 300), st.integers(1, 30), st.integers(1, 30))
def test_a_large_picture_is_shrunk_to_no_less_than_twice_the_size(height, width, across, down):
    pixels = noise(height, width)
    smaller = shrink_picture(pixels, (across, down))
    new_height, new_width = smaller.shape[:2]
    if smaller is pixels:
        assert width <= KEPT_SIZES * across or height <= KEPT_SIZES * down
    else:
        assert new_width >= KEPT_SIZES * across
        assert new_height >= KEPT_SIZES * down
        assert new_width * new_height < width * height
        assert abs(new_width / width - new_height / height) <= 1 / min(width, height)
