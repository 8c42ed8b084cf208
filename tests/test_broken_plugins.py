"""A plugin with a mistake is reported by name, and harms no other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from fake_plugins import TARGET, plugin, sampler

from pixelgen.errors import PluginConflict
from pixelgen.hookspecs import hookimpl
from pixelgen.plugins import registered


def problem_of(module: Any) -> str:
    """What is said of a plugin that has one mistake, while a sound one is loaded beside it."""
    with registered(sampler("coin"), "sound") as found, registered(module, "unsound"):
        (problem,) = (each for each in found.problems if each.origin.plugin == "unsound")
        assert "coin" in found.names("sampler")
        assert str(problem).startswith("plugin 'unsound' of this process: ")
        return problem.reason


def test_a_misspelt_hook_is_reported_with_the_nearest() -> None:
    reason = problem_of(plugin(register_sampler=lambda register: None))
    assert "'register_sampler', which is no hook of pixelgen; did you mean register_s" in reason


def test_a_hook_without_its_decorator_is_reported() -> None:
    module = ModuleType("forgetful")
    module.register_models = lambda register: None  # type: ignore[attr-defined]
    assert problem_of(module) == "its 'register_models' lacks the decorator @pixelgen.hookimpl"


def test_a_hook_with_arguments_that_it_is_never_given_is_reported() -> None:
    def epoch_finished(directory: Path, loss: float) -> None: ...

    reason = problem_of(plugin(epoch_finished=epoch_finished))
    assert "epoch_finished" in reason
    assert "loss" in reason


def test_a_hook_around_other_hooks_is_reported() -> None:
    module = ModuleType("wrapper")

    @hookimpl(wrapper=True)
    def run_started() -> Iterator[None]:
        yield

    module.run_started = run_started  # type: ignore[attr-defined]
    assert "wraps other plugins' hooks" in problem_of(module)


class PanicException(BaseException):
    """What pyo3 makes of a panic in Rust."""


@pytest.mark.parametrize("raised", [ImportError, PanicException, SystemExit])
def test_a_module_that_raises_for_its_attributes_is_reported(raised: type[BaseException]) -> None:
    module = sampler("dice")

    def missing(name: str) -> None:
        raise raised(f"no {name}")

    module.__getattr__ = missing  # type: ignore[method-assign]
    assert problem_of(module) == (
        f"its hooks cannot be looked at: {raised.__name__}: no PIXELGEN_API"
    )


@pytest.mark.parametrize("raised", [PanicException, SystemExit, GeneratorExit])
def test_a_hook_that_raises_what_is_no_exception_is_reported(raised: type[BaseException]) -> None:
    def register_samplers(register: Any) -> None:
        raise raised("at once")

    reason = problem_of(plugin(register_samplers=register_samplers))
    assert reason == f"its hook register_samplers fails: {raised.__name__}: at once"


def test_an_error_that_cannot_say_what_it_is_is_reported_by_its_type() -> None:
    class SpeechlessError(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    def register_samplers(register: Any) -> None:
        raise SpeechlessError

    reason = problem_of(plugin(register_samplers=register_samplers))
    assert reason == "its hook register_samplers fails: SpeechlessError"


def test_a_hook_that_raises_is_reported_and_what_it_registered_before_is_kept() -> None:
    def register_samplers(register: Any) -> None:
        register("dice", TARGET)
        raise RuntimeError("out of dice")

    def register_models(register: Any) -> None:
        register("abacus", TARGET)

    module = plugin(register_samplers=register_samplers, register_models=register_models)
    with registered(module, "unsound") as found:
        assert "dice" in found.names("sampler")
        assert "abacus" in found.names("model")
    assert problem_of(module) == "its hook register_samplers fails: RuntimeError: out of dice"


@pytest.mark.parametrize("target", ["coin_of_a_test.Coin", "coin_of_a_test:", ":Coin", object])
def test_a_target_that_is_not_module_and_class_is_reported(target: Any) -> None:
    assert "the target of 'dice' must be 'module:Class'" in problem_of(sampler("dice", target))


@pytest.mark.parametrize(
    ("name", "more", "said"),
    [
        (object, {}, "the name of a sampler must be text"),
        ("dice", {"summary": 3}, "the summary of a sampler must be text"),
        ("dice", {"needs": [None]}, "the needs of 'dice' must be importable modules"),
    ],
)
def test_what_is_no_text_is_reported(name: Any, more: dict[str, Any], said: str) -> None:
    def register_samplers(register: Any) -> None:
        register(name, TARGET, **more)

    module = plugin(register_samplers=register_samplers)
    assert said in problem_of(module)
    with registered(module) as found:
        assert {type(each) for each in found.names("sampler")} == {str}


def test_a_plugin_that_registers_a_name_twice_is_reported_and_the_first_stands() -> None:
    def register_samplers(register: Any) -> None:
        register("dice", "here:Dice")
        register("dice", "there:Dice")

    module = plugin(register_samplers=register_samplers)
    assert "sampler 'dice' is registered twice, as here:Dice and as there:Dice" in problem_of(
        module
    )
    with registered(module) as found:
        assert found.find("sampler", "dice").target == "here:Dice"


def test_two_plugins_that_claim_one_name_are_both_named() -> None:
    with registered(sampler("coin"), "one") as found, registered(sampler("coin"), "other"):
        with pytest.raises(PluginConflict) as caught:
            found.load("sampler", "coin")
        assert "plugin 'one'" in caught.value.what
        assert "plugin 'other'" in caught.value.what
        assert "PIXELGEN_PLUGINS=one" in caught.value.remedy
        assert found.problems[-1].reason.startswith(
            "claims the sampler name 'coin' of plugin 'one'"
        )
        for claim in found.registrations["sampler", "coin"]:
            assert found.why_not(claim) == "its name is claimed by two plugins"
        assert found.load("sampler", "greedy")


def test_one_name_may_stand_for_plugins_of_two_kinds() -> None:
    module = plugin(register_models=lambda register: register("greedy", TARGET))
    with registered(module) as found:
        assert found.find("model", "greedy").kind == "model"
        assert found.find("sampler", "greedy").kind == "sampler"
