"""The pace of a run: how much of its budget is spent at each step.

A budget in epochs or steps gives the progress at once. A budget in minutes is turned into steps
from the speed measured so far, a few times along the way, and what was settled on is kept: a run
that is given the same pace takes the same learning rates, whatever the clock says.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

HOLD_SHARE = 0.02  # of the time: progress stays at 0 until the speed is known
HOLD_STEPS = 8
REPLAN_AT = (0.1, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95)

Step = Annotated[int, Field(ge=0, lt=2**63)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Knot = tuple[Step, Share, Step]


def from_the_first_step(knots: Sequence[Knot]) -> Sequence[Knot]:
    """Return knots that begin with a run, or none.

    Raises:
        ValueError: they begin later, so that nothing is known of the steps before.
    """
    if knots and knots[0][0] != 0:
        raise ValueError("its first step must be 0")
    return knots


class Pace:
    """Progress through a budget.

    Attributes:
        knots: (step, progress there, step at which progress reaches 1); the last one counts.
            An end of 0 holds the progress where it is.
    """

    def __init__(self, *, steps: int | None = None, minutes: float | None = None) -> None:
        self.minutes = minutes
        self.knots: list[Knot] = [(0, 0.0, steps or 0)]
        self._planned = (0, 0.0)  # step and seconds at the last knot

    @classmethod
    def settled(cls, knots: Sequence[Knot]) -> Pace:
        """Return the pace that an earlier run settled on."""
        pace = cls()
        pace.knots = [(int(step), float(progress), int(end)) for step, progress, end in knots]
        return pace

    def progress(self, step: int) -> float:
        """Return the share of the budget, 0 to 1, that is spent before the next step.

        Args:
            step: how many have been taken.
        """
        return self._share(step, [knot for knot in self.knots if knot[0] <= step])

    def reached(self, step: int) -> float:
        """Return the share of the budget, 0 to 1, that is spent with the last step taken.

        It is the progress, but where one budget ended and a larger one goes on: there it is 1.
        """
        return self._share(step, [knot for knot in self.knots if knot[0] < step] or self.knots[:1])

    def _share(self, step: int, knots: list[Knot]) -> float:
        begin, before, end = knots[-1]
        if not end:
            return before
        if step >= end:
            return 1.0
        return before + (1 - before) * (step - begin) / (end - begin)

    def is_spent(self, step: int) -> bool:
        """Whether the budget is used up after so many steps."""
        return self.progress(step) >= 1

    def replan(self, step: int, seconds: float) -> None:
        """Settle anew how many steps a budget in minutes allows; otherwise do nothing.

        Args:
            step: steps taken.
            seconds: time spent on them.
        """
        if self.minutes is None:
            return
        budget = self.minutes * 60
        progress = self.progress(step)
        if len(self.knots) == 1:
            if step == 1:  # with which the first pictures were waited for, and much was set up
                self._planned = (step, seconds)
            ready = step >= HOLD_STEPS and seconds - self._planned[1] >= HOLD_SHARE * budget
            if not ready and seconds < budget:
                return
        else:
            settled = self.knots[-1][1]
            due = next((share for share in REPLAN_AT if share > settled), 1.0)
            if progress < due or step - self._planned[0] < HOLD_STEPS:
                return
        planned_step, planned_seconds = self._planned
        speed = (step - planned_step) / max(seconds - planned_seconds, 1e-9)
        remaining = max(1, round((budget - seconds) * speed))
        self.knots.append((step, progress, step + remaining))
        self._planned = (step, seconds)

    def resume(
        self, knots: Sequence[Knot], minutes: float | None, step: int, seconds: float
    ) -> None:
        """Take back what an interrupted run had settled on; a larger budget goes on from there.

        What was settled on for the steps already taken stays, so that a run that is given the same
        knots takes the same learning rates through all of its budgets.

        Args:
            knots: of that run; none where it had not begun.
            minutes: the budget that they were settled on for; None for one in epochs or steps.
            step: steps taken.
            seconds: time spent on them.
        """
        if not knots:
            if self.minutes is not None and not step:  # from the very beginning
                self.knots, self._planned = [(0, 0.0, 0)], (0, 0.0)
            return
        before = Pace.settled(knots).knots
        if minutes == self.minutes and (minutes is not None or before[-1][-1] == self._end):
            self.knots = before
        elif step:
            self.knots = [*(knot for knot in before if knot[0] < step), self._knot(step, seconds)]
        # With one knot, the speed is still being measured from the beginning.
        self._planned = (step, seconds) if len(self.knots) > 1 else (0, 0.0)

    @property
    def _end(self) -> int:
        return self.knots[-1][-1]

    def _knot(self, step: int, seconds: float) -> Knot:
        """From where a budget goes on that is not the one in which `step` was reached."""
        if self.minutes is None:
            return (step, min(step / self._end, 1.0), self._end)
        budget = self.minutes * 60
        remaining = max(1, round((budget - seconds) * step / max(seconds, 1e-9)))
        return (step, min(seconds / budget, 1.0), step + remaining)
