"""What the figures of an evaluation read like."""

from __future__ import annotations

import pytest

from pixelgen.evaluation.record import Interval, Transform


@pytest.mark.parametrize(
    ("mirrored", "scale", "shift", "words"),
    [
        (False, 1.0, (0, 0), "as it is"),
        (True, 1.0, (0, 0), "mirrored"),
        (False, 1.21, (-36, 3), "×1.21, moved 36 up and 3 right"),
        (True, 1.0, (5, -1), "mirrored, moved 5 down and 1 left"),
        (False, 1.0, (0, -7), "moved 7 left"),
    ],
)
def test_a_change_of_a_training_picture_in_words(mirrored, scale, shift, words):
    assert str(Transform(mirrored=mirrored, scale=scale, shift=shift)) == words


def test_one_picture_is_shown_without_an_interval():
    assert str(Interval(mean=3.1, low=3.1, high=3.1)) == "3.100"
    assert str(Interval(mean=3.1, low=2.95, high=3.25)) == "3.100 (2.950 to 3.250)"
