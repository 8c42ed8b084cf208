"""Events reach every plugin that listens, whatever the others do."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

from fake_plugins import plugin

from pixelgen import hookspecs
from pixelgen.hookspecs import hookimpl
from pixelgen.plugins import catalogue, registered


def test_an_event_reaches_every_plugin_even_if_one_raises() -> None:
    heard: list[str] = []

    def fail(directory: Path) -> None:
        raise RuntimeError("deaf")

    with (
        registered(plugin(run_finished=lambda manifest: heard.append(manifest["name"])), "first"),
        registered(plugin(run_finished=fail), "second"),
        registered(plugin(run_finished=lambda: heard.append("third")), "third") as found,
    ):
        arguments = {"directory": Path("runs/1"), "manifest": {"name": "first"}}
        for _ in range(2):
            problems = found.announce("run_finished", **arguments)
            assert [problem.reason for problem in problems] == [
                "its hook run_finished fails: RuntimeError: deaf"
            ]
            assert problems[0].origin.plugin == "second"
        assert heard == ["first", "third"] * 2
        assert found.problems.count(problems[0]) == 1  # and not once an epoch


def test_an_argument_with_a_default_is_passed_too() -> None:
    heard: list[Any] = []

    def epoch_finished(directory: Path, metrics: Any = None, mine: str = "own") -> None:
        heard.append((metrics, mine))

    with registered(plugin(epoch_finished=epoch_finished)) as found:
        found.announce("epoch_finished", directory=Path(), metrics={"epoch": 3})
    assert heard == [({"epoch": 3}, "own")]


def test_plugins_that_ask_to_be_first_or_last_are() -> None:
    heard: list[str] = []

    def listener(name: str, **order: bool) -> ModuleType:
        module = ModuleType(name)

        @hookimpl(**order)
        def run_finished() -> None:
            heard.append(name)

        module.run_finished = run_finished  # type: ignore[attr-defined]
        return module

    with (
        registered(listener("last", trylast=True), "last"),
        registered(listener("middle"), "middle"),
        registered(listener("first", tryfirst=True), "first") as found,
    ):
        found.announce("run_finished", directory=Path(), manifest={})
    assert heard == ["first", "middle", "last"]


def test_every_hook_is_documented_with_its_arguments() -> None:
    hooks = catalogue().hooks.hook
    for name in (name for name in dir(hooks) if not name.startswith("_")):
        specification = getattr(hookspecs, name)
        arguments = specification.__code__.co_varnames[: specification.__code__.co_argcount]
        assert specification.__doc__
        if not name.startswith("register_") or name == "register_commands":
            assert all(f"{argument}: " in specification.__doc__ for argument in arguments)
