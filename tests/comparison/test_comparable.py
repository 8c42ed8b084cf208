import numpy as np
import pytest

from pixelgen.comparison.comparable import Identity, NotComparable, check_comparable

PIXELS = np.arange(2 * 4 * 6 * 3, dtype=np.uint8).reshape(2, 4, 6, 3)


def identity(names=("a", "b"), pixels=PIXELS, fit="stretch"):
    return Identity.of(list(names), pixels, fit)


def refusal(one, other):
    with pytest.raises(NotComparable) as caught:
        check_comparable([("first", one), ("second", other)])
    assert caught.value.where
    assert caught.value.remedy
    return caught.value


def test_the_same_pictures_can_be_compared():
    check_comparable([("first", identity()), ("second", identity())])


def test_sizes_are_named():
    error = refusal(identity(), identity(pixels=PIXELS[:, :2]))
    assert "first and second cannot be compared: pictures of 6×4 and of 6×2 pixels" in error.what


def test_fits_are_named():
    assert "by stretch and by cover" in refusal(identity(), identity(fit="cover")).what


def test_transparency_is_named():
    with_alpha = np.pad(PIXELS, ((0, 0),) * 3 + ((0, 1),))
    assert "3 channels a pixel and 4" in refusal(identity(), identity(pixels=with_alpha)).what


def test_pictures_are_named_the_first_few():
    other = identity(names=["a", *"uvwxyz"], pixels=np.zeros((7, 4, 6, 3), np.uint8))
    error = refusal(identity(), other)
    assert "only the first holds out 'b'" in error.what
    assert "only the second holds out 'u', 'v', 'w' and 3 more" in error.what


def test_other_pixels_under_the_same_names_are_found():
    error = refusal(identity(), identity(pixels=PIXELS + 1))
    assert "the same names, but other pixels" in error.what


def test_nothing_held_out_is_nothing_to_compare_by():
    nothing = identity(names=[], pixels=PIXELS[:0])
    with pytest.raises(NotComparable, match="no pictures are held out"):
        check_comparable([("only", nothing)])
