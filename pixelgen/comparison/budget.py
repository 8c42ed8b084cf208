"""Equal budgets: the same minutes, epochs or targets for every setting."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from pixelgen.data.batches import Cutter
from pixelgen.errors import OptionError

Unit = Literal["minutes", "epochs", "targets"]
UNITS: tuple[Unit, ...] = get_args(Unit)


@dataclass(frozen=True)
class Budget:
    """What each run may spend on training.

    Attributes:
        unit: `minutes` of training steps, `epochs` over the pictures, or `targets`: tokens learned
            from, each as often as it is seen.
        amount: how many of them.
    """

    unit: Unit
    amount: float

    def __str__(self) -> str:
        one = self.unit.removesuffix("s") if self.amount == 1 else self.unit
        return (
            f"{self.amount:,.6g} {one}" if self.unit == "minutes" else f"{self.amount:,.0f} {one}"
        )

    @classmethod
    def parse(cls, given: Mapping[str, Any], *, where: str) -> Budget:
        """Return the budget of a table such as `{"minutes": 4}`.

        Raises:
            OptionError: not exactly one of the units is given, or it is not above 0.
        """
        if len(given) != 1 or not set(given) <= set(UNITS):
            raise OptionError(
                f"the budget is given as {' and as '.join(map(repr, given)) or 'nothing'}",
                where=where,
                remedy=f"Give one of {', '.join(UNITS)}: they can be the same for every setting",
            )
        unit = next(name for name in UNITS if name in given)
        amount = given[unit]
        whole = unit != "minutes"
        is_number = isinstance(amount, int | float) and not isinstance(amount, bool)
        fits = is_number and 0 < amount < math.inf
        if not fits or (whole and amount != int(amount)):
            raise OptionError(
                f"the budget cannot be {amount!r} {unit}",
                where=where,
                remedy=f"Give a {'whole ' if whole else ''}number above 0",
            )
        return cls(unit, float(amount))

    def training(self, steps: int | None = None) -> dict[str, Any]:
        """Return the recipe's `[training]` table.

        Args:
            steps: how many batches the targets of this budget are, where it is one of targets.
        """
        if self.unit == "targets":
            return {"steps": steps}
        return {self.unit: self.amount if self.unit == "minutes" else int(self.amount)}


def steps_for_targets(targets: float, cutter: Cutter, pictures: int) -> int:
    """Return in how many batches a model sees so many targets, at least one.

    By the mean size of an epoch's batches, since the last of an epoch may be smaller; the result
    is exact to half a batch at the end of each epoch.

    Args:
        targets: tokens to learn from.
        cutter: how the model's sequences are cut.
        pictures: how many an epoch has.
    """
    an_epoch = pictures * cutter.targets_of_a_picture
    return max(1, round(targets * cutter.batches_per_epoch(pictures) / an_epoch))
