"""What is run, what is not run again, and what is refused."""

import json
import shutil
import signal
import time
import tomllib
from pathlib import Path

import numpy as np
import pytest
from comparison.small import HOSTILE_SETTING, matrix_of, paint_folder
from PIL import Image

from pixelgen.api import start
from pixelgen.comparison import conduct, one_run
from pixelgen.comparison.comparable import NotComparable
from pixelgen.comparison.conduct import Watcher, compare, compare_finished
from pixelgen.comparison.preparing import prepare
from pixelgen.comparison.process import Usage
from pixelgen.comparison.uncertainty import mark
from pixelgen.errors import OptionError, RunNotFound, RunUnreadable, TrainingError
from pixelgen.executors.interface import Executor
from pixelgen.executors.local import Local
from pixelgen.options import Options
from pixelgen.recipe import Recipe
from pixelgen.resolving import resolve
from pixelgen.runs.directory import RunDirectory
from pixelgen.runs.lock import locked


class Listed(Watcher):
    """Remembers what it was told."""

    def __init__(self):
        self.found, self.failures, self.ended = [], [], []

    def begin(self, number, total, name, seed, *, found):
        self.found.append(found)

    def end(self, finished):
        self.ended.append(finished.name)

    def failed(self, failure):
        self.failures.append(failure)


def state_of(folder):
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


def test_each_setting_is_run_with_each_seed(compared):
    runs = [run for row in compared.ranking.rows for run in row.runs]
    assert sorted(run.seed for run in runs) == [1, 1, 2, 2]
    assert all(run.usage.seconds > 0 for run in runs)
    assert all(run.measurement.epochs == 2 for run in runs)
    assert compared.budget == "2 epochs"
    assert not compared.failures


def test_more_context_is_better(compared):
    best, worst = compared.ranking.rows
    assert worst.name == "order 0"
    assert (best.mark, worst.mark) == ("best", mark(worst.p))
    assert worst.behind.mean > 0
    assert worst.behind.mean == pytest.approx(worst.bits.mean - best.bits.mean)
    assert compared.ranking.by == "bits"


def test_bits_are_those_that_the_run_itself_measured(compared):
    for row in compared.ranking.rows:
        for run in row.runs:
            manifest = RunDirectory.open(run.path).manifest()
            mean = sum(run.measurement.bits) / len(run.measurement.bits)
            assert mean == pytest.approx(manifest["best"]["held_out_bits_per_pixel"], abs=1e-5)
            assert list(run.measurement.held_out.names) == manifest["data"]["held_out"]


def test_what_is_finished_is_not_run_again(compared, pictures):
    before = {folder: state_of(compared.directory / folder) for folder in ("runs", "measured")}
    watcher = Listed()
    again = compare(matrix_of(pictures), compared.directory, watcher)
    assert watcher.found == [True] * 4
    assert before == {folder: state_of(compared.directory / folder) for folder in before}
    assert [row.bits for row in again.ranking.rows] == [row.bits for row in compared.ranking.rows]


def yes():
    return True


class AsksAll(Executor):
    """Waits for the stop, and notes before each item whether it is still there."""

    class Options(Options):
        """There are none."""

    def map(self, function, items, *, progress=None):
        stop, left, self.stops = function.args[1] / ".stop", list(items), []
        while not stop.exists():
            time.sleep(0.01)
        try:
            while left:
                self.stops.append(stop.exists())
                yield function(left.pop(0))
        finally:
            self.stops += [stop.exists() for _ in left]


class TestSharedOut:
    @pytest.mark.parametrize("kind", ["threads", "processes"])
    def test_what_comes_of_it_is_the_same(self, compared, pictures, tmp_path, kind):
        watcher = Listed()
        executor = Local(Local.Options(kind=kind, workers=2))
        shared = compare(matrix_of(pictures), tmp_path, watcher, executor=executor)
        assert [row.bits for row in shared.ranking.rows] == [
            row.bits for row in compared.ranking.rows
        ]
        assert len(watcher.ended) == 4
        assert watcher.found == [False] * 4
        again = Listed()
        compare(matrix_of(pictures), tmp_path, again, executor=executor)
        assert again.found == [True] * 4
        assert shared.notes == (*compared.notes, conduct.SHARED)
        assert compare(matrix_of(pictures), tmp_path).notes == shared.notes

    def test_settings_that_are_the_same_are_run_once(self, pictures, tmp_path):
        watcher = Listed()
        settings = [{"name": "said", "model": {"order": 2}}, {"name": "unsaid"}]
        executor = Local(Local.Options(workers=2))
        shared = compare(
            matrix_of(pictures, seeds=2, setting=settings), tmp_path, watcher, executor=executor
        )
        assert watcher.found == [False, False]
        assert [(row.name, row.seeds) for row in shared.ranking.rows] == [("said", 2)]
        assert not shared.failures
        assert sum("said and unsaid are the same" in note for note in shared.notes) == 1

    def test_one_that_fails_does_not_stop_the_others(self, pictures, tmp_path):
        pytest.importorskip("torch", reason="torch is not installed")
        settings = [
            {"name": "broken", "model": {"name": "torch-lstm"}, "device": "cuda:99"},
            {"name": "whole", "model": {"order": 0}},
        ]
        executor = Local(Local.Options(workers=2))
        shared = compare(
            matrix_of(pictures, seeds=1, setting=settings), tmp_path, executor=executor
        )
        assert [failure.setting for failure in shared.failures] == ["broken"]
        assert [row.name for row in shared.ranking.rows] == ["whole"]

    def test_a_stop_reaches_all_of_them_and_the_same_goes_on(self, compared, pictures, tmp_path):
        longer = matrix_of(pictures, budget={"epochs": 2_000_000})

        def begun():
            return len(list(tmp_path.glob("runs/*/checkpoints/step-*"))) >= 2

        executor = Local(Local.Options(kind="processes", workers=2))
        assert compare(longer, tmp_path, should_stop=begun, executor=executor) is None
        states = [json.loads(run.read_text())["state"] for run in tmp_path.glob("runs/*/run.json")]
        assert set(states) == {"stopped"}
        assert not (tmp_path / ".stop").exists()

    def test_a_stop_is_there_until_the_last_has_answered(self, pictures, tmp_path):
        executor = AsksAll(AsksAll.Options())
        assert compare(matrix_of(pictures), tmp_path, should_stop=yes, executor=executor) is None
        assert executor.stops == [True] * 4
        assert not (tmp_path / ".stop").exists()

    def test_an_error_stops_those_that_go_on(self, pictures, tmp_path):
        class Broken(Listed):
            def begin(self, *words, **more):
                raise RuntimeError("the display is broken")

        executor = Local(Local.Options(workers=2))
        with pytest.raises(RuntimeError):
            compare(matrix_of(pictures), tmp_path, Broken(), executor=executor)
        assert (tmp_path / ".stop").exists()

    def test_minutes_are_said_to_be_unequal(self, pictures, tmp_path):
        matrix = matrix_of(pictures, seeds=1, budget={"minutes": 0.001})
        shared = compare(matrix, tmp_path, executor=Local(Local.Options(workers=2)))
        assert any("one in minutes is not" in note for note in shared.notes)


def test_a_larger_matrix_adds_only_what_is_new_and_a_stopped_run_goes_on(
    compared, pictures, tmp_path
):
    directory = tmp_path / "comparison"
    shutil.copytree(compared.directory, directory)
    larger = matrix_of(pictures, seeds=3)
    new = [job for job in prepare(larger) if job.seed == 3]
    half_done, killed = (directory / "runs" / job.name for job in new)
    resolved = resolve(Recipe.parse(tomllib.loads(new[0].recipe)))
    stop_at_the_first_step = iter([False, False, True]).__next__  # reading, fitting, a step
    assert start(resolved, half_done, should_stop=stop_at_the_first_step).end == "stopped"
    (killed / "checkpoints").mkdir(parents=True)  # died before its first checkpoint
    began = RunDirectory.open(half_done).manifest()["started"]
    watcher = Listed()
    found = compare(larger, directory, watcher)
    assert watcher.found == [True] * 4 + [False] * 2
    assert [len(row.runs) for row in found.ranking.rows] == [3, 3]
    manifest = RunDirectory.open(half_done).manifest()
    assert (manifest["state"], manifest["spent"]["epochs"]) == ("finished", 2)
    assert manifest["started"] == began
    assert "Going on from step 1" in (directory / "logs" / f"{new[0].name}.txt").read_text()


def test_a_run_that_another_process_has_begun_is_left_alone(pictures, tmp_path):
    matrix = matrix_of(pictures, seeds=1, setting=[{"name": "only"}])
    run = tmp_path / "runs" / prepare(matrix)[0].name
    run.mkdir(parents=True)
    (run / "recipe.toml").write_text("its own")
    with locked(run), pytest.raises(TrainingError, match="the run is in use by process"):
        compare(matrix, tmp_path)
    assert (run / "recipe.toml").read_text() == "its own"
    assert [row.name for row in compare(matrix, tmp_path).ranking.rows] == ["only"]


def test_what_a_run_used_is_not_known_where_the_comparison_was_killed(
    pictures, tmp_path, monkeypatch
):
    matrix = matrix_of(pictures, seeds=1, setting=[{}])
    job = prepare(matrix)[0]

    def killed(arguments, log, *, tick, should_stop):
        stop_at_the_first_step = iter([False, False, True]).__next__
        resolved = resolve(Recipe.parse(tomllib.loads(job.recipe)))
        start(resolved, tmp_path / "runs" / job.name, should_stop=stop_at_the_first_step)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(one_run, "run_process", killed)
        with pytest.raises(KeyboardInterrupt):
            compare(matrix, tmp_path)
    [row] = compare(matrix, tmp_path).ranking.rows
    [run] = row.runs
    assert run.usage.seconds > 0
    assert (run.usage.whole, run.usage.peak_memory, run.usage.energy) == (False, None, None)
    assert row.peak_memory is row.energy is None


def test_runs_that_spent_less_than_their_budget_are_named(pictures, tmp_path):
    settings = [{"model": {"order": order}, "training": {"patience": 1}} for order in (0, 2)]
    matrix = matrix_of(pictures, seeds=1, budget={"epochs": 40}, setting=settings)
    compared = compare(matrix, tmp_path)
    assert max(run.measurement.epochs for row in compared.ranking.rows for run in row.runs) < 40
    assert any("budgets that were spent are not equal" in note for note in compared.notes)


LATER = "2199-01-01T00:00:00+00:00"


def test_a_run_that_has_gone_on_is_measured_anew(compared, tmp_path):
    run = compared.ranking.rows[0].runs[0]
    path, record = tmp_path / "run", tmp_path / "comparison"
    shutil.copytree(run.path, path)
    first = compare_finished([path], record).ranking.rows[0].runs[0]
    directory = RunDirectory.open(path)
    directory.write_manifest({**directory.manifest(), "ended": LATER})
    second = compare_finished([path], record).ranking.rows[0].runs[0]
    assert (first.measurement.ended, second.measurement.ended) == (run.measurement.ended, LATER)
    assert second.measurement.bits == run.measurement.bits


def test_pictures_that_have_changed_are_learned_anew(pictures, tmp_path):
    folder = shutil.copytree(pictures, tmp_path / "pictures")
    [before, _] = compare(matrix_of(folder, seeds=1), tmp_path / "out").ranking.rows
    [learned, *_] = RunDirectory.open(before.runs[0].path).manifest()["data"]["train"]
    Image.fromarray(255 - np.asarray(Image.open(folder / learned))).save(folder / learned)
    watcher = Listed()
    [after, _] = compare(matrix_of(folder, seeds=1), tmp_path / "out", watcher).ranking.rows
    assert watcher.found == [False, False]
    assert after.bits != before.bits
    again = Listed()
    compare(matrix_of(folder, seeds=1), tmp_path / "out", again)
    assert again.found == [True, True]


def test_a_palette_that_has_changed_makes_another_run(pictures, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    matrix = {"seeds": 1, "setting": [{"tokenizer": {"name": "fixed-palette", "palette": "p.hex"}}]}
    names = []
    for colours in ("000000\nffffff\n", "000000\nff0000\n", "000000\nffffff\n"):
        Path("p.hex").write_text(colours)
        names.append(prepare(matrix_of(pictures, **matrix))[0].name)
    assert names[0] != names[1]
    assert names[0] == names[2]


def test_a_stop_before_the_first_run_leaves_nothing_to_rank(pictures, tmp_path):
    watcher = Listed()
    assert compare(matrix_of(pictures), tmp_path, watcher, should_stop=lambda: True) is None
    assert watcher.ended == []


def test_one_that_fails_does_not_stop_the_others(compared, pictures, tmp_path):
    directory = tmp_path / "comparison"
    shutil.copytree(compared.directory, directory)
    job = prepare(matrix_of(pictures))[0]
    shutil.rmtree(directory / "runs" / job.name / "model")
    shutil.rmtree(directory / "measured" / job.name)
    watcher = Listed()
    found = compare(matrix_of(pictures), directory, watcher)
    assert [(failure.setting, failure.seed) for failure in found.failures] == [
        (watcher.failures[0].setting, 1)
    ]
    assert sorted(len(row.runs) for row in found.ranking.rows) == [1, 2]


def test_a_run_that_cannot_be_read_does_not_stop_the_others(compared, pictures, tmp_path):
    for executor in (None, Local(Local.Options(workers=2))):
        directory = tmp_path / ("shared" if executor else "alone")
        shutil.copytree(compared.directory, directory)
        job = prepare(matrix_of(pictures))[0]
        (directory / "runs" / job.name / "run.json").write_text("{")
        found = compare(matrix_of(pictures), directory, executor=executor)
        assert [failure.seed for failure in found.failures] == [1]
        assert sorted(len(row.runs) for row in found.ranking.rows) == [1, 2]


def test_a_full_disk_is_the_failure_of_a_run(pictures, tmp_path):
    matrix = matrix_of(pictures)
    (tmp_path / "logs" / f"{prepare(matrix)[0].name}.txt").mkdir(parents=True)  # no log can be
    found = compare(matrix, tmp_path)
    assert len(found.failures) == 1
    assert "cannot write" in found.failures[0].reason
    assert sorted(len(row.runs) for row in found.ranking.rows) == [1, 2]


def test_a_run_that_cannot_be_measured_does_not_stop_the_others(
    compared, pictures, tmp_path, monkeypatch
):
    def broken(path, record):
        if path.name == job.name:
            raise ValueError("shapes (8, 8, 3) and (8, 8, 4)")
        return measurement(path, record)

    directory = tmp_path / "comparison"
    shutil.copytree(compared.directory, directory)
    job, measurement = prepare(matrix_of(pictures))[0], one_run.measurement_of
    monkeypatch.setattr(one_run, "measurement_of", broken)
    found = compare(matrix_of(pictures), directory)
    [failure] = found.failures
    assert "it cannot be measured: ValueError: shapes" in failure.reason
    assert "Traceback" in (directory / "logs" / f"{job.name}.txt").read_text()
    assert sorted(len(row.runs) for row in found.ranking.rows) == [1, 2]


def test_a_run_that_was_killed_is_said_to_be(pictures, tmp_path, monkeypatch):
    def killed(arguments, log, *, tick, should_stop):
        log.write_text("epoch 3: 4.1 bits\n")
        return -signal.SIGKILL, Usage()

    monkeypatch.setattr(one_run, "run_process", killed)
    with pytest.raises(TrainingError, match="died of signal 9") as caught:
        compare(matrix_of(pictures, seeds=1, setting=[{}]), tmp_path)
    assert "out of memory" in caught.value.what


def test_where_all_fail_the_first_reason_is_said(pictures, tmp_path):
    matrix = matrix_of(pictures, seeds=1, setting=[{"name": "only"}])
    job = prepare(matrix)[0]
    place = tmp_path / "runs" / job.name
    (place / "checkpoints" / "step-00000001").mkdir(parents=True)  # damaged beyond use
    with pytest.raises(TrainingError, match="not one of 1 runs could be finished") as caught:
        compare(matrix, tmp_path)
    assert "no run.json" in caught.value.what
    assert str(tmp_path / "logs") in caught.value.remedy


def test_a_wrong_option_is_found_before_anything_runs(pictures, tmp_path):
    directory = tmp_path / "comparison"
    with pytest.raises(OptionError, match="ordr"):
        compare(matrix_of(pictures, setting=[{}, {"model": {"ordr": 1}}]), directory)
    assert not directory.exists()


def test_settings_of_different_sizes_are_refused_before_anything_runs(pictures, tmp_path):
    directory = tmp_path / "comparison"
    settings = [{"name": "small", "data": {"size": 4}}, {"name": "large"}]
    with pytest.raises(NotComparable, match="4×4 and of 8×8") as caught:
        compare(matrix_of(pictures, setting=settings), directory)
    assert "small, seed 1 and large, seed 1" in caught.value.what
    assert not directory.exists()


def test_a_source_that_paints_its_own_pictures_paints_the_same_for_each_seed(pictures, tmp_path):
    base = {"source": {"name": "sample", "pictures": 5}, "data": {"size": 8}}
    base |= {"tokenizer": {"name": "rgb-grid"}, "model": {"name": "markov"}}
    compared = compare(matrix_of(pictures, base=base, setting=[{}]), tmp_path / "comparison")
    assert [len(row.runs) for row in compared.ranking.rows] == [2]


def test_targets_are_equal_whatever_a_batch_holds(pictures):
    settings = [{"model": {"batch": 3}}, {"model": {"batch": 64}}]
    jobs = prepare(matrix_of(pictures, seeds=1, budget={"targets": 2560}, setting=settings))
    steps = [tomllib.loads(job.recipe)["training"]["steps"] for job in jobs]
    # 4 pictures of 8 rows of 8 tokens are an epoch of 256 targets: 11 batches of 3 rows, 1 of 32.
    assert steps == [110, 10]


def test_finished_runs_are_grouped_by_all_but_their_seed(compared, tmp_path):
    paths = [run.path for row in compared.ranking.rows for run in row.runs]
    found = compare_finished(paths, tmp_path / "comparison")
    assert [len(row.runs) for row in found.ranking.rows] == [2, 2]
    assert [row.name for row in found.ranking.rows] == ["markov order=2", "markov order=0"]
    assert [row.bits for row in found.ranking.rows] == [row.bits for row in compared.ranking.rows]
    assert not any("budget" in note for note in found.notes)


def test_finished_runs_that_differ_in_their_steps_are_called_by_them(pictures, tmp_path):
    recipe = tomllib.loads(prepare(matrix_of(pictures, seeds=1, setting=[{}]))[0].recipe)
    paths = [tmp_path / "short", tmp_path / "long"]
    for path, steps in zip(paths, (2, 4), strict=True):
        start(resolve(Recipe.parse({**recipe, "training": {"steps": steps}})), path)
    found = compare_finished(paths, tmp_path / "comparison")
    assert sorted(row.name for row in found.ranking.rows) == ["steps=2", "steps=4"]


def test_what_is_no_finished_run_is_refused(compared, tmp_path):
    with pytest.raises(RunNotFound):
        compare_finished([tmp_path], tmp_path / "comparison")
    path = tmp_path / "run"
    shutil.copytree(compared.ranking.rows[0].runs[0].path, path)
    directory = RunDirectory.open(path)
    directory.write_manifest({**directory.manifest(), "state": "running"})
    with pytest.raises(RunUnreadable, match="has not finished"):
        compare_finished([path], tmp_path / "comparison")


def test_runs_on_other_pictures_are_refused_by_name(compared, tmp_path):
    folder = paint_folder(tmp_path / "others", pictures=5)
    for extra in folder.iterdir():
        extra.rename(folder / f"other-{extra.name[-8:]}")
    job = prepare(matrix_of(folder, seeds=1, setting=[{}]))[0]
    path = tmp_path / "elsewhere"
    start(resolve(Recipe.parse(tomllib.loads(job.recipe))), path)
    with pytest.raises(NotComparable, match="only the first holds out") as caught:
        compare_finished([compared.ranking.rows[0].runs[0].path, path], tmp_path / "comparison")
    assert "elsewhere" in caught.value.what


def test_names_cannot_steer_a_terminal(compared):
    assert compared.ranking.rows[0].name == HOSTILE_SETTING.replace("\x1b", "\\x1b")
