import tomllib
from pathlib import Path

import pytest

from pixelgen.comparison.budget import Budget, steps_for_targets
from pixelgen.comparison.matrix import Matrix
from pixelgen.data.batches import Cutter
from pixelgen.data.scans import make_scan
from pixelgen.data.segments import Segments
from pixelgen.errors import OptionError, PixelgenError, RecipeError

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("compare-*.toml"))


def parse(**tables):
    return Matrix.parse(tables, where="test")


def names(matrix, kind="model"):
    return [setting.recipe[kind]["name"] for setting in matrix.settings]


def test_every_combination_is_a_setting():
    matrix = parse(matrix={"model": ["a", "b"], "quantizer": ["x", "y"]})
    assert list(zip(names(matrix), names(matrix, "tokenizer"), strict=True)) == [
        ("a", "x"),
        ("a", "y"),
        ("b", "x"),
        ("b", "y"),
    ]


def test_options_vary_whichever_comes_first():
    matrix = parse(matrix={"model.hidden": [1, 2], "model": ["a"]})
    assert [setting.recipe["model"] for setting in matrix.settings] == [
        {"name": "a", "hidden": 1},
        {"name": "a", "hidden": 2},
    ]


def test_named_settings_cross_with_the_matrix():
    matrix = parse(
        setting=[{"name": "mine", "model": {"name": "a"}}], matrix={"quantizer": ["x", "y"]}
    )
    assert [setting.name for setting in matrix.settings] == ["mine, x", "mine, y"]


def test_the_base_is_below_them_all():
    matrix = parse(
        base={"tokenizer": {"colors": 8}, "model": {"name": "z", "hidden": 3}},
        matrix={"model": ["a", "z"]},
    )
    assert [setting.recipe["model"] for setting in matrix.settings] == [
        {"name": "a"},
        {"name": "z", "hidden": 3},
    ]
    assert matrix.settings[0].recipe["tokenizer"] == {"colors": 8}


def test_the_same_setting_twice_is_one():
    assert names(parse(matrix={"model": ["a", "a"]})) == ["a"]


def test_seeds_are_a_number_or_a_list():
    assert parse(seeds=3, base={"seed": 5}).seeds == (5, 6, 7)
    assert parse(seeds=[1, 9]).seeds == (1, 9)
    for wrong in (0, [], [1, 1], [-1]):
        with pytest.raises(OptionError, match="seeds cannot be"):
            parse(seeds=wrong)


def test_the_budget_is_that_of_the_comparison_or_else_of_its_base():
    base = {"training": {"epochs": 7, "patience": 2}}
    assert parse(base=base).budget == Budget("epochs", 7)
    assert parse(base=base, budget={"targets": 9}).budget == Budget("targets", 9)
    assert parse().budget == Budget("minutes", 1)
    assert parse(base=base).settings[0].recipe["training"] == {"patience": 2}


@pytest.mark.parametrize(
    "budget",
    [
        {"minutes": 0},
        {"epochs": 1.5},
        {"epochs": float("inf")},
        {"minutes": float("nan")},
        {"targets": "many"},
        {"steps": 3},
        {"epochs": 1, "minutes": 1},
    ],
)
def test_a_budget_that_is_none_is_refused(budget):
    with pytest.raises(OptionError, match="the budget"):
        parse(budget=budget)


@pytest.mark.parametrize(
    ("tables", "said"),
    [
        ({"matrix": {"modle": ["a"]}}, "Did you mean 'model'"),
        ({"matrix": {"training.epochs": [1, 2]}}, "the budget must be the same for all"),
        ({"matrix": {"model": []}}, "'model' has no values"),
        ({"matrix": {"model.": [1]}}, "names no option"),
        ({"matrix": {"model": "a"}}, "'matrix' cannot be"),
        ({"sedes": 3}, "Did you mean 'seeds'"),
        ({"setting": [{"training": {"epochs": 3}}]}, "a budget of its own"),
        ({"setting": [{"training": 3}]}, "'training' cannot be 3: it is a table"),
        ({"setting": [{"seed": 7}]}, "a seed of its own: 7"),
        ({"base": {"source": "folder"}}, "'source' cannot be 'folder': it is a table"),
        ({"base": {"training": 3}}, "'training' cannot be 3: it is a table"),
        ({"base": {"seed": "x"}}, "'seed' cannot be 'x'"),
        ({"base": 3}, "'base' cannot be 3"),
    ],
)
def test_mistakes_are_named(tables, said):
    with pytest.raises((OptionError, RecipeError)) as caught:
        parse(**tables)
    assert said in str(caught.value)
    assert caught.value.where
    assert caught.value.remedy


def test_words_for_a_budget():
    budgets = [Budget("minutes", 1.0), Budget("minutes", 0.5), Budget("targets", 2e6)]
    assert [str(budget) for budget in budgets] == ["1 minute", "0.5 minutes", "2,000,000 targets"]


@pytest.mark.parametrize(
    "segments",
    [
        Segments(memory="row", batch=7),
        Segments(memory="picture", batch=2, chunk=10),
        Segments(memory="picture", context="previous", batch=5, window=12, window_step=3),
        Segments(memory="picture", context="previous", batch=5, window=13, window_step=4),
        Segments(memory="picture", context="previous", batch=5, window=60, window_step=4),
    ],
)
def test_targets_become_the_steps_that_see_them(segments):
    import numpy as np

    scan = make_scan("raster", (6, 8))
    cutter = Cutter(scan, segments, scan.offsets(segments.context), vocab_size=4)
    canvases = np.zeros((5, scan.cells), np.int32)
    groups = np.zeros(5, np.int32)
    batches = list(cutter.training_batches(canvases, groups, np.random.default_rng(0)))
    an_epoch = sum(batch.size for batch in batches)
    assert steps_for_targets(3 * an_epoch, cutter, 5) == 3 * len(batches)
    assert steps_for_targets(1, cutter, 5) == 1


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_examples_are_well_formed(path):
    text = path.read_text(encoding="utf-8")
    matrix = Matrix.parse(tomllib.loads(text), where=path.name)
    assert len(matrix.settings) > 1
    assert len(matrix.seeds) > 1
    assert text.startswith("# ")


def test_there_are_examples():
    assert {path.stem for path in EXAMPLES} >= {"compare-backends", "compare-tokenizers"}


def test_errors_are_for_people():
    with pytest.raises(PixelgenError) as caught:
        parse(matrix={"model.": [1]})
    assert caught.value.where == "in [matrix] of test"
