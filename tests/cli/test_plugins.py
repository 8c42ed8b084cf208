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

    def test_one_with_events_or_commands_alone_is_listed_with_them(self, pixelgen):
        @package.hookimpl
        def register_commands(app):
            app.command("greet")(lambda: None)

        @package.hookimpl
        def run_started(directory): ...

        @package.hookimpl
        def run_finished(directory): ...

        hooks = {"register_commands": register_commands, "run_finished": run_finished}
        module = SimpleNamespace(**hooks, run_started=run_started)
        with registered(module, "greeter"), registered(DREAMER, "dreams"):
            listed = json.loads(pixelgen("plugins", "list", "--json").out)["plugins"]
            [only] = json.loads(pixelgen("plugins", "list", "--kind", "plugin", "--json").out)[
                "plugins"
            ]
            told = pixelgen("plugins", "list").out
        assert [each for each in listed if each["kind"] == "plugin"] == [only]
        assert only == {
            "name": "greeter",
            "kind": "plugin",
            "summary": "adds greet; hears run_started, run_finished",
            "usable": True,
            "reason": "",
            "distribution": "this process",
            "version": "",
            "origin": "registered in place",
        }
        [line] = [line for line in told.splitlines() if "greeter" in line]
        assert line.split()[:3] == ["plugin", "greeter", "yes"]
        assert line.rstrip().endswith("adds greet; hears run_started, run_finished")

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

    def test_what_a_plugin_prints_while_it_adds_commands_is_reported_and_not_shown(self, pixelgen):
        @package.hookimpl
        def register_commands(app):
            print("hello")  # noqa: T201

        with registered(SimpleNamespace(register_commands=register_commands), "talker"):
            called = pixelgen("plugins", "list", "--json")
        problems = json.loads(called.out)["problems"]
        [problem] = [each for each in problems if each["plugin"] == "talker"]
        assert problem["reason"] == (
            "its hook register_commands prints 'hello', which is not shown"
        )

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


def test_a_command_that_is_not_there_is_answered_with_the_nearest(pixelgen):
    pixelgen("smaple").assert_explained("'smaple'", "among pixelgen's", "'sample'")


def test_where_its_plugin_is_broken_or_left_out_that_is_said(pixelgen, monkeypatch):
    @package.hookimpl
    def register_commands(app):
        raise OSError("no spots")

    monkeypatch.setenv("PIXELGEN_PLUGINS", "none")
    with registered(SimpleNamespace(register_commands=register_commands), "spotter"):
        called = pixelgen("spot")
    reason = "plugin 'spotter' of this process: its hook register_commands fails: OSError: no spots"
    called.assert_explained(reason, "limited by PIXELGEN_PLUGINS=none", "pixelgen --help")
