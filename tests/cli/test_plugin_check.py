"""`pixelgen plugins check`: a report, an exit code, and limits that nothing outlasts."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

HANGS = "import threading\nthreading.Event().wait()\n"
ENDS = "import os\nos._exit(3)\n"
SLOW_HOOK = """
import threading
import pixelgen

@pixelgen.hookimpl
def run_finished(directory):
    threading.Event().wait()
"""


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Install a plugin, `odd`, whose module has this text, for processes that are started."""

    def write(text: str) -> None:
        info = tmp_path / "odd-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: odd\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text("[pixelgen]\nodd = odd_plugin\n")
        (tmp_path / "odd_plugin.py").write_text(text)
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))
        monkeypatch.setenv("PIXELGEN_PLUGINS", "odd")

    return write


def test_one_that_conforms_passes_every_check(pixelgen, monkeypatch):
    monkeypatch.setenv("PIXELGEN_PLUGINS", "none")
    called = pixelgen("plugins", "check", "rgb-grid", "-o", "colors=27")
    assert called.code == 0
    assert "check_round_trip" in called.out
    assert "all checks pass" in called.out


def test_one_that_fails_says_what_broke_the_contract_and_what_to_do(pixelgen, install):
    install("import pixelgen\n@pixelgen.hookimpl\ndef run_started(directory):\n    return 1\n")
    called = pixelgen("plugins", "check", "odd")
    assert called.code == 1
    assert "failed     check_events_are_heard_quietly" in called.out
    assert "returns int" in called.out
    assert "contract:" in called.out
    assert "what to do:" in called.out


def test_a_module_in_the_current_folder_is_not_taken_for_one_of_pythons(pixelgen, install, here):
    install("import pixelgen\n@pixelgen.hookimpl\ndef run_started(directory):\n    pass\n")
    for name in ("queue", "json", "pluggy"):
        (here / f"{name}.py").write_text("raise SystemExit(7)")
    assert pixelgen("plugins", "check", "odd").code == 0


def test_an_expected_failure_is_no_failure_and_one_that_passes_is(pixelgen, install):
    install("import pixelgen\n@pixelgen.hookimpl\ndef run_started(directory):\n    return 1\n")
    name = "check_events_are_heard_quietly"
    called = pixelgen("plugins", "check", "odd", "--expect", f"{name}=as it is", "--json")
    assert called.code == 0
    statuses = {each["check"]: each["status"] for each in json.loads(called.out)["outcomes"]}
    assert statuses.pop(name) == "expected"
    assert set(statuses.values()) == {"passed"}
    called = pixelgen("plugins", "check", "odd", "--expect", "check_names_are_free=no", "--json")
    assert called.code == 1
    statuses = {each["check"]: each["status"] for each in json.loads(called.out)["outcomes"]}
    assert statuses["check_names_are_free"] == "unexpected"


def test_a_wrong_name_is_answered_with_the_nearest(pixelgen, monkeypatch):
    monkeypatch.setenv("PIXELGEN_PLUGINS", "none")
    called = pixelgen("plugins", "check", "rgb-gird")
    called.assert_explained("'rgb-gird'", "", "'rgb-grid'")


def test_a_wrong_kind_is_answered_with_the_nearest(pixelgen, monkeypatch):
    monkeypatch.setenv("PIXELGEN_PLUGINS", "none")
    called = pixelgen("plugins", "check", "multinomial", "--kind", "samplers")
    called.assert_explained("kind of plugin is called 'samplers'", "--kind", "'sampler'")


@pytest.mark.parametrize("when", ["1979-05-27", "[1979-05-27]", "07:32:00"])
def test_an_option_that_reads_as_a_date_is_answered_as_any_other(pixelgen, monkeypatch, when):
    monkeypatch.setenv("PIXELGEN_PLUGINS", "none")
    called = pixelgen("plugins", "check", "multinomial", "-o", f"when={when}", "--json")
    assert "Traceback" not in called.err
    outcomes = json.loads(called.out)["outcomes"]
    broke = {each["broke"].partition(" (")[0] for each in outcomes if each["status"] == "failed"}
    assert any("unknown option 'when'" in each for each in broke)


def test_an_import_that_hangs_is_given_up_with_its_place(pixelgen, install):
    install(HANGS)
    called = pixelgen("plugins", "check", "odd", "--import-limit", "0.5")
    called.assert_explained("has not ended after 0.5 s")
    assert "odd_plugin.py:2" in called.err


def test_a_check_that_hangs_is_given_up(pixelgen, install):
    install(SLOW_HOOK)
    called = pixelgen("plugins", "check", "odd", "--check-limit", "6", "--json")
    assert called.code == 1
    last = json.loads(called.out)["outcomes"][-1]
    assert last["check"] == "check_events_are_heard_quietly"
    assert "has not ended after 6 s" in last["broke"]


@pytest.mark.parametrize("when", ["at import", "in a check"])
def test_a_plugin_that_ends_its_process_well_has_not_passed(pixelgen, install, when):
    body = "import os\nos._exit(0)\n"
    if when == "in a check":
        hook = "import os, pixelgen\n@pixelgen.hookimpl\ndef run_started(directory):\n"
        body = hook + "    os._exit(0)\n"
    install(body)
    called = pixelgen("plugins", "check", "odd")
    assert called.code == 1
    assert "ended with 0" in called.out


def test_a_plugin_whose_workers_outlive_it_is_not_waited_for(pixelgen, install):
    install(
        "import subprocess, sys, pixelgen\n"
        "code = 'import time; time.sleep(60)'\n"
        "subprocess.Popen([sys.executable, '-c', code], close_fds=False)\n"
        "@pixelgen.hookimpl\ndef run_finished(directory):\n    pass\n"
    )
    began = time.monotonic()
    assert pixelgen("plugins", "check", "odd").code == 0
    assert time.monotonic() - began < 50


def test_a_limit_that_is_given_comes_before_the_environments(pixelgen, install, monkeypatch):
    monkeypatch.setenv("PIXELGEN_IMPORT_LIMIT", "300")
    install(HANGS)
    began = time.monotonic()
    called = pixelgen("plugins", "check", "odd", "--import-limit", 1)
    assert called.code != 0
    assert "odd_plugin.py" in called.out + called.err
    assert time.monotonic() - began < 60


def test_a_plugin_that_ends_its_process_is_reported(pixelgen, install):
    install(ENDS)
    called = pixelgen("plugins", "check", "odd", "--json")
    assert called.code == 1
    (only,) = json.loads(called.out)["outcomes"]
    assert "its process ended with 3" in only["broke"]
