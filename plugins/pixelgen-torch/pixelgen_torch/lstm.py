"""`torch-lstm`: the canonical LSTM, whose equations stand in `pixelgen.models.canonical`."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

import pixelgen
from pixelgen.data.segments import Batch
from pixelgen.models.canonical.options import FAMILY
from pixelgen.models.canonical.training_state import State
from pixelgen_torch.dropout import Dropout, dropped
from pixelgen_torch.lstm_decoder import LSTMDecoder
from pixelgen_torch.model import SequenceNetwork, TorchModel
from pixelgen_torch.options import LSTMOptions
from pixelgen_torch.recurrence import lstm

Carried = list[tuple[Tensor, Tensor]]  # h and c (B, H) of each layer


class LSTMNetwork(SequenceNetwork):
    """Layers of LSTM between the input and the output layer."""

    options: LSTMOptions
    splits_carried: ClassVar[bool] = True

    def some(self, carried: Carried | None, rows: slice) -> Carried | None:
        """Return the states of some of the sequences."""
        return carried and [(h[rows], c[rows]) for h, c in carried]

    def joined(self, carried: list[Carried]) -> Carried:
        """Return the states of a whole batch from those of its parts."""
        if len(carried) == 1:
            return carried[0]
        return [
            (torch.cat([h for h, _ in layer]), torch.cat([c for _, c in layer]))
            for layer in zip(*carried, strict=True)
        ]

    def spread(
        self, carried: Carried | None, rows: slice, whole: int
    ) -> tuple[Carried, list[Tensor]]:
        """Return the states of some sequences as those of all, zero elsewhere."""
        together = self.fresh_state(whole)
        for (h, c), (some_h, some_c) in zip(together, carried or [], strict=False):
            h[rows], c[rows] = some_h, some_c
        return together, [tensor for pair in together for tensor in pair]

    def read(
        self,
        batch: Batch,
        carried: Carried | None,
        dtype: torch.dtype,
        dropout: Dropout | None,
    ) -> tuple[Tensor, Carried]:
        """Return the outputs h (TB, H), time first, and the state after the last position."""
        h, last = self.recur(self.embed(batch, dtype), self._continued(carried, batch), dropout)
        return h.flatten(0, 1), last

    def recur(
        self, x: Tensor, state: Carried, dropout: Dropout | None = None
    ) -> tuple[Tensor, Carried]:
        """Run all LSTM layers over (T, B, E) inputs; return (T, B, H) and the last state.

        Where `dropout` is given, it draws the masks that every layer's outputs are dropped by.
        """
        last: Carried = []
        for layer, (h, c) in enumerate(state):
            x, last_h, last_c = lstm(
                x,
                self._leaves[f"lstm.{layer}.input"],
                self._leaves[f"lstm.{layer}.recurrent"],
                self._leaves[f"lstm.{layer}.bias"],
                h,
                c,
            )
            last.append((last_h, last_c))
            x = dropped(x, self.options.dropout_share, dropout, batch_axis=1)
        return x, last

    def fresh_state(self, rows: int) -> Carried:
        """Return the state of `rows` sequences that have not begun."""
        return [
            (self._zeros(rows, self.options.hidden), self._zeros(rows, self.options.hidden))
            for _ in range(self.options.layers)
        ]

    def _continued(self, carried: Carried | None, batch: Batch) -> Carried:
        """The state that a batch's sequences begin with: fresh, or carried from the last batch."""
        rows = len(batch.starts)
        if batch.starts.all():
            return self.fresh_state(rows)
        before = 0 if carried is None else len(carried[0][0])
        if carried is None or before != rows:
            raise ValueError(f"a batch of {rows} sequences cannot go on from one of {before}")
        goes_on = self._tensor(~batch.starts)[:, None]
        return [(h * goes_on, c * goes_on) for h, c in carried]


class TorchLSTM(TorchModel):
    """The canonical LSTM on PyTorch."""

    Options: ClassVar[type[pixelgen.Options]] = LSTMOptions
    Net: ClassVar[type[SequenceNetwork]] = LSTMNetwork
    family: ClassVar[str | None] = FAMILY

    network: LSTMNetwork

    def decoder(self, slots: int) -> LSTMDecoder:
        """Return a decoder with this many recurrent states."""
        return LSTMDecoder(self.network, slots)

    @property
    def recurrent_layers(self) -> int:
        """How many layers have states that training carries from batch to batch."""
        return self.network.options.layers

    def states(self) -> State:
        """Return these: h and c (B, H) of each."""
        carried = (
            self.network.fresh_state(0) if self.learning.carried is None else self.learning.carried
        )
        return [(_array(h), _array(c)) for h, c in carried]

    def take_states(self, states: State) -> None:
        """Take back what `states` returned."""
        self.learning.carried = [(self.tensor(h), self.tensor(c)) for h, c in states]


def _array(tensor: Tensor) -> np.ndarray:
    copy: np.ndarray = tensor.cpu().numpy().copy()
    return copy
