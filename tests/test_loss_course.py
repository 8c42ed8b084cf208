"""Whether a loss has run away."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pixelgen.loss_course import WINDOW, LossCourse


def course_of(losses, together=1):
    course = LossCourse()
    for nats in losses:
        course.add(float(nats), together)
    return course


class TestALossThatGoesDown:
    @given(st.integers(0, 2**32 - 1), st.floats(0.5, 8), st.floats(0, 1))
    def test_has_not_run_away_however_noisy_it_is(self, seed, end, noise):
        falling = end + 4 * np.exp(-np.arange(1500) / 300)
        noisy = falling + noise * np.random.default_rng(seed).standard_normal(1500)
        assert not course_of(noisy).has_run_away

    def test_one_terrible_batch_is_no_reason(self):
        assert not course_of([3.0] * 500 + [50.0]).has_run_away

    def test_its_lowest_is_that_of_the_mean_and_not_of_a_batch(self):
        course = course_of([3.0] * 500 + [0.1] + [3.0] * 500)
        assert course.lowest == pytest.approx(3.0, abs=0.04)


class TestALossThatRises:
    @pytest.mark.parametrize("lowest", [0.1, 2.0, 6.0])
    def test_far_above_the_lowest_it_has_run_away(self, lowest):
        assert course_of([lowest] * 500 + [3 * lowest + 3] * WINDOW).has_run_away

    def test_it_is_rising_before_it_has_run_away(self):
        course = course_of([3.0] * 500)
        seen = []
        while not course.has_run_away:
            course.add(6.0)
            seen.append(course.is_rising)
        assert seen[0] is False
        assert seen[-1] is True
        assert seen.count(True) > 20

    def test_half_as_much_again_is_needed_where_losses_are_large(self):
        assert not course_of([6.0] * 500 + [8.0] * 500).has_run_away
        assert course_of([2.0] * 500 + [4.0] * 500).has_run_away

    def test_before_the_window_is_full_nothing_has_run_away(self):
        assert not course_of([1.0] * 10 + [50.0] * (WINDOW - 11)).has_run_away


class TestStepsThatGoAlongPictures:
    @pytest.mark.parametrize("along", [75, 225, 874])
    def test_are_no_rise_where_a_picture_is_harder_in_its_middle(self, along):
        step = np.arange(8 * along) % along
        flat_margins = np.where(abs(step - along / 2) < along / 6, 3.0, 0.05)
        course = course_of(flat_margins, along)
        assert course.steps == 8 * along
        assert course.mean == pytest.approx(flat_margins.mean())
        assert not course.is_rising

    def test_are_a_rise_where_whole_pictures_get_worse(self):
        assert course_of([2.0] * 500 + [8.0] * 500, 75).has_run_away

    def test_are_rising_before_the_picture_is_whole(self):
        course = course_of([2.0] * 150 + [8.0] * 20, 75)
        assert course.is_rising
        assert not course.has_run_away

    def test_are_one_mean_until_a_picture_is_whole(self):
        course = course_of([2.0] * 75 + [50.0] * 74, 75)
        assert (course.steps, course.mean, course.waiting) == (75, 2.0, 74)
