import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pixelgen.data.augmentation import KINDS, Augmentation, augment
from pixelgen.errors import OptionError

NONE = Augmentation.parse("none")


def noise(height: int, width: int, channels: int = 3, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, channels), np.uint8)


def variants(pixels, kinds, size=(8, 8), fit="stretch", count=40, **settings):
    generator = np.random.default_rng(5)
    augmentation = Augmentation.parse(kinds, **settings)
    return [augment(pixels, size, fit, augmentation, generator) for _ in range(count)]


@given(st.sets(st.sampled_from(KINDS)), st.floats(0, 2))
def test_parse_reads_what_names_and_str_write(kinds, jitter):
    augmentation = Augmentation.parse(sorted(kinds), jitter=jitter)
    assert set(augmentation.names()) == kinds
    assert Augmentation.parse(augmentation.names(), jitter=jitter) == augmentation
    assert Augmentation.parse(str(augmentation), jitter=jitter) == augmentation


def test_none_all_and_single_kinds_are_words():
    assert Augmentation.parse("none") == Augmentation(flips=False, crops=False, colours=False)
    assert Augmentation.parse("all") == Augmentation() == Augmentation.parse("crops, colours,flips")
    assert str(Augmentation.parse("crops")) == "crops"


def test_an_unknown_word_is_an_error_that_names_the_nearest():
    with pytest.raises(OptionError, match=r"'colors'.*Did you mean 'colours'"):
        Augmentation.parse("flips,colors")
    with pytest.raises(OptionError, match="''"):
        Augmentation.parse("")


def test_none_beside_another_kind_is_an_error():
    with pytest.raises(OptionError, match="'none' beside 'flips'"):
        Augmentation.parse("none,flips")


@pytest.mark.parametrize("jitter", [-0.1, 2.5, float("nan")])
def test_a_jitter_out_of_bounds_is_an_error(jitter):
    with pytest.raises(OptionError, match=r"jitter.*from 0 to 2"):
        Augmentation(jitter=jitter)


@given(
    st.integers(1, 30),
    st.integers(1, 30),
    st.sampled_from([3, 4]),
    st.sampled_from(["stretch", "cover", "contain"]),
    st.integers(0, 2**32),
)
def test_a_variant_has_the_asked_size(height, width, channels, fit, seed):
    pixels = noise(height, width, channels)
    variant = augment(pixels, (7, 5), fit, Augmentation(), np.random.default_rng(seed))
    assert variant.shape == (5, 7, channels)
    assert variant.dtype == np.uint8
    assert variant.flags.c_contiguous


def test_the_same_generator_gives_the_same_variants():
    pixels = noise(20, 20)
    for first, second in zip(variants(pixels, "all"), variants(pixels, "all"), strict=True):
        assert (first == second).all()


@given(st.sets(st.sampled_from(KINDS)), st.floats(0, 2), st.integers(0, 2**32))
def test_the_generator_moves_on_alike_whatever_is_on(kinds, jitter, seed):
    generators = np.random.default_rng(seed), np.random.default_rng(seed)
    augmentation = Augmentation.parse(sorted(kinds), jitter=jitter)
    augment(noise(9, 9), (5, 5), "stretch", augmentation, generators[0])
    augment(noise(9, 9), (5, 5), "stretch", Augmentation(), generators[1])
    assert generators[0].bit_generator.state == generators[1].bit_generator.state


def test_none_leaves_a_picture_of_the_right_size_alone():
    pixels = noise(8, 8)
    assert all((variant == pixels).all() for variant in variants(pixels, "none"))


def test_flips_mirror_about_half_of_the_pictures_from_left_to_right():
    pixels = noise(8, 8)
    flipped = [bool((each == pixels[:, ::-1]).all()) for each in variants(pixels, "flips")]
    same = [bool((each == pixels).all()) for each in variants(pixels, "flips")]
    assert [not one for one in flipped] == same
    assert 10 < sum(flipped) < 30


def test_turning_flips_off_leaves_crops_and_colours_as_they_were():
    pixels = noise(20, 20)
    for with_flips, without in zip(
        variants(pixels, "all"), variants(pixels, "crops,colours"), strict=True
    ):
        assert (with_flips == without).all() or (with_flips[:, ::-1] == without).all()


def test_a_crop_shows_three_quarters_or_more_of_both_sides_in_equal_share():
    # Red is the column and green the row, so that a variant's ends tell where it was cut.
    ramp = np.zeros((120, 240, 3), np.uint8)
    ramp[..., 0] = np.arange(240)
    ramp[..., 1] = np.arange(120)[:, None]
    shares, lefts = [], []
    for variant in variants(ramp, "crops", size=(60, 30)):
        across = (int(variant[0, -1, 0]) - int(variant[0, 0, 0])) / 240 * 60 / 59
        down = (int(variant[-1, 0, 1]) - int(variant[0, 0, 1])) / 120 * 30 / 29
        assert abs(across - down) < 0.03
        shares.append(across)
        lefts.append(int(variant[0, 0, 0]))
    assert min(shares) > 0.73
    assert max(shares) < 1.01
    assert max(shares) - min(shares) > 0.15
    assert max(lefts) > 20


def test_colours_change_a_channel_by_one_curve_for_the_whole_picture():
    pixels = noise(30, 30)
    for variant in variants(pixels, "colours", size=(30, 30), count=5):
        assert (variant != pixels).any()
        for channel in range(3):
            order = np.argsort(pixels[..., channel], axis=None)
            before = pixels[..., channel].ravel()[order]
            after = variant[..., channel].ravel()[order].astype(int)
            assert (np.diff(after) >= 0).all()  # brighter stays brighter
            assert all(len(set(after[before == level])) == 1 for level in set(before))


def test_a_stronger_jitter_changes_more_and_none_changes_nothing():
    pixels = noise(8, 8)
    changes = [
        np.mean(
            [
                np.abs(variant.astype(int) - pixels).mean()
                for variant in variants(pixels, "colours", jitter=jitter)
            ]
        )
        for jitter in (0.0, 0.1, 0.25)
    ]
    assert changes[0] == 0
    assert 0 < changes[1] < changes[2] < 40


def test_colours_touch_neither_alpha_nor_what_is_fully_transparent():
    pixels = noise(8, 8, 4)
    pixels[:4] = 0
    for variant in variants(pixels, "colours"):
        assert (variant[..., 3] == pixels[..., 3]).all()
        assert (variant[:4] == 0).all()
        assert (variant[4:, :, :3] != pixels[4:, :, :3]).any()


def test_augmentation_never_writes_into_the_picture():
    pixels = noise(8, 8, 4)
    kept = pixels.copy()
    pixels.flags.writeable = False
    variants(pixels, "all")
    assert (pixels == kept).all()
