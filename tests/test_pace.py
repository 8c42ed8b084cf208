"""The pace: progress goes from 0 to exactly 1 over the budget, and can be replayed."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pixelgen.pace import HOLD_STEPS, Pace

SPEEDS = st.lists(st.floats(0.02, 30), min_size=1, max_size=12)  # seconds a step


def run(pace: Pace, seconds_a_step, *, step: int = 0, seconds: float = 0.0, most: int = 100_000):
    """Take steps until the budget is spent; return the progress before each, and the seconds."""
    progresses = []
    while not pace.is_spent(step):
        progresses.append(pace.progress(step))
        step += 1
        seconds += seconds_a_step(step)
        pace.replan(step, seconds)
        assert step < most, "the budget never ends"
    return progresses, seconds


def test_a_budget_in_steps_is_spent_evenly():
    pace = Pace(steps=4)
    assert [pace.progress(step) for step in range(6)] == [0, 0.25, 0.5, 0.75, 1, 1]
    assert [pace.is_spent(step) for step in (0, 3, 4)] == [False, False, True]


def test_a_budget_in_steps_pays_no_heed_to_the_clock():
    pace = Pace(steps=10)
    progresses, _ = run(pace, lambda step: 1000.0)
    assert progresses == [step / 10 for step in range(10)]
    assert len(pace.knots) == 1


def test_a_pace_without_a_budget_never_ends():
    assert not Pace().is_spent(10**9)


def test_the_progress_of_a_budget_in_minutes_stays_at_zero_until_the_speed_is_known():
    pace = Pace(minutes=1)
    progresses, _ = run(pace, lambda step: 0.5)
    assert set(progresses[:HOLD_STEPS]) == {0.0}
    assert progresses[HOLD_STEPS + 1] > 0


def test_a_budget_in_minutes_is_met_at_a_steady_speed():
    _, seconds = run(Pace(minutes=2), lambda step: 0.25)
    assert seconds == pytest.approx(120, abs=0.5)


def test_a_budget_in_minutes_is_met_although_the_speed_changes():
    _, seconds = run(Pace(minutes=1), lambda step: 0.02 if step < 500 else 0.1)
    assert seconds == pytest.approx(60, rel=0.05)


def test_a_slow_first_step_does_not_cut_the_run_short():
    _, seconds = run(Pace(minutes=1), lambda step: 5.0 if step == 1 else 0.01)
    assert seconds == pytest.approx(60, rel=0.05)


def test_waiting_before_the_first_step_does_not_hurry_the_schedule():
    progresses, seconds = run(Pace(minutes=1), lambda step: 2.0 if step == 1 else 0.01)
    a_tenth_later = round((seconds - 2.0) / 10 / 0.01)
    assert progresses[a_tenth_later] == pytest.approx(0.1, abs=0.03)
    assert seconds == pytest.approx(60, abs=0.5)


def test_steps_longer_than_the_budget_end_it_soon():
    progresses, _ = run(Pace(minutes=1), lambda step: 300.0)
    assert len(progresses) <= 2


@given(SPEEDS, st.floats(0.1, 3))
def test_progress_never_falls_and_ends_at_one(speeds, minutes):
    pace = Pace(minutes=minutes)
    progresses, _ = run(pace, lambda step: speeds[(step // 40) % len(speeds)])
    assert progresses[0] == 0
    assert all(0 <= before <= after < 1 for before, after in pairwise(progresses))
    assert pace.progress(len(progresses)) == 1


@given(SPEEDS, st.floats(0.1, 3))
def test_a_settled_pace_gives_the_same_progress_bit_for_bit(speeds, minutes):
    pace = Pace(minutes=minutes)
    progresses, _ = run(pace, lambda step: speeds[(step // 40) % len(speeds)])
    again = Pace.settled(pace.knots)
    assert run(again, lambda step: 1e9)[0] == progresses


@given(SPEEDS, st.integers(0, 2000))
def test_an_interrupted_run_keeps_the_progress_that_it_had(speeds, stop):
    def seconds_a_step(step):
        return speeds[(step // 40) % len(speeds)]

    pace, seconds, step = Pace(minutes=1), 0.0, 0
    while step < stop and not pace.is_spent(step):
        step += 1
        seconds += seconds_a_step(step)
        pace.replan(step, seconds)
    resumed = Pace(minutes=1)
    knots = [list(knot) for knot in pace.knots]  # as JSON gives them
    resumed.resume(knots, 1, step, seconds)
    assert resumed.progress(step) == pace.progress(step)
    progresses, _ = run(resumed, seconds_a_step, step=step, seconds=seconds)
    assert progresses == sorted(progresses)


def test_a_run_stopped_before_its_speed_was_known_measures_it_from_the_beginning():
    pace = Pace(minutes=10)
    for step in range(1, 6):
        pace.replan(step, 0.1 * step)
    resumed = Pace(minutes=10)
    resumed.resume(pace.knots, 10, 5, 0.5)
    _, seconds = run(resumed, lambda step: 20.0 if step == 6 else 0.1, step=5, seconds=0.5)
    assert seconds == pytest.approx(600, rel=0.02)


MINUTE = [(0, 0.0, 0), (10, 0.0, 100)]  # 100 steps, in which a budget of one was spent


def test_a_larger_budget_goes_on_from_the_share_of_it_that_is_spent():
    pace = Pace(minutes=4)
    pace.resume(MINUTE, 1, 100, 60.0)
    assert pace.progress(100) == 0.25
    assert pace.progress(250) == pytest.approx(0.625)
    _, seconds = run(pace, lambda step: 0.6, step=100, seconds=60.0)
    assert seconds == pytest.approx(240, rel=0.02)


@pytest.mark.parametrize("minutes", [4, None])
def test_a_larger_budget_leaves_the_progress_of_the_steps_taken(minutes):
    pace = Pace(minutes=minutes, steps=None if minutes else 400)
    pace.resume(MINUTE, 1, 100, 60.0)
    assert [pace.progress(step) for step in (0, 9, 10, 55)] == [0, 0, 0, 0.5]
    assert pace.progress(100) == 0.25
    assert [pace.reached(step) for step in (0, 10, 55, 100)] == [0, 0, 0.5, 1]
    assert pace.reached(101) == pace.progress(101) > 0.25


def test_a_larger_budget_is_not_led_astray_by_one_slow_step():
    pace = Pace(minutes=4)
    pace.resume(MINUTE, 1, 100, 60.0)
    progresses, _ = run(pace, lambda step: 20.0 if step == 101 else 0.6, step=100, seconds=60.0)
    assert max(after - before for before, after in pairwise(progresses)) < 0.02


def test_a_larger_budget_in_steps_is_spent_evenly_from_there():
    pace = Pace(steps=8)
    pace.resume([(0, 0.0, 4)], None, 4, 1.0)
    assert [pace.progress(step) for step in (2, 4, 6, 8)] == [0.5, 0.5, 0.75, 1]


@pytest.mark.parametrize("minutes", [1, 0.5])
def test_a_budget_that_is_no_larger_is_spent_at_once(minutes):
    pace = Pace(minutes=minutes)
    pace.resume(MINUTE, 1, 100, 60.0)
    assert pace.is_spent(100)


@pytest.mark.parametrize("minutes", [1, None])
def test_a_run_that_had_not_begun_begins_with_its_own_budget(minutes):
    pace = Pace(minutes=minutes, steps=None if minutes else 400)
    whole = list(pace.knots)
    pace.resume([], None, 0, 0.0)
    assert pace.knots == whole


@given(SPEEDS, st.floats(0.1, 3))
def test_what_is_reached_with_a_step_is_the_progress_before_the_next(speeds, minutes):
    pace, step, seconds = Pace(minutes=minutes), 0, 0.0
    while not pace.is_spent(step):
        step += 1
        seconds += speeds[(step // 40) % len(speeds)]
        pace.replan(step, seconds)
        assert pace.reached(step) == pace.progress(step)
    again = Pace.settled(pace.knots)
    assert all(again.reached(at) == again.progress(at) for at in range(step + 1))


@pytest.mark.parametrize("wait", [0.0, 3.0, 15.0])
@pytest.mark.parametrize("derailed_at", [5, 60, 132])
def test_a_run_that_begins_again_spends_its_minutes_once(wait, derailed_at):
    """The first attempt waited for its first step; the second need not, and has spent nothing."""
    pace, seconds = Pace(minutes=1), wait
    for step in range(1, derailed_at + 1):
        seconds += 0.1
        pace.replan(step, seconds)
    pace.resume([], None, 0, 0.0)
    _, seconds = run(pace, lambda step: 0.1)
    assert seconds == pytest.approx(60, abs=2)


def test_what_an_earlier_run_settled_on_is_kept_where_it_begins_again():
    knots = [(0, 0.0, 0), (8, 0.0, 40)]
    pace = Pace.settled(knots)
    pace.resume([], None, 0, 0.0)
    assert pace.knots == knots
