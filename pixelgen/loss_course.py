"""How the training loss goes: whether it has run away, and nothing good can come of the run."""

from __future__ import annotations

import math
from typing import Annotated

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

WINDOW = 100  # steps that the loss is averaged over
RISE_NATS, RISE_SHARE = 1.0, 0.5  # above the lowest: what no noise of batches comes to

Nats = Annotated[float, Field(allow_inf_nan=False)]


@dataclass(config=ConfigDict(extra="forbid"))
class LossCourse:
    """The running mean of the loss in nats per token, and the lowest that it has been.

    The mean is exponential, over some `WINDOW` steps, and plain before there are so many. Where
    steps go along the same pictures, as many as a picture takes count as one, or the parts of it
    that are hard to predict would look like a loss that rises.

    A loss that stands both `RISE_NATS` and a share `RISE_SHARE` above its lowest has run away: the
    recurrence or the optimizer has become unstable, which the loss of a single batch would not
    show, and from where training does not come back.

    Attributes:
        steps: how many losses were added.
        mean: the running mean.
        lowest: the lowest mean since `WINDOW` steps were there.
        waiting: how many steps are not in the mean yet, since a picture's others are to come.
        waiting_nats: the sum of their losses.
    """

    steps: Annotated[int, Field(ge=0, lt=2**63)] = 0
    mean: Nats = 0.0
    lowest: Nats | None = None
    waiting: Annotated[int, Field(ge=0, lt=2**63)] = 0
    waiting_nats: Nats = 0.0

    def add(self, nats: float, together: int = 1) -> None:
        """Take in the loss of a step.

        Args:
            nats: a token, finite.
            together: how many steps in a row are to be compared as one.
        """
        self.waiting += 1
        self.waiting_nats += nats
        if self.waiting < together:
            return
        count, nats = self.waiting, self.waiting_nats / self.waiting
        self.waiting, self.waiting_nats = 0, 0.0
        before = min(self.steps, max(WINDOW - count, 0))  # steps that the mean is of so far
        self.steps += count
        self.mean += (nats - self.mean) * count / (before + count)
        if self.steps >= WINDOW and (self.lowest is None or self.mean < self.lowest):
            self.lowest = self.mean

    @property
    def has_run_away(self) -> bool:
        """Whether the loss has risen by more than can be recovered from."""
        return self._rise(self.mean) >= 1

    @property
    def is_rising(self) -> bool:
        """Whether it has risen by a quarter of that: such weights are not to be gone back to.

        Of a picture that is not whole yet the steps so far count: better an older checkpoint than
        one of weights that have run away in the middle of a picture.
        """
        latest = self.waiting_nats / self.waiting if self.waiting else self.mean
        return max(self._rise(self.mean), self._rise(latest)) >= 0.25

    def _rise(self, nats: float) -> float:
        """How far a loss is above the lowest mean, 1 being too far."""
        if self.lowest is None:
            return 0.0
        allowed = max(RISE_NATS, RISE_SHARE * math.fabs(self.lowest))
        return (nats - self.lowest) / allowed
