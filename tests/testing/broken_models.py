"""Ways to break a model, and the checks of the kit that each is caught by."""

from __future__ import annotations

import itertools
import pickle
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from mutation import Mistakes
from pydantic import Field

import pixelgen
from pixelgen.generation import paint
from pixelgen.models.interface import Decoder
from pixelgen.models.markov import Markov

NEAR = {(0, -1), (-1, -1), (-1, 0), (-1, 1)}  # in the order of rows


class Sound(Markov):
    """Counts which token follows which, and how often it was taught to."""

    class Options(Markov.Options):
        order: int = Field(1, ge=0, le=3, description="how many of the nearest neighbours count")
        factor: float | None = Field(None, gt=0, description="of the strength; unset: 1")
        strength: float = Field(1.0, gt=0, description="sightings that a shorter context is worth")

    def __init__(self, spec: Any, options: Any) -> None:
        super().__init__(spec, options)
        self.options = options.model_copy(update={"strength": options.strength * options.factor})
        self.taught = 0

    @classmethod
    def settle(cls, options, tokens):
        return options.model_copy(update={"factor": options.factor or 1.0})

    def train_step(self, batch, progress):
        self.taught += 1
        return super().train_step(batch, progress)

    def training_state(self):
        return {"taught": np.array([self.taught])}

    def restore_training_state(self, state):
        self.taught = int(state["taught"][0])


class Changed(Decoder):
    """The sound one's decoder, with its logits changed."""

    def __init__(self, model: Any, change: Any) -> None:
        self.inner, self.change = Sound.decoder(model, 0), change

    def step(self, inputs):
        return self.change(self, self.inner.step(inputs), inputs)


class Others(Sound.Options):
    """Options of a class of their own."""


def settling(changed: Any) -> Any:
    """A `settle` that changes these options, of the options and the number of tokens."""
    return classmethod(
        lambda cls, options, tokens: options.model_copy(update=changed(options, tokens))
    )


def decoding(change: Any) -> dict[str, Any]:
    """A decoder whose logits (M, V) are changed: by the decoder, the logits, the inputs."""
    return {"decoder": lambda self, slots: Changed(self, change)}


def measuring(change: Any) -> dict[str, Any]:
    """`nll` with its nats (B, T) changed: by the model, the nats, the batch."""
    return {"nll": lambda self, batch: change(self, Sound.nll(self, batch), batch)}


def learning(change: Any) -> dict[str, Any]:
    """`train_step` with its loss changed, or something else done: by the model, loss and batch."""

    def train_step(self, batch, progress):
        return change(self, Sound.train_step(self, batch, progress), batch)

    return {"train_step": train_step}


def ahead(self, logits, inputs):
    """Looks at the token that is to be painted next but one."""
    last = inputs.canvas.shape[1] - 1
    later = inputs.canvas[inputs.pictures, np.minimum(inputs.positions + 2, last)]
    changed = logits.copy()
    changed[:, 0] += np.where(later < logits.shape[1], later % 2, 0)
    return changed


def drifting(self, logits, inputs):
    """Goes on from what it painted before, whoever begins."""
    self.shift = getattr(self, "shift", 0.0) + 1.0
    changed = logits.copy()
    changed[:, 0] += self.shift
    return changed


def by_the_rows(self, logits, inputs):
    return logits + np.float32(1e-6) * len(logits) * np.arange(logits.shape[1], dtype=np.float32)


def alias(self):
    self.array = np.array([self.taught])
    return {"taught": self.array}


def changing(self, loss, batch):
    """Changes the very array that it had returned."""
    if hasattr(self, "array"):
        self.array[:] = self.taught
    return loss


def tired(self, batch, progress):
    """Passes the fourth batch over, and does not know after an interruption which it is."""
    self.seen = getattr(self, "seen", 0) + 1
    rest = self.seen == 4
    return float(self.nll(batch).mean()) if rest else Sound.train_step(self, batch, progress)


def unlearning(self, batch, progress):
    return float(self.nll(batch).mean())


BUILT = itertools.count()


def unlike_the_last(cls, spec, options, *, seed=0, device="auto"):
    """Another beginning each time, as random numbers without the seed would give: by a count, so
    that two in a row differ for certain."""
    made = cls(spec, options)
    made.tables[0] = made.tables[0].add(np.zeros(1), np.array([next(BUILT) % spec.vocab_size]))
    return made


def counting(self, nats, batch):
    """Learns from what it measures."""
    tokens = batch.targets.reshape(-1)
    self.tables = [self.tables[0].add(np.zeros(len(tokens)), tokens), *self.tables[1:]]
    return nats


def writing(self, loss, batch):
    if batch.targets.flags.writeable:
        batch.targets[:] = 0
    return loss


def another(self, plan):
    tokens = paint(self, plan)
    return (tokens + 1) % self.spec.vocab_size


def own_numbers(self, plan):
    shape = (len(plan.pictures), plan.cutter.scan.cells)
    return np.random.default_rng(0).integers(0, self.spec.vocab_size, shape, np.int32)


def as_in_a_checkpoint(self, directory: Path) -> None:
    Sound.save(self, directory)
    (directory / "progress.json").write_text("{}")


def pickled(self, directory: Path) -> None:
    Sound.save(self, directory)
    (directory / "more.pickle").write_bytes(pickle.dumps(1))


def rounded(self, directory: Path) -> None:
    kept = self.tables
    self.tables = [
        type(each)(each.keys, np.ceil(each.counts / 4) * 4, each.vocab_size) for each in kept
    ]
    Sound.save(self, directory)
    self.tables = kept


def trusting(cls, directory: Path, options: Any, *, device: str = "auto"):
    try:
        return Sound.load.__func__(cls, directory, options, device=device)  # type: ignore[attr-defined]
    except pixelgen.PixelgenError as error:
        raise KeyError("model") from error


def refusing(condition: Any) -> dict[str, Any]:
    """`build` that fails where a spec is so."""

    def build(cls, spec, options, *, seed=0, device="auto"):
        if condition(spec):
            raise ZeroDivisionError("division by zero")
        return cls(spec, options)

    return {"build": classmethod(build)}


MISTAKES = Mistakes("model", Sound)
MISTAKES.add(
    "no progress taken",
    "a_seed_means_one_picture any_palette any_scan batch_of_one build_is_deterministic "
    "causality class_is_complete damaged_files_are_refused fast_generate_equals_the_loop "
    "files_are_safe grid_of_one loss_falls loss_is_in_nats nll_agrees_with_decoder "
    "nll_changes_nothing nll_is_a_likelihood no_side_effects probabilities_sum_to_one "
    "properties rows_are_painted_alone saved_model_is_the_same states_start_afresh "
    "training_resumes_exactly vocabulary_of_one vocabulary_of_two",
    train_step=lambda self, batch: Sound.train_step(self, batch, 0),
)
MISTAKES.add(
    "bits for nats",
    "any_scan nll_agrees_with_decoder probabilities_sum_to_one",
    **measuring(lambda self, nats, _: nats / np.float32(np.log(2))),
)
MISTAKES.add(
    "nats in float64",
    "nll_is_a_likelihood",
    **measuring(lambda self, nats, _: nats.astype(np.float64)),
)
MISTAKES.add(
    "a probability above one",
    "any_scan nll_agrees_with_decoder nll_is_a_likelihood probabilities_sum_to_one "
    "vocabulary_of_one",
    **measuring(lambda self, nats, _: nats - np.float32(2)),
)
MISTAKES.add(
    "learning while measuring",
    "a_seed_means_one_picture any_palette any_scan batch_of_one causality grid_of_one "
    "nll_changes_nothing",
    **measuring(counting),
)
MISTAKES.add(
    "a loss in bits", "loss_is_in_nats", **learning(lambda self, loss, _: loss / np.log(2))
)
MISTAKES.add("no loss", "loss_is_in_nats", **learning(lambda self, loss, _: None))
MISTAKES.add("writing into the batch", "no_side_effects", **learning(writing))
MISTAKES.add(
    "global random numbers",
    "no_side_effects",
    **learning(lambda self, loss, _: loss + 0 * random.random()),
)
MISTAKES.add("not learning", "loss_falls", train_step=unlearning)
MISTAKES.add(
    "built unlike the last",
    "build_is_deterministic nll_changes_nothing",
    build=classmethod(unlike_the_last),
)
MISTAKES.add("a training state without all", "training_resumes_exactly", train_step=tired)
MISTAKES.add(
    "a training state that goes on changing",
    "training_resumes_exactly",
    training_state=alias,
    **learning(changing),
)
MISTAKES.add("a look ahead", "any_scan causality nll_agrees_with_decoder", **decoding(ahead))
MISTAKES.add(
    "a state that never begins",
    "any_scan nll_agrees_with_decoder rows_are_painted_alone states_start_afresh",
    **decoding(drifting),
)
MISTAKES.add("logits by the number of rows", "rows_are_painted_alone", **decoding(by_the_rows))
MISTAKES.add(
    "logits of another temperature",
    "any_scan nll_agrees_with_decoder",
    **decoding(lambda self, logits, _: logits * np.float32(1.1)),
)
MISTAKES.add(
    "logits of another temperature along other scans",
    "any_scan",
    decoder=lambda self, slots: Changed(
        self, lambda _, logits, __: logits * np.float32(1 + 0.1 * (set(self.spec.offsets) != NEAR))
    ),
)
MISTAKES.add(
    "generating something else",
    "any_palette any_scan batch_of_one fast_generate_equals_the_loop grid_of_one vocabulary_of_two",
    generate=another,
)
MISTAKES.add(
    "generating with its own numbers",
    "a_seed_means_one_picture any_palette any_scan batch_of_one fast_generate_equals_the_loop "
    "grid_of_one vocabulary_of_two",
    generate=own_numbers,
)
MISTAKES.add(
    "rounded counts saved",
    "any_palette any_scan batch_of_one grid_of_one saved_model_is_the_same "
    "training_resumes_exactly",
    save=rounded,
)
MISTAKES.add(
    "a checkpoint's file saved",
    "damaged_files_are_refused files_are_safe",
    save=as_in_a_checkpoint,
)
MISTAKES.add("a pickle saved", "damaged_files_are_refused files_are_safe", save=pickled)
MISTAKES.add("damage not said", "damaged_files_are_refused", load=classmethod(trusting))
MISTAKES.add(
    "no vocabulary of one", "vocabulary_of_one", **refusing(lambda spec: spec.vocab_size == 1)
)
MISTAKES.add(
    "no vocabulary of two", "vocabulary_of_two", **refusing(lambda spec: spec.vocab_size == 2)
)
MISTAKES.add("no grid of one", "grid_of_one", **refusing(lambda spec: spec.grid == (1, 1)))
MISTAKES.add("no grid of one row", "batch_of_one", **refusing(lambda spec: spec.grid == (1, 5)))
MISTAKES.add(
    "nothing without a palette", "any_palette", **refusing(lambda spec: spec.palette is None)
)
MISTAKES.add(
    "no grid of other scans", "any_scan", **refusing(lambda spec: set(spec.offsets) != NEAR)
)
MISTAKES.add(
    "an infinity in the training state",
    "training_resumes_exactly",
    training_state=lambda self: {"taught": np.array([self.taught]), "best": np.array(np.inf)},
)
MISTAKES.add(
    "settled by the pictures each time",
    "options_are_settled_once",
    settle=settling(lambda options, tokens: {"factor": 1 + tokens / 1e6}),
)
MISTAKES.add(
    "larger batches settled on",
    "options_are_settled_once",
    segments=classmethod(
        lambda cls, options: replace(Sound.segments(options), batch=8 if options.factor else 4)
    ),
)
MISTAKES.add(
    "other options settled on",
    "options_are_settled_once",
    settle=classmethod(
        lambda cls, options, tokens: Others(**{**options.model_dump(), "factor": 1.0})
    ),
)
MISTAKES.add("a device that is no name", "properties", device=property(lambda self: 0))
