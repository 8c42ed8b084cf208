"""The training loop: budgets, evaluation, best weights, patience, and what it tells of itself."""

from __future__ import annotations

import json
import math
from types import SimpleNamespace

import numpy as np
import pytest
import safetensors.numpy
from toys import Learner

import pixelgen
from pixelgen.api import start
from pixelgen.data.material import Material
from pixelgen.errors import OutOfMemory, TrainingError
from pixelgen.listener import Listener
from pixelgen.models.interface import Model
from pixelgen.plugins import registered
from pixelgen.runs.checkpoints import Checkpoints, step_of
from pixelgen.runs.directory import RunDirectory

pytestmark = pytest.mark.usefixtures("toy_models")

# 6 of 8 pictures are learned, 12 rows each, 8 rows a batch.
BATCHES_AN_EPOCH = 9


class Diary(Listener):
    """Keeps what it is told."""

    def __init__(self):
        self.entries = []

    def note(self, text):
        self.entries.append(("note", text))

    def stage(self, text):
        self.entries.append(("stage", text))

    def begin(self, state, description):
        self.entries.append(("begin", description))

    def step(self, state, progress, bits, seconds_left):
        self.entries.append(("step", state.step, progress, bits, seconds_left))

    def epoch(self, metrics):
        self.entries.append(("epoch", metrics))

    def sampled(self, epoch, temperatures, pictures):
        self.entries.append(("sampled", epoch, list(temperatures), pictures.shape))

    def end(self):
        self.entries.append(("end",))

    def all(self, kind):
        return [entry[1:] for entry in self.entries if entry[0] == kind]


@pytest.fixture
def train(quick, tmp_path):
    """Train the toy learner; return the outcome and the diary of it."""

    def run(model=None, **tables):
        diary = Diary()
        resolved = quick(model={"name": "learner", **(model or {})}, **tables)
        return start(resolved, tmp_path / "run", diary), diary

    return run


def weights(path):
    return safetensors.numpy.load_file(path / "model.safetensors")["weights"]


class TestBudgets:
    def test_epochs_are_counted_exactly(self, train):
        outcome, _ = train(training={"epochs": 3})
        assert outcome.end == "budget"
        spent = outcome.run.manifest["spent"]
        assert (spent["epochs"], spent["steps"]) == (3, 3 * BATCHES_AN_EPOCH)
        assert spent["targets"] == 3 * 6 * 144
        assert [line["epoch"] for line in outcome.run.metrics] == [1, 2, 3]
        assert [line["step"] for line in outcome.run.metrics] == [9, 18, 27]

    def test_the_model_is_told_the_share_of_the_budget_that_is_spent(self, train):
        outcome, _ = train(training={"epochs": 2})
        expected = [step / 18 for step in range(18)]
        assert outcome.run.model.progresses == expected

    def test_steps_may_end_inside_an_epoch(self, train):
        outcome, _ = train(training={"steps": 14})
        spent = outcome.run.manifest["spent"]
        assert (spent["epochs"], spent["steps"]) == (1, 14)
        assert [line["epoch"] for line in outcome.run.metrics] == [1, 2]
        assert outcome.run.metrics[-1]["held_out_bits_per_pixel"] is not None

    def test_minutes_are_met_whatever_a_step_takes(self, train, clock):
        clock.seconds_a_look = 0.7
        outcome, diary = train(training={"minutes": 2})
        assert outcome.run.manifest["spent"]["seconds"] == pytest.approx(120, abs=2)
        progresses = [progress for _, progress, *_ in diary.all("step")]
        assert progresses == sorted(progresses)
        assert progresses[-1] == 1
        assert outcome.run.metrics[-1]["progress"] == 1

    def test_waiting_for_pictures_is_training_too(self, train, clock, monkeypatch):
        clock.seconds_a_look = 0.0
        chunk = Material.chunk

        def slow(material, epoch, number):
            clock.now += 7 * (epoch == 0)
            return chunk(material, epoch, number)

        monkeypatch.setattr(Material, "chunk", slow)
        outcome, _ = train(training={"epochs": 2})
        assert outcome.run.manifest["spent"]["seconds"] == 7

    def test_a_loss_may_be_any_number(self, train, monkeypatch):
        step = Learner.train_step
        monkeypatch.setattr(
            Learner, "train_step", lambda model, *given: np.float32(step(model, *given))
        )
        assert train(training={"epochs": 2})[0].end == "budget"

    def test_the_time_left_is_unknown_at_first_and_nothing_at_last(self, train, clock):
        _, diary = train(training={"minutes": 1})
        left = [seconds for *_, seconds in diary.all("step")]
        assert left[0] == math.inf
        assert left[-1] == 0
        assert left[len(left) // 2] == pytest.approx(30, rel=0.2)


class TestMeasuring:
    def test_the_held_out_bits_are_those_of_the_weights(self, train):
        outcome, _ = train(training={"epochs": 1})
        line = outcome.run.metrics[0]
        assert 0 < line["held_out_bits_per_pixel"] < math.log2(27)
        assert 0 < line["train_bits_per_pixel"] < math.log2(27)
        assert outcome.run.manifest["best"]["step"] == BATCHES_AN_EPOCH

    def test_it_learns(self, train):
        bits = [
            line["held_out_bits_per_pixel"] for line in train(training={"epochs": 8})[0].run.metrics
        ]
        assert bits[-1] < bits[0] - 0.3

    def test_the_best_weights_are_kept_and_painted_with(self, train):
        outcome, _ = train({"worse_after": 2 * BATCHES_AN_EPOCH}, training={"epochs": 4})
        bits = [line["held_out_bits_per_pixel"] for line in outcome.run.metrics]
        best = outcome.run.manifest["best"]
        assert bits[1] == min(bits)
        assert best["step"] == 2 * BATCHES_AN_EPOCH
        assert round(best["held_out_bits_per_pixel"], 6) == bits[1]
        run = outcome.run.directory
        last = weights(run.checkpoints.newest_first()[0])
        assert (weights(run.model) != last).any()
        np.testing.assert_array_equal(outcome.run.model.weights, weights(run.model))

    def test_the_last_weights_are_kept_where_they_are_asked_for(self, train):
        outcome, _ = train(
            {"worse_after": 2 * BATCHES_AN_EPOCH}, training={"epochs": 4, "weights": "last"}
        )
        bits = [line["held_out_bits_per_pixel"] for line in outcome.run.metrics]
        best = outcome.run.manifest["best"]
        assert bits[-1] > min(bits)
        assert best["step"] == 4 * BATCHES_AN_EPOCH
        assert round(best["held_out_bits_per_pixel"], 6) == bits[-1]
        run = outcome.run.directory
        np.testing.assert_array_equal(
            weights(run.model), weights(run.checkpoints.newest_first()[0])
        )

    def test_without_held_out_pictures_the_last_weights_are_kept(self, train):
        outcome, diary = train(data={"held_out": 0.0}, training={"epochs": 2})
        assert {line["held_out_bits_per_pixel"] for line in outcome.run.metrics} == {None}
        run = outcome.run.directory
        np.testing.assert_array_equal(
            weights(run.model), weights(run.checkpoints.newest_first()[0])
        )
        assert any("too few to measure" in note for (note,) in diary.all("note"))

    def test_short_epochs_of_a_long_budget_are_not_all_measured(self, train, monkeypatch):
        monkeypatch.setattr("pixelgen.training.MEASURED_SHARE", 0.25)
        outcome, _ = train(training={"epochs": 9})
        measured = [bool(line["held_out_bits_per_pixel"]) for line in outcome.run.metrics]
        assert [epoch for epoch, one in enumerate(measured, 1) if one] == [3, 6, 9]

    def test_measuring_many_pictures_takes_a_small_part_of_the_time_that_learning_few_does(
        self, train
    ):
        few_learned = {"held_out": 0.75}  # 2 of 8, and 6 are measured
        outcome, _ = train(data=few_learned, training={"epochs": 14})
        measured = [bool(line["held_out_bits_per_pixel"]) for line in outcome.run.metrics]
        assert [epoch for epoch, one in enumerate(measured, 1) if one] == [1, 7, 13, 14]

    def test_patience_ends_a_run_that_no_longer_improves(self, train):
        outcome, _ = train({"learning_rate": 0}, training={"epochs": 50, "patience": 3})
        assert outcome.end == "patience"
        assert outcome.run.manifest["ended_by"] == "patience"
        assert outcome.run.manifest["spent"]["epochs"] == 4

    def test_patience_starts_anew_with_each_improvement(self, train):
        outcome, _ = train(
            {"worse_after": 5 * BATCHES_AN_EPOCH}, training={"epochs": 50, "patience": 2}
        )
        assert outcome.run.manifest["spent"]["epochs"] == 7

    @pytest.mark.parametrize("kept", ["best", "last"])
    def test_patience_looks_at_the_lowest_bits_whichever_weights_are_kept(
        self, train, monkeypatch, kept
    ):
        found = iter([4.0, 4.3, 4.2, 4.4, 4.3, 4.5])
        monkeypatch.setattr("pixelgen.training.nats_by_cell", lambda *_: np.array([next(found)]))
        outcome, _ = train(training={"epochs": 50, "patience": 2, "weights": kept})
        assert outcome.end == "patience"
        assert outcome.run.manifest["spent"]["epochs"] == 3
        assert (
            outcome.run.manifest["best"]["step"] == {"best": 1, "last": 3}[kept] * BATCHES_AN_EPOCH
        )


class TestALossThatIsNoNumber:
    def test_the_run_goes_back_and_on_with_a_lower_learning_rate(self, train):
        outcome, diary = train({"not_a_number_at": 12}, training={"epochs": 3})
        assert outcome.end == "budget"
        assert outcome.run.manifest["spent"]["steps"] == 3 * BATCHES_AN_EPOCH
        assert [line["epoch"] for line in outcome.run.metrics] == [1, 2, 3]
        said = "The loss of step 13 is nan: went back to step 9, and on from there with 0.25 times"
        assert any(said in note for (note,) in diary.all("note"))
        assert any(said in note for note in outcome.run.manifest["notes"])
        checkpoints = outcome.run.directory.checkpoints
        progress, _ = checkpoints.read(checkpoints.newest_first()[0])
        assert progress["rate_scale"] == 0.25  # and a run that is resumed keeps it

    def test_the_best_weights_stay_the_best(self, train, monkeypatch):
        """They may be better than those of the checkpoint that the run goes back to."""
        monkeypatch.setattr("pixelgen.training.CHECKPOINT_SHARE", -1)  # none after the first
        outcome, _ = train({"not_a_number_at": 30, "worse_after": 28}, training={"epochs": 5})
        checkpoints = [line["held_out_bits_per_pixel"] for line in outcome.run.metrics]
        assert outcome.run.manifest["best"]["held_out_bits_per_pixel"] <= min(checkpoints)
        assert outcome.run.manifest["best"]["step"] == 3 * BATCHES_AN_EPOCH

    def test_moments_that_lie_ahead_of_where_it_goes_back_to_are_forgotten(
        self, train, monkeypatch, tmp_path
    ):
        monkeypatch.setattr("pixelgen.training.CHECKPOINT_SHARE", -1)  # none is written
        learn, kept = Learner.train_step, []

        def looking(model, batch, progress):
            if model.scale != 1 and not kept:
                listed = json.loads((tmp_path / "run" / "evolution" / "moments.json").read_text())
                kept.extend(moment["step"] for moment in listed["moments"])
            return learn(model, batch, progress)

        monkeypatch.setattr(Learner, "train_step", looking)
        train({"not_a_number_at": 30}, training={"epochs": 5}, painting={"while_training": 1})
        assert kept == [0]

    def test_before_the_first_checkpoint_it_begins_again(self, train):
        outcome, _ = train({"not_a_number_at": 3}, training={"epochs": 1})
        assert outcome.run.model.scale == 0.25
        assert outcome.run.manifest["spent"]["steps"] == BATCHES_AN_EPOCH

    def test_it_does_not_go_on_from_weights_that_are_no_numbers(self, train, monkeypatch):
        """A step can spoil the weights, and the checkpoint after it, before a loss shows it."""
        learn = Learner.train_step

        def spoiling(model, batch, progress):
            loss = learn(model, batch, progress)
            if model.steps == 9 and model.scale == 1:
                model.weights[:] = np.nan
            return loss

        monkeypatch.setattr(Learner, "train_step", spoiling)
        outcome, diary = train(training={"epochs": 2, "checkpoint_every": 1e-9})
        assert any("held-out loss after step 9 is nan" in n for (n,) in diary.all("note"))
        assert outcome.run.manifest["spent"]["steps"] == 2 * BATCHES_AN_EPOCH
        assert np.isfinite(weights(outcome.run.directory.model)).all()

    def test_the_second_time_it_ends_with_advice(self, train, tmp_path):
        with pytest.raises(TrainingError, match="loss of step 13 is nan, again") as caught:
            train({"not_a_number_at": 12, "number_below": 0})
        assert caught.value.where == "in epoch 2"
        assert "learning_rate" in caught.value.remedy
        assert list((tmp_path / "run" / "checkpoints").iterdir())

    def test_a_model_without_a_learning_rate_ends_with_advice(self, train, monkeypatch):
        monkeypatch.setattr(Learner, "scale_learning_rate", Model.scale_learning_rate)
        with pytest.raises(TrainingError, match="loss of step 13 is nan") as caught:
            train({"not_a_number_at": 12})
        assert "no learning rate" in caught.value.remedy


class TestALossThatRunsAway:
    FROM = 12  # the step that it begins to rise after

    @pytest.fixture
    def rising(self, monkeypatch):
        """Let the loss rise by a fifth of a nat a step, and say with which learning rates."""
        monkeypatch.setattr("pixelgen.loss_course.WINDOW", 3)
        monkeypatch.setattr("pixelgen.training.CHECKPOINT_SHARE", 1e9)  # whatever they cost
        learn = Learner.train_step

        def rise(*, at_scales):
            def rising(model, batch, progress):
                loss = learn(model, batch, progress)
                return loss + 0.2 * max(0, model.steps - self.FROM) * (model.scale in at_scales)

            monkeypatch.setattr(Learner, "train_step", rising)

        return rise

    def test_the_run_goes_back_and_on_with_a_lower_learning_rate(self, train, rising):
        rising(at_scales=[1.0])
        outcome, diary = train(training={"epochs": 5})
        assert outcome.end == "budget"
        assert outcome.run.manifest["spent"]["steps"] == 5 * BATCHES_AN_EPOCH
        said = [note for (note,) in diary.all("note") if "run away: from" in note]
        assert len(said) == 1
        assert f"went back to step {BATCHES_AN_EPOCH}, and on from there with 0.25 times" in said[0]
        assert said[0] in outcome.run.manifest["notes"]

    def test_it_goes_back_to_before_the_rise_whatever_was_kept_since(self, train, rising):
        """Of checkpoints at every step, the last two are of a loss that is rising already."""
        rising(at_scales=[1.0])
        _, diary = train(training={"epochs": 5, "checkpoint_every": 1e-9})
        (said,) = [note for (note,) in diary.all("note") if "run away" in note]
        back, away = (
            int(said.split(words)[1].split()[0].strip(",:"))
            for words in ("back to step ", "at step ")
        )
        assert self.FROM <= back <= self.FROM + 4
        assert away > back + 4

    def test_no_more_checkpoints_are_kept_than_are_needed(self, train, rising):
        rising(at_scales=[])
        outcome, _ = train(training={"epochs": 5, "checkpoint_every": 1e-9})
        assert len(outcome.run.directory.checkpoints.newest_first()) == 2

    def test_the_second_time_it_ends_with_advice(self, train, rising):
        rising(at_scales=[1.0, 0.25])
        with pytest.raises(TrainingError, match=r"run away.*, again") as caught:
            train(training={"epochs": 5})
        assert "learning_rate" in caught.value.remedy


class TestTooLittleMemory:
    def test_batches_measurements_and_paintings_are_cut_until_they_fit(self, train):
        """Twelve lines of a picture are so many slots, and 24 lines are measured at once."""
        whole, _ = train(training={"epochs": 1})
        painted = (whole.run.directory.samples / "seed1-0001.png").read_bytes()
        directory = whole.run.path.rename(whole.run.path.with_name("whole"))
        outcome, diary = train({"most_rows": 3}, training={"epochs": 1})
        assert any("in 4 parts, with the same result" in note for (note,) in diary.all("note"))
        np.testing.assert_array_equal(
            weights(outcome.run.directory.model), weights(directory / "model")
        )
        assert (outcome.run.directory.samples / "seed1-0001.png").read_bytes() == painted
        assert outcome.run.model.parts == 4

    def test_where_nothing_fits_the_options_to_lower_are_named(self, train):
        with pytest.raises(OutOfMemory, match="8 sequences at a time") as caught:
            train({"most_rows": 0})
        assert "-o model.batch" in caught.value.remedy

    def test_a_model_that_cannot_cut_batches_says_so_at_once(self, train, monkeypatch):
        monkeypatch.setattr(Learner, "learn_in_parts", Model.learn_in_parts)
        with pytest.raises(OutOfMemory):
            train({"most_rows": 7})


class TestCheckpointsWithinAnEpoch:
    def saved(self, train, monkeypatch, **training):
        steps = []
        save = Checkpoints.save

        def noting(self, model, progress, *, keep, also):
            steps.append(progress["step"])
            return save(self, model, progress, keep=keep, also=also)

        monkeypatch.setattr(Checkpoints, "save", noting)
        outcome, _ = train(training=training)
        return steps, outcome

    def test_they_are_written_when_their_time_has_come(self, train, monkeypatch, clock):
        clock.seconds_a_look = 0.5
        monkeypatch.setattr("pixelgen.training.CHECKPOINT_SHARE", 10)
        steps, _ = self.saved(train, monkeypatch, epochs=1, checkpoint_every="2s")
        assert steps[-1] == BATCHES_AN_EPOCH
        assert len(steps) > 2
        assert 2 < steps[0] < 6

    def test_none_are_written_within_an_epoch_when_none_are_asked_for(self, train, monkeypatch):
        steps, _ = self.saved(train, monkeypatch, epochs=2, checkpoint_every=0)
        assert set(steps) <= {BATCHES_AN_EPOCH, 2 * BATCHES_AN_EPOCH}

    def test_as_many_are_kept_as_are_asked_for(self, train, monkeypatch):
        monkeypatch.setattr("pixelgen.training.CHECKPOINT_SHARE", math.inf)
        steps, outcome = self.saved(
            train, monkeypatch, epochs=2, checkpoint_every=1e-9, checkpoints=4
        )
        kept = outcome.run.directory.checkpoints.newest_first()
        assert [step_of(path) for path in kept] == sorted(steps)[:-5:-1]

    def test_writing_them_takes_a_small_share_of_the_time(self, train, monkeypatch, clock):
        """Each look at the clock is half a second, so a checkpoint seems to cost that much."""
        clock.seconds_a_look = 0.5
        monkeypatch.setattr("pixelgen.training.CHECKPOINT_SHARE", 0)
        steps, _ = self.saved(train, monkeypatch, epochs=2, checkpoint_every=1e-9)
        assert len(steps) == 2  # the first, whose cost nobody knew, and the last


class TestTelling:
    def test_the_listener_hears_of_everything_in_order(self, train):
        _, diary = train(
            training={"epochs": 1}, painting={"while_training": 1, "temperatures": [0.5, 1.0]}
        )
        kinds = [entry[0] for entry in diary.entries]
        steps = ["step"] * BATCHES_AN_EPOCH
        assert kinds == [
            *["stage", "note", "stage"],
            *["begin", "sampled", *steps, "epoch", "sampled", "end"],
            *["stage", "stage"],  # painting, and the page
        ]
        assert "learner" in diary.all("begin")[0][0]
        assert diary.all("sampled") == [(epoch, [0.5, 1.0], (2, 1, 12, 12, 3)) for epoch in (0, 1)]

    def test_the_end_is_told_even_of_a_run_that_fails(self, quick, tmp_path):
        diary = Diary()
        resolved = quick(model={"name": "learner", "not_a_number_at": 0, "number_below": 0})
        with pytest.raises(TrainingError):
            start(resolved, tmp_path / "run", diary)
        assert diary.entries[-1] == ("end",)

    @pytest.mark.parametrize(
        ("every", "sampled"), [(0, [0, 1, 2, 3, 4, 6, 8, 9]), (4, [0, 4, 8, 9]), (1, [*range(10)])]
    )
    def test_pictures_are_painted_before_training_and_after_these_epochs(
        self, train, every, sampled
    ):
        outcome, diary = train(
            training={"epochs": 9}, painting={"while_training": 1, "every": every}
        )
        assert [epoch for epoch, *_ in diary.all("sampled")] == sampled
        sheets = sorted(outcome.run.directory.samples.glob("epoch-*.png"))
        assert [sheet.name for sheet in sheets] == [f"epoch-{n:04d}.png" for n in sampled]

    def test_painting_while_training_can_be_turned_off(self, train):
        outcome, diary = train()
        assert diary.all("sampled") == []
        assert not list(outcome.run.directory.samples.glob("epoch-*.png"))

    def test_painting_takes_a_bounded_share_of_a_budget_in_minutes(self, train, clock, monkeypatch):
        """Where a painting takes as long as many epochs, few are made, and the last one always."""
        step = clock.perf_counter

        def slow(*args, **named):
            clock.now += 60
            return original(*args, **named)

        import pixelgen.carrying_out

        original = pixelgen.carrying_out.contact_sheet
        monkeypatch.setattr("pixelgen.carrying_out.contact_sheet", slow)
        _, diary = train(training={"minutes": 4}, painting={"while_training": 1, "every": 1})
        assert step() > 240
        epochs = [epoch for epoch, *_ in diary.all("sampled")]
        assert epochs[:2] == [0, 1]
        assert len(epochs) == 3

    def test_plugins_hear_of_a_run_through_their_hooks(self, train):
        heard = []

        @pixelgen.hookimpl
        def run_started(directory, recipe):
            heard.append(
                ("run_started", recipe["model"]["name"], (directory / "run.json").exists())
            )

        @pixelgen.hookimpl
        def epoch_finished(directory, metrics):
            on_disk = json.loads((directory / "metrics.jsonl").read_text().splitlines()[-1])
            heard.append(("epoch_finished", metrics["epoch"], on_disk == metrics))

        @pixelgen.hookimpl
        def pictures_sampled(epoch, temperature, pictures):
            heard.append(("pictures_sampled", epoch, temperature, pictures.shape))

        @pixelgen.hookimpl
        def run_finished(manifest):
            heard.append(("run_finished", manifest["state"]))

        hooks = (run_started, epoch_finished, pictures_sampled, run_finished)
        plugin = SimpleNamespace(**{hook.__name__: hook for hook in hooks})
        with registered(plugin, "hearer"):
            train(training={"epochs": 2}, painting={"while_training": 1})
        assert heard == [
            ("run_started", "learner", True),
            ("pictures_sampled", 0, 1.0, (1, 12, 12, 3)),
            ("pictures_sampled", 1, 1.0, (1, 12, 12, 3)),
            ("epoch_finished", 1, True),
            ("pictures_sampled", 2, 1.0, (1, 12, 12, 3)),
            ("epoch_finished", 2, True),
            ("run_finished", "finished"),
        ]

    def test_a_plugin_that_raises_is_named_and_the_run_goes_on(self, train):
        @pixelgen.hookimpl
        def epoch_finished(metrics):
            raise ValueError("no more room on the wall")

        with registered(SimpleNamespace(epoch_finished=epoch_finished), "framer"):
            outcome, diary = train(training={"epochs": 1})
        assert outcome.end == "budget"
        notes = " ".join(note for (note,) in diary.all("note"))
        assert "'framer'" in notes
        assert "no more room on the wall" in notes


def test_an_epoch_is_told_before_the_checkpoint_that_has_it_behind_it(train, monkeypatch):
    """A tracker hears of an epoch twice rather than never, whenever the process dies."""
    order = []
    save = Checkpoints.save

    def saving(self, model, progress, **named):
        order.append(("saved", progress["epoch"]))
        return save(self, model, progress, **named)

    class Heard:
        @pixelgen.hookimpl
        def epoch_finished(self, directory, metrics):
            order.append(("told", metrics["epoch"]))

    monkeypatch.setattr(Checkpoints, "save", saving)
    with registered(Heard(), "heard"):
        train(training={"epochs": 2})
    assert order == [("told", 1), ("saved", 1), ("told", 2), ("saved", 2)]


def test_losses_along_pictures_are_compared_by_whole_pictures(train):
    """Of 144 cells each: six steps of 25 go along the same pictures."""
    model = {"memory": "picture", "batch": 3, "chunk": 25}
    outcome, _ = train(model, training={"steps": 15})
    checkpoints = RunDirectory.open(outcome.run.path).checkpoints
    progress, _ = checkpoints.read(checkpoints.newest_first()[0])
    assert (progress["course"]["steps"], progress["course"]["waiting"]) == (12, 3)
