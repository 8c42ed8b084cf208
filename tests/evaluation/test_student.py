"""Student's t, against the tables."""

from __future__ import annotations

import pytest

from pixelgen.evaluation.student import t_bound, t_tail


@pytest.mark.parametrize(
    ("freedom", "bound"),
    [(1, 12.706), (2, 4.303), (3, 3.182), (8, 2.306), (10, 2.228), (29, 2.045), (1000, 1.962)],
)
def test_the_bounds_are_those_of_the_tables(freedom, bound):
    assert t_bound(freedom) == pytest.approx(bound, abs=6e-4)
    assert t_tail(bound, freedom) == pytest.approx(0.025, abs=5e-5)
    assert t_tail(0.0, freedom) == pytest.approx(0.5)
