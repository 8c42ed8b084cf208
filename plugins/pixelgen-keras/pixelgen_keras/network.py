"""The canonical LSTM out of Keras layers, from tokens to the vectors whose products are the logits.

The equations are in `pixelgen.models.canonical`. Everything here is a pure function of the weights:
`bound` puts tensors in the variables' place, so that one compiled step can take weights and give
back others, on every engine alike.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

import keras
import numpy as np
from keras import ops

from pixelgen.models.canonical.muon import blocks_of, is_matrix
from pixelgen.models.canonical.options import CanonicalOptions
from pixelgen.models.canonical.parameters import (
    embedding_tables,
    has_activated_input,
    place_entries,
    sees_colours,
    weight_shapes,
)
from pixelgen.models.interface import ModelSpec
from pixelgen_keras.engines.interface import Engine, Tensor
from pixelgen_keras.layers import NeighbourColours, Product, gelu
from pixelgen_keras.optimizer import Matrix
from pixelgen_keras.outputs import PaletteOutput, PlainOutput
from pixelgen_keras.recurrence import Recurrence

State = list[tuple[Tensor, Tensor]]  # h and c (B, H) float32 of each layer


class Network:
    """The layers, and what is computed with them.

    N positions: those of B sequences of T, time first.
    """

    def __init__(self, spec: ModelSpec, options: CanonicalOptions, engine: Engine) -> None:
        self.spec, self.options, self.engine = spec, options, engine
        self._variables: dict[str, Any] = {}
        self._turned: set[str] = set()  # kernels, which Keras has the other way round
        self._activated = has_activated_input(spec, options)
        self._place_entries = place_entries(spec, options)
        with engine.placed():
            self._build()
        self.names = list(weight_shapes(spec, options))

    def _build(self) -> None:
        spec, options = self.spec, self.options
        # Every layer is named here. Keras would number the unnamed ones through the process, and in
        # what order TensorFlow merges and fuses operations depends on their names: a second model
        # would round otherwise than a first.
        self._colours: NeighbourColours | None = None
        if sees_colours(spec, options):
            self._colours = NeighbourColours(spec, "colours")
            self._colour_in = [
                self._product("colour_in.0", self._colours.width, options.embedding),
                self._product("colour_in.1", options.embedding, options.embedding),
            ]
        self._token_tables: list[Any] = []
        self._place_tables: list[Any] = []
        for name, entries in embedding_tables(spec, options).items():
            table = keras.layers.Embedding(
                entries,
                options.embedding,
                embeddings_initializer="zeros",
                name=name.partition(".weight")[0].replace(".", "_"),
            )
            table.build()
            self._variables[name] = table.embeddings
            (self._token_tables if name.startswith("token") else self._place_tables).append(table)
        self._recurrences = []
        for layer in range(options.layers):
            into = options.hidden if layer else options.embedding
            recurrence = Recurrence(self.engine, into, options.hidden, f"lstm_{layer}")
            cell = recurrence.keras_lstm.cell
            self._kernel(f"lstm.{layer}.input", cell.kernel)
            self._kernel(f"lstm.{layer}.recurrent", cell.recurrent_kernel)
            self._variables[f"lstm.{layer}.bias"] = cell.bias
            self._recurrences.append(recurrence)
        self.output: PaletteOutput | PlainOutput
        if options.output == "palette":
            self.output = PaletteOutput(spec, options)
            self._register("project", self.output.project)
            if self.output.tied is not None:
                self._register("tied", self.output.tied)
            self._variables["output.free"] = self.output.free
            for index, product in enumerate(self.output.colour):
                self._register(f"output.colour.{index}", product)
        else:
            self.output = PlainOutput(spec, options.hidden)
            self._variables["output.weight"] = self.output.weight
        self._variables["output.bias"] = self.output.bias

    # -- weights -----------------------------------------------------------------------------

    @property
    def matrices(self) -> list[Matrix | None]:
        """How Muon takes each weight, in the order of `names`; None for what is no matrix."""
        return [
            Matrix(blocks_of(name), name in self._turned) if is_matrix(name, shape) else None
            for name, shape in weight_shapes(self.spec, self.options).items()
        ]

    def tensors(self, arrays: Mapping[str, np.ndarray]) -> list[Tensor]:
        """Return canonical arrays, weights or moments of them, as tensors in Keras's layout."""
        with self.engine.placed():
            return [
                ops.convert_to_tensor(
                    np.array(arrays[name].T if name in self._turned else arrays[name], np.float32)
                )
                for name in self.names
            ]

    def arrays(self, tensors: Sequence[Tensor]) -> dict[str, np.ndarray]:
        """Return the canonical arrays of `tensors`, which are in the order of `names`."""
        arrays = {}
        for name, tensor in zip(self.names, tensors, strict=True):
            array = np.asarray(ops.convert_to_numpy(tensor))
            arrays[name] = np.array(array.T if name in self._turned else array, order="C")
        return arrays

    def bound(self, weights: Sequence[Tensor]) -> AbstractContextManager[Any]:
        """Compute with these weights, in the order of `names`, while the context lasts."""
        variables = (self._variables[name] for name in self.names)
        scope: AbstractContextManager[Any] = keras.StatelessScope(
            state_mapping=list(zip(variables, weights, strict=True))
        )
        return scope

    # -- arithmetic --------------------------------------------------------------------------

    def places(self, positions: np.ndarray, groups: np.ndarray) -> np.ndarray:
        """Return (N, tables) int32: the entries of all tables but the tokens'.

        Args:
            positions: (N,) int32.
            groups: (N,) int32.
        """
        chosen = [entries[positions] for entries in self._place_entries.values()]
        if "group_in.weight" in self.names:
            chosen.append(groups)
        return np.stack(chosen, 1).astype(np.int32) if chosen else np.zeros((len(groups), 0), "i4")

    def inputs(self, context: Tensor, places: Tensor, dtype: str) -> Tensor:
        """Return what the first LSTM layer is given: (N, E), with products in `dtype`.

        Args:
            context: (N, n) int32 in [0, V].
            places: (N, tables) int32.
            dtype: `float32` or `bfloat16`.
        """
        terms = [table(context[:, index]) for index, table in enumerate(self._token_tables)]
        terms += [table(places[:, index]) for index, table in enumerate(self._place_tables)]
        if self._colours is not None:
            first, second = self._colour_in
            seen = second(gelu(first(ops.cast(self._colours(context), dtype))))
            terms.append(ops.cast(seen, "float32"))
        total = terms[0]
        for term in terms[1:]:
            total = ops.add(total, term)
        total = ops.cast(total, dtype)
        return gelu(total) if self._activated else total

    def recur(
        self, x: Tensor, state: State, kept: Sequence[Tensor] | None = None
    ) -> tuple[Tensor, State]:
        """Run all LSTM layers over (T, B, E) inputs; return (T, B, H) and the last state.

        Where `kept` is given, it says which of each layer's outputs are not dropped: (T, B, H).
        """
        last: State = []
        share = self.options.dropout_share
        for layer, (h, c) in enumerate(state):
            x, last_h, last_c = self._recurrences[layer](x, h, c)
            last.append((last_h, last_c))
            if kept is not None:
                x = ops.multiply(x, ops.cast(kept[layer], x.dtype) / (1 - share))
        return x, last

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """Move all LSTM layers on by one position: (M, E) to (M, H) and the next state."""
        after: State = []
        for layer, (h, c) in enumerate(state):
            x, c = self._recurrences[layer].step(x, h, c)
            after.append((x, c))
        return x, after

    # -- construction ------------------------------------------------------------------------

    def _product(self, name: str, into: int, out: int) -> Product:
        product = Product(into, out, name.replace(".", "_"))
        self._register(name, product)
        return product

    def _register(self, name: str, product: Product) -> None:
        self._kernel(f"{name}.weight", product.kernel)
        self._variables[f"{name}.bias"] = product.bias

    def _kernel(self, name: str, variable: Any) -> None:
        self._variables[name] = variable
        self._turned.add(name)
