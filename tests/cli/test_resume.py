"""`pixelgen resume`, and Ctrl-C: a run that is stopped saves, paints, and says how to go on."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest

from pixelgen.cli.display import PlainDisplay

RUN = Path("runs/pictures-1")


def manifest() -> dict:
    return json.loads((RUN / "run.json").read_text())


def test_a_larger_budget_goes_on_where_the_run_ended(learn, pixelgen):
    learn("--epochs", 1, "-n", 1)
    called = pixelgen("resume", RUN, "--epochs", 3)
    assert called.code == 0, called.err
    assert called.last == RUN / "samples" / "contact-sheet.png"
    assert "epoch 2: " in called.err
    assert "Finished after 3 epochs" in called.err
    assert manifest()["spent"]["epochs"] == 3


def test_minutes_may_be_given_to_a_run_of_epochs(learn, pixelgen):
    learn("--epochs", 1, "-n", 1)
    called = pixelgen("resume", RUN, "--minutes", 0.01)
    assert called.code == 0, called.err
    assert manifest()["spent"]["epochs"] >= 1


def test_what_cannot_be_is_said(learn, pixelgen):
    pixelgen("resume", RUN).assert_explained("no run here", str(RUN))
    learn("--epochs", 1, "-n", 1)
    pixelgen("resume", RUN).assert_explained("used up its budget", str(RUN), "--epochs 2")
    both = pixelgen("resume", RUN, "--epochs", 2, "--minutes", 1)
    both.assert_explained("epochs and as minutes", "--epochs and --minutes", "one")
    pixelgen("resume", RUN, "--epochs", -2).assert_explained("'training.epochs'", "", "≥ 1")


def until(stream, beginning: str) -> str:
    """Read lines until one begins so; return all of them."""
    lines = []
    for line in stream:
        lines.append(line)
        if line.startswith(beginning):
            return "".join(lines)
    raise AssertionError(f"no line began with {beginning!r}: {''.join(lines)}")


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["Ctrl-C", "SIGTERM"]
)
def test_a_signal_stops_after_the_step_and_saves_and_paints(shell, pixelgen, folder, number, code):
    process = shell(
        *["run", folder, "-q", "rgb-grid", "-m", "markov", "--size", 12, "--epochs", 100_000],
        *["-n", 1, "-o", "painting.while_training=0"],
    )
    with process:
        until(process.stderr, "epoch 2: ")
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    assert process.returncode == code
    assert "Traceback" not in err
    assert "Stopped after" in err
    assert f"pixelgen resume {RUN}" in err
    assert Path(out.splitlines()[-1]).is_file()
    assert manifest()["state"] == "stopped"
    assert manifest()["ended_by"] == "stopped"
    assert list((RUN / "checkpoints").glob("step-*"))
    done = manifest()["spent"]["epochs"]
    assert done >= 2
    resumed = pixelgen("resume", RUN, "--epochs", done + 1)
    assert resumed.code == 0, resumed.err
    assert manifest()["spent"]["epochs"] == done + 1


def test_a_second_signal_stops_at_once_and_loses_only_what_was_not_saved(
    shell, pixelgen, folder, tmp_path
):
    """A sampler that never ends stands for a painting that nobody wants to wait for."""
    package = tmp_path / "package"
    info = package / "endless-1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: endless\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[pixelgen]\nendless = endless\n")
    (package / "endless.py").write_text(
        "import sys, threading, pixelgen\n"
        "class Endless(pixelgen.Sampler):\n"
        "    def probabilities(self, logits, xp):\n"
        "        print('waiting', file=sys.stderr, flush=True)\n"
        "        while True:\n"
        "            threading.Event().wait(60)\n"
        "@pixelgen.hookimpl\n"
        "def register_samplers(register):\n"
        "    register('endless', 'endless:Endless')\n"
    )
    process = shell(
        *["run", folder, "-q", "rgb-grid", "-m", "markov", "--size", 12, "--epochs", 100_000],
        *["-s", "endless", "-o", "painting.while_training=0"],
        PYTHONPATH=str(package),
        PIXELGEN_PLUGINS="endless",
    )
    with process:
        until(process.stderr, "epoch 2: ")
        process.send_signal(signal.SIGINT)
        until(process.stderr, "waiting")
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 130
    resumed = pixelgen("resume", RUN, "--epochs", 1)
    assert resumed.code == 2  # the sampler is not installed here, or the budget is spent
    assert list((RUN / "checkpoints").glob("step-*"))
    assert not list(RUN.rglob("*.tmp"))


def test_what_earlier_weights_painted_is_set_aside_and_not_shown_as_the_runs_own(learn, pixelgen):
    learn("--epochs", 1, "-n", 1)
    assert pixelgen("sample", RUN, "-n", 3).code == 0
    painted = {path.name: path.read_bytes() for path in (RUN / "samples").glob("*.png")}
    steps = manifest()["spent"]["steps"]
    called = pixelgen("resume", RUN, "--epochs", 3)
    aside = RUN / "samples" / f"step-{steps:08d}"
    assert str(aside) in called.err
    assert {path.name: path.read_bytes() for path in aside.iterdir()} == painted
    assert [path.name for path in (RUN / "samples").glob("seed*")] == ["seed1-0000.png"]


def test_a_signal_while_it_paints_ends_it_so_that_it_can_be_gone_on_with(
    learn, pixelgen, monkeypatch
):
    stage = PlainDisplay.stage

    def interrupted(self, name):
        stage(self, name)
        if name.startswith("Painting"):
            os.kill(os.getpid(), signal.SIGINT)

    with monkeypatch.context() as patch:
        patch.setattr(PlainDisplay, "stage", interrupted)
        called = learn("--epochs", 1, "-n", 5)
    assert called.code == 130
    assert "Stopped before all was painted" in called.err
    assert manifest()["state"] == "painting"
    assert not list((RUN / "samples").glob("seed1-*.png"))
    again = pixelgen("resume", RUN)
    assert again.code == 0, again.err
    assert manifest()["state"] == "finished"
    assert len(list((RUN / "samples").glob("seed1-*.png"))) == 5
