"""Where the training loop stands: what a checkpoint keeps besides the model's own state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import AfterValidator, ConfigDict, Field, ValidationError
from pydantic.dataclasses import dataclass

from pixelgen.errors import RunUnreadable
from pixelgen.loss_course import LossCourse
from pixelgen.pace import Knot, Share, from_the_first_step

Count = Annotated[int, Field(ge=0, lt=2**63)]
Amount = Annotated[float, Field(ge=0, allow_inf_nan=False)]
MOST_KNOTS = 10_000


@dataclass(config=ConfigDict(extra="forbid"))
class LoopState:
    """Where the loop stands; written into every checkpoint.

    Attributes:
        epoch: whole epochs done.
        batch: batches of the current epoch done.
        step: batches done in all.
        targets: tokens learned from in all.
        seconds: time spent on training steps and on waiting for data.
        epoch_nats, epoch_targets: sum of the current epoch's losses, and over how many tokens.
        best_bits: held-out bits per pixel of the weights that are kept to paint with: the lowest
            so far, or the last measured, as the recipe's `weights` says.
        best_step: the step that they were reached at.
        lowest_bits: the lowest so far in either case.
        without_improvement: evaluations since `lowest_bits` was reached.
        measured_at: the progress at the last evaluation. By progress and not by the clock, so that
            a recipe that is run again picks its best weights from the same ones.
        measured_targets: the tokens learned from at the last evaluation.
        knots: what the pace has settled on.
        minutes: the budget that it did so for; None for one in epochs or steps.
        rate_scale: what the model's learning rate is multiplied by; below 1 once the loss was no
            number, or had run away, and the run went back.
        parts: in how many parts each batch is learned, where memory did not suffice for whole ones.
        course: how the loss has gone.
        sound_step: the step of the last checkpoint that was written while the loss was not rising.
    """

    epoch: Count = 0
    batch: Count = 0
    step: Count = 0
    targets: Count = 0
    seconds: Amount = 0.0
    epoch_nats: Annotated[float, Field(allow_inf_nan=False)] = 0.0
    epoch_targets: Count = 0
    best_bits: Annotated[float, Field(allow_inf_nan=False)] | None = None
    best_step: Count = 0
    lowest_bits: Annotated[float, Field(allow_inf_nan=False)] | None = None
    without_improvement: Count = 0
    measured_at: Share = 0.0
    measured_targets: Count = 0
    knots: Annotated[
        list[Knot],
        Field(max_length=MOST_KNOTS),
        AfterValidator(from_the_first_step),
    ] = field(default_factory=list)
    minutes: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    rate_scale: Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)] = 1.0
    parts: Annotated[int, Field(ge=1, lt=2**31)] = 1
    course: LossCourse = field(default_factory=LossCourse)
    sound_step: Count = 0

    @classmethod
    def parse(cls, progress: Mapping[str, Any], *, where: Path) -> Self:
        """Return the state that a checkpoint's `progress.json` holds.

        Raises:
            RunUnreadable: an entry is unknown, of another type or out of its bounds.
        """
        try:
            # Older checkpoints have no lowest bits; those of the weights that they kept were.
            return cls(**{"lowest_bits": progress.get("best_bits"), **progress})
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(map(str, first["loc"]))
            raise RunUnreadable(
                f"the checkpoint's state is not what it should be: {place}: {first['msg']}",
                where=str(where / "progress.json"),
                remedy=f"Remove {where}: the run then goes on from the checkpoint before",
            ) from None

    def covers(self, line: Mapping[str, Any]) -> bool:
        """Whether a line of `metrics.jsonl` tells of what has been done in this state.

        An epoch's line is written before the checkpoint that has the epoch behind it; one from
        within the epoch may be of the very same step.
        """
        step: int = line.get("step", 0)
        return step < self.step or (step == self.step and self.epoch_targets == 0)

    def begin_epoch_again(self) -> None:
        """Forget what was done of the current epoch: its sequences cannot be gone on with.

        Losses of other pictures, or of an optimizer that starts anew, are not to be compared with
        those so far either.
        """
        self.batch, self.epoch_nats, self.epoch_targets = 0, 0.0, 0
        self.course = LossCourse()
