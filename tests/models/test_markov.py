"""Markov: proper probabilities, the same for training, measuring and painting."""

from __future__ import annotations

import json
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pixelgen.api import start
from pixelgen.data.batches import Cutter
from pixelgen.data.material import make_spec
from pixelgen.data.scans import make_scan
from pixelgen.errors import OptionError, RunUnreadable
from pixelgen.evaluation.bits import nats_by_cell
from pixelgen.models.interface import StepInputs
from pixelgen.models.markov import Markov, Table

GRID = (6, 8)


def make(vocabulary=5, grid=GRID, scan="raster", **options) -> tuple[Markov, Cutter]:
    parsed = Markov.Options(**options)
    segments = Markov.segments(parsed)
    scan = make_scan(scan, grid)
    offsets = scan.offsets(segments.context)
    cutter = Cutter(scan, segments, offsets, vocabulary)
    return Markov.build(make_spec(cutter, None), parsed), cutter


def noise(count, vocabulary=5, seed=0, grid=GRID):
    generator = np.random.default_rng(seed)
    return generator.integers(0, vocabulary, (count, grid[0] * grid[1]), dtype=np.int32)


def learn(model, cutter, canvases, *, seed=0, epochs=1):
    groups = np.zeros(len(canvases), np.int32)
    losses = []
    for epoch in range(epochs):
        order = np.random.default_rng([seed, epoch])
        for batch in cutter.training_batches(canvases, groups, order):
            losses.append(model.train_step(batch, 0.0))
    return losses


def logits(model, contexts):
    count = len(contexts)
    nothing = np.zeros(count, np.int32)
    inputs = StepInputs(contexts, nothing, nothing, nothing > 0, nothing, nothing[None], nothing)
    return model.decoder(1).step(inputs)


@given(
    st.integers(2, 9), st.integers(0, 3), st.sampled_from(["previous", "near"]), st.integers(0, 99)
)
def test_probabilities_sum_to_one_whatever_was_seen(vocabulary, order, context, seed):
    model, cutter = make(vocabulary, order=order, context=context)
    learn(model, cutter, noise(3, vocabulary, seed))
    contexts = np.random.default_rng(seed).integers(
        0, vocabulary + 1, (20, model.spec.context_size), dtype=np.int32
    )
    probabilities = np.exp(logits(model, contexts).astype(np.float64))
    assert logits(model, contexts).dtype == np.float32
    assert (probabilities > 0).all()
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)


def test_before_it_has_seen_anything_every_token_is_as_likely():
    model, cutter = make(5)
    assert model.parameter_count == 0
    losses = learn(model, cutter, noise(1))
    assert losses[0] == pytest.approx(np.log(5))
    assert model.parameter_count > 5


def test_what_is_measured_is_what_is_painted_with():
    model, cutter = make(5)
    learn(model, cutter, noise(4))
    canvases = noise(2, seed=9)
    for batch, _ in cutter.evaluation_batches(canvases, np.zeros(2, np.int32)):
        nats = model.nll(batch)
        assert nats.dtype == np.float32
        assert nats.shape == batch.targets.shape
        for row in range(len(nats)):
            painted = logits(model, batch.context[row])
            chosen = painted[np.arange(len(painted)), batch.targets[row]]
            np.testing.assert_array_equal(nats[row], -chosen)


def test_measuring_changes_nothing():
    model, cutter = make(5)
    learn(model, cutter, noise(4))
    tables = [(table.keys.copy(), table.counts.copy()) for table in model.tables]
    nats_by_cell(model, cutter, noise(2), np.zeros(2, np.int32))
    for table, (keys, counts) in zip(model.tables, tables, strict=True):
        np.testing.assert_array_equal(table.keys, keys)
        np.testing.assert_array_equal(table.counts, counts)


def test_it_learns_a_pattern_and_prefers_it():
    """Stripes: each token follows from the one to its left."""
    model, cutter = make(4)
    stripes = np.tile(np.arange(GRID[1], dtype=np.int32) % 4, (3, GRID[0]))
    losses = learn(model, cutter, stripes, epochs=40)
    assert losses[-1] < 0.1 < losses[0]
    nats = nats_by_cell(model, cutter, stripes[:1], np.zeros(1, np.int32))
    assert nats.mean() < 0.1
    nats = nats_by_cell(model, cutter, stripes[:1, ::-1].copy(), np.zeros(1, np.int32))
    assert nats.mean() > 2


def test_a_pattern_in_both_directions_wants_two_neighbours():
    """Each token is the sum of its left and upper neighbours: one of them says nothing."""
    canvas = noise(400, 3).reshape(-1, *GRID)
    for row in range(1, GRID[0]):
        for column in range(1, GRID[1]):
            canvas[:, row, column] = (canvas[:, row - 1, column] + canvas[:, row, column - 1]) % 3
    canvases = canvas.reshape(len(canvas), -1)
    bits = {}
    for order in (1, 2):
        model, cutter = make(3, order=order)
        learn(model, cutter, canvases[:300])
        nats = nats_by_cell(model, cutter, canvases[300:], np.zeros(100, np.int32))
        bits[order] = nats.mean() / np.log(2)
    assert bits[1] > 1.5
    assert bits[2] < 0.8  # of which the free first row and column are log2(3) × 13/48 = 0.43


def test_the_defaults_are_better_than_fewer_neighbours_or_hardly_any_smoothing(quick, tmp_path):
    bits = {}
    for number, model in enumerate([{}, {"order": 0}, {"order": 1}, {"strength": 0.01}]):
        resolved = quick(model=model, training={"epochs": 4})
        manifest = start(resolved, tmp_path / str(number)).run.manifest
        bits[number] = manifest["best"]["held_out_bits_per_pixel"]
    assert bits[0] == min(bits.values())


def dotted(count, grid):
    """Pictures whose every 5th cell of every 5th row is 0 or 1, and all others 2 or 3."""
    generator = np.random.default_rng(3)
    tokens = generator.integers(2, 4, (count, *grid), dtype=np.int32)
    tokens[:, ::5, ::5] -= 2
    return tokens.reshape(count, -1)


def test_the_small_copy_of_a_pyramid_is_counted_on_its_own(tmp_path):
    grid = (20, 20)
    model, cutter = make(grid=grid, scan="pyramid", order=1, strength=1)
    canvases, groups = dotted(20, grid), np.zeros(20, np.int32)
    learn(model, cutter, canvases)
    model.save(tmp_path)
    for one in (model, Markov.load(tmp_path, model.options)):
        nats = nats_by_cell(one, cutter, canvases, groups)
        coarse = nats.reshape(20, *grid)[:, ::5, ::5]
        assert coarse.mean() < np.log(2) + 0.1  # one of two, not one of four
        assert nats.mean() < np.log(2) + 0.1


def test_a_pyramid_counted_without_regard_to_levels_is_read_as_it_was(tmp_path):
    model, cutter = make(grid=(20, 20), scan="pyramid")
    model.kinds = 1
    learn(model, cutter, noise(3, grid=(20, 20)))
    model.save(tmp_path)
    description = json.loads((tmp_path / "spec.json").read_text())
    del description["kinds"]
    (tmp_path / "spec.json").write_text(json.dumps(description))
    read = Markov.load(tmp_path, model.options)
    one, group = noise(1, grid=(20, 20)), np.zeros(1, np.int32)
    batch = next(cutter.training_batches(one, group, np.random.default_rng(0)))
    np.testing.assert_array_equal(read.nll(batch), model.nll(batch))


def test_the_counts_do_not_depend_on_the_order_of_the_batches():
    canvases = noise(5)
    models = []
    for seed, batch in ((0, 64), (1, 3)):
        model, cutter = make(5, batch=batch)
        learn(model, cutter, canvases, seed=seed)
        models.append(model)
    for one, other in zip(models[0].tables, models[1].tables, strict=True):
        np.testing.assert_array_equal(one.keys, other.keys)
        np.testing.assert_array_equal(one.counts, other.counts)


def test_counts_are_those_of_a_dictionary():
    model, cutter = make(3, order=1)
    canvases = noise(2, 3)
    learn(model, cutter, canvases)
    expected: dict[tuple[int, int], int] = {}
    for canvas in canvases:
        for cell, token in enumerate(canvas.tolist()):
            left = int(canvas[cell - 1]) if cell % GRID[1] else 3
            expected[left, token] = expected.get((left, token), 0) + 1
    table = model.tables[1]
    counted = {
        divmod(int(key), 3): int(count) for key, count in zip(table.keys, table.counts, strict=True)
    }
    assert counted == expected


def test_interpolation_is_the_formula():
    table = Table.empty(3).add(np.array([7, 7, 7, 2]), np.array([0, 0, 1, 2]))
    prior = np.array([[0.5, 0.25, 0.25]] * 2)
    mixed = table.interpolate(np.array([7, 5], np.uint64), prior, 2.0)
    expected = (np.array([2, 1, 0]) + 2 * prior[0]) / (3 + 2)
    np.testing.assert_allclose(mixed, [expected, prior[1]])


def test_a_row_does_not_depend_on_the_others():
    model, cutter = make(5)
    learn(model, cutter, noise(4))
    contexts = np.random.default_rng(1).integers(0, 6, (30, 4), dtype=np.int32)
    together = logits(model, contexts)
    for row in range(30):
        np.testing.assert_array_equal(together[row], logits(model, contexts[row : row + 1])[0])


def test_more_neighbours_than_the_context_has_are_not_asked_for():
    assert make(5, order=3, context="previous")[0].order == 1


def test_contexts_too_many_to_count_are_refused():
    with pytest.raises(OptionError, match="too many") as caught:
        make(65_536, order=3)
    assert "model.order=2" in caught.value.remedy
    make(65_536, order=2)


def test_a_model_that_was_saved_is_the_same(tmp_path):
    model, cutter = make(5)
    learn(model, cutter, noise(4))
    model.save(tmp_path)
    loaded = Markov.load(tmp_path, model.options)
    contexts = np.random.default_rng(1).integers(0, 6, (30, 4), dtype=np.int32)
    np.testing.assert_array_equal(logits(loaded, contexts), logits(model, contexts))
    assert loaded.parameter_count == model.parameter_count
    loaded.restore_training_state(model.training_state())
    learn(model, cutter, noise(2, seed=4))
    learn(loaded, cutter, noise(2, seed=4))
    np.testing.assert_array_equal(logits(loaded, contexts), logits(model, contexts))


def test_an_untrained_model_can_be_saved(tmp_path):
    model, _ = make(5)
    model.save(tmp_path)
    contexts = np.zeros((1, 4), np.int32)
    loaded = Markov.load(tmp_path, model.options)
    np.testing.assert_array_equal(logits(loaded, contexts), logits(model, contexts))


@pytest.mark.parametrize("file", ["model.safetensors", "spec.json"])
@pytest.mark.parametrize("damage", ["missing", "cut short"])
def test_a_damaged_model_is_said_to_be(tmp_path, file, damage):
    model, cutter = make(5)
    learn(model, cutter, noise(1))
    model.save(tmp_path)
    if damage == "missing":
        (tmp_path / file).unlink()
    else:
        (tmp_path / file).write_bytes((tmp_path / file).read_bytes()[:9])
    with pytest.raises(RunUnreadable) as caught:
        Markov.load(tmp_path, model.options)
    assert caught.value.remedy


@pytest.mark.parametrize("highest", [3, 2**61])
def test_counts_add_up_over_steps(highest):
    """With keys of more bits than a float has, too."""
    generator = np.random.default_rng(highest)
    table, counted = Table.empty(5), Counter()
    for _ in range(6):
        contexts = np.uint64(highest) - generator.integers(0, 4, 20).astype(np.uint64)
        tokens = generator.integers(0, 5, 20)
        table = table.add(contexts, tokens)
        counted.update((contexts * np.uint64(5) + tokens.astype(np.uint64)).tolist())
    assert dict(zip(table.keys.tolist(), table.counts.tolist(), strict=True)) == counted
    assert table.keys.tolist() == sorted(counted)
    totals = Counter()
    for key, count in counted.items():
        totals[key // 5] += count
    assert dict(zip(table.contexts.tolist(), table.totals.tolist(), strict=True)) == totals
