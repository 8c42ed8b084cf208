"""Recipes: what is wrong is named, and later layers win."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pixelgen.errors import OptionError, PixelgenError, PluginNotFound, RecipeError
from pixelgen.options import parse_value
from pixelgen.recipe import Recipe, merge, read_toml
from pixelgen.resolving import resolve

MARKOV = {"tokenizer": {"name": "rgb-grid"}, "model": {"name": "markov"}}


def refused(values: dict[str, Any], **named: Any) -> PixelgenError:
    """Return the error of a recipe that must be refused, with all of its three parts."""
    with pytest.raises(PixelgenError) as caught:
        resolve(Recipe.parse(values, **named))
    assert caught.value.what and caught.value.where and caught.value.remedy
    return caught.value


class TestMistakes:
    def test_an_unknown_table_is_named_with_the_nearest_one(self):
        error = refused({"modle": {}}, where="recipe mine.toml")
        assert isinstance(error, RecipeError)
        assert "'modle'" in error.what
        assert "mine.toml" in error.where
        assert "Did you mean 'model'" in error.remedy

    def test_an_unknown_key_is_named_with_its_table_and_the_nearest_one(self):
        error = refused({"training": {"epoch": 3}})
        assert "'training.epoch'" in error.what
        assert "Did you mean 'epochs'" in error.remedy
        assert "minutes" in error.remedy  # one of those that are known

    @pytest.mark.parametrize(
        ("values", "place", "value", "allowed"),
        [
            ({"training": {"epochs": 0}}, "training.epochs", "0", "≥ 1"),
            ({"training": {"minutes": -1.5}}, "training.minutes", "-1.5", "> 0"),
            ({"data": {"held_out": 1.0}}, "data.held_out", "1.0", "< 1"),
            ({"data": {"fit": "crop"}}, "data.fit", "'crop'", "stretch | cover | contain"),
            ({"data": {"size": [0, 5]}}, "data.size", "0", "1 to 4096"),
            ({"data": {"size": [75]}}, "data.size", "75", "width and height"),
            ({"data": {"augment": 5}}, "data.augment", "5", "flips"),
            ({"data": {"augment": [1]}}, "data.augment", "1", "flips"),
            ({"painting": {"temperatures": [0.5, 0]}}, "temperatures", "0", "above 0"),
            ({"painting": {"pictures": "many"}}, "painting.pictures", "'many'", "int"),
            ({"seed": -1}, "seed", "-1", "≥ 0"),
            ({"model": {"name": 5}}, "model.name", "5", "str"),
            ({"training": 5}, "'training'", "5", "[training]"),
        ],
    )
    def test_a_value_out_of_bounds_is_named_with_what_is_allowed(
        self, values, place, value, allowed
    ):
        error = refused(values)
        assert place in error.what
        assert value in error.what
        assert allowed in error.what + error.remedy

    def test_an_unknown_augmentation_is_named_with_the_nearest_one(self):
        assert "Did you mean 'flips'" in refused({"data": {"augment": "flip"}}).remedy

    def test_an_unknown_scan_is_named_with_the_nearest_one(self):
        error = refused({"data": {"scan": "rastr"}, **MARKOV})
        assert "'rastr'" in error.what
        assert "Did you mean 'raster'" in error.remedy

    def test_two_budgets_in_one_recipe_are_one_too_many(self):
        error = refused({"training": {"epochs": 3, "minutes": 1}, **MARKOV})
        assert error.what == "the budget is given as epochs and as minutes"

    def test_an_unknown_plugin_is_named_with_the_nearest_one(self):
        error = refused({"model": {"name": "markof"}, "tokenizer": {"name": "rgb-grid"}})
        assert isinstance(error, PluginNotFound)
        assert "'markov'" in error.remedy

    def test_an_unknown_option_of_a_plugin_is_named_with_the_nearest_one(self):
        error = refused({**MARKOV, "model": {"name": "markov", "ordre": 1}})
        assert isinstance(error, OptionError)
        assert "'ordre'" in error.what
        assert "model markov" in error.where
        assert "Did you mean 'order'" in error.remedy

    def test_a_source_that_reads_a_folder_wants_to_know_which(self):
        error = refused({"source": {"name": "folder"}, **MARKOV})
        assert "'folder'" in error.what
        assert "location" in error.remedy

    def test_a_missing_file_and_one_that_is_not_toml_are_said_to_be_so(self, tmp_path: Path):
        with pytest.raises(RecipeError, match="cannot read"):
            read_toml(tmp_path / "missing.toml")
        broken = tmp_path / "broken.toml"
        for content in (b"[model\nname = 3", b"\xff\xfe"):
            broken.write_bytes(content)
            with pytest.raises(RecipeError, match="not TOML") as caught:
                Recipe.read(broken)
            assert caught.value.where == str(broken)

    @given(
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(
                    st.sampled_from([*Recipe.model_fields, "name", "size", "epochs", "augment"])
                    | st.text(max_size=5),
                    inner,
                    max_size=3,
                )
            ),
            max_leaves=8,
        )
    )
    def test_whatever_is_written_gives_a_recipe_or_an_explanation(self, values):
        layer = values if isinstance(values, dict) else {"data": values}
        try:
            Recipe.parse(merge({"training": {"epochs": 1}}, layer, {"training": {"minutes": 1}}))
        except PixelgenError as error:
            assert error.what


class TestShorthands:
    def test_one_number_is_a_square(self):
        assert Recipe.parse({"data": {"size": 16}}).data.size == (16, 16)

    def test_a_place_that_is_called_as_a_number_stays_as_it_was_typed(self):
        section = {"source": {"location": parse_value("1_000"), "column": parse_value("0x1f")}}
        source = Recipe.parse(section).source
        assert source.location == "1_000"
        assert source.options["column"].text == "0x1f"

    def test_none_unsets_what_may_be_unset(self):
        recipe = Recipe.parse(
            {"data": {"jitter": "none", "scan": "none"}, "training": {"minutes": "none"}}
        )
        assert recipe == Recipe()
        error = refused({"training": {"patience": "none"}})
        assert "'training.patience' cannot be 'none'" in error.what

    def test_one_temperature_is_a_row(self):
        parsed = Recipe.parse({"painting": {"temperatures": 0.5}})
        assert parsed.painting.temperatures == (0.5,)

    @pytest.mark.parametrize(
        ("written", "meant"),
        [
            ("none", ()),
            ([], ()),
            ("all", ("flips", "crops", "colours")),
            ("crops", ("crops",)),
            (["colours", "flips"], ("flips", "colours")),
        ],
    )
    def test_augmentations_are_words(self, written, meant):
        assert Recipe.parse({"data": {"augment": written}}).data.augment == meant


class TestMerging:
    def test_later_layers_win_key_by_key(self):
        merged = merge(
            {"seed": 1, "data": {"size": [75, 75], "fit": "cover"}},
            {"data": {"size": [16, 16]}},
            {"seed": 2},
        )
        assert merged == {"seed": 2, "data": {"size": [16, 16], "fit": "cover"}}

    @pytest.mark.parametrize("newer", [{"epochs": 3}, {"minutes": 2.0}, {"steps": 5}])
    @pytest.mark.parametrize(
        "older",
        [{"epochs": 9}, {"steps": 9}, {"minutes": 9.0, "pace": [[0, 0.0, 0], [8, 0.0, 99]]}],
    )
    def test_a_new_budget_replaces_an_older_one_of_any_kind(self, older, newer):
        merged = merge({"training": {**older, "patience": 4}}, {"training": newer})
        assert merged["training"] == {"patience": 4, **newer}

    def test_a_layer_without_a_budget_leaves_the_older_one(self):
        merged = merge({"training": {"epochs": 9}}, {"training": {"patience": 4}})
        assert merged["training"] == {"epochs": 9, "patience": 4}

    def test_an_unset_budget_leaves_those_of_other_kinds(self):
        merged = merge({"training": {"epochs": 3}}, {"training": {"minutes": "none"}})
        assert Recipe.parse(merged).training.epochs == 3
        merged = merge({"training": {"minutes": 3}}, {"training": {"minutes": "none"}})
        assert Recipe.parse(merged).training.minutes is None

    def test_another_plugin_drops_the_options_of_the_old_one(self):
        merged = merge(
            {"model": {"name": "torch-lstm", "hidden": 512}}, {"model": {"name": "markov"}}
        )
        assert merged["model"] == {"name": "markov"}

    def test_the_same_plugin_keeps_them(self):
        merged = merge(
            {"model": {"name": "markov", "order": 1}}, {"model": {"name": "markov", "batch": 2}}
        )
        assert merged["model"] == {"name": "markov", "order": 1, "batch": 2}

    def test_options_given_before_a_name_are_that_plugins(self):
        merged = merge({"model": {"order": 1}}, {"model": {"name": "markov"}})
        assert merged["model"] == {"name": "markov", "order": 1}

    def test_each_tracker_has_a_table_of_its_own(self):
        merged = merge(
            {"trackers": {"bars": {"height": 50, "name": "a"}, "csv": {}}},
            {"trackers": {"bars": {"name": "b"}, "bell": {}}},
        )
        bars = {"height": 50, "name": "b"}
        assert merged == {"trackers": {"bars": bars, "csv": {}, "bell": {}}}
        assert merge(merged, {"trackers": {"bars": 3}})["trackers"]["bars"] == 3

    def test_no_layer_is_changed(self):
        layer = {"model": {"name": "markov"}, "training": {"epochs": 1}}
        merge(layer, {"model": {"order": 1}, "training": {"minutes": 1}})
        assert layer == {"model": {"name": "markov"}, "training": {"epochs": 1}}
