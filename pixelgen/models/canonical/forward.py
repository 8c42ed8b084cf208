"""The way there: from tokens to the vectors whose products are the logits.

The equations are in the package's docstring. N = T·B positions are computed at once, laid out time
first, since the recurrence walks so: position t of sequence b is row t·B + b.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from pixelgen.models.canonical.colours import colour_table, colour_waves
from pixelgen.models.canonical.gelu import gelu
from pixelgen.models.canonical.options import CanonicalOptions
from pixelgen.models.canonical.parameters import (
    embedding_tables,
    has_activated_input,
    place_entries,
    sees_colours,
    tied_columns,
    tied_heads,
)
from pixelgen.models.canonical.recurrence import LayerTrace, layer_forward
from pixelgen.models.canonical.training_state import State
from pixelgen.models.interface import ModelSpec


@dataclass(frozen=True, eq=False)
class InputTrace:
    """What x was computed from.

    Attributes:
        entries: (N,) by table: which of its rows each position takes.
        colours: f (N, n (C + 1)), or None.
        seen: colour_in.0 f (N, E), before γ; or None.
        total: s (N, E).
        x: (N, E).
    """

    entries: dict[str, np.ndarray]
    colours: np.ndarray | None
    seen: np.ndarray | None
    total: np.ndarray
    x: np.ndarray


@dataclass(frozen=True, eq=False)
class OutputTrace:
    """What the tokens' output vectors were computed from.

    Attributes:
        waves: φ (V, 8C), or None.
        shared: output.colour.0 φ (V, Z), before γ; or None.
        vectors: u (V, Z), or with output=plain (V, H).
    """

    waves: np.ndarray | None
    shared: np.ndarray | None
    vectors: np.ndarray


@dataclass(frozen=True, eq=False)
class TiedTrace:
    """What is added to z of the neighbours' output vectors.

    Attributes:
        neighbours: (N, J) in [0, V].
        vectors: u of every neighbour, by head (N, J, G, Z / G).
        weights: a, as the vectors (N, J, G, 1).
    """

    neighbours: np.ndarray
    vectors: np.ndarray
    weights: np.ndarray


@dataclass(frozen=True, eq=False)
class Trace:
    """Everything that was computed on the way.

    Attributes:
        inputs: of the first layer.
        layers: each layer of the LSTM.
        masks: (T, B, H) of each layer: 0 where its output is dropped, 1 / (1 - dropout) elsewhere;
            empty where nothing is.
        h: (N, H), the last layer's outputs.
        z: (N, Z), or with output=plain h.
        tied: the neighbours' output vectors in z, or None.
        output: the tokens' vectors.
    """

    inputs: InputTrace
    layers: list[LayerTrace]
    masks: list[np.ndarray]
    h: np.ndarray
    z: np.ndarray
    tied: TiedTrace | None
    output: OutputTrace

    @property
    def state(self) -> State:
        """h and c (B, H) of each layer after the last position."""
        return [(layer.outputs[-1], layer.cells[-1]) for layer in self.layers]


class Network:
    """Weights by their names, and what is computed from them in their dtype."""

    def __init__(
        self, spec: ModelSpec, options: CanonicalOptions, weights: Mapping[str, np.ndarray]
    ) -> None:
        self.spec, self.options, self.weights = spec, options, dict(weights)
        self.dtype = self.weights["output.bias"].dtype
        self.tables = list(embedding_tables(spec, options))
        self.places = place_entries(spec, options)
        self.sees_colours = sees_colours(spec, options)
        self.activated = has_activated_input(spec, options)
        self.tied, self.heads = tied_columns(spec, options), tied_heads(options)  # (J,), G
        self.colours = colour_table(spec).astype(self.dtype)  # (V + 1, C + 1)

    def linear(self, name: str, x: np.ndarray) -> np.ndarray:
        """Return weight x + bias for each row of x: (N, out) of (N, in)."""
        product: np.ndarray = x @ self.weights[f"{name}.weight"].T
        product += self.weights[f"{name}.bias"]
        return product

    def fresh_state(self, rows: int) -> State:
        """Return the state of `rows` sequences that have not begun."""
        shape = (rows, self.options.hidden)
        return [
            (np.zeros(shape, self.dtype), np.zeros(shape, self.dtype))
            for _ in range(self.options.layers)
        ]

    def entries(
        self, context: np.ndarray, positions: np.ndarray, groups: np.ndarray
    ) -> dict[str, np.ndarray]:
        """Return which row of each embedding table each position takes: (N,) by table."""
        taken = {}
        for name in self.tables:
            kind = name.split(".")[0]
            if kind == "token_in":
                taken[name] = context[:, int(name.split(".")[1])]
            elif kind == "group_in":
                taken[name] = groups
            else:
                taken[name] = self.places[name][positions]
        return taken

    def inputs(self, context: np.ndarray, positions: np.ndarray, groups: np.ndarray) -> InputTrace:
        """Compute x (N, E) from contexts (N, n), positions (N,) and groups (N,)."""
        entries = self.entries(context, positions, groups)
        total = np.zeros((len(context), self.options.embedding), self.dtype)  # s (N, E)
        for name, rows in entries.items():
            total += self.weights[name][rows]
        colours = seen = None
        if self.sees_colours:
            colours = self.colours[context].reshape(len(context), -1)  # f (N, n (C + 1))
            seen = self.linear("colour_in.0", colours)  # (N, E)
            total += self.linear("colour_in.1", gelu(seen))
        return InputTrace(entries, colours, seen, total, gelu(total) if self.activated else total)

    def output(self) -> OutputTrace:
        """Compute the tokens' output vectors u (V, Z)."""
        if self.options.output == "plain":
            return OutputTrace(None, None, self.weights["output.weight"])
        vectors = self.weights["output.free"]
        if self.spec.palette is None:
            return OutputTrace(None, None, vectors)
        waves = colour_waves(self.colours[:-1, :-1])  # (V, 8C)
        shared = self.linear("output.colour.0", waves)  # (V, Z)
        vectors = vectors + self.linear("output.colour.1", gelu(shared))
        return OutputTrace(waves, shared, vectors - vectors.mean(axis=0))

    def tied_vectors(self, vectors: np.ndarray) -> np.ndarray:
        """u of every token and of "outside", by head: (V + 1, G, Z / G) of (V, Z)."""
        return np.pad(vectors, ((0, 1), (0, 0))).reshape(len(vectors) + 1, self.heads, -1)

    def run(
        self,
        context: np.ndarray,
        positions: np.ndarray,
        groups: np.ndarray,
        state: State,
        masks: list[np.ndarray] | None = None,
    ) -> Trace:
        """Compute everything but the logits, which are z uᵀ + output.bias.

        Args:
            context: (B, T, n) in [0, V].
            positions: (B, T).
            groups: (B,).
            state: h and c (B, H) of each layer before the first position.
            masks: of the dropout, (T, B, H) a layer.
        """
        rows, steps = positions.shape
        neighbours = np.swapaxes(context, 0, 1).reshape(steps * rows, -1)  # (N, n)
        inputs = self.inputs(
            neighbours,
            positions.T.reshape(-1),  # (N,)
            np.tile(groups, steps),  # (N,)
        )
        x = inputs.x.reshape(steps, rows, -1)  # (T, B, E)
        layers = []
        for layer, (h, c) in enumerate(state):
            name, weights = f"lstm.{layer}", self.weights
            w, r, b = (weights[f"{name}.{part}"] for part in ("input", "recurrent", "bias"))
            layers.append(layer_forward(x, w, r, b, h, c))
            x = layers[-1].outputs[1:]  # (T, B, H)
            if masks:
                x = x * masks[layer]
        top = x.reshape(steps * rows, -1)  # (N, H)
        z = top if self.options.output == "plain" else self.linear("project", top)  # (N, Z)
        output = self.output()
        tied = None
        if len(self.tied):
            tokens = neighbours.take(self.tied, 1)
            vectors = self.tied_vectors(output.vectors)[tokens]  # (N, J, G, Z / G)
            a = self.linear("tied", top).reshape(len(top), self.heads, -1, 1)
            tied = TiedTrace(tokens, vectors, a.swapaxes(1, 2))
            z += (tied.weights * vectors).sum(axis=1).reshape(z.shape)
        return Trace(inputs, layers, masks or [], top, z, tied, output)
