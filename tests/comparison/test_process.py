import subprocess
import sys
import time

import pytest
from comparison.small import SIDE

from pixelgen.comparison.energy import EnergyMeter
from pixelgen.comparison.isolation import apart
from pixelgen.comparison.process import Usage, last_words, run_process
from pixelgen.errors import ExecutorError, OptionError
from pixelgen.runs.directory import RunDirectory


def never():
    return False


def nothing():
    return None


def endless(pictures, path):
    """The command of a run that somebody has to stop."""
    return [
        *("run", str(pictures), "--model", "markov", "--quantizer", "rgb-grid", "--colors", "27"),
        *("--size", str(SIDE), "--epochs", "1000000", "-n", "0", "--out", str(path)),
    ]


def run(arguments, log, should_stop=never):
    return run_process(arguments, log, tick=nothing, should_stop=should_stop)


def test_what_a_process_used_is_its_own(tmp_path):
    log = tmp_path / "log.txt"
    code, usage = run(["--version"], log)
    assert code == 0
    assert log.read_text().startswith("pixelgen ")
    assert usage.seconds > 0
    assert usage.peak_memory is None or usage.peak_memory > 5_000_000


def test_a_module_in_the_current_folder_is_not_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pluggy.py").write_text("raise SystemExit(7)")
    assert run(["plugins", "list"], tmp_path / "log.txt")[0] == 0


def test_its_last_words_are_its_error_without_the_way_to_it(tmp_path):
    log = tmp_path / "log.txt"
    code, _ = run(["run", "nowhere", "--model", "markov"], log)
    assert code == 2
    words = last_words(log)
    assert "nowhere" in words
    assert "Reading" not in words
    assert not words.startswith("Error")


def test_the_last_line_of_a_traceback_is_kept(tmp_path):
    log = tmp_path / "log.txt"
    log.write_text("Traceback:\n  File …\nMemoryError: too much\n\n")
    assert last_words(log) == "MemoryError: too much"
    assert last_words(tmp_path / "none.txt") == ""


def test_the_words_of_an_earlier_process_are_not_its_last(tmp_path):
    log = tmp_path / "log.txt"
    log.write_text("Error: the disk is full\n")
    begin = log.stat().st_size
    assert last_words(log, begin) == ""
    with log.open("a") as file:
        file.write("epoch 2: …\n")
    assert last_words(log, begin) == "epoch 2: …"


def test_a_stop_lets_the_run_save_itself(tmp_path, pictures):
    path = tmp_path / "run"
    code, _ = run(
        endless(pictures, path),
        tmp_path / "log.txt",
        should_stop=lambda: (path / "metrics.jsonl").exists(),
    )
    assert code == 143
    assert RunDirectory.open(path).manifest()["state"] == "stopped"


def test_a_run_stops_with_the_process_that_started_it(tmp_path, pictures):
    path, log = tmp_path / "run", tmp_path / "log.txt"
    program = (
        "from pathlib import Path\n"
        "from pixelgen.comparison.process import run_process\n"
        f"arguments, log = {endless(pictures, path)!r}, Path({str(log)!r})\n"
        "run_process(arguments, log, tick=lambda: None, should_stop=lambda: False)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", program])
    while not (path / "metrics.jsonl").exists():
        assert parent.poll() is None
        time.sleep(0.05)
    parent.kill()
    parent.wait()
    for _ in range(600):
        if RunDirectory.open(path).manifest()["state"] == "stopped":
            return
        time.sleep(0.1)
    pytest.fail("the run goes on by itself")


def test_usage_adds_up_over_a_resumed_run():
    first = Usage(seconds=2, peak_memory=10, energy=5)
    assert first.and_then(Usage(seconds=1, peak_memory=30, energy=1)) == Usage(
        seconds=3, peak_memory=30, energy=6
    )
    assert first.and_then(Usage(seconds=1, peak_memory=7)).energy is None
    assert Usage().and_then(first) == first


def test_usage_of_which_a_part_was_not_seen_is_not_known():
    whole, cut_off = Usage(seconds=2, peak_memory=10, energy=5), Usage(seconds=1, whole=False)
    for both in (whole.and_then(cut_off), cut_off.and_then(whole)):
        assert both == Usage(seconds=3, whole=False)
        assert both.and_then(whole) == Usage(seconds=5, whole=False)


def test_what_was_shared_stays_so_and_older_files_are_read():
    assert Usage(shared=True).and_then(Usage()).shared
    assert Usage().and_then(Usage(shared=True)).shared
    older = Usage.model_validate_json('{"seconds": 2.0, "peak_memory": 10, "energy": null}')
    assert older == Usage(seconds=2, peak_memory=10, shared=False, whole=True)


def zone(root, number, name, now, highest=1000):
    folder = root / f"intel-rapl:{number}"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "name").write_text(f"{name}\n")
    (folder / "max_energy_range_uj").write_text(f"{highest}\n")
    (folder / "energy_uj").write_text(f"{now}\n")


def test_energy_is_the_packages_and_survives_the_counters_turn(tmp_path):
    zone(tmp_path, 0, "package-0", 900)
    zone(tmp_path, "0:0", "core", 5)
    zone(tmp_path, 1, "psys", 5)
    meter = EnergyMeter(tmp_path)
    zone(tmp_path, 0, "package-0", 950)
    assert meter.read() == pytest.approx(50e-6)
    zone(tmp_path, 0, "package-0", 20)  # past 1000 and round again
    zone(tmp_path, 1, "psys", 500)
    assert meter.read() == pytest.approx(120e-6)


def test_energy_that_cannot_be_read_is_none(tmp_path):
    assert EnergyMeter(tmp_path / "none").read() is None
    zone(tmp_path, 0, "package-0", 900)
    meter = EnergyMeter(tmp_path)
    (tmp_path / "intel-rapl:0" / "energy_uj").unlink()
    assert meter.read() is None


def test_errors_come_back_whole_from_another_process():
    from pixelgen.options import parse_options
    from pixelgen.tokenizers.rgb_grid import RGBGrid

    with pytest.raises(OptionError) as caught:
        apart(parse_options, RGBGrid.Options, {"colours": 8}, owner="test")
    assert "unknown option" in caught.value.what
    assert caught.value.where
    assert caught.value.remedy


def test_a_process_that_dies_is_an_error():
    import os

    with pytest.raises(ExecutorError, match="died"):
        apart(os._exit, 1)


def test_nothing_heavy_is_loaded_to_conduct_a_comparison():
    # A child's peak of memory begins at its parent's.
    code = "import sys, pixelgen.comparison.conduct as c; print('torch' in sys.modules)"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "False"
