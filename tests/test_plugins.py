"""Plugins are found, limited and looked up by kind and name."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from fake_plugins import TARGET, plugin, sampler

from pixelgen import builtin
from pixelgen.errors import PluginConflict, PluginNotFound
from pixelgen.hookspecs import REGISTERING_HOOKS
from pixelgen.plugins import KNOWN_ELSEWHERE, Catalogue, Origin, catalogue, registered


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Catalogue]]:
    """Put entry points in place of the installed ones, and return the catalogue made from them."""

    def put(*found: tuple[str, str, Any], limit: str | None = None) -> Catalogue:
        def load(module: Any) -> Any:
            if isinstance(module, BaseException):
                raise module
            return module

        entries = [
            SimpleNamespace(
                name=name,
                dist=SimpleNamespace(name=distribution, version="1.2"),
                load=lambda module=module: load(module),
            )
            for name, distribution, module in found
        ]
        monkeypatch.setattr(importlib.metadata, "entry_points", lambda *, group: entries)
        if limit is None:
            monkeypatch.delenv("PIXELGEN_PLUGINS", raising=False)
        else:
            monkeypatch.setenv("PIXELGEN_PLUGINS", limit)
        catalogue.cache_clear()
        return catalogue()

    yield put
    catalogue.cache_clear()


# -- built-ins and registration in place ----------------------------------------------------------


@pytest.mark.parametrize("kind", REGISTERING_HOOKS)
def test_the_core_registers_through_the_same_hooks_as_anyone(kind: str) -> None:
    found = Catalogue()
    found.add(builtin, Origin("builtin", "pixelgen-core", "0", "built-in"))
    assert found.problems == []
    assert found.names(kind)
    assert all(found.find(kind, name).origin.plugin == "builtin" for name in found.names(kind))


def test_a_plugin_that_was_refused_leaves_nothing_behind_and_takes_no_other_away() -> None:
    problems = list(catalogue().problems)
    with registered(sampler("coin")) as found:
        with registered(sampler("dice")):  # under the same name
            assert "its name is taken by plugin 'test-plugin'" in found.problems[-1].reason
            assert "dice" not in found.names("sampler")
        assert "coin" in found.names("sampler")
    assert catalogue().problems == problems


def test_a_module_added_twice_stays_loaded_once() -> None:
    module = sampler("coin")
    with registered(module, "one") as found:
        with registered(module, "other"):
            assert "already loaded as plugin 'one'" in found.problems[-1].reason
        assert len(found.registrations["sampler", "coin"]) == 1


# -- looking up -----------------------------------------------------------------------------------


def test_an_unknown_name_is_answered_with_the_nearest_and_all_others() -> None:
    with pytest.raises(PluginNotFound) as caught:
        catalogue().find("sampler", "gredy")
    assert caught.value.what.startswith("no sampler is called 'gredy'")
    assert caught.value.remedy.startswith("Did you mean 'greedy'? Known samplers: multinomial, ")


def test_a_plugin_that_is_not_installed_is_answered_with_what_to_install(
    install: Callable[..., Catalogue],
) -> None:
    found = install()
    with pytest.raises(PluginNotFound, match="pip install pixelgen-torch"):
        found.find("model", "torch-lstm")
    with pytest.raises(PluginNotFound, match=r"Did you mean 'torch-lstm'"):
        found.find("model", "toch-lstm")
    with pytest.raises(PluginNotFound, match="Known samplers: multinomial"):  # not of this kind
        found.find("sampler", "torch-lstm")


def test_the_best_model_is_the_first_of_the_preferred_that_is_usable(
    install: Callable[..., Catalogue],
) -> None:
    def register_models(register: Any) -> None:
        register("torch-lstm", TARGET, needs=["not_there_at_all"])

    found = install(("lstms", "pixelgen-lstms", plugin(register_models=register_models)))
    assert found.best("model") == (
        "numpy-lstm",
        "the best that is installed; torch-lstm: needs not_there_at_all, which is not installed; "
        "keras-lstm comes with pixelgen-keras",
    )


def test_a_name_that_two_plugins_claim_is_not_the_best(install: Callable[..., Catalogue]) -> None:
    def register_models(register: Any) -> None:
        register("torch-lstm", TARGET)

    pair = [plugin(register_models=register_models) for _ in range(2)]
    name, why = install(("a", "pair", pair[0]), ("b", "pair", pair[1])).best("model")
    assert name == "numpy-lstm"
    assert "torch-lstm: its name is claimed by two plugins" in why


@pytest.mark.parametrize(
    ("kind", "name"), [("sampler", "multinomial"), ("executor", "local"), ("source", "folder")]
)
def test_a_preferred_name_that_two_plugins_claim_is_an_error_and_no_other_is_taken(
    kind: str, name: str
) -> None:
    module = plugin(**{f"register_{kind}s": lambda register: register(name, TARGET)})
    with registered(module, "rival") as found, pytest.raises(PluginConflict) as caught:
        found.best(kind)
    assert f"{kind} {name!r} is claimed by plugin 'builtin'" in caught.value.what
    assert "plugin 'rival'" in caught.value.what


def test_where_nothing_is_usable_each_is_said_once_with_its_reason() -> None:
    found = Catalogue()
    module = sampler("multinomial", needs=["not_there_at_all"])
    found.add(module, Origin("poor", "poor", "1", "registered in place"))
    with pytest.raises(PluginNotFound) as caught:
        found.best("sampler")
    assert caught.value.where == "multinomial: needs not_there_at_all, which is not installed"


# -- entry points ---------------------------------------------------------------------------------


def test_installed_plugins_are_found_by_their_entry_points(
    install: Callable[..., Catalogue],
) -> None:
    found = install(("coins", "pixelgen-coins", sampler("coin")))
    assert found.find("sampler", "coin").origin == Origin(
        "coins", "pixelgen-coins", "1.2", "entry point"
    )


@pytest.mark.parametrize(
    "failure",
    [ImportError("no CUDA"), SystemExit("bye"), RuntimeError(), BaseException("panic")],
)
def test_a_plugin_that_fails_to_import_is_reported_and_the_others_are_loaded(
    install: Callable[..., Catalogue], failure: BaseException
) -> None:
    found = install(("broken", "pixelgen-broken", failure), ("coins", "coins", sampler("coin")))
    assert [str(problem) for problem in found.problems] == [
        "plugin 'broken' of pixelgen-broken 1.2: its import fails: "
        + f"{type(failure).__name__}: {failure}".removesuffix(": ")
    ]
    assert "coin" in found.names("sampler")
    with pytest.raises(PluginNotFound, match=r"plugin 'broken' of pixelgen-broken"):
        found.find("sampler", "unheard-of")


@pytest.mark.parametrize(
    ("limit", "names"),
    [
        (None, {"coin", "dice"}),
        ("none", set()),
        ("", set()),
        ("coins", {"coin"}),
        ("pixelgen-dice", {"dice"}),
        ("coins, pixelgen-dice", {"coin", "dice"}),
    ],
)
def test_a_variable_limits_what_is_loaded_beyond_the_built_ins(
    install: Callable[..., Catalogue], limit: str | None, names: set[str]
) -> None:
    found = install(
        ("coins", "pixelgen-coins", sampler("coin")),
        ("dices", "pixelgen-dice", sampler("dice")),
        limit=limit,
    )
    assert {"coin", "dice"} & set(found.names("sampler")) == names
    assert "greedy" in found.names("sampler")


def test_a_plugin_that_is_left_out_is_not_even_imported(
    install: Callable[..., Catalogue],
) -> None:
    found = install(("broken", "pixelgen-broken", ImportError("no CUDA")), limit="none")
    assert found.problems == []
    with pytest.raises(PluginNotFound, match="limited by PIXELGEN_PLUGINS=none"):
        found.find("model", "torch-lstm")


def test_all_that_comes_with_our_other_distributions_is_known_where_they_are_not():
    theirs = {
        key: claim.origin.distribution
        for key, [claim, *_] in catalogue().registrations.items()
        if claim.origin.distribution in set(KNOWN_ELSEWHERE.values())
    }
    if not theirs:
        pytest.skip("none of them is installed")
    assert theirs.items() <= KNOWN_ELSEWHERE.items()
