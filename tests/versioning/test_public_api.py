"""No public signature changes unseen, and a plugin for another version says so."""

from __future__ import annotations

import pytest
from fake_plugins import sampler
from pages import ROOT
from signatures import RECORD, lines

from pixelgen import api_versions
from pixelgen.errors import PluginUnusable
from pixelgen.plugins import registered

HINT = """The public surface is not what tests/versioning/public_api.txt records. If that is meant:
say so in CHANGELOG.md, raise the version in pixelgen/api_versions.py if plugins are concerned (see
docs/versioning.md), and record it: python tests/versioning/signatures.py"""


def test_the_public_surface_is_what_was_recorded() -> None:
    recorded = RECORD.read_text(encoding="utf-8").splitlines()
    found = list(lines())
    gone = [line for line in recorded if line not in found]
    new = [line for line in found if line not in recorded]
    assert (gone, new) == ([], []), HINT


def test_the_versions_are_in_the_changelog() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    for area, version in api_versions.API_VERSIONS.items():
        assert f"{area} {version}" in changelog


def test_a_plugin_for_later_hooks_is_refused_with_both_versions() -> None:
    module = sampler("coin")
    module.PIXELGEN_API = {"hooks": "9.0"}
    with registered(module, "later") as found:
        assert "coin" not in found.names("sampler")
        assert "written for version 9.0 of the hooks" in found.problems[-1].reason
        assert "update pixelgen-core" in found.problems[-1].reason


def test_a_plugin_for_another_version_of_its_interface_cannot_be_used() -> None:
    module = sampler("coin")
    module.PIXELGEN_API = {"hooks": "1.0", "sampler": "2.0"}
    with registered(module) as found:
        claim = found.find("sampler", "coin")
        assert "version 2.0 of the sampler interface" in found.why_not(claim)
        with pytest.raises(PluginUnusable, match=r"version 2\.0 of the sampler interface"):
            found.load("sampler", "coin")


def test_what_is_not_declared_counts_as_the_first_version(monkeypatch) -> None:
    monkeypatch.setattr(api_versions, "OLDEST", {**api_versions.OLDEST, "hooks": 2})
    monkeypatch.setattr(api_versions, "API_VERSIONS", {**api_versions.API_VERSIONS, "hooks": "2.0"})
    refusals = api_versions.refusals(sampler("coin"))
    assert "written for version 1.0" in refusals["hooks"]
    assert "update the plugin" in refusals["hooks"]


@pytest.mark.parametrize(
    ("declared", "said"),
    [
        ("1.0", "PIXELGEN_API is '1.0'"),
        ({"hook": "1.0"}, "has 'hook'"),
        ({"hooks": 1}, "has 'hooks': 1"),
    ],
)
def test_a_declaration_that_cannot_be_read_is_said(declared, said) -> None:
    module = sampler("coin")
    module.PIXELGEN_API = declared
    assert said in api_versions.refusals(module)["hooks"]
