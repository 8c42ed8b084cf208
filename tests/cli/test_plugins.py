"""`pixelgen plugins`: what there is, whether it works here, and what it takes."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

import pixelgen as package
from pixelgen.plugins import registered


@package.hookimpl
def register_models(register):
    register("dreamer", "nowhere:Dreamer", summary="needs [what] is not", needs=["not_there"])


DREAMER = SimpleNamespace(register_models=register_models)


class TestList:
    def test_every_plugin_is_listed_with_its_kind_and_whether_it_is_usable(self, pixelgen):
        called = pixelgen("plugins", "list")
        assert called.code == 0
        lines = [line.split() for line in called.out.splitlines()]
        assert lines[0][:3] == ["kind", "name", "usable"]
        named = {word: line for line in lines for word in line[:2]}
        for name in ("rgb-grid", "numpy-kmeans", "markov", "multinomial", "folder", "local"):
            assert "yes" in named[name]

    def test_one_that_cannot_be_used_is_listed_with_the_reason(self, pixelgen):
        with registered(DREAMER, "dreams"):
            called = pixelgen("plugins", "list", "--kind", "model")
        [line] = [line for line in called.out.splitlines() if "dreamer" in line]
        assert " no " in line
        assert "needs [what] is not (needs not_there, which is not installed)" in line
        assert "multinomial" not in called.out

    def test_scripts_get_json(self, pixelgen):
        with registered(DREAMER, "dreams"):
            listed = json.loads(pixelgen("plugins", "list", "--json").out)
        plugins = {plugin["name"]: plugin for plugin in listed["plugins"]}
        assert plugins["markov"] | {"summary": ""} == {
            "name": "markov",
            "kind": "model",
            "summary": "",
            "usable": True,
            "reason": "",
            "distribution": "pixelgen-core",
            "version": package.__version__,
            "origin": "built-in",
        }
        assert not plugins["dreamer"]["usable"]
        assert "not_there" in plugins["dreamer"]["reason"]

    def test_a_broken_plugin_is_named_with_its_reason(self, pixelgen):
        @package.hookimpl
        def register_modles(register):
            raise AssertionError("never called")

        with registered(SimpleNamespace(register_modles=register_modles), "typist"):
            told = pixelgen("plugins", "list").out
            problems = json.loads(pixelgen("plugins", "list", "--json").out)["problems"]
        assert "Broken: " in told
        assert "'typist'" in told
        assert "register_models" in told
        [problem] = [each for each in problems if each["plugin"] == "typist"]
        assert "register_modles" in problem["reason"]

    def test_an_unknown_kind_is_answered_with_the_nearest(self, pixelgen):
        called = pixelgen("plugins", "list", "--kind", "modle")
        called.assert_explained("'modle'", "--kind", "'model'")


class TestShow:
    def test_options_are_shown_with_defaults_and_bounds(self, pixelgen):
        called = pixelgen("plugins", "show", "markov")
        assert called.code == 0
        [order] = [line for line in called.out.splitlines() if line.startswith("order ")]
        assert "2" in order
        assert "int ≥ 0, ≤ 3" in order
        assert "how many of the nearest neighbours count" in order
        assert "-o model.order=2" in called.out

    @pytest.mark.parametrize("name", ["rgb-grid", "folder", "sample", "multinomial", "local"])
    def test_every_kind_can_be_shown(self, pixelgen, name):
        called = pixelgen("plugins", "show", name)
        assert called.code == 0
        assert name in called.out

    def test_scripts_get_json(self, pixelgen):
        [shown] = json.loads(pixelgen("plugins", "show", "markov", "--json").out)
        assert shown["kind"] == "model"
        [order] = [option for option in shown["options"] if option["name"] == "order"]
        assert order == {
            "name": "order",
            "type": "int",
            "default": 2,
            "bounds": "≥ 0, ≤ 3",
            "description": "how many of the nearest neighbours count",
        }

    def test_one_without_options_says_so(self, pixelgen, toy_models, monkeypatch):
        import toys

        monkeypatch.setattr(toys.Learner, "Options", package.Options)
        assert "takes no options" in pixelgen("plugins", "show", "learner").out

    def test_an_unknown_name_is_answered_with_the_nearest(self, pixelgen):
        pixelgen("plugins", "show", "markof").assert_explained("'markof'", "", "'markov'")

    def test_one_that_cannot_be_imported_says_why(self, pixelgen):
        with registered(DREAMER, "dreams"):
            called = pixelgen("plugins", "show", "dreamer")
        called.assert_explained("needs not_there", "'dreams'", "what that is called")


def test_a_plugin_may_add_a_command(pixelgen):
    @package.hookimpl
    def register_commands(app):
        app.command("greet")(lambda: print("bonjour"))  # noqa: T201

    with registered(SimpleNamespace(register_commands=register_commands), "greeter"):
        assert pixelgen("greet").out == "bonjour\n"
