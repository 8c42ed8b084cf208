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

    The mean is exponential, over some `WINDOW` steps, and plain before there are so many. A loss
    that stands both `RISE_NATS` and a share `RISE_SHARE` above its lowest has run away: the
    recurrence or the optimizer has become unstable, which the loss of a single batch would not
    show, and from where training does not come back.

    Attributes:
        steps: how many losses were added.
        mean: the running mean.
        lowest: the lowest mean since `WINDOW` steps were there.
    """

    steps: Annotated[int, Field(ge=0, lt=2**63)] = 0
    mean: Nats = 0.0
    lowest: Nats | None = None

    def add(self, nats: float) -> None:
        """Take in the loss of a step, which is finite."""
        self.steps += 1
        self.mean += (nats - self.mean) / min(self.steps, WINDOW)
        if self.steps >= WINDOW and (self.lowest is None or self.mean < self.lowest):
            self.lowest = self.mean

    @property
    def has_run_away(self) -> bool:
        """Whether the loss has risen by more than can be recovered from."""
        return self._rise >= 1

    @property
    def is_rising(self) -> bool:
        """Whether it has risen by a quarter of that: such weights are not to be gone back to."""
        return self._rise >= 0.25

    @property
    def _rise(self) -> float:
        """How far the mean is above the lowest, 1 being too far."""
        if self.lowest is None:
            return 0.0
        allowed = max(RISE_NATS, RISE_SHARE * math.fabs(self.lowest))
        return (self.mean - self.lowest) / allowed
