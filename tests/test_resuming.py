"""Going on: a run that was stopped or killed ends as one that was not, bit for bit."""

from __future__ import annotations

import json
import os
import shutil
import tomllib
from pathlib import Path

import pytest
from PIL import Image

from pixelgen.api import resume, start
from pixelgen.errors import RecipeError, RunInUse, RunNotFound, RunUnreadable
from pixelgen.evaluation.held_out import held_out_of
from pixelgen.listener import Listener
from pixelgen.recipe import Recipe
from pixelgen.resolving import resolve
from pixelgen.runs import checksums
from pixelgen.runs.directory import RunDirectory

pytestmark = pytest.mark.usefixtures("toy_models")

MODELS = [
    {"name": "learner", "memory": "row"},
    {"name": "learner", "memory": "picture", "batch": 3, "chunk": 50},
    {"name": "learner", "memory": "picture", "window": 20, "batch": 60},
    {"name": "markov", "batch": 8},
]


def results(path: Path) -> dict[str, object]:
    """Return all that a run left, except what the clock decides."""
    latest = RunDirectory.open(path).checkpoints.newest_first()[0]
    left: dict[str, object] = {"checkpoint": latest.name}
    for folder in (path / "model", path / "samples", path / "evolution", latest):
        for file in folder.iterdir() if folder.exists() else ():
            if file.suffix in (".png", ".safetensors"):
                left[str(file.relative_to(path))] = file.read_bytes()
    lines = [json.loads(line) for line in (path / "metrics.jsonl").read_text().splitlines()]
    for line in lines:
        del line["seconds"], line["targets_per_second"]
    left["metrics"] = lines
    left |= {file.name: file.read_bytes() for file in path.glob("evolution.*")}
    manifest = json.loads((path / "run.json").read_text())
    left["best"] = manifest["best"]
    left["spent"] = {**manifest["spent"], "seconds": None}
    return left


ASKED_BEFORE = 2  # a new run asks after reading and after fitting too


class StopAfter:
    """Asks for a stop after so many steps."""

    def __init__(self, steps: int, asked_before: int = 0) -> None:
        self.left = steps + asked_before

    def __call__(self) -> bool:
        self.left -= 1
        return self.left <= 0


class Killed(BaseException):
    """The process dies here."""


def dies(*arguments: object) -> None:
    raise Killed


class Notes(Listener):
    """Keeps the notes."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def note(self, text: str) -> None:
        self.texts.append(text)


class KilledAfterEpoch(Listener):
    def __init__(self, epoch: int) -> None:
        self.last = epoch

    def epoch(self, metrics):
        if metrics["epoch"] == self.last:
            raise Killed


@pytest.mark.parametrize("model", MODELS, ids=lambda model: "-".join(map(str, model.values())))
def test_a_run_that_is_stopped_and_resumed_ends_as_one_that_is_not(quick, tmp_path, model):
    resolved = quick(model=model, training={"epochs": 2})
    steps = start(resolved, tmp_path / "whole").run.manifest["spent"]["steps"]
    an_epoch = steps // 2
    for stops in ([1], [an_epoch - 1], [an_epoch], [2, 1, an_epoch]):
        parts = tmp_path / f"stopped-{stops}"
        outcome = start(resolved, parts, should_stop=StopAfter(stops[0], ASKED_BEFORE))
        for more in stops[1:]:
            outcome = resume(parts, should_stop=StopAfter(more))
        assert outcome.end == outcome.run.manifest["state"] == "stopped"
        assert outcome.run.manifest["spent"]["steps"] == sum(stops)
        assert outcome.sheet.is_file()
        assert resume(parts).end == "budget"
        assert results(parts) == results(tmp_path / "whole")


@pytest.mark.parametrize("model", MODELS[:2], ids=["row", "picture"])
def test_a_run_that_is_killed_and_resumed_ends_as_one_that_is_not(quick, tmp_path, model):
    painting = {"while_training": 1, "every": 1}
    resolved = quick(model=model, training={"epochs": 4}, painting=painting)
    start(resolved, tmp_path / "whole")
    with pytest.raises(Killed):
        start(resolved, tmp_path / "killed", KilledAfterEpoch(2))
    # What the dead process had written after its last checkpoint is not kept.
    directory = RunDirectory(tmp_path / "killed")
    directory.add_metrics({**directory.metrics()[-1], "epoch": 3, "step": 10**6})
    resume(tmp_path / "killed")
    assert results(tmp_path / "killed") == results(tmp_path / "whole")


def test_a_stop_at_the_very_last_step_is_no_stop(quick, tmp_path):
    resolved = quick(model={"name": "learner"}, training={"steps": 9})
    outcome = start(resolved, tmp_path / "run", should_stop=StopAfter(9, ASKED_BEFORE))
    assert outcome.end == "budget"
    assert outcome.run.metrics[-1]["held_out_bits_per_pixel"] is not None


@pytest.mark.parametrize("patience", [0, 4])
def test_a_run_of_minutes_is_repeated_exactly_by_the_recipe_that_it_wrote(
    quick, tmp_path, clock, monkeypatch, patience
):
    monkeypatch.setattr("pixelgen.training.MEASURED_SHARE", 0.04)
    clock.seconds_a_look = 0.2
    training = {"minutes": 1, "patience": patience}
    resolved = quick(model={"name": "learner", "worse_after": 150}, training=training)
    first = start(resolved, tmp_path / "first")
    assert first.end == ("patience" if patience else "budget")
    written = Recipe.read(first.run.directory.recipe)
    clock.seconds_a_look = 1.5  # a slower machine
    second = start(resolve(written), tmp_path / "second")
    assert second.run.recipe == written
    one, other = results(tmp_path / "first"), results(tmp_path / "second")
    assert one == other


@pytest.mark.parametrize(
    ("first", "then"),
    [
        ({"minutes": 0.3}, {"minutes": 1.0}),
        ({"minutes": 0.3}, {"epochs": 40}),
        ({"epochs": 2}, {"epochs": 5}),
        ({"steps": 7}, {"minutes": 0.3}),
    ],
)
def test_a_run_that_went_on_to_a_larger_budget_is_repeated_by_its_recipe(
    quick, tmp_path, clock, first, then
):
    clock.seconds_a_look = 0.2
    start(quick(model={"name": "learner"}, training=first), tmp_path / "run")
    resumed = resume(tmp_path / "run", **then)
    clock.seconds_a_look = 1.5  # a slower machine
    written = Recipe.read(resumed.run.directory.recipe)
    start(resolve(written), tmp_path / "again")
    assert results(tmp_path / "again") == results(tmp_path / "run")


def test_a_larger_budget_goes_on_where_a_finished_run_ended(quick, tmp_path):
    start(quick(model={"name": "learner"}, training={"epochs": 2}), tmp_path / "run")
    outcome = resume(tmp_path / "run", epochs=5)
    assert outcome.run.manifest["spent"]["epochs"] == 5
    assert [line["epoch"] for line in outcome.run.metrics] == [1, 2, 3, 4, 5]
    assert outcome.run.recipe.training.epochs == 5


def test_more_minutes_go_on_from_the_share_that_is_spent(quick, tmp_path, clock):
    start(quick(model={"name": "learner"}, training={"minutes": 1}), tmp_path / "run")
    before = Recipe.read(tmp_path / "run" / "recipe.toml").training.pace[-1][-1]
    outcome = resume(tmp_path / "run", minutes=3)
    assert outcome.run.manifest["spent"]["seconds"] == pytest.approx(180, rel=0.03)
    assert outcome.run.recipe.training.minutes == 3
    assert outcome.run.recipe.training.pace[-1][-1] == pytest.approx(3 * before, rel=0.03)
    measured = [line["held_out_bits_per_pixel"] for line in outcome.run.metrics]
    assert sum(bits is not None for bits in measured) > 30


@pytest.mark.parametrize("budget", [{"epochs": 4}, {"minutes": 3}])
def test_a_larger_budget_is_remembered_by_a_run_that_is_killed_at_once(
    quick, tmp_path, clock, budget
):
    first = {"epochs": 1} if "epochs" in budget else {"minutes": 1}
    start(quick(model={"name": "learner"}, training=first), tmp_path / "run")

    class KilledAtOnce(Listener):
        def begin(self, state, description):
            raise Killed

    with pytest.raises(Killed):
        resume(tmp_path / "run", listener=KilledAtOnce(), **budget)
    spent = resume(tmp_path / "run").run.manifest["spent"]
    if "epochs" in budget:
        assert spent["epochs"] == 4
    else:
        assert spent["seconds"] == pytest.approx(180, rel=0.03)


def test_a_larger_budget_is_remembered_by_a_stopped_run_that_is_killed_before_it_checkpoints(
    quick, tmp_path, clock
):
    class KilledSoon(Listener):
        def step(self, state, progress, bits, seconds_left):
            raise Killed

    resolved = quick(model={"name": "learner"}, training={"minutes": 1})
    start(resolved, tmp_path / "run", should_stop=StopAfter(110, ASKED_BEFORE))
    with pytest.raises(Killed):
        resume(tmp_path / "run", minutes=3, listener=KilledSoon())
    spent = resume(tmp_path / "run").run.manifest["spent"]
    assert spent["seconds"] == pytest.approx(180, rel=0.03)


@pytest.mark.parametrize("budget", [{"epochs": 0}, {"minutes": 0}])
def test_no_budget_is_not_taken_for_none_given(quick, tmp_path, budget):
    start(quick(training={"epochs": 1}), tmp_path / "run")
    with pytest.raises(RecipeError, match=f"'training.{next(iter(budget))}' cannot be 0"):
        resume(tmp_path / "run", **budget)


def test_a_run_in_minutes_that_is_stopped_goes_on_to_the_end_of_its_budget(quick, tmp_path, clock):
    resolved = quick(model={"name": "learner"}, training={"minutes": 1})
    start(resolved, tmp_path / "run", should_stop=StopAfter(40, ASKED_BEFORE))
    outcome = resume(tmp_path / "run")
    assert outcome.end == "budget"
    assert outcome.run.manifest["spent"]["seconds"] == pytest.approx(60, rel=0.05)
    assert outcome.run.metrics[-1]["progress"] == 1


def test_a_spent_budget_asks_for_a_larger_one(quick, tmp_path):
    start(quick(training={"epochs": 2}), tmp_path / "run")
    with pytest.raises(RecipeError, match="used up its budget: 2 epochs") as caught:
        resume(tmp_path / "run")
    assert "--epochs 4" in caught.value.remedy
    with pytest.raises(RecipeError):
        resume(tmp_path / "run", epochs=1)


def test_pictures_that_have_changed_are_not_learned_on(quick, folder, tmp_path):
    start(quick(training={"epochs": 1}), tmp_path / "run")
    picture = folder / "picture-0.png"
    moved = picture.rename(tmp_path / "elsewhere.png")
    with pytest.raises(RecipeError, match=r"1 gone \(picture-0\.png\)") as caught:
        resume(tmp_path / "run", epochs=2)
    assert caught.value.where == str(folder)
    assert "--changed-pictures" in caught.value.remedy
    Image.new("RGB", (12, 12)).save(picture)
    with pytest.raises(RecipeError, match=r"1 with other pixels \(picture-0\.png\)"):
        resume(tmp_path / "run", epochs=2)
    Image.new("RGB", (12, 12), "red").save(folder / "new.png")
    with pytest.raises(RecipeError, match=r"1 added \(new\.png\), 1 with other pixels"):
        resume(tmp_path / "run", epochs=2)
    (folder / "new.png").unlink()
    shutil.copy(moved, picture)
    assert resume(tmp_path / "run", epochs=2).end == "budget"


def test_what_cannot_be_resumed_says_why(quick, tmp_path):
    with pytest.raises(RunNotFound):
        resume(tmp_path / "nowhere")
    start(quick(training={"epochs": 1}), tmp_path / "run")
    checkpoint = next((tmp_path / "run" / "checkpoints").iterdir())
    (checkpoint / "progress.json").write_text('{"steps": 4}')
    with pytest.raises(RunUnreadable, match="no checkpoint is whole") as caught:
        resume(tmp_path / "run", epochs=2)
    assert "model/" in caught.value.remedy
    checksums.seal(checkpoint)  # as somebody would who had made it himself
    with pytest.raises(RunUnreadable, match="not what it should be: steps"):
        resume(tmp_path / "run", epochs=2)
    shutil.rmtree(checkpoint)
    with pytest.raises(RunUnreadable, match="no checkpoint any more"):
        resume(tmp_path / "run", epochs=2)


def test_changed_pictures_are_learned_when_told_to_and_what_was_held_out_stays_so(
    quick, folder, tmp_path
):
    first = start(quick(model={"name": "learner"}, training={"epochs": 2}), tmp_path / "run").run
    before = first.manifest["data"]
    gone, kept = before["held_out"]
    (folder / gone).unlink()
    for number in (90, 91):
        Image.effect_noise((12, 12), number).save(folder / f"a-new-{number}.png")
    notes = Notes()
    after = resume(tmp_path / "run", epochs=4, changed_pictures=True, listener=notes).run
    assert after.manifest["data"]["held_out"] == [kept]
    assert after.manifest["data"]["train"] == [*before["train"], "a-new-90.png", "a-new-91.png"]
    assert any("2 added (a-new-90.png, a-new-91.png), 1 gone" in note for note in notes.texts)
    assert any("pictures were others" in note for note in after.manifest["notes"])
    # 8 pictures of 12 rows, 8 a batch, for the two epochs that were left
    assert after.manifest["spent"] | {"seconds": 0} == {
        "epochs": 4,
        "steps": 2 * 9 + 2 * 12,
        "targets": 144 * (2 * 6 + 2 * 8),
        "seconds": 0,
    }
    assert after.manifest["best"]["step"] > 18  # what was measured on other pictures is void
    more = resume(tmp_path / "run", epochs=5).run  # and now these are the run's pictures
    assert more.manifest["data"]["held_out"] == [kept]
    assert held_out_of(more).names == [kept]


def test_what_was_held_out_stays_so_when_pictures_are_numbered_anew(quick, folder, tmp_path):
    first = start(quick(model={"name": "learner"}, training={"epochs": 1}), tmp_path / "run").run
    before = first.manifest["data"]
    (folder / "picture-0.png").unlink()
    for number in range(1, 8):
        (folder / f"picture-{number}.png").rename(folder / f"picture-{number - 1}.png")
    moved = {f"picture-{number}.png": f"picture-{number - 1}.png" for number in range(1, 8)}
    after = resume(tmp_path / "run", epochs=2, changed_pictures=True).run.manifest["data"]
    assert after["held_out"] == [moved[name] for name in before["held_out"] if name in moved]
    assert {*after["train"]} == {moved[name] for name in before["train"] if name in moved}
    for name, now in moved.items():
        assert after["digests"][now] == before["digests"][name]


@pytest.mark.parametrize("how", ["renamed", "copied before it"])
def test_what_was_held_out_stays_so_under_another_name(quick, folder, tmp_path, how):
    first = start(quick(model={"name": "learner"}, training={"epochs": 1}), tmp_path / "run").run
    before = first.manifest["data"]
    held_out, kept = before["held_out"]
    learned = before["train"][0]
    if how == "renamed":
        (folder / held_out).rename(folder / "a-new-name.png")
        (folder / learned).rename(folder / "another.png")
    else:  # of two that are the same, the first by name is taken
        shutil.copy(folder / held_out, folder / "a-new-name.png")
    after = resume(tmp_path / "run", epochs=2, changed_pictures=True).run.manifest["data"]
    assert after["held_out"] == ["a-new-name.png", kept]
    left = before["train"][1:] if how == "renamed" else before["train"]
    assert after["train"] == [*left, *(["another.png"] if how == "renamed" else [])]


def test_a_model_that_knows_its_groups_by_number_is_not_given_others(quick, folder, tmp_path):
    for number in range(8):
        group = folder / "ab"[number % 2]
        group.mkdir(exist_ok=True)
        (folder / f"picture-{number}.png").rename(group / f"picture-{number}.png")
    source = {"recursive": True}
    start(quick(source=source, training={"epochs": 1}), tmp_path / "run")
    (folder / "a").rename(folder / "c")
    with pytest.raises(RecipeError, match="groups have changed"):
        resume(tmp_path / "run", epochs=2, changed_pictures=True)


@pytest.mark.parametrize("budget", [{"epochs": 2}, {"steps": 9}, {"minutes": 0.3}])
def test_a_run_that_died_before_its_first_checkpoint_begins_again(quick, tmp_path, clock, budget):
    resolved = quick(model={"name": "learner"}, training=budget)
    start(resolved, tmp_path / "whole")

    class KilledAtTheFirstStep(Listener):
        def step(self, state, progress, bits, seconds_left):
            raise Killed

    with pytest.raises(Killed):
        start(resolved, tmp_path / "killed", KilledAtTheFirstStep())
    assert not list((tmp_path / "killed" / "checkpoints").iterdir())
    notes = Notes()
    resume(tmp_path / "killed", listener=notes)
    assert any("begins again" in note for note in notes.texts)
    assert results(tmp_path / "killed") == results(tmp_path / "whole")


@pytest.mark.parametrize("patience", [0, 2])
def test_a_run_that_died_while_it_painted_only_paints(quick, tmp_path, monkeypatch, patience):
    training = {"epochs": 9, "patience": patience}
    resolved = quick(model={"name": "learner", "worse_after": 20}, training=training)
    whole = start(resolved, tmp_path / "whole")
    with monkeypatch.context() as patched:
        patched.setattr("pixelgen.carrying_out.paint_gallery", dies)
        with pytest.raises(Killed):
            start(resolved, tmp_path / "killed")
    outcome = resume(tmp_path / "killed")
    assert outcome.end == whole.end == ("patience" if patience else "budget")
    assert outcome.run.manifest["state"] == "finished"
    assert results(tmp_path / "killed") == results(tmp_path / "whole")


def test_a_run_that_ended_by_patience_goes_on_with_a_new_budget_only(quick, tmp_path):
    training = {"epochs": 9, "patience": 2}
    resolved = quick(model={"name": "learner", "worse_after": 20}, training=training)
    assert start(resolved, tmp_path / "run").end == "patience"
    with pytest.raises(RecipeError, match="no longer improved"):
        resume(tmp_path / "run")
    assert len(resume(tmp_path / "run", epochs=12).run.metrics) > 3


@pytest.mark.parametrize("damage", ["cut short", "a bit", "no checksums", "a file is gone"])
def test_a_damaged_checkpoint_is_passed_over_for_an_older_one_and_said(quick, tmp_path, damage):
    resolved = quick(model={"name": "learner"}, training={"epochs": 4, "checkpoint_every": 1e-9})
    start(resolved, tmp_path / "whole")
    start(resolved, tmp_path / "run", should_stop=StopAfter(20, ASKED_BEFORE))
    newest, older = RunDirectory.open(tmp_path / "run").checkpoints.newest_first()
    file = newest / "training.safetensors"
    data = file.read_bytes()
    if damage == "cut short":
        file.write_bytes(data[: len(data) // 2])
    elif damage == "a bit":
        file.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    elif damage == "no checksums":
        (newest / checksums.FILE).unlink()
    else:
        (newest / "spec.json").unlink()
    notes = Notes()
    resume(tmp_path / "run", listener=notes)
    assert any(f"{newest.name} is damaged" in note for note in notes.texts)
    assert any(f"Took an older one, {older.name}" in note for note in notes.texts)
    assert results(tmp_path / "run") == results(tmp_path / "whole")


def test_a_run_that_is_going_on_is_not_gone_on_with_by_another(quick, tmp_path):
    class Meddling(Listener):
        def begin(self, state, description):
            with pytest.raises(RunInUse, match=f"process {os.getpid()}"):
                resume(tmp_path / "run")

    start(quick(training={"epochs": 1}), tmp_path / "run", Meddling())
    resume(tmp_path / "run", epochs=2, listener=Meddling())


def test_a_resumed_run_is_running_again(quick, tmp_path):
    start(quick(training={"epochs": 1}), tmp_path / "run")
    states = []

    class Looking(Listener):
        def begin(self, state, description):
            states.append(json.loads((tmp_path / "run" / "run.json").read_text())["state"])

    resume(tmp_path / "run", epochs=2, listener=Looking())
    assert states == ["running"]
    recipe = tomllib.loads((tmp_path / "run" / "recipe.toml").read_text())
    assert recipe["training"]["epochs"] == 2
