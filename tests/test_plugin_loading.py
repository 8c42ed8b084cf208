"""A plugin's class is imported when it is used, and no sooner."""

from __future__ import annotations

import gc
import importlib.metadata
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fake_plugins import sampler

from pixelgen.errors import PluginUnusable
from pixelgen.plugins import catalogue, registered


@pytest.fixture
def importable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Write a module's source to where it can be imported from."""
    monkeypatch.syspath_prepend(tmp_path)

    def write(name: str, source: str) -> None:
        (tmp_path / f"{name}.py").write_text(source)
        monkeypatch.delitem(sys.modules, name, raising=False)

    return write


def test_a_plugin_is_there_for_the_length_of_the_block(
    importable: Callable[[str, str], None],
) -> None:
    importable("coin_of_a_test", "import pixelgen\nclass Coin(pixelgen.Sampler): pass")
    with registered(sampler("coin", summary="heads or tails")) as found:
        assert "coin" in found.names("sampler")
        assert found.find("sampler", "coin").summary == "heads or tails"
        assert found.find("sampler", "coin").origin.found == "registered in place"
        assert found.load("sampler", "coin").__name__ == "Coin"
    assert "coin" not in catalogue().names("sampler")


def test_nothing_is_imported_before_it_is_used(importable: Callable[[str, str], None]) -> None:
    importable("coin_of_a_test", "raise RuntimeError('imported')")
    with registered(sampler("coin")) as found:
        claim = found.find("sampler", "coin")
        assert found.why_not(claim) == ""
        assert "coin_of_a_test" not in sys.modules
        with pytest.raises(PluginUnusable, match="cannot be imported: RuntimeError: imported"):
            found.load("sampler", "coin")


@pytest.mark.parametrize("before", [True, False], ids=["collected", "not collected"])
@pytest.mark.parametrize("source", ["import gc\nCoin = gc.isenabled()", "raise OSError"])
def test_garbage_is_collected_after_an_import_as_before(
    importable: Callable[[str, str], None], source: str, before: bool
) -> None:
    importable("coin_of_a_test", source)
    if not before:
        gc.disable()
    try:
        with registered(sampler("coin")) as found, pytest.raises(PluginUnusable):
            found.load("sampler", "coin")
        assert gc.isenabled() == before
    finally:
        gc.enable()
    module = sys.modules.get("coin_of_a_test")
    assert module is None or not module.Coin


@pytest.mark.parametrize(
    ("source", "target", "reason"),
    [
        ("import not_there_at_all", "coin_of_a_test:Coin", "ModuleNotFoundError: No module named"),
        ("", "coin_of_a_test:Coin", "AttributeError: module 'coin_of_a_test' has no attribute"),
        ("raise SystemExit(3)", "coin_of_a_test:Coin", "SystemExit: 3"),
        ("raise BaseException('panic')", "coin_of_a_test:Coin", "BaseException: panic"),
        ("Coin = 3", "coin_of_a_test:Coin", "sampler 'coin' is int, not a class"),
        ("", "not_there_at_all:Coin", "ModuleNotFoundError: No module named 'not_there_at_all'"),
    ],
)
def test_a_class_that_cannot_be_had_is_an_error_that_names_plugin_and_reason(
    importable: Callable[[str, str], None], source: str, target: str, reason: str
) -> None:
    importable("coin_of_a_test", source)
    with registered(sampler("coin", target), "mint") as found:
        with pytest.raises(PluginUnusable) as caught:
            found.load("sampler", "coin")
        assert reason in caught.value.what
        assert target in caught.value.where
        assert "plugin 'mint'" in caught.value.where


@pytest.mark.parametrize("needs", [("not_there_at_all",), "not_there_at_all", ["sys", "nor.this"]])
def test_a_missing_need_is_told_without_an_import(needs: Any) -> None:
    missing = "nor.this" if "sys" in needs else "not_there_at_all"
    with registered(sampler("coin", needs=needs)) as found:
        claim = found.find("sampler", "coin")
        assert claim.unmet() == [missing]
        assert found.why_not(claim) == f"needs {missing}, which is not installed"
        with pytest.raises(PluginUnusable, match="says what that is called"):
            found.load("sampler", "coin")


def test_what_is_missing_is_named_as_the_distribution_requires_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A module's name on an index may be another, and what has its name there anything."""
    required = ["numpy", "Not_There_At_All[all]>=2; extra == 'x'"]
    monkeypatch.setattr(importlib.metadata, "requires", lambda distribution: required)
    for needs, said in (
        (["not_there_at_all"], "pip install not_there_at_all"),
        (["not_there_at_all", "nor_this"], "says what that is called"),
    ):
        coin = sampler("coin", needs=needs)
        with registered(coin) as found, pytest.raises(PluginUnusable, match=said):
            found.load("sampler", "coin")


def test_a_needed_submodule_is_not_looked_for_by_importing_its_package(
    importable: Callable[[str, str], None],
) -> None:
    importable("heavy_of_a_test", "raise RuntimeError('imported')")
    with registered(sampler("coin", needs=["heavy_of_a_test.inner"])) as found:
        assert found.find("sampler", "coin").unmet() == []
    assert "heavy_of_a_test" not in sys.modules


def test_a_class_of_another_kind_is_named_with_what_it_should_derive_from(
    importable: Callable[[str, str], None],
) -> None:
    importable("coin_of_no_kind", "class Coin: pass")
    plugin = sampler("coin", "coin_of_no_kind:Coin")
    with registered(plugin) as found, pytest.raises(PluginUnusable) as raised:
        found.load("sampler", "coin")
    assert "does not derive from it" in raised.value.what
    assert raised.value.remedy == "Derive it from pixelgen.Sampler"
