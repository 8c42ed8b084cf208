"""Distances between sets of pictures: nothing for the same, more for more, and of known size."""

from __future__ import annotations

import numpy as np
import pytest

from pixelgen.evaluation.diversity import diversity
from pixelgen.evaluation.likeness import palette_distance, patch_distances, sliced_wasserstein
from pixelgen.sources.landscapes import paint_landscape


@pytest.fixture(scope="module")
def landscapes() -> np.ndarray:
    return np.stack([paint_landscape(5, index, 32, 32) for index in range(16)])


def tokens(pictures: np.ndarray) -> np.ndarray:
    return pictures.astype(np.int32).sum(axis=-1)


def test_a_set_moved_by_a_vector_is_as_far_as_its_mean_shadow():
    points = np.random.default_rng(0).standard_normal((2000, 3))
    found = sliced_wasserstein(points, points + np.array([0.3, 0, 0]), np.random.default_rng(1))
    # A direction on the sphere has |x| uniform on [0, 1], so half of 0.3 on average.
    assert found == pytest.approx(0.15, rel=0.15)


def test_a_set_is_no_way_from_itself(landscapes):
    assert palette_distance(landscapes, landscapes) == pytest.approx(0, abs=1e-6)
    assert [each for _, each in patch_distances(landscapes, landscapes)] == pytest.approx(
        [0.0] * 3, abs=1e-6
    )


def test_colours_alone_move_the_palette(landscapes):
    shuffled = landscapes.reshape(-1, 3).copy()
    np.random.default_rng(0).shuffle(shuffled)
    assert palette_distance(landscapes, shuffled.reshape(landscapes.shape)) < 1e-3
    assert palette_distance(landscapes, 255 - landscapes) > 0.05


def test_scrambled_pixels_have_other_patches(landscapes):
    first, second = landscapes[:8], landscapes[8:]
    shuffled = first.reshape(-1, 3).copy()
    np.random.default_rng(0).shuffle(shuffled)
    floor = patch_distances(first, second)
    far = patch_distances(shuffled.reshape(first.shape), second)
    assert [patch for patch, _ in floor] == [7, 14, 28]
    assert far[0][1] > 3 * floor[0][1]


def test_real_pictures_are_as_varied_as_real_pictures(landscapes):
    found = diversity(landscapes[:8], landscapes[8:], tokens(landscapes[:8]))
    assert found.duplicates == 0
    assert found.spread == pytest.approx(found.spread_of_train, rel=0.5)
    assert "few different" not in found.explanation


def test_one_picture_over_and_over_is_a_collapse(landscapes):
    noise = np.random.default_rng(0).integers(0, 3, (8, 32, 32, 3), dtype=np.uint8)
    same = np.minimum(landscapes[:1] // 2 + noise, 255).astype(np.uint8)
    found = diversity(same, landscapes, tokens(same))
    assert found.spread < 0.1 * found.spread_of_train
    assert "few different" in found.explanation


def test_identical_samples_are_counted(landscapes):
    pictures = landscapes[[0, 1, 0, 2, 1]]
    assert diversity(pictures, landscapes, tokens(pictures)).duplicates == 2
