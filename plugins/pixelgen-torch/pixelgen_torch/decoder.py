"""Painting: one position of many sequences at a time, without gradients, in float32.

The same arithmetic as `network.py`, arranged for a single step: the weights are packed once, the
input's and the recurrent product are one, and the tokens' output vectors are multiplied into the
projection beforehand where that is the cheaper way. `products.py` says how every row's numbers
stay the same whatever other rows there are.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from pixelgen.models.interface import Decoder, StepInputs
from pixelgen_torch.network import Network
from pixelgen_torch.products import Product, blocks, pad_to, padded, row_multiple


class TorchDecoder(Decoder):
    """Holds the states of a number of slots, and one more that padding rows write to.

    M rows are painted at once, padded to M'; E' and H' are E and H padded.
    """

    def __init__(self, network: Network, slots: int) -> None:
        with torch.no_grad():
            self._prepare(network)
        # (L, slots + 1, 2H'): h and c of a slot side by side, to be fetched in one go.
        self._states = torch.zeros(
            network.options.layers, slots + 1, 2 * self._hidden, device=network.device
        )
        self._spare = slots
        self._multiple = row_multiple(network.device)

    def step(self, inputs: StepInputs) -> np.ndarray:
        """Return the logits (M, V) float32 of the next token at each position."""
        with torch.inference_mode():
            rows = len(inputs.positions)
            slots = self._tensor(self._padded(inputs.slots, rows, self._spare))
            x = self._inputs(inputs, rows)
            keep = None
            if inputs.starts.any():
                keep = self._tensor(self._padded(~inputs.starts, rows, 0)).view(-1, 1)
            for layer in range(len(self._states)):
                x = self._layer(layer, x, slots, keep)
            for product in self._out:
                x = product(x)
            logits: np.ndarray = x[:rows, : self._network.spec.vocab_size].cpu().numpy()
            return logits

    def _inputs(self, inputs: StepInputs, rows: int) -> Tensor:
        """(M', E') what the first layer is given."""
        # Gathering a handful of numbers a row is done in NumPy, where a call costs less.
        context = self._padded(inputs.context, rows, self._network.spec.vocab_size)  # (M', n)
        positions = self._padded(inputs.positions, rows, 0)
        groups = self._padded(inputs.groups, rows, 0)
        total = None
        entries = self._network.entries(context, positions, groups)
        if entries.shape[1]:
            total = functional.embedding_bag(self._tensor(entries), self._tables, mode="sum")
        if self._colour_in:
            first, second = self._colour_in
            colours = self._colours.take(context, 0).reshape(len(context), -1)
            seen = second(self._gelu(first(self._tensor(colours))))
            total = seen if total is None else total.add_(seen)
        assert total is not None
        return self._gelu(total) if self._network.activated else total

    def _layer(self, layer: int, x: Tensor, slots: Tensor, keep: Tensor | None) -> Tensor:
        """(M', H') one layer's outputs; moves the slots' states on."""
        hidden = self._hidden
        state = self._states[layer].index_select(0, slots)  # (M', 2H')
        if keep is not None:
            state.mul_(keep)
        h, c = state[:, :hidden], state[:, hidden:]
        gates = self._gates[layer](torch.cat([x, h], 1))  # (M', 4H')
        for part in blocks(*gates.shape):
            i, f, s, o = gates[part].sigmoid_().view(-1, 4, hidden).unbind(1)
            cell = c[part].mul_(f).addcmul_(i, s, value=2).sub_(i)  # tanh(g) = 2σ(2g) - 1
            t = torch.mul(cell, 2).sigmoid_()  # and tanh(c) the same: a third of its time
            torch.addcmul(o, o, t, value=-2, out=h[part]).neg_()
        self._states[layer].index_copy_(0, slots, state)
        return h

    def _gelu(self, x: Tensor) -> Tensor:
        for part in blocks(*x.shape):
            torch.ops.aten.gelu_(x[part], approximate="tanh")
        return x

    def _padded(self, values: np.ndarray, rows: int, filler: int) -> np.ndarray:
        """(M', …) int64: `values` and enough fillers."""
        larger = np.empty((padded(rows, self._multiple), *values.shape[1:]), np.int64)
        larger[:rows] = values
        larger[rows:] = filler
        return larger

    def _tensor(self, array: np.ndarray) -> Tensor:
        return torch.from_numpy(array).to(self._network.device)

    def _prepare(self, network: Network) -> None:
        """Pad, join and pack the weights; zeros added to a width stay zeros all the way."""
        options, weights = network.options, network.weights()
        self._network = network
        self._colours = network.colours.cpu().numpy()  # (V + 1, C + 1)
        self._hidden = padded(options.hidden)
        width = padded(options.embedding)
        tables = network.tables()
        self._tables = pad_to(tables, len(tables), width)
        self._colour_in = []
        if "colour_in.0.weight" in weights:
            inputs = weights["colour_in.0.weight"].shape[1]
            for layer, into in enumerate((inputs, width)):
                weight = weights[f"colour_in.{layer}.weight"]
                self._colour_in.append(
                    Product(pad_to(weight, len(weight), into), weights[f"colour_in.{layer}.bias"])
                )
        self._gates = []
        for layer in range(options.layers):
            into = weights[f"lstm.{layer}.input"].shape[1]
            joined = torch.cat(
                [
                    self._by_gate(weights[f"lstm.{layer}.input"], padded(into)),
                    self._by_gate(weights[f"lstm.{layer}.recurrent"], self._hidden),
                ],
                1,
            )
            bias = self._by_gate(weights[f"lstm.{layer}.bias"][:, None], 1)[:, 0]
            self._gates.append(Product(joined, bias))
        self._out = self._output(network, weights)

    def _by_gate(self, weight: Tensor, into: int) -> Tensor:
        """(4H', into) of (4H, in): each gate padded, and gate g doubled."""
        gates = weight.view(4, self._network.options.hidden, -1)
        larger = pad_to(gates, 4, self._hidden, into)
        larger[2] *= 2
        return larger.flatten(0, 1)

    def _output(self, network: Network, weights: dict[str, Tensor]) -> list[Product]:
        bias = weights["output.bias"]
        if network.options.output == "plain":
            return [Product(pad_to(weights["output.weight"], len(bias), self._hidden), bias)]
        vectors = network.vectors()  # (V, Z)
        project, offset = weights["project.weight"], weights["project.bias"]
        size, hidden = project.shape
        if len(bias) * hidden <= size * (len(bias) + hidden):
            joined = (vectors.double() @ project.double()).float()
            shifted = (bias.double() + vectors.double() @ offset.double()).float()
            return [Product(pad_to(joined, len(bias), self._hidden), shifted)]
        return [
            Product(pad_to(project, size, self._hidden), offset),
            Product(pad_to(vectors, len(bias), padded(size)), bias),
        ]
