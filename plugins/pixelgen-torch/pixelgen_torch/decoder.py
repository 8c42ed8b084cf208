"""Painting: one position of many sequences at a time, without gradients.

The same arithmetic as `network.py`, arranged for a single step: the weights are packed once, and
the tokens' output vectors are multiplied into the projection beforehand where that is the cheaper
way. `products.py` says how every row's numbers stay the same whatever other rows there are.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from pixelgen.models.canonical.options import NeighbourOptions
from pixelgen.models.canonical.parameters import tied_heads
from pixelgen.models.interface import Decoder, StepInputs
from pixelgen_torch.device import is_gpu, there
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


@dataclass(frozen=True, eq=False)
class Seen:
    """What rows are painted from, on the device.

    Attributes:
        entries: (M', tables) int64, of `Network.entries`.
        colours: (M', n (C + 1)) float32, c and o of the neighbours; None where they are not seen.
        tied: (M', J) int64, the tied neighbours' tokens; None where none are tied.
        slots: (M',) int64, the state that each row goes on from.
        keep: (M', 1) bool or 0 and 1, false where that starts afresh; None where none does.
    """

    entries: Tensor
    colours: Tensor | None
    tied: Tensor | None
    slots: Tensor
    keep: Tensor | None


class NetworkDecoder(Decoder):
    """The input and the output layer; a subclass adds what is between.

    M rows are painted at once, padded to M'; every width is padded too, to E', H'. Zeros added to a
    width stay zeros all the way.

    Attributes:
        together: how many rows every step has, where steps must be of one shape.
        at_once: the same on this device; None where steps may have any number of rows.
        spare: the slot that padding rows write to, one more than there are.
    """

    together: ClassVar[int] = 512

    def __init__(self, network: Network, slots: int) -> None:
        self._network = network
        self.at_once = self.together if is_gpu(network.device) else None
        self.spare = slots
        self._multiple = row_multiple(network.device)
        self._dtype = painting_dtype(network.options, network.device)
        with torch.no_grad():
            self._prepare_ends(network)

    def step(self, inputs: StepInputs) -> np.ndarray:
        """Return the logits (M, V) float32 of the next token at each position."""
        rows = len(inputs.positions)
        if self.at_once is None or rows <= self.at_once:
            return self._step(inputs)
        parts = [slice(first, first + self.at_once) for first in range(0, rows, self.at_once)]
        return np.concatenate([self._step(_some(inputs, part)) for part in parts])

    def _step(self, inputs: StepInputs) -> np.ndarray:
        with torch.inference_mode():
            logits = self.logits(self._seen(inputs))[: len(inputs.positions)]
            result: np.ndarray = logits.cpu().numpy()
            return result

    def logits(self, seen: Seen) -> Tensor:
        """Return the logits (M', V) float32 of the next token in each row; move the slots on."""
        h = self.between(self._inputs(seen), seen.slots, seen.keep)
        x: Tensor = self._out(self._z(h, seen.tied))
        return x[:, : self._network.spec.vocab_size].float().contiguous()

    @abstractmethod
    def between(self, x: Tensor, slots: Tensor, keep: Tensor | None) -> Tensor:
        """Return h (M', H') in any dtype, of x (M', E') float32.

        Row m's numbers depend on row m alone, bit for bit.

        Args:
            x: the input at each position.
            slots, keep: as in `Seen`. A state lies on the device, by slot, and counts as zero where
                `keep` is false. What waits for a GPU, as `.item()` does, can be in no graph.
        """

    def look(self, context: Tensor, entries: Tensor, slots: Tensor, keep: Tensor) -> Seen:
        """Return what rows of these contexts (M', n) int64 see, gathered on the device."""
        colours = None
        if self._colour_in:
            colours = functional.embedding(context, self._network.colours).flatten(1)
        tied = None if self._tied is None else context.index_select(1, self._tied_columns)
        return Seen(entries, colours, tied, slots, keep)

    def _seen(self, inputs: StepInputs) -> Seen:
        """The same, gathered in NumPy, where a call costs less for a handful of numbers a row."""
        network, rows = self._network, len(inputs.positions)
        context = self._padded(inputs.context, rows, network.spec.vocab_size)  # (M', n)
        positions = self._padded(inputs.positions, rows, 0)
        groups = self._padded(inputs.groups, rows, 0)
        colours = tied = keep = None
        if self._colour_in:
            colours = self._tensor(self._colours.take(context, 0).reshape(len(context), -1))
        if self._tied is not None:
            tied = self._tensor(context.take(network.tied, 1))
        if inputs.starts.any():
            keep = self._tensor(self._padded(~inputs.starts, rows, 0)).view(-1, 1)
        return Seen(
            self._tensor(network.entries(context, positions, groups)),
            colours,
            tied,
            self._tensor(self._padded(inputs.slots, rows, self.spare)),
            keep,
        )

    def _inputs(self, seen: Seen) -> Tensor:
        """(M', E') float32, what the first layer is given."""
        total = None
        if seen.entries.shape[1]:
            total = functional.embedding_bag(seen.entries, self._tables, mode="sum")
        if seen.colours is not None:
            first, second = self._colour_in
            made = second(self._gelu(first(seen.colours)))
            total = made.float() if total is None else total.add_(made)
        assert total is not None
        return self._gelu(total) if self._network.activated else total

    def _z(self, h: Tensor, neighbours: Tensor | None) -> Tensor:
        """What the tokens' vectors are multiplied with, in any dtype: (M', Z') of h (M', H')."""
        if self._project is None:
            return h
        z = self._project(h)
        if self._tied is None or neighbours is None:
            return z
        size = self._network.options.projection
        width = padded(size)
        weights = z[:, width : width + neighbours.shape[1] * self._tied_heads].float()
        z = z[:, :width].float()
        z[:, :size] += bags(self._tied, weights, neighbours)
        return z

    def _gelu(self, x: Tensor) -> Tensor:
        """GELU in place."""
        for part in blocks(x):
            torch.ops.aten.gelu_(x[part], approximate="tanh")
        return x

    def _padded(self, values: np.ndarray, rows: int, filler: int) -> np.ndarray:
        """(M', …) int64: `values` and enough fillers."""
        size = self.at_once or rows_padded(rows, self._multiple)
        larger = np.empty((size, *values.shape[1:]), np.int64)
        larger[:rows] = values
        larger[rows:] = filler
        return larger

    def _product(self, weight: Tensor, bias: Tensor) -> Product:
        return Product(weight, bias, self._dtype)

    def _tensor(self, array: np.ndarray) -> Tensor:
        return there(array, self._network.device)

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
            self._tied_columns = self._tensor(network.tied)
            project = torch.cat([pad_to(project, padded(size), hidden), weights["tied.weight"]])
            offset = torch.cat([pad_to(offset, padded(size)), weights["tied.bias"]])
        elif len(bias) * hidden <= size * (len(bias) + hidden):
            joined = (vectors.double() @ project.double()).float()
            shifted = (bias.double() + vectors.double() @ offset.double()).float()
            self._out = self._product(pad_to(joined, len(bias), read), shifted)
            return
        self._project = self._product(pad_to(project, len(project), read), offset)
        self._out = self._product(pad_to(vectors, len(bias), padded(size)), bias)


def _some(inputs: StepInputs, part: slice) -> StepInputs:
    return replace(
        inputs,
        context=inputs.context[part],
        positions=inputs.positions[part],
        slots=inputs.slots[part],
        starts=inputs.starts[part],
        groups=inputs.groups[part],
        pictures=inputs.pictures[part],
    )
