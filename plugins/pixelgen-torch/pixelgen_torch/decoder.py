"""Painting: one position of many sequences at a time, without gradients.

The same arithmetic as `network.py`, arranged for a single step: the weights are packed once, and
the tokens' output vectors are multiplied into the projection beforehand where that is the cheaper
way. `products.py` says how every row's numbers stay the same whatever other rows there are.
"""

from __future__ import annotations

from abc import abstractmethod

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from pixelgen.models.canonical.options import NeighbourOptions
from pixelgen.models.canonical.parameters import tied_heads
from pixelgen.models.interface import Decoder, StepInputs
from pixelgen_torch.network import Network
from pixelgen_torch.options import TorchOptions
from pixelgen_torch.products import (
    Product,
    blocks,
    packing_takes_bfloat16,
    packing_works,
    pad_to,
    padded,
    row_multiple,
    rows_padded,
)
from pixelgen_torch.tied import bags, by_head


def painting_dtype(options: NeighbourOptions, device: torch.device) -> torch.dtype:
    """Return the dtype of products in painting: float32 where bfloat16 cannot be had."""
    wanted = isinstance(options, TorchOptions) and options.painting == "bfloat16"
    refused = device.type == "cpu" and packing_works() and not packing_takes_bfloat16()
    return torch.bfloat16 if wanted and not refused else torch.float32


class NetworkDecoder(Decoder):
    """The input and the output layer; a subclass adds what is between.

    M rows are painted at once, padded to M'; every width is padded too, to E', H'. Zeros added to a
    width stay zeros all the way.
    """

    def __init__(self, network: Network) -> None:
        self._network = network
        self._multiple = row_multiple(network.device)
        self._dtype = painting_dtype(network.options, network.device)
        with torch.no_grad():
            self._prepare_ends(network)

    def step(self, inputs: StepInputs) -> np.ndarray:
        """Return the logits (M, V) float32 of the next token at each position."""
        with torch.inference_mode():
            rows = len(inputs.positions)
            # Gathering a handful of numbers a row is done in NumPy, where a call costs less.
            context = self._padded(inputs.context, rows, self._network.spec.vocab_size)  # (M', n)
            x = self.between(self._inputs(context, inputs, rows), inputs)
            x = self._out(self._z(x, context))[:rows, : self._network.spec.vocab_size]
            logits: np.ndarray = x.float().contiguous().cpu().numpy()
            return logits

    @abstractmethod
    def between(self, x: Tensor, inputs: StepInputs) -> Tensor:
        """Return h (M', H') in any dtype, of x (M', E') float32.

        Row m's numbers depend on row m alone, bit for bit.
        """

    def _inputs(self, context: np.ndarray, inputs: StepInputs, rows: int) -> Tensor:
        """(M', E') float32, what the first layer is given."""
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
            total = seen.float() if total is None else total.add_(seen)
        assert total is not None
        return self._gelu(total) if self._network.activated else total

    def _z(self, h: Tensor, context: np.ndarray) -> Tensor:
        """What the tokens' vectors are multiplied with, in any dtype: (M', Z') of h (M', H')."""
        if self._project is None:
            return h
        z = self._project(h)
        if self._tied is None:
            return z
        tied, size = self._network.tied, self._network.options.projection
        width = padded(size)
        weights = z[:, width : width + len(tied) * self._tied_heads].float()
        z = z[:, :width].float()
        z[:, :size] += bags(self._tied, weights, self._tensor(context.take(tied, 1)))
        return z

    def _gelu(self, x: Tensor) -> Tensor:
        """GELU in place."""
        for part in blocks(x):
            torch.ops.aten.gelu_(x[part], approximate="tanh")
        return x

    def _padded(self, values: np.ndarray, rows: int, filler: int) -> np.ndarray:
        """(M', …) int64: `values` and enough fillers."""
        larger = np.empty((rows_padded(rows, self._multiple), *values.shape[1:]), np.int64)
        larger[:rows] = values
        larger[rows:] = filler
        return larger

    def _product(self, weight: Tensor, bias: Tensor) -> Product:
        return Product(weight, bias, self._dtype)

    def _tensor(self, array: np.ndarray) -> Tensor:
        return torch.from_numpy(array).to(self._network.device)

    def _prepare_ends(self, network: Network) -> None:
        """Pad and pack the weights of the two layers."""
        weights = network.weights()
        self._colours = network.colours.cpu().numpy()  # (V + 1, C + 1)
        width = padded(network.options.embedding)
        tables = network.tables()
        self._tables = pad_to(tables, len(tables), width)
        self._colour_in = []
        if "colour_in.0.weight" in weights:
            inputs = weights["colour_in.0.weight"].shape[1]
            for layer, into in enumerate((inputs, width)):
                weight = weights[f"colour_in.{layer}.weight"]
                self._colour_in.append(
                    self._product(
                        pad_to(weight, len(weight), into), weights[f"colour_in.{layer}.bias"]
                    )
                )
        self._prepare_output(network, weights)

    def _prepare_output(self, network: Network, weights: dict[str, Tensor]) -> None:
        bias = weights["output.bias"]
        read = padded(network.options.width)
        self._project: Product | None = None
        self._tied: Tensor | None = None
        if network.options.output == "plain":
            self._out = self._product(pad_to(weights["output.weight"], len(bias), read), bias)
            return
        vectors = network.vectors()  # (V, Z)
        project, offset = weights["project.weight"], weights["project.bias"]
        size, hidden = project.shape
        if len(network.tied):  # z, and beside it the weights of the neighbours' vectors
            self._tied_heads = tied_heads(network.options)
            self._tied = by_head(vectors, self._tied_heads)
            project = torch.cat([pad_to(project, padded(size), hidden), weights["tied.weight"]])
            offset = torch.cat([pad_to(offset, padded(size)), weights["tied.bias"]])
        elif len(bias) * hidden <= size * (len(bias) + hidden):
            joined = (vectors.double() @ project.double()).float()
            shifted = (bias.double() + vectors.double() @ offset.double()).float()
            self._out = self._product(pad_to(joined, len(bias), read), shifted)
            return
        self._project = self._product(pad_to(project, len(project), read), offset)
        self._out = self._product(pad_to(vectors, len(bias), padded(size)), bias)
