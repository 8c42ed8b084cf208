"""Painting with `keras-lstm`: the numbers of training, the same bits whatever else is painted."""

from __future__ import annotations

import numpy as np
import pytest
from canonical_toys import KINDS, batches, canvases, make, nats_of, painted_logits
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pixelgen.evaluation.bits import nats_by_cell
from pixelgen.models.interface import StepInputs

pytest.importorskip("tensorflow", reason="TensorFlow is not installed")
pytest.importorskip("keras", reason="Keras is not installed")
pytest.importorskip("pixelgen_keras", reason="pixelgen-keras is not installed")

from pixelgen_keras import tiles
from pixelgen_keras.lstm import KerasLSTM

SLOTS = 600


@pytest.mark.parametrize("kind", KINDS)
def test_the_decoder_agrees_with_the_likelihoods(kind):
    model, cutter = make(KerasLSTM, KINDS[kind], groups=2)
    for batch in batches(cutter, groups=2)[:3]:
        model.train_step(batch, 0.0)
    tokens, groups = canvases(cutter, groups=2)
    logits = painted_logits(model, cutter, tokens, groups)
    assert logits.dtype == np.float32
    np.testing.assert_allclose(
        nats_of(logits, tokens), nats_by_cell(model, cutter, tokens, groups), rtol=0, atol=1e-5
    )


@pytest.mark.parametrize("scan", ["serpentine", "pyramid"])
@pytest.mark.parametrize("kind", ["default", "picture"])
def test_the_order_of_painting_changes_no_bit(kind, scan):
    model, cutter = make(KerasLSTM, KINDS[kind], scan=scan, grid=(7, 18))
    data = canvases(cutter)
    np.testing.assert_array_equal(
        painted_logits(model, cutter, *data),
        painted_logits(model, cutter, *data, one_at_a_time=True),
    )


def step_inputs(model, rows, seed):
    """Inputs for `rows` positions; row r is the same for every number of rows."""
    spec = model.spec
    generators = [np.random.default_rng((seed, row)) for row in range(rows)]
    return StepInputs(
        context=np.array(
            [g.integers(0, spec.vocab_size + 1, spec.context_size, np.int32) for g in generators]
        ),
        positions=np.array([g.integers(0, len(spec.rows)) for g in generators], np.int32),
        slots=np.arange(rows, dtype=np.int32),
        starts=np.arange(rows) % 3 == seed % 3,
        groups=np.array([g.integers(0, spec.groups) for g in generators], np.int32),
        canvas=np.zeros((1, 1), np.int32),
        pictures=np.zeros(rows, np.int32),
    )


def take(inputs, chosen, slots):
    return StepInputs(
        context=inputs.context[chosen],
        positions=inputs.positions[chosen],
        slots=slots,
        starts=inputs.starts[chosen],
        groups=inputs.groups[chosen],
        canvas=inputs.canvas,
        pictures=inputs.pictures[chosen],
    )


@pytest.fixture(scope="module")
def reference():
    """A model and the logits of two steps over many rows.

    Its widths are multiples of nothing, and its vocabulary fills no vector.
    """
    options = {"hidden": 75, "embedding": 37, "projection": 30, "layers": 2}
    model, cutter = make(KerasLSTM, options, vocab=103, groups=2)
    for batch in batches(cutter, groups=2)[:3]:  # since what is tied adds nothing at first
        model.train_step(batch, 0.0)
    decoder = model.decoder(SLOTS)
    steps = [step_inputs(model, SLOTS, seed) for seed in (0, 1)]
    return model, steps, [decoder.step(inputs) for inputs in steps]


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(rows=st.integers(1, SLOTS), seed=st.integers(0, 2**32 - 1))
def test_a_rows_logits_are_the_same_bits_among_any_others(reference, rows, seed):
    model, steps, expected = reference
    generator = np.random.default_rng(seed)
    chosen = generator.permutation(SLOTS)[:rows]
    slots = generator.permutation(rows).astype(np.int32)
    decoder = model.decoder(rows)
    for inputs, logits in zip(steps, expected, strict=True):
        np.testing.assert_array_equal(decoder.step(take(inputs, chosen, slots)), logits[chosen])


@pytest.mark.parametrize("rows", [1, 2, 15, 16, 17, 63, 64, 65, 255, 256, 257, 511, 513])
def test_any_number_of_rows_gives_the_same_bits(reference, rows):
    model, steps, expected = reference
    decoder = model.decoder(rows)
    chosen = np.arange(rows)
    for inputs, logits in zip(steps, expected, strict=True):
        got = decoder.step(take(inputs, chosen, chosen.astype(np.int32)))
        np.testing.assert_array_equal(got, logits[:rows])


def test_painting_compiles_no_more_than_a_graph_a_tile_size(reference):
    model, steps, _ = reference
    for rows in (1, 7, 30, 100, 300, 600):
        model.decoder(rows).step(take(steps[0], np.arange(rows), np.arange(rows, dtype=np.int32)))
    assert model._steps._paint.experimental_get_tracing_count() <= len(tiles.SIZES)


def test_training_compiles_no_more_than_a_graph_a_shape():
    model, cutter = make(KerasLSTM, grid=(7, 6))  # 21 sequences: five batches of 4, and one of 1
    for _ in range(3):
        for batch in batches(cutter):
            model.train_step(batch, 0.0)
    assert model._steps._train.experimental_get_tracing_count() == 2


def test_a_decoder_keeps_the_weights_that_it_was_made_with():
    model, cutter = make(KerasLSTM)
    decoder = model.decoder(4)
    inputs = step_inputs(model, 4, 0)
    inputs.starts[:] = True
    before = decoder.step(inputs)
    for batch in batches(cutter):
        model.train_step(batch, 0.0)
    np.testing.assert_array_equal(decoder.step(inputs), before)
    assert (model.decoder(4).step(inputs) != before).any()


def test_the_decoder_leaves_its_inputs_alone():
    model, _ = make(KerasLSTM, groups=2)
    inputs = step_inputs(model, 5, 0)
    for array in (inputs.context, inputs.positions, inputs.slots, inputs.starts, inputs.groups):
        array.flags.writeable = False
    model.decoder(5).step(inputs)


# -- tiles ---------------------------------------------------------------------------------------


@given(rows=st.integers(1, 2000))
@pytest.mark.parametrize("sizes", [(256, 64, 16), (64,), (256, 16), (1,)])
def test_tiles_cover_every_row_once(sizes, rows):
    covered = []
    for tile, size in tiles.cut(rows, sizes):
        assert size in sizes
        assert 0 < tile.stop - tile.start <= size
        covered += range(tile.start, tile.stop)
    assert covered == list(range(rows))


def test_sizes_that_agree_are_found_by_trying():
    inputs = [np.random.default_rng(0).normal(size=(tiles.SIZES[0], 3))]
    assert tiles.agreeing_sizes(lambda rows: [rows[0] * 2], inputs) == tiles.SIZES
    # One size sums in another order than the others.
    assert tiles.agreeing_sizes(lambda rows: [rows[0] + 1e-9 * (len(rows[0]) == 64)], inputs) == (
        256,
        32,
        16,
    )
    # The last row of a large tile is treated unlike the others.
    assert tiles.agreeing_sizes(
        lambda rows: [rows[0] + 1e-9 * (np.arange(len(rows[0])) == 255)[:, None]], inputs
    ) == (64, 32, 16)
    # A row depends on its place.
    assert tiles.agreeing_sizes(
        lambda rows: [rows[0] + 1e-9 * np.arange(len(rows[0]))[:, None]], inputs
    ) == (1,)


def test_a_tile_is_filled_with_copies_of_its_last_row():
    array = np.arange(6).reshape(3, 2)
    np.testing.assert_array_equal(tiles.filled(array, 5), array[[0, 1, 2, 2, 2]])
    assert tiles.filled(array, 3) is array
