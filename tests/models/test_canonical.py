"""The canonical LSTM's options, weights and files: what every backend relies on."""

from __future__ import annotations

import dataclasses
import json
import math

import numpy as np
import pytest
from canonical_toys import KINDS, SMALL, batches, make, make_spec
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import load_file, save_file

from pixelgen.errors import OptionError, RunUnreadable
from pixelgen.models.canonical.backward import sum_by_entry
from pixelgen.models.canonical.colours import colour_table, colour_waves
from pixelgen.models.canonical.gelu import gelu, gelu_slope
from pixelgen.models.canonical.loss import ROWS, mean_cross_entropy, nats
from pixelgen.models.canonical.muon import orthogonal
from pixelgen.models.canonical.optimizer import Optimizer, clip
from pixelgen.models.canonical.options import ARTICLE, SHAPING, CanonicalOptions
from pixelgen.models.canonical.parameters import (
    embedding_tables,
    has_activated_input,
    initial_weights,
    place_entries,
    tied_columns,
    tied_heads,
    weight_shapes,
)
from pixelgen.models.canonical.training_state import TrainingState, read_training_state
from pixelgen.models.canonical.weights import read_model, write_model
from pixelgen.models.numpy_lstm import NumpyLSTM
from pixelgen.options import parse_options


def spec_for(options=None, **world):
    chosen = CanonicalOptions(**{**SMALL, **(options or {})})
    return make_spec(chosen.segments(), **world)[0], chosen


# -- options -------------------------------------------------------------------------------------


def test_windows_need_whole_pictures():
    with pytest.raises(OptionError, match="memory=picture"):
        parse_options(CanonicalOptions, {"window": 5}, owner="model")


def test_something_must_be_seen():
    blind = {"colours": False, "token_embeddings": 0}
    with pytest.raises(OptionError, match="token_embeddings"):
        parse_options(CanonicalOptions, blind, owner="model")


def test_the_learning_rates_default_is_the_optimizers():
    assert CanonicalOptions().peak_learning_rate == 0.004
    assert CanonicalOptions(optimizer="rmsprop").peak_learning_rate == 0.001
    assert CanonicalOptions(learning_rate=0.5).peak_learning_rate == 0.5


def test_the_articles_settings_are_two_plain_layers_of_512_on_one_embedding():
    spec, options = spec_for({**ARTICLE, "embedding": 64}, grid=(12, 12))
    shapes = weight_shapes(spec, options)
    assert shapes == {
        "token_in.0.weight": (12, 64),
        "lstm.0.input": (2048, 64),
        "lstm.0.recurrent": (2048, 512),
        "lstm.0.bias": (2048,),
        "lstm.1.input": (2048, 512),
        "lstm.1.recurrent": (2048, 512),
        "lstm.1.bias": (2048,),
        "output.weight": (11, 512),
        "output.bias": (11,),
    }
    assert not has_activated_input(spec, options)


# -- weights -------------------------------------------------------------------------------------


def test_the_default_model_has_every_weight_of_the_table():
    spec, options = spec_for(channels=4, groups=3)
    shapes = weight_shapes(spec, options)
    assert shapes["colour_in.0.weight"] == (12, 24 * 5)
    assert [name for name in shapes if name.startswith("token_in")] == ["token_in.0.weight"]
    assert shapes["row_in.weight"] == (7, 12)
    assert shapes["column_in.weight"] == (6, 12)
    assert shapes["group_in.weight"] == (3, 12)
    assert shapes["output.colour.0.weight"] == (10, 32)
    assert "level_in.weight" not in shapes


@pytest.mark.parametrize("blind", [{"channels": 0}, {"options": {"colours": False}}], ids=str)
def test_where_no_colours_are_seen_four_tokens_are(blind):
    tables = embedding_tables(*spec_for(**blind))
    assert [name for name in tables if name.startswith("token_in")] == [
        f"token_in.{k}.weight" for k in range(4)
    ]


def test_without_a_palette_a_token_is_seen_even_where_none_was_asked_for():
    spec, options = spec_for({"token_embeddings": 0}, channels=0)
    assert "token_in.0.weight" in embedding_tables(spec, options)


def test_relative_places_are_16ths_of_the_height_and_width():
    spec, options = spec_for({"positions": "relative"}, grid=(75, 40))
    entries = place_entries(spec, options)
    rows = entries["row_in.weight"].reshape(75, 40)
    columns = entries["column_in.weight"].reshape(75, 40)
    np.testing.assert_array_equal(rows[:, 0], [row * 16 // 75 for row in range(75)])
    np.testing.assert_array_equal(columns[0], [column * 16 // 40 for column in range(40)])
    assert (rows == rows[:, :1]).all()
    assert (columns == columns[:1]).all()
    assert weight_shapes(spec, options)["row_in.weight"] == (16, 12)


def test_relative_places_of_a_small_picture_are_its_rows_and_columns():
    relative, absolute = (
        place_entries(*spec_for({"positions": positions})) for positions in ("relative", "absolute")
    )
    for name, entries in absolute.items():
        np.testing.assert_array_equal(relative[name], entries)


def test_a_level_has_shares_of_its_own_height():
    spec, options = spec_for({"positions": "relative"}, grid=(40, 1))
    coarse = np.arange(20, dtype=np.int32)
    two = dataclasses.replace(
        spec,
        rows=np.concatenate([coarse, spec.rows]),
        columns=np.zeros(60, np.int32),
        levels=np.repeat(np.array([0, 1], np.int32), [20, 40]),
    )
    rows = place_entries(two, options)["row_in.weight"]
    np.testing.assert_array_equal(rows[:20], coarse * 16 // 20)
    np.testing.assert_array_equal(rows[20:], spec.rows * 16 // 40)
    assert place_entries(two, options)["level_in.weight"].tolist() == [0] * 20 + [1] * 40


def test_without_positions_no_place_is_told():
    assert place_entries(*spec_for({"positions": "none"})) == {}


@pytest.mark.parametrize("kind", KINDS)
def test_first_weights_have_their_shapes_and_depend_on_the_seed(kind):
    spec, options = spec_for(KINDS[kind], groups=2)
    weights = initial_weights(spec, options, seed=1)
    assert {name: w.shape for name, w in weights.items()} == weight_shapes(spec, options)
    assert all(weight.dtype == np.float32 for weight in weights.values())
    again, other = (initial_weights(spec, options, seed=seed) for seed in (1, 2))
    for name, weight in weights.items():
        np.testing.assert_array_equal(weight, again[name])
        zeros = name.endswith("bias") or name == "tied.weight"
        assert zeros or (weight != other[name]).any()
    forget = weights["lstm.0.bias"].reshape(4, -1)
    np.testing.assert_array_equal(forget.mean(axis=1), [0, 1, 0, 0])


def test_a_weights_first_numbers_do_not_change_when_another_weight_is_added():
    one = initial_weights(*spec_for(), seed=1)
    two = initial_weights(*spec_for({"layers": 2}, groups=2), seed=1)
    for name, weight in one.items():
        np.testing.assert_array_equal(weight, two[name])


# -- arithmetic ----------------------------------------------------------------------------------


def test_gelu_is_the_tanh_form_and_leaves_its_argument_alone():
    a = np.linspace(-6, 6, 101)
    before = a.copy()
    expected = [
        0.5 * x * (1 + math.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))) for x in a
    ]
    np.testing.assert_allclose(gelu(a), expected, rtol=0, atol=1e-14)
    np.testing.assert_array_equal(a, before)
    slope = (gelu(a + 1e-6) - gelu(a - 1e-6)) / 2e-6
    np.testing.assert_allclose(gelu_slope(a), slope, rtol=0, atol=1e-8)


def test_colours_are_scaled_and_outside_has_a_flag():
    spec, _ = spec_for(channels=3)
    table = colour_table(spec)
    assert table.shape == (12, 4)
    np.testing.assert_allclose(table[:-1, :-1], spec.palette / 127.5 - 1.0, atol=1e-6)
    assert table[-1].tolist() == [0, 0, 0, 1]
    assert not table[:-1, -1].any()
    assert colour_table(spec_for(channels=0)[0]).ravel().tolist() == [0] * 11 + [1]


def test_waves_are_blocks_of_the_channels():
    waves = colour_waves(np.array([[0.5, -1.0]]))
    expected = [0.5, -1, 0.25, 1]
    for frequency in (1, 2, 4):
        expected += [math.sin(frequency * math.pi * c) for c in (0.5, -1)]
        expected += [math.cos(frequency * math.pi * c) for c in (0.5, -1)]
    np.testing.assert_allclose(waves[0], expected, atol=1e-12)


def test_the_loss_is_the_same_however_it_is_sliced():
    generator = np.random.default_rng(0)
    count = ROWS + 7
    z, vectors = generator.normal(0, 3, (count, 5)), generator.normal(0, 3, (9, 5))
    bias, targets = generator.normal(0, 1, 9), generator.integers(0, 9, count)
    logits = z @ vectors.T + bias
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    each = -np.log(p[np.arange(count), targets])
    np.testing.assert_allclose(nats(z, vectors, bias, targets), each, rtol=1e-10, atol=1e-12)
    loss, d_z, d_vectors, d_bias = mean_cross_entropy(z, vectors, bias, targets)
    assert loss == pytest.approx(each.mean())
    d = (p - np.eye(9)[targets]) / count
    np.testing.assert_allclose(d_z, d @ vectors, atol=1e-12)
    np.testing.assert_allclose(d_vectors, d.T @ z, atol=1e-12)
    np.testing.assert_allclose(d_bias, d.sum(axis=0), atol=1e-12)


def test_the_loss_of_huge_logits_is_finite():
    z = np.array([[1e4], [-1e4]], np.float32)
    vectors, bias = np.array([[1.0], [-1.0]], np.float32), np.zeros(2, np.float32)
    assert np.isfinite(nats(z, vectors, bias, np.array([0, 0]))).all()
    assert np.isfinite(mean_cross_entropy(z, vectors, bias, np.array([1, 1]))[0])


@given(st.lists(st.integers(0, 6), min_size=1, max_size=40))
def test_rows_are_summed_by_the_entry_that_they_took(entries):
    rows = np.random.default_rng(0).normal(0, 1, (len(entries), 3))
    expected = np.zeros((7, 3))
    np.add.at(expected, entries, rows)
    np.testing.assert_allclose(sum_by_entry(rows, np.array(entries), 7), expected, atol=1e-12)


# -- optimizers ----------------------------------------------------------------------------------


def test_the_learning_rate_warms_up_and_falls_as_a_cosine():
    optimizer = Optimizer(CanonicalOptions(learning_rate=1.0, warm_up=3, clip=None))
    assert optimizer.rate(0.0) == pytest.approx(0.25)
    optimizer.steps = 3
    assert optimizer.rate(0.0) == 1.0
    assert optimizer.rate(0.5) == pytest.approx(0.5)
    assert optimizer.rate(1.0) == pytest.approx(0.0)
    constant = Optimizer(CanonicalOptions(learning_rate=1.0, warm_up=0, schedule="constant"))
    assert constant.rate(0.9) == 1.0


def test_adamw_moves_as_its_paper_says():
    options = CanonicalOptions(
        optimizer="adamw", learning_rate=0.1, warm_up=0, weight_decay=0.5, clip=None
    )
    optimizer, w, m, v = Optimizer(options), 2.0, 0.0, 0.0
    weights = {"w": np.array([2.0])}
    for step, g in enumerate([0.3, -0.2, 0.1], 1):
        optimizer.step(weights, {"w": np.array([g])}, 0.0)
        m, v = 0.9 * m + 0.1 * g, 0.99 * v + 0.01 * g * g
        w = w * (1 - 0.1 * 0.5)
        w -= 0.1 * (m / (1 - 0.9**step)) / (math.sqrt(v / (1 - 0.99**step)) + 1e-8)
        assert weights["w"][0] == pytest.approx(w, rel=1e-12)


def test_rmsprop_moves_as_kerass():
    options = CanonicalOptions(
        optimizer="rmsprop", learning_rate=0.1, warm_up=0, schedule="constant", clip=None
    )
    optimizer, w, v = Optimizer(options), 2.0, 0.0
    weights = {"w": np.array([2.0])}
    for g in (0.3, -0.2, 0.1):
        optimizer.step(weights, {"w": np.array([g])}, 0.5)
        v = 0.9 * v + 0.1 * g * g
        w -= 0.1 * g / (math.sqrt(v) + 1e-7)
        assert weights["w"][0] == pytest.approx(w, rel=1e-12)


@pytest.mark.parametrize("shape", [(16, 16), (24, 8), (8, 24)])
def test_a_block_becomes_nearly_orthogonal_with_the_same_directions(shape):
    block = np.random.default_rng(0).normal(0, 3, shape).astype(np.float32)
    u, _, v = np.linalg.svd(block, full_matrices=False)
    inside = u.T @ orthogonal(block) @ v.T
    np.testing.assert_allclose(inside, np.diag(np.diag(inside)), atol=1e-4)
    assert (np.diag(inside) > 0.4).all()  # the smallest singular values grow last
    assert (np.diag(inside) < 1.3).all()


def test_muon_moves_matrices_and_leaves_the_rest_to_adamw():
    generator = np.random.default_rng(0)
    shapes = {"lstm.0.input": (16, 6), "token_in.0.weight": (9, 4), "output.bias": (9,)}
    start = {name: generator.normal(0, 1, shape) for name, shape in shapes.items()}
    moved = {}
    for kind in ("muon", "adamw"):
        optimizer = Optimizer(
            CanonicalOptions(
                optimizer=kind, learning_rate=0.1, warm_up=0, weight_decay=0.5, clip=None
            )
        )
        moved[kind] = {name: array.copy() for name, array in start.items()}
        for step in range(2):
            gradients = {name: np.sin(step + array) for name, array in start.items()}
            optimizer.step(moved[kind], gradients, 0.0)
    for name in ("token_in.0.weight", "output.bias"):
        np.testing.assert_array_equal(moved["muon"][name], moved["adamw"][name])
    w, mean = start["lstm.0.input"].copy(), np.zeros((16, 6))
    for step in range(2):
        g = np.sin(step + start["lstm.0.input"])
        mean = 0.95 * mean + 0.05 * g
        wanted = (0.95 * mean + 0.05 * g).reshape(4, 4, 6)  # the gates, a block each
        w *= 1 - 5 * 0.1 * 0.5
        w -= 5 * 0.1 * np.concatenate([orthogonal(gate) for gate in wanted])
    np.testing.assert_allclose(moved["muon"]["lstm.0.input"], w, rtol=1e-10)


def test_long_gradients_are_scaled_down_together_and_short_ones_left_alone():
    gradients = {"a": np.array([3.0]), "b": np.array([[4.0]])}
    clip(gradients, 10)
    assert gradients["a"][0] == 3
    clip(gradients, 1)
    assert gradients["a"][0] == pytest.approx(0.6)
    assert gradients["b"][0, 0] == pytest.approx(0.8)


# -- files ---------------------------------------------------------------------------------------


@pytest.fixture
def saved(tmp_path):
    spec, options = spec_for({"memory": "picture", "context": ((0, -1), (-2, 0))}, groups=2)
    weights = initial_weights(spec, options, seed=1)
    write_model(tmp_path, spec, options, weights)
    return tmp_path, spec, options, weights


def test_what_is_written_is_read_back(saved):
    directory, spec, options, weights = saved
    got_spec, got_options, got_weights = read_model(directory, options)
    assert got_options == options
    assert got_weights.keys() == weights.keys()
    for name, weight in weights.items():
        np.testing.assert_array_equal(got_weights[name], weight)
    for attribute in ("vocab_size", "grid", "offsets", "groups"):
        assert getattr(got_spec, attribute) == getattr(spec, attribute)
    for attribute in ("rows", "columns", "levels", "palette"):
        np.testing.assert_array_equal(getattr(got_spec, attribute), getattr(spec, attribute))


def test_the_files_shape_wins_over_the_options_and_nothing_else_does(saved):
    directory, _, options, _ = saved
    given = CanonicalOptions(hidden=99, layers=3, dropout=0.4, batch=7)
    _, read, _ = read_model(directory, given)
    assert {name: getattr(read, name) for name in SHAPING} == {
        name: getattr(options, name) for name in SHAPING
    }
    assert (read.dropout, read.batch) == (0.4, 7)


def test_a_model_saved_before_neighbours_were_tied_is_read_as_it_was(tmp_path):
    spec, options = spec_for({"tied_neighbours": 0})
    weights = initial_weights(spec, options, seed=1)
    write_model(tmp_path, spec, options, weights)

    def forget(description):
        for name in ("tied_neighbours", "tied_coarser", "tied_heads"):
            del description["options"][name]

    _edited(forget)(tmp_path)
    _, read, got = read_model(tmp_path, spec_for()[1])
    assert (read.tied_neighbours, read.tied_coarser) == (0, False)
    assert got.keys() == weights.keys()


@pytest.mark.parametrize(
    ("asked", "projection", "heads"), [(8, 128, 8), (8, 100, 4), (8, 7, 1), (64, 48, 16)]
)
def test_heads_divide_the_projection(asked, projection, heads):
    spec, options = spec_for({"tied_heads": asked, "projection": projection})
    assert tied_heads(options) == heads
    assert weight_shapes(spec, options)["tied.bias"] == (8 * heads,)


def test_no_more_neighbours_are_tied_than_there_are():
    spec, options = spec_for({"context": "near", "tied_heads": 1})
    assert weight_shapes(spec, options)["tied.bias"] == (4,)


@pytest.mark.usefixtures("small_pyramids")
def test_in_a_pyramid_the_coarser_cells_around_are_tied_as_well():
    segments = CanonicalOptions().segments()
    spec, cutter = make_spec(segments, grid=(7, 18), scan="pyramid")
    columns = tied_columns(spec, CanonicalOptions())
    assert columns[:8].tolist() == list(range(8))
    row, column = 2, 7  # within the cells 0, 5 and 5, 10
    cells = cutter.table[row * 18 + column][columns[8:]]
    assert [divmod(int(cell), 18) for cell in cells] == [(0, 5), (0, 10), (5, 5), (5, 10)]
    assert tied_columns(spec, CanonicalOptions(tied_coarser=False)).tolist() == list(range(8))
    assert tied_columns(spec, CanonicalOptions(output="plain")).tolist() == []


def test_what_is_tied_as_a_neighbour_is_not_tied_again_as_a_coarser_cell():
    segments = CanonicalOptions().segments()
    spec, _ = make_spec(segments, grid=(3, 40), scan="pyramid")
    options = CanonicalOptions(tied_neighbours=64)
    assert tied_columns(spec, options).tolist() == list(range(24 + 9))


def test_the_family_is_written(saved):
    assert json.loads((saved[0] / "spec.json").read_text())["family"] == NumpyLSTM.family


def _edited(change):
    def damage(directory):
        path = directory / "spec.json"
        description = json.loads(path.read_text())
        change(description)
        path.write_text(json.dumps(description))

    return damage


def _rewritten(change):
    def damage(directory):
        path = directory / "model.safetensors"
        arrays = load_file(path)
        change(arrays)
        save_file(arrays, path)

    return damage


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda d: (d / "spec.json").unlink(), "cannot be read"),
        (lambda d: (d / "spec.json").write_text("{"), "cannot be read"),
        (_edited(lambda s: s.update(family="other")), "does not describe"),
        (_edited(lambda s: s.update(format=2)), "format 2"),
        (_edited(lambda s: s.pop("grid")), "wrong entry"),
        (_edited(lambda s: s["options"].update(layers=0)), "wrong entry"),
        (lambda d: (d / "model.safetensors").unlink(), "cannot be read"),
        (lambda d: (d / "model.safetensors").write_bytes(b"short"), "cannot be read"),
        (_rewritten(lambda a: a.pop("output.bias")), "lacks the weight 'output.bias'"),
        (_rewritten(lambda a: a.update(x=np.zeros(1, np.float32))), "holds 'x'"),
        (_rewritten(lambda a: a.update({"output.bias": np.zeros(3, np.float32)})), r"\[3\]"),
    ],
)
def test_a_damaged_file_is_named(saved, damage, said):
    directory, _, options, _ = saved
    damage(directory)
    with pytest.raises(RunUnreadable, match=said):
        read_model(directory, options)


def test_training_state_goes_through_its_names_and_back():
    model, cutter = make(NumpyLSTM, {"layers": 2})
    model.train_step(batches(cutter)[0], 0.0)
    shapes = weight_shapes(model._network.spec, model._network.options)
    arrays = {**model.training_state(), "random.other": np.zeros(4, np.uint8)}
    state = read_training_state(arrays, backend="other", optimizer="adamw", shapes=shapes, layers=2)
    assert isinstance(state, TrainingState)
    assert state.steps == 1
    assert state.random.shape == (4,)
    assert state.moments.keys() == {"mean", "square"}
    assert state.arrays("other").keys() == arrays.keys()


@pytest.mark.parametrize("gone", ["seed", "steps", "carried.0.c", "optimizer.mean.output.bias"])
def test_a_training_state_that_lacks_something_says_what(gone):
    model, cutter = make(NumpyLSTM)
    model.train_step(batches(cutter)[0], 0.0)
    state = {name: array for name, array in model.training_state().items() if name != gone}
    with pytest.raises(RunUnreadable, match=f"lacks '{gone}'"):
        model.restore_training_state(state)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("steps", lambda array: array - 2),
        ("steps", lambda array: array.astype(np.float32)),
        ("seed", lambda array: array - 10**6),
        ("seed", lambda array: array[None]),
        ("carried.0.h", lambda array: array.astype(np.float64)),
        ("optimizer.mean.output.bias", lambda array: array.astype(np.int64)),
        ("optimizer.square.output.bias", lambda array: array[:-1]),
    ],
)
def test_a_training_state_of_other_numbers_says_which(name, change):
    model, cutter = make(NumpyLSTM)
    model.train_step(batches(cutter)[0], 0.0)
    state = dict(model.training_state())
    with pytest.raises(RunUnreadable, match=f"'{name}' (is|has)"):
        model.restore_training_state({**state, name: change(state[name])})
