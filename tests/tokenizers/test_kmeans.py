"""k-means: skipping distances changes nothing, and what is reported is what is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pixelgen import threads
from pixelgen.data.colour_spaces import colour_space
from pixelgen.randomness import generator_for
from pixelgen.tokenizers import every_centre
from pixelgen.tokenizers.assignment import FRACTION, Points, Widest
from pixelgen.tokenizers.every_centre import EveryCentre
from pixelgen.tokenizers.histogram import ColourHistogram
from pixelgen.tokenizers.kmeans import Settings, cluster, levels_of, run_lloyd
from pixelgen.tokenizers.numpy_assignment import NumpyAssignment
from pixelgen.tokenizers.seeding import seeds


def cloud(seed: int, count: int, channels: int, spread: int) -> Points:
    """Points in clumps, in random order."""
    generator = np.random.default_rng(seed)
    clumps = generator.integers(-spread, spread + 1, (1 + count // 50, channels))
    places = clumps[generator.integers(0, len(clumps), count)]
    places = places + generator.integers(-5, 6, places.shape)
    weights = generator.integers(1, 100, count).astype(float)
    return Points(places.astype(float), weights, places * weights[:, None])


def histogram_of(pictures: np.ndarray) -> ColourHistogram:
    histogram = ColourHistogram(pictures.shape[-1])
    histogram.add(pictures)
    return histogram


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    count=st.integers(1, 700),
    k=st.integers(1, 200),
    channels=st.sampled_from([3, 4]),
    spread=st.sampled_from([3, 120, 4096]),
    beyond=st.sampled_from([1, 4]),
)
def test_assignment_by_candidates_equals_assignment_by_all(
    seed, count, k, channels, spread, beyond
):
    points = cloud(seed, count, channels, spread)
    generator = np.random.default_rng(seed)
    limit = beyond * (spread + 5) * FRACTION
    quick, plain = NumpyAssignment(points), EveryCentre(points)
    for step in range(3):  # the second and third go on from what was assigned before
        if step % 2 == 0:
            centres = generator.integers(-limit, limit + 1, (k, channels)).astype(float)
        else:
            centres = points.places[generator.integers(0, count, k)] * FRACTION
        (sums, counts), theirs = quick.update(centres), plain.update(centres)
        np.testing.assert_array_equal(sums, theirs[0])
        np.testing.assert_array_equal(counts, theirs[1])
        means = sums / np.maximum(counts, 1)[:, None]
        for most in (1, 7):
            pair = (each.widest(counts, means, most) for each in (quick, plain))
            for ours, theirs in zip(*pair, strict=True):
                np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("most", [1, 3, 40])
def test_the_widest_clusters_are_found_without_looking_at_all(most, monkeypatch):
    monkeypatch.setattr(every_centre, "COVARIANCES_AT_ONCE", 4 * 12**2)
    generator = np.random.default_rng(most)
    points = cloud(most, 400, 12, 120)
    assignment = EveryCentre(points)
    centres = points.places[generator.choice(400, 40, replace=False)] * FRACTION
    centres[3] = 1e6  # which has none
    sums, counts = assignment.update(centres)
    means = sums / np.maximum(counts, 1)[:, None]
    looked_at = []
    axes_of = every_centre.principal_axes
    monkeypatch.setattr(
        every_centre, "principal_axes", lambda w, *rest: looked_at.extend(w) or axes_of(w, *rest)
    )
    found = assignment.widest(counts, means, most)
    everything = Widest.of(counts, means, assignment._products(assignment._rows()), most)
    for ours, theirs in zip(found, everything, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert (len(looked_at) < 40) == (most < 40)
    assert 3 not in found.clusters


@pytest.mark.parametrize("channels", [3, 4])
def test_every_level_stands_for_the_same_pixels(channels):
    generator = np.random.default_rng(2)
    pictures = generator.integers(0, 40, (2, 80, 80, channels), dtype=np.uint8)
    coarse, fine = levels_of(histogram_of(pictures), colour_space("srgb"), 4, 128)
    assert len(coarse) < len(fine)
    assert coarse.weights.sum() == fine.weights.sum() == 2 * 80 * 80
    np.testing.assert_array_equal(coarse.sums.sum(axis=0), fine.sums.sum(axis=0))


@pytest.mark.parametrize("space", ["srgb", "linear", "oklab"])
def test_the_inertia_is_that_of_the_assignment_and_the_centres_its_means(space):
    pictures = np.random.default_rng(3).integers(0, 256, (1, 50, 50, 3), dtype=np.uint8)
    found = cluster(histogram_of(pictures), colour_space(space), 12, Settings(), seed=1)
    features = colour_space(space).features(pictures.reshape(-1, 3))
    squares = ((features[:, None] - found.centres) ** 2).sum(axis=2)
    assert squares.min(axis=1).sum() == pytest.approx(found.inertia, rel=1e-3)


def test_as_good_as_plain_lloyd_from_the_same_start():
    points = cloud(4, 4000, 3, 120)
    centres = seeds("kmeans++", points, 30, generator_for(0, "test"))
    square = float((points.sums * points.places).sum())
    plain = NumpyAssignment(points)
    moving = centres
    for _ in range(50):
        sums, counts = plain.update(moving)
        moving = np.rint(sums / np.maximum(counts, 1)[:, None] * FRACTION)
    lloyds = square - float((sums**2 / np.maximum(counts, 1)[:, None]).sum())
    ours = run_lloyd(NumpyAssignment(points), centres, square, Settings(tolerance=0))
    assert ours.inertia <= 1.02 * lloyds


@pytest.mark.parametrize("init", ["kmeans++", "split"])
def test_centres_without_pixels_are_put_to_use(init):
    points = cloud(5, 3000, 3, 120)
    centres = np.repeat(seeds(init, points, 5, generator_for(0, "test")), 4, axis=0)
    square = float((points.sums * points.places).sum())
    found = run_lloyd(NumpyAssignment(points), centres, square, Settings())
    assert len(found.centres) >= 19


@pytest.mark.parametrize("passes", [1, 2, 3, 7])
def test_no_more_passes_than_asked(passes):
    points = cloud(6, 2000, 3, 120)
    centres = seeds("split", points, 20, generator_for(0, "test"))
    found = run_lloyd(
        NumpyAssignment(points), centres, 1e12, Settings(max_iterations=passes, tolerance=0)
    )
    assert found.passes == passes


def test_the_number_of_threads_changes_nothing(monkeypatch):
    pictures = np.random.default_rng(7).integers(0, 256, (2, 120, 120, 3), dtype=np.uint8)
    found = []
    for count in (1, 3):
        monkeypatch.setattr(threads, "cores", lambda count=count: count)
        settings = Settings(max_iterations=8)
        found.append(cluster(histogram_of(pictures), colour_space("srgb"), 64, settings, seed=1))
    np.testing.assert_array_equal(found[0].centres, found[1].centres)


@pytest.mark.parametrize("init", ["kmeans++", "split"])
def test_fewer_places_than_centres_give_each_place_once(init):
    places = np.array([[0.0, 0, 0], [50, 0, 0], [0, 50, 50]])
    points = Points(places, np.ones(3), places.copy())
    found = seeds(init, points, 10, generator_for(0, "test"))
    assert {tuple(centre / FRACTION) for centre in found} == {tuple(place) for place in places}
