"""The pace of a run: how much of its budget is spent at each step.

A budget in epochs or steps gives the progress at once. A budget in minutes is turned into steps
from the speed measured so far, a few times along the way, and what was settled on is kept: a run
that is given the same pace takes the same learning rates, whatever the clock says.
"""

from __future__ import annotations

from collections.abc import Sequence

HOLD_SHARE = 0.02  # of the time: progress stays at 0 until the speed is known
HOLD_STEPS = 8
REPLAN_AT = (0.1, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95)

Knot = tuple[int, float, int]


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
        """Return the share of the budget that is spent before this step, 0 to 1."""
        begin, before, end = next(knot for knot in reversed(self.knots) if knot[0] <= step)
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
            ready = step >= HOLD_STEPS and seconds >= HOLD_SHARE * budget
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

    def resume(self, knots: Sequence[Knot], step: int, seconds: float) -> None:
        """Take back what an interrupted run had settled on."""
        self.knots = [(int(begin), float(before), int(end)) for begin, before, end in knots]
        if len(self.knots) > 1:  # else the speed is still being measured from the beginning
            self._planned = (step, seconds)

    def extend(self, step: int, seconds: float) -> None:
        """Go on from `step` to a larger budget in minutes than the one that it was reached with."""
        if self.minutes is not None and step:
            budget = self.minutes * 60
            remaining = max(1, round((budget - seconds) * step / max(seconds, 1e-9)))
            self.knots = [(0, 0.0, 0), (step, min(seconds / budget, 1.0), step + remaining)]
            self._planned = (step, seconds)
