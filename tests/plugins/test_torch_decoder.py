"""Painting a step at a time: the same numbers as in training, whatever else is painted."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pixelgen.data.schedule import make_schedule
from pixelgen.evaluation.bits import nats_by_cell
from pixelgen.models.interface import StepInputs

torch = pytest.importorskip("torch")

from pixelgen_torch import products  # noqa: E402

from .test_torch_lstm import KINDS, batches, canvases, make  # noqa: E402

pytestmark = pytest.mark.usefixtures("small_pyramids")

SLOTS = 256


def painted_nats(model, cutter, tokens, groups, *, one_at_a_time=False):
    """−ln p of every token, (N, P), from the decoder's logits along the painting schedule."""
    schedule = make_schedule(
        cutter.scan, cutter.table, cutter.segments.memory, one_at_a_time=one_at_a_time
    )
    count = len(tokens)
    canvas = cutter.extended(tokens)
    decoder = model.decoder(count * schedule.segments)
    nats = np.empty(tokens.shape)
    for wave in schedule.waves:
        row, cell = np.repeat(np.arange(count), len(wave)), np.tile(wave, count)
        logits = decoder.step(
            StepInputs(
                context=canvas[row[:, None], cutter.table[cell]],
                positions=cell,
                slots=(row * schedule.segments + schedule.segment[cell]).astype(np.int32),
                starts=schedule.starts[cell],
                groups=groups[row],
                canvas=canvas,
                pictures=row,
            )
        )
        assert logits.dtype == np.float32
        log_p = torch.log_softmax(torch.from_numpy(logits).double(), 1).numpy()
        nats[row, cell] = -log_p[np.arange(len(row)), tokens[row, cell]]
    return nats


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("channels", [0, 3, 4])
def test_the_decoder_agrees_with_the_likelihoods(kind, channels):
    model, cutter = make(KINDS[kind], channels=channels, groups=2)
    for batch in batches(cutter, groups=2)[:3]:
        model.train_step(batch, 0.0)
    data = canvases(cutter, groups=2)
    np.testing.assert_allclose(
        painted_nats(model, cutter, *data), nats_by_cell(model, cutter, *data), rtol=0, atol=1e-5
    )


@pytest.mark.parametrize("kind", KINDS)
def test_bfloat16_stays_near(kind):
    model, cutter = make({**KINDS[kind], "painting": "bfloat16"}, channels=3)
    for batch in batches(cutter)[:3]:
        model.train_step(batch, 0.0)
    data = canvases(cutter)
    np.testing.assert_allclose(
        painted_nats(model, cutter, *data), nats_by_cell(model, cutter, *data), rtol=0, atol=0.05
    )


@pytest.mark.parametrize("scan", ["serpentine", "column", "hilbert", "pyramid"])
@pytest.mark.parametrize("kind", ["default", "picture"])
def test_the_order_of_painting_changes_no_bit(scan, kind):
    model, cutter = make(KINDS[kind], scan=scan)
    data = canvases(cutter)
    np.testing.assert_array_equal(
        painted_nats(model, cutter, *data),
        painted_nats(model, cutter, *data, one_at_a_time=True),
    )


def wide_model(**more):
    # Widths that are multiples of nothing, a vocabulary that fills no vector, two layers.
    options = {"hidden": 75, "embedding": 37, "projection": 30, "layers": 2, **more}
    model, cutter = make(options, vocab=103, groups=2)
    for batch in batches(cutter, groups=2)[:3]:  # since what is tied adds nothing at first
        model.train_step(batch, 0.0)
    return model


def step_inputs(model, rows, seed):
    """Inputs for `rows` positions; row r is the same for every number of rows."""
    spec = model.network.spec
    context, positions, groups = [], [], []
    for row in range(rows):
        generator = np.random.default_rng((seed, row))
        context.append(generator.integers(0, spec.vocab_size + 1, spec.context_size))
        positions.append(generator.integers(0, len(spec.rows)))
        groups.append(generator.integers(0, spec.groups))
    return StepInputs(
        context=np.array(context, np.int32),
        positions=np.array(positions, np.int32),
        slots=np.arange(rows, dtype=np.int32),
        starts=np.arange(rows) % 3 == seed % 3,
        groups=np.array(groups, np.int32),
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


@pytest.fixture(scope="module", params=["packed", "padded", "bfloat16"])
def reference(request):
    """A model and the logits of two steps over 256 rows, through either kind of product."""
    patch = pytest.MonkeyPatch()
    if request.param == "padded":
        patch.setattr(products, "packing_works", lambda: False)
    model = wide_model(painting="bfloat16" if request.param == "bfloat16" else "float32")
    decoder = model.decoder(SLOTS)
    steps = [step_inputs(model, SLOTS, seed) for seed in (0, 1)]
    yield model, steps, [decoder.step(inputs) for inputs in steps]
    patch.undo()


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(rows=st.integers(1, 200), seed=st.integers(0, 2**32 - 1))
def test_a_rows_logits_are_the_same_bits_among_any_others(reference, rows, seed):
    model, steps, expected = reference
    generator = np.random.default_rng(seed)
    chosen = generator.permutation(SLOTS)[:rows]
    slots = generator.permutation(rows).astype(np.int32)
    decoder = model.decoder(rows)
    for inputs, logits in zip(steps, expected, strict=True):
        np.testing.assert_array_equal(decoder.step(take(inputs, chosen, slots)), logits[chosen])


@pytest.mark.parametrize("rows", [*range(1, 34), 63, 64, 65, 127, 128, 129, 199, 255])
def test_any_number_of_rows_gives_the_same_bits(reference, rows):
    model, steps, expected = reference
    decoder = model.decoder(rows)
    chosen = np.arange(rows)
    for inputs, logits in zip(steps, expected, strict=True):
        got = decoder.step(take(inputs, chosen, chosen.astype(np.int32)))
        np.testing.assert_array_equal(got, logits[:rows])


@pytest.mark.parametrize("painting", ["float32", "bfloat16"])
@pytest.mark.parametrize("threads", [1, 2, 3, 4])
def test_the_number_of_threads_changes_no_bit(threads, painting):
    before = torch.get_num_threads()
    model = wide_model(painting=painting)
    steps = [step_inputs(model, SLOTS, seed) for seed in (0, 1)]
    try:
        torch.set_num_threads(1)
        decoder = model.decoder(SLOTS)
        expected = [decoder.step(inputs) for inputs in steps]
        torch.set_num_threads(threads)
        decoder = model.decoder(SLOTS)
        for inputs, logits in zip(steps, expected, strict=True):
            np.testing.assert_array_equal(decoder.step(inputs), logits)
    finally:
        torch.set_num_threads(before)


@pytest.mark.skipif(not products.packing_works(), reason="this PyTorch packs no weights")
def test_bfloat16_that_cannot_be_packed_is_float32(monkeypatch):
    model, _ = make({"painting": "bfloat16"})
    exact, _ = make({"painting": "float32"})
    inputs = take(step_inputs(model, 4, 0), np.arange(4), np.arange(4, dtype=np.int32))
    differ = (model.decoder(4).step(inputs) != exact.decoder(4).step(inputs)).any()
    assert differ == products.packing_takes_bfloat16()
    monkeypatch.setattr("pixelgen_torch.decoder.packing_takes_bfloat16", lambda: False)
    np.testing.assert_array_equal(model.decoder(4).step(inputs), exact.decoder(4).step(inputs))


def test_a_decoder_keeps_the_weights_that_it_was_made_with():
    model, cutter = make()
    decoder = model.decoder(4)
    inputs = take(step_inputs(model, 4, 0), np.arange(4), np.arange(4, dtype=np.int32))
    fresh = take(inputs, np.arange(4), inputs.slots)
    fresh.starts[:] = True
    before = decoder.step(fresh)
    for batch in batches(cutter):
        model.train_step(batch, 0.0)
    np.testing.assert_array_equal(decoder.step(fresh), before)
    assert (model.decoder(4).step(fresh) != before).any()


@given(st.integers(1, 5000), st.sampled_from([2, 16]))
def test_few_numbers_of_rows_are_computed_and_little_more_than_there_are(rows, multiple):
    padded = products.rows_padded(rows, multiple)
    assert padded % multiple == 0
    assert rows <= padded < max(rows * 9 / 8, rows + multiple)


def test_all_waves_of_a_large_picture_are_of_few_numbers_of_rows():
    assert len({products.rows_padded(rows, 2) for rows in range(1, 1025)}) < 60
