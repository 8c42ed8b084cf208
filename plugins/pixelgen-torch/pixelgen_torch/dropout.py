"""Which numbers are dropped: the same, however a batch's sequences are shared out."""

from __future__ import annotations

import math

import torch
from torch import Tensor

_LEVELS = 2**16  # of an int16


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
        """Return zeros for a share of x's numbers, and what the rest is to be multiplied by.

        The share is rounded to a 65,536th.
        """
        drawn = list(x.shape)
        if self._rows is not None:
            drawn[batch_axis] = self._whole
        zeros = min(round(share * _LEVELS), _LEVELS - 1)  # of so many levels
        mask = (self._levels(drawn, x.device) >= zeros - _LEVELS // 2).to(x.dtype)
        mask *= _LEVELS / (_LEVELS - zeros)
        if self._rows is None:
            return mask
        return mask.narrow(batch_axis, self._rows.start, self._rows.stop - self._rows.start)

    def _levels(self, shape: list[int], device: torch.device) -> Tensor:
        """Random int16 numbers of this shape, four from each number that is drawn.

        On a CPU numbers are drawn one after another, and `bernoulli_` draws one for each of a mask:
        a tenth of the time of a training step.
        """
        count = math.prod(shape)
        words = torch.empty(-(-count // 4), dtype=torch.int64, device=device)
        words.random_(torch.iinfo(torch.int64).min, None, generator=self._generator)
        return words.view(torch.int16)[:count].view(shape)


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
