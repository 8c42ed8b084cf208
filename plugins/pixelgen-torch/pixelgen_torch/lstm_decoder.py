"""Painting with the LSTM: the states of many sequences, each moved on by one position at a time.

The input's and the recurrent product of a layer are one product here.
"""

from __future__ import annotations

import torch
from torch import Tensor

from pixelgen_torch.decoder import NetworkDecoder
from pixelgen_torch.network import Network
from pixelgen_torch.options import LSTMOptions
from pixelgen_torch.products import Product, blocks, pad_to, padded


class LSTMDecoder(NetworkDecoder):
    """Holds the states of a number of slots, and one more that padding rows write to."""

    def __init__(self, network: Network, slots: int) -> None:
        super().__init__(network, slots)
        options = network.options
        assert isinstance(options, LSTMOptions)
        self._size, self._hidden = options.hidden, padded(options.hidden)
        with torch.no_grad():
            self._gates = [self._joined(network, layer) for layer in range(options.layers)]
        # (L, slots + 1, 2H'): h and c of a slot side by side, to be fetched in one go.
        self._states = torch.zeros(
            options.layers, slots + 1, 2 * self._hidden, device=network.device
        )

    def between(self, x: Tensor, slots: Tensor, keep: Tensor | None) -> Tensor:
        """Return h (M', H') of x (M', E'), and move the slots' states on."""
        for layer in range(len(self._states)):
            x = self._layer(layer, x, slots, keep)
        return x

    def _layer(self, layer: int, x: Tensor, slots: Tensor, keep: Tensor | None) -> Tensor:
        """(M', H') one layer's outputs; moves the slots' states on."""
        hidden = self._hidden
        state = self._states[layer].index_select(0, slots)  # (M', 2H')
        if keep is not None:
            state.mul_(keep)
        h, c = state[:, :hidden], state[:, hidden:]
        gates = self._gates[layer](torch.cat([x, h], 1))  # (M', 4H')
        for part in blocks(gates):
            i, f, s, o = gates[part].float().sigmoid_().view(-1, 4, hidden).unbind(1)
            cell = c[part].mul_(f).addcmul_(i, s, value=2).sub_(i)  # tanh(g) = 2σ(2g) - 1
            t = torch.mul(cell, 2).sigmoid_()  # and tanh(c) the same: a third of its time
            torch.addcmul(o, o, t, value=-2, out=h[part]).neg_()
        self._states[layer].index_copy_(0, slots, state)
        return h

    def _joined(self, network: Network, layer: int) -> Product:
        """The product of a layer with [x, h]."""
        weights = network.weights()
        into = weights[f"lstm.{layer}.input"].shape[1]
        joined = torch.cat(
            [
                self._by_gate(weights[f"lstm.{layer}.input"], padded(into)),
                self._by_gate(weights[f"lstm.{layer}.recurrent"], self._hidden),
            ],
            1,
        )
        bias = self._by_gate(weights[f"lstm.{layer}.bias"][:, None], 1)[:, 0]
        return self._product(joined, bias)

    def _by_gate(self, weight: Tensor, into: int) -> Tensor:
        """(4H', into) of (4H, in): each gate padded, and gate g doubled."""
        gates = weight.view(4, self._size, -1)
        larger = pad_to(gates, 4, self._hidden, into)
        larger[2] *= 2
        return larger.flatten(0, 1)
