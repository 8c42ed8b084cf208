"""Which numbers are dropped: the same, however a batch's sequences are shared out."""

from __future__ import annotations

import torch
from torch import Tensor


class Dropout:
    """Draws masks for a whole batch, of whose sequences this process may have only some.

    Whichever they are, the generator is left in the same state.
    """

    def __init__(
        self, generator: torch.Generator, rows: slice | None = None, whole: int = 0
    ) -> None:
        """Draw for `rows` of the `whole` sequences of a batch; for all that are here, if None."""
        self._generator, self._rows, self._whole = generator, rows, whole

    def mask(self, x: Tensor, share: float, batch_axis: int) -> Tensor:
        """Return zeros for a share of x's numbers, and what the rest is to be multiplied by."""
        drawn = list(x.shape)
        if self._rows is not None:
            drawn[batch_axis] = self._whole
        mask = x.new_empty(drawn)
        mask.bernoulli_(1 - share, generator=self._generator).div_(1 - share)
        if self._rows is None:
            return mask
        return mask.narrow(batch_axis, self._rows.start, self._rows.stop - self._rows.start)


def dropped(x: Tensor, share: float, dropout: Dropout | None, batch_axis: int) -> Tensor:
    """Return x with a share of its numbers dropped and the rest made up for it.

    Where `dropout` is None or the share 0, that is x itself.

    Args:
        x: of any shape.
        share: of the numbers.
        dropout: draws them.
        batch_axis: along which x has the sequences of the batch.
    """
    if dropout is None or not share:
        return x
    return x * dropout.mask(x, share, batch_axis)
