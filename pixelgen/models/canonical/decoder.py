"""A step of painting: one position of many sequences at a time.

The equations of the package's docstring once more, without the traces that gradients need, and
arranged for speed: W x and R h are one product, and what depends on the position alone is looked
up. A tile of positions goes all the way from tokens to logits before the next one begins, with a
position in each column, which is what `tiles.py` needs. m positions in a tile, M in a step.
"""

from __future__ import annotations

import numpy as np

from pixelgen.models.canonical.forward import Network
from pixelgen.models.canonical.gelu import gelu
from pixelgen.models.canonical.recurrence import gate_scales
from pixelgen.models.canonical.tiles import agreeing_sizes, cut, product
from pixelgen.models.interface import Decoder, StepInputs


class Linear:
    """x ↦ weight x + bias for a position in each column."""

    def __init__(self, weight: np.ndarray, bias: np.ndarray) -> None:
        self.weight = np.asfortranarray(weight)  # (out, in)
        self.bias = bias[:, None].copy()  # (out, 1)

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """(out, m) of (in, m)."""
        y = product(self.weight, x)
        y += self.bias
        return y


class NumpyDecoder(Decoder):
    """Holds the states of a number of slots, and one more for the columns that fill a tile up."""

    def __init__(self, network: Network, slots: int) -> None:
        self._network, weights, options = network, network.weights, network.options
        self._spare = slots
        self._h = np.zeros((options.layers, slots + 1, options.hidden), np.float32)
        self._c = np.zeros_like(self._h)
        self._tokens = [weights[name] for name in network.tables if name.startswith("token_in")]
        self._groups = weights.get("group_in.weight")  # (groups, E)
        self._places = self._place_embeddings()  # (P, E)
        self._colour_in = [
            Linear(weights[f"colour_in.{layer}.weight"], weights[f"colour_in.{layer}.bias"])
            for layer in ((0, 1) if network.sees_colours else ())
        ]
        self._gates = []
        scale, _ = gate_scales(options.hidden, np.dtype(np.float32))  # (4H,), powers of two: exact
        for layer in range(options.layers):
            both = [weights[f"lstm.{layer}.input"], weights[f"lstm.{layer}.recurrent"]]
            joined = np.concatenate(both, axis=1) * scale[:, None]  # (4H, E + H)
            self._gates.append(Linear(joined, weights[f"lstm.{layer}.bias"] * scale))
        vectors = network.output().vectors
        self._out = Linear(vectors, weights["output.bias"])
        linears = [*self._colour_in, *self._gates, self._out]
        if options.output == "palette":
            # z and, below it, the weights of the neighbours' vectors, in one product.
            names = ["project", "tied"] if len(network.tied) else ["project"]
            self._project = Linear(
                *(
                    np.concatenate([weights[f"{name}.{part}"] for name in names])
                    for part in ("weight", "bias")
                )
            )
            linears.append(self._project)
        if len(network.tied):
            self._vectors = network.tied_vectors(vectors)  # (V + 1, G, Z / G)
        self._sizes = agreeing_sizes(linear.weight.shape for linear in linears)

    def step(self, inputs: StepInputs) -> np.ndarray:
        """Return the logits (M, V) float32 of the next token at each position."""
        rows, vocab = len(inputs.positions), self._network.spec.vocab_size
        logits = np.empty((rows, vocab), np.float32)
        for first, size in cut(rows, self._sizes):
            part = slice(first, first + size)
            context = _filled(inputs.context[part], size, vocab)
            x = self._inputs(
                context,
                _filled(inputs.positions[part], size, 0),
                _filled(inputs.groups[part], size, 0),
            )  # (E, m)
            slots = _filled(inputs.slots[part], size, self._spare)
            goes_on = _filled(~inputs.starts[part], size, False)
            for layer in range(len(self._gates)):
                x = self._layer(layer, x, slots, goes_on)  # (H, m)
            logits[part] = self._out(self._z(x, context)).T[: rows - first]
        return logits

    def _inputs(self, context: np.ndarray, positions: np.ndarray, groups: np.ndarray) -> np.ndarray:
        """x (E, m) of contexts (m, n), positions (m,) and groups (m,)."""
        network = self._network
        total = self._places[positions]  # s (m, E), as far as tables go
        for neighbour, table in enumerate(self._tokens):
            total += table[context[:, neighbour]]
        if self._groups is not None:
            total += self._groups[groups]
        s = np.ascontiguousarray(total.T)  # (E, m)
        if self._colour_in:
            first, second = self._colour_in
            f = network.colours[context].reshape(len(context), -1)  # (m, n (C + 1))
            s += second(gelu(first(np.ascontiguousarray(f.T))))
        return gelu(s) if network.activated else s

    def _layer(
        self, layer: int, x: np.ndarray, slots: np.ndarray, goes_on: np.ndarray
    ) -> np.ndarray:
        """h (H, m) of a layer; moves the slots' states on."""
        before = _in_columns(self._h[layer][slots], goes_on)  # (H, m)
        c = _in_columns(self._c[layer][slots], goes_on)
        a = self._gates[layer](np.concatenate([x, before]))  # (4H, m), scaled for tanh
        i, f, g, o = np.split(np.tanh(a, out=a), 4)  # (H, m) each
        for gate in (i, f, o):  # σ(a) = 1/2 + 1/2 tanh(a/2)
            gate *= 0.5
            gate += 0.5
        c *= f
        i *= g
        c += i
        h: np.ndarray = np.tanh(c)
        h *= o
        self._h[layer][slots] = h.T
        self._c[layer][slots] = c.T
        return h

    def _z(self, h: np.ndarray, context: np.ndarray) -> np.ndarray:
        """z (Z, m) of h (H, m) and contexts (m, n)."""
        network = self._network
        if network.options.output == "plain":
            return h
        z = self._project(h)  # (Z + G J, m)
        if not len(network.tied):
            return z
        z, a = np.split(z, [network.options.projection])
        a = a.T.reshape(len(context), network.heads, -1, 1).swapaxes(1, 2)  # (m, J, G, 1)
        taken = self._vectors[context.take(network.tied, 1)]  # (m, J, G, Z / G)
        taken *= a
        z += taken.sum(axis=1).reshape(len(context), -1).T
        return z

    def _place_embeddings(self) -> np.ndarray:
        """(P, E): the sum of what is embedded of each position's row, column and level."""
        network, spec = self._network, self._network.spec
        positions = np.arange(len(spec.rows))
        nothing = np.zeros((len(positions), spec.context_size), np.int32)
        entries = network.entries(nothing, positions, np.zeros_like(positions))
        total = np.zeros((len(positions), network.options.embedding), np.float32)
        for name in network.places:
            total += network.weights[name][entries[name]]
        return total


def _in_columns(states: np.ndarray, goes_on: np.ndarray) -> np.ndarray:
    """(H, m) in C order: states (m, H), or zeros where a sequence starts afresh (m,)."""
    columns = np.ascontiguousarray(states.T)
    columns *= goes_on
    return columns


def _filled(values: np.ndarray, size: int, filler: int) -> np.ndarray:
    """(size, …): the values, and fillers where there are fewer."""
    if len(values) == size:
        return values
    larger = np.full((size, *values.shape[1:]), filler, values.dtype)
    larger[: len(values)] = values
    return larger
