"""Checks of a model's files."""

from __future__ import annotations

from pixelgen.runs import checksums
from pixelgen.runs.checkpoints import PROGRESS, TRAINING
from pixelgen.testing.arrays import expect_equal
from pixelgen.testing.contract import Broken, check
from pixelgen.testing.files import expect_allowed_files, expect_damage_is_refused, folder
from pixelgen.testing.models.world import make_world
from pixelgen.testing.subject import Subject

TAKEN = (TRAINING, PROGRESS, checksums.FILE)  # which a checkpoint puts beside a model's files


@check("model")
def check_saved_model_is_the_same(subject: Subject) -> None:
    """`load` returns the model that was saved: the same likelihoods and the same logits, bit for
    bit, and the same number of parameters; it can be saved again.

    What to do: write every weight in the type that it is computed in, and all of the spec that the
    model looks at: the palette too.
    """
    world = make_world(subject)
    model = world.trained()
    with folder() as first, folder() as second:
        model.save(first)
        world.load(first).save(second)
        again = world.load(second)
    expect_equal(world.nll(again), world.nll(model), "nll after loading and before saving")
    expect_equal(world.logits(again), world.logits(model), "logits after loading and before saving")
    if again.parameter_count != model.parameter_count:
        raise Broken(
            f"parameter_count was {model.parameter_count} and is loaded as {again.parameter_count}"
        )


@check("model")
def check_files_are_safe(subject: Subject) -> None:
    """`save` writes JSON, TOML, safetensors and PNG files into the folder that it is given, and no
    others: nothing is ever unpickled.

    What to do: `safetensors.numpy.save_file` for weights, `json` for the spec.
    """
    with folder() as directory:
        make_world(subject).trained().save(directory)
        expect_allowed_files(directory)
        taken = [name for name in TAKEN if (directory / name).exists()]
        if taken:
            raise Broken(f"save writes {taken[0]}, which is a checkpoint's own")


@check("model")
def check_damaged_files_are_refused(subject: Subject) -> None:
    """`load` raises `RunUnreadable`, or another `PixelgenError`, where a file is missing, empty or
    cut short.

    What to do: catch `OSError`, `ValueError`, `KeyError`, `SafetensorError` …, and raise
    `RunUnreadable` from them.
    """
    world = make_world(subject)
    with folder() as directory:
        world.trained().save(directory)
        expect_damage_is_refused(directory, world.load)
