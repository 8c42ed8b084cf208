"""Verbatim tokens: what is planted is found, at its place and of its size, and nothing else is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pixelgen.evaluation.novelty.verbatim import largest_blocks, longest_runs


def grids(count: int, seed: int = 0, vocabulary: int = 1000) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, vocabulary, (count, 12, 15), dtype=np.int32)


@given(st.integers(2, 12), st.integers(0, 99))
def test_a_planted_square_is_found_where_it_was_planted(side, seed):
    # Tokens of the two sides have no number in common but for what is planted.
    training, query = grids(3, seed), grids(1, seed + 1) + 1000
    rng = np.random.default_rng(seed)
    top, to_top = rng.integers(0, 12 - side + 1, 2)
    left, to_left = rng.integers(0, 15 - side + 1, 2)
    query[0, to_top : to_top + side, to_left : to_left + side] = training[
        2, top : top + side, left : left + side
    ]
    (found,) = largest_blocks(query, training)
    assert found.side == side
    assert (found.training, found.at, found.origin) == (2, (to_top, to_left), (top, left))


@given(st.integers(0, 30))
def test_the_longest_run_is_the_one_found_by_trying_all(seed):
    queries, training = grids(2, seed, vocabulary=4), grids(2, seed + 1, vocabulary=4)

    def text(row):
        return "".join(map(str, row))

    rows = [text(row) for grid in training for row in grid]
    for query, found in zip(queries, longest_runs(queries, training), strict=True):
        pieces = {text(row)[i:j] for row in query for i in range(15) for j in range(i + 1, 16)}
        longest = max(len(piece) for piece in pieces if any(piece in row for row in rows))
        assert found.side == longest


def test_nothing_is_shared_by_pictures_without_a_token_in_common():
    (found,) = largest_blocks(grids(1) + 1000, grids(3))
    assert found.side == 0


def test_a_picture_is_not_its_own_copy():
    training = grids(4)
    own = [[index] for index in range(4)]
    assert all(found.side < 4 for found in largest_blocks(training, training, own))
    assert all(found.side == 12 for found in largest_blocks(training, training))


@pytest.mark.parametrize("count", [1, 300])
def test_many_training_pictures_are_searched_as_few_are(count):
    training = grids(count)
    (found,) = longest_runs(training[-1:], training)
    assert (found.side, found.training) == (15, count - 1)
