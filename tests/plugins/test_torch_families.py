"""`torch-gpt` and `torch-mlp`: learning, likelihoods, painting, files and resumption."""

from __future__ import annotations

import numpy as np
import pytest
from canonical_toys import batches, canvases, make, nats_of, painted_logits
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pixelgen.errors import OptionError, RunUnreadable
from pixelgen.evaluation.bits import nats_by_cell
from pixelgen.models.interface import StepInputs
from pixelgen.options import parse_options

torch = pytest.importorskip("torch")

from pixelgen_torch.gpt import GPTOptions, TorchGPT  # noqa: E402
from pixelgen_torch.lstm import TorchLSTM  # noqa: E402
from pixelgen_torch.mlp import TorchMLP  # noqa: E402
from safetensors.numpy import load_file, save_file  # noqa: E402

SMALL_GPT = {"embedding": 12, "heads": 3, "layers": 2, "window": 9, "window_step": 4, "reach": 13}
KINDS = {
    "mlp": (TorchMLP, {}),
    "mlp, deep, dropout": (TorchMLP, {"layers": 4, "dropout": 0.3}),
    "mlp, plain": (TorchMLP, {"output": "plain", "colours": False, "context": "near"}),
    "gpt": (TorchGPT, SMALL_GPT),
    "gpt, dropout": (TorchGPT, {**SMALL_GPT, "dropout": 0.3}),
    "gpt, like image-gpt": (
        TorchGPT,
        {**SMALL_GPT, "context": "previous", "colours": False, "output": "plain", "reach": 99},
    ),
    "gpt, itself alone": (TorchGPT, {**SMALL_GPT, "reach": 1}),
}
kinds = pytest.mark.parametrize("kind", KINDS)


def build(kind, options=None, **world):
    model, chosen = KINDS[kind]
    without = () if model is TorchMLP else ("hidden",)
    return make(model, {**chosen, **(options or {})}, without=without, **world)


def trained(kind, steps=3, **world):
    model, cutter = build(kind, {"precision": "float32"}, groups=2, **world)
    for batch in batches(cutter, groups=2)[:steps]:
        model.train_step(batch, 0.0)
    return model, cutter


@kinds
@pytest.mark.parametrize("channels", [0, 3, 4])
def test_the_decoder_agrees_with_the_likelihoods(kind, channels):
    model, cutter = trained(kind, channels=channels)
    data = canvases(cutter, groups=2)
    nats = nats_of(painted_logits(model, cutter, *data), data[0])
    np.testing.assert_allclose(nats, nats_by_cell(model, cutter, *data), rtol=0, atol=1e-5)


@kinds
def test_it_learns_a_repeating_pattern(kind):
    model, cutter = build(kind, {"learning_rate": 0.01, "dropout": 0})
    tokens = np.tile(np.arange(cutter.scan.cells, dtype=np.int32) % 6, (4, 1))
    groups = np.zeros(4, np.int32)
    before = nats_by_cell(model, cutter, tokens, groups).mean()
    for epoch in range(25):
        for batch in cutter.training_batches(tokens, groups, np.random.default_rng(epoch)):
            model.train_step(batch, epoch / 25)
    after = nats_by_cell(model, cutter, tokens, groups).mean()
    assert before == pytest.approx(np.log(cutter.vocab_size), abs=1)
    assert after < 0.1


@kinds
def test_a_later_token_changes_no_earlier_likelihood(kind):
    model, cutter = trained(kind)
    tokens, groups = canvases(cutter, groups=2)
    before = nats_by_cell(model, cutter, tokens, groups)
    changed = tokens.copy()
    step = cutter.scan.cells // 2
    cell = cutter.scan.order[step]
    changed[:, cell] = (changed[:, cell] + 1) % cutter.vocab_size
    after = nats_by_cell(model, cutter, changed, groups)
    earlier, later = cutter.scan.order[:step], cutter.scan.order[step + 1 :]
    np.testing.assert_allclose(after[:, earlier], before[:, earlier], rtol=0, atol=1e-6)
    assert np.abs(after[:, later] - before[:, later]).max() > 1e-3


def test_attention_reaches_as_far_as_it_says():
    options = {**SMALL_GPT, "context": "previous", "layers": 1, "reach": 5, "precision": "float32"}
    model, cutter = make(TorchGPT, options, without=("hidden",))
    for batch in batches(cutter)[:4]:
        model.train_step(batch, 0.0)
    tokens, groups = canvases(cutter)
    before = nats_by_cell(model, cutter, tokens, groups)
    changed = tokens.copy()
    changed[:, 10] = (changed[:, 10] + 1) % cutter.vocab_size
    moved = np.abs(nats_by_cell(model, cutter, changed, groups) - before).max(0)
    # Position 11 is given token 10; 15 is the last that attends to position 11.
    assert (moved[11:16] > 1e-6).all()
    assert (moved[16:] < 1e-6).all()


@kinds
def test_training_goes_on_exactly_from_its_saved_state(kind, tmp_path):
    model, cutter = build(kind, groups=2)
    data = batches(cutter, groups=2)
    half = len(data) // 2
    for batch in data[:half]:
        model.train_step(batch, 0.1)
    model.save(tmp_path)
    save_file(dict(model.training_state()), tmp_path / "state.safetensors")
    resumed = type(model).load(tmp_path, model.network.options, device="cpu")
    resumed.restore_training_state(load_file(tmp_path / "state.safetensors"))
    for batch in data[half:]:
        assert model.train_step(batch, 0.2) == resumed.train_step(batch, 0.2)
    ours, theirs = model.network.weights(), resumed.network.weights()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


@kinds
def test_the_same_seed_builds_and_trains_the_same(kind):
    losses = []
    for _ in range(2):
        model, cutter = build(kind, seed=8)
        losses.append([model.train_step(batch, 0.0) for batch in batches(cutter)[:4]])
    assert losses[0] == losses[1]


def step_inputs(model, cutter, rows, starts, seed):
    generator = np.random.default_rng(seed)
    spec = model.network.spec
    cells = len(spec.rows)
    return StepInputs(
        context=generator.integers(0, spec.vocab_size + 1, (rows, spec.context_size), np.int32),
        positions=generator.integers(0, cells, rows).astype(np.int32),
        slots=generator.permutation(64)[:rows].astype(np.int32),
        starts=np.full(rows, starts),
        groups=generator.integers(0, 2, rows).astype(np.int32),
        canvas=np.zeros((rows, cells + 1), np.int32),
        pictures=np.arange(rows, dtype=np.int32),
    )


def taken(inputs, chosen):
    parts = ("context", "positions", "slots", "starts", "groups", "pictures")
    return StepInputs(
        canvas=inputs.canvas, **{part: getattr(inputs, part)[chosen] for part in parts}
    )


@pytest.mark.parametrize("kind", ["mlp, deep, dropout", "gpt"])
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.integers(1, 64), seed=st.integers(0, 99), data=st.data())
def test_a_rows_logits_depend_on_itself_alone_bit_for_bit(kind, rows, seed, data):
    wide = {"embedding": 39, "projection": 29, "precision": "float32"}
    model, cutter = build(kind, wide, vocab=103, groups=2)
    for batch in batches(cutter, groups=2)[:2]:
        model.train_step(batch, 0.0)
    chosen = np.array(data.draw(st.lists(st.integers(0, rows - 1), min_size=1, unique=True)))
    together, apart = model.decoder(64), model.decoder(64)
    for starts in (True, False, False):
        inputs = step_inputs(model, cutter, rows, starts, seed)
        logits = together.step(inputs)[chosen]
        np.testing.assert_array_equal(logits, apart.step(taken(inputs, chosen)))


def test_heads_that_do_not_divide_the_embedding_are_named():
    with pytest.raises(OptionError, match="3 and 256"):
        parse_options(GPTOptions, {"heads": 3}, owner="model torch-gpt")


@pytest.mark.parametrize("other", [TorchMLP, TorchLSTM])
def test_another_familys_file_is_refused(other, tmp_path):
    model, _ = build("gpt")
    model.save(tmp_path)
    with pytest.raises(RunUnreadable, match="does not describe a model of the family"):
        other.load(tmp_path, other.Options(), device="cpu")


@kinds
def test_a_decoder_keeps_the_weights_that_it_was_made_with(kind):
    model, cutter = build(kind, groups=2)
    data = canvases(cutter, groups=2)
    decoder = model.decoder(256)
    before = nats_of(painted_logits(model, cutter, *data, decoder=decoder), data[0])
    for batch in batches(cutter, groups=2)[:3]:
        model.train_step(batch, 0.0)
    after = nats_of(painted_logits(model, cutter, *data, decoder=decoder), data[0])
    np.testing.assert_array_equal(before, after)
