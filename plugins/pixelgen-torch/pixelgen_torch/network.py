"""What all models of this plugin share: the layers at which tokens go in and logits come out.

At each position, with its neighbours' tokens k_0 … k_{n-1} (V stands for "outside"), its row,
column, level and group, and W, b of the names in `pixelgen.models.canonical.parameters`:

    f = [c(k_0), o(k_0), …, c(k_{n-1}), o(k_{n-1})]                     (n (C + 1),)
    s = colour_in.1 γ(colour_in.0 f) + Σ_{j<K} token_in.j[k_j]
        + row_in[row] + column_in[column] + level_in[level] + group_in[group]       (E,)
    x = γ(s)                                                            (E,)
    h = what a subclass makes of x and of the positions before          (H,)
    a = tied h                                                          (G J,)
    z_g = (project h)_g + Σ_{j<J} a_{gJ+j} (u_{t_j})_g                  (Z / G,) for each head g
    u_v = output.free[v] + output.colour.1 γ(output.colour.0 φ(c(v)))   (Z,)
    logits_v = u_v · z + output.bias[v]                                 (V,)

t_0 … t_{J-1} are those of the neighbours' tokens that `parameters.tied_columns` names.
c(v) is the token's colour, scaled from 0..255 to -1..1, and zero outside; o(v) is 1 outside and 0
elsewhere; γ is GELU in its tanh form, 0.5 a (1 + tanh(√(2/π) (a + 0.044715 a³))); and
φ(c) = [c, c², sin πc, cos πc, sin 2πc, cos 2πc, sin 4πc, cos 4πc] (8C,), each a block of C.
Terms whose weights are not there fall away; where s is a token's embedding alone, x = s. With
output=plain, logits = output.weight h + output.bias.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from pixelgen.models.canonical.colours import colour_table, colour_waves
from pixelgen.models.canonical.options import NeighbourOptions
from pixelgen.models.canonical.parameters import (
    embedding_tables,
    has_activated_input,
    place_entries,
    tied_columns,
    weight_shapes,
)
from pixelgen.models.interface import ModelSpec
from pixelgen_torch.device import there
from pixelgen_torch.tables import summed_rows
from pixelgen_torch.tied import tied_sum


class Network:
    """Weights on a device, and the input and the output layer that are computed with them.

    A subclass adds what is between: from x (N, E) to h (N, H).

    Attributes:
        spec, options, device: of the weights.
        colours: (V + 1, C + 1), c and o of each token and of "outside".
        token_starts: (K,) int64, where each token embedding begins in the joined table.
        entries_of_position: (P, 0 to 3) int64, the rows of that table that tell of a place.
        group_start: where the groups' rows begin in it; None where there are none.
        activated: whether the input goes through γ.
        tied: (J,) int64, the columns of the context whose tokens are tied.
    """

    def __init__(
        self,
        spec: ModelSpec,
        options: NeighbourOptions,
        weights: Mapping[str, Tensor],
        device: torch.device,
    ) -> None:
        self.spec, self.options, self.device = spec, options, device
        tables = embedding_tables(spec, options)
        self._leaves = {
            name: weights[name].detach().to(device, torch.float32, copy=True).requires_grad_()
            for name in weight_shapes(spec, options)
            if name not in tables
        }
        # All tables are rows of one, so that a position's embeddings are summed in one pass.
        self._table_names = dict(zip(tables, _starts(list(tables.values())), strict=True))
        self._table_sizes = tables
        if tables:
            stacked = torch.cat([weights[name].detach().float() for name in tables])
            self._leaves["tables"] = stacked.to(device).requires_grad_()
        self.token_starts = np.array(
            [start for name, start in self._table_names.items() if name.startswith("token_in")],
            np.int64,
        )
        self.entries_of_position = self._position_entries()  # (P, 0 to 3)
        self.group_start = self._table_names.get("group_in.weight")
        colours = colour_table(spec)
        self.colours = self._tensor(colours)  # (V + 1, C + 1)
        self._waves = self._tensor(colour_waves(colours[:-1, :-1]))  # (V, 8C)
        self.activated = has_activated_input(spec, options)
        self.tied = tied_columns(spec, options)  # (J,)

    def leaves(self) -> dict[str, Tensor]:
        """The tensors that training moves: the weights, and all embeddings as one `tables`."""
        return self._leaves

    def weights(self) -> dict[str, Tensor]:
        """The weights by the names of the weight file; views, without gradients."""
        return self.by_name({name: leaf.detach() for name, leaf in self._leaves.items()})

    def by_name(self, by_leaf: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return tensors shaped as the leaves by the weights' names; views."""
        named = {name: tensor for name, tensor in by_leaf.items() if name != "tables"}
        for name, start in self._table_names.items():
            named[name] = by_leaf["tables"][start : start + self._table_sizes[name]]
        return named

    def by_leaf(self, named: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Undo `by_name`: return tensors by the leaves' names, the tables below one another."""
        by_leaf = {name: named[name] for name in self._leaves if name != "tables"}
        if self._table_names:
            by_leaf["tables"] = torch.cat([named[name] for name in self._table_names])
        return {name: by_leaf[name] for name in self._leaves}

    def tables(self) -> Tensor:
        """All embedding tables, one below the other; `entries` tells the rows: (entries, E)."""
        if "tables" in self._leaves:
            return self._leaves["tables"].detach()
        return self._zeros(0, self.options.embedding)

    def inputs(
        self, context: np.ndarray, positions: np.ndarray, groups: np.ndarray, dtype: torch.dtype
    ) -> Tensor:
        """Return x of the network above, with products in `dtype`.

        Args:
            context: (N, n) integers in [0, V].
            positions: (N,) integers.
            groups: (N,) integers.
            dtype: of the products.

        Returns:
            (N, E) in `dtype`.
        """
        total = None
        entries = self.entries(context, positions, groups)
        if entries.shape[1]:
            total = summed_rows(self._leaves["tables"], self._tensor(entries))
        if "colour_in.0.weight" in self._leaves:
            table = self.colours.to(dtype)
            colours = functional.embedding(self._tensor(context), table).flatten(1)
            seen = gelu(self._linear("colour_in.0", colours))
            seen = self._linear("colour_in.1", seen)
            total = seen if total is None else total + seen
        assert total is not None  # there is always a token or a colour to see
        total = total.to(dtype)
        return gelu(total) if self.activated else total

    def entries(self, context: np.ndarray, positions: np.ndarray, groups: np.ndarray) -> np.ndarray:
        """Return which rows of the joined table are summed at each position: (N, tables) int64."""
        parts = [
            context[:, : len(self.token_starts)] + self.token_starts,
            self.entries_of_position[positions],
        ]
        if self.group_start is not None:
            parts.append(groups[:, None] + self.group_start)
        return np.concatenate(parts, 1)

    def output(self, h: Tensor, neighbours: np.ndarray) -> tuple[Tensor, Tensor, Tensor]:
        """Return z (N, Z), the tokens' vectors (V, Z) and biases (V,).

        Args:
            h: (N, H).
            neighbours: (N, J) int64 in [0, V], the tokens that are tied.
        """
        bias = self._leaves["output.bias"]
        if self.options.output == "plain":
            return h, self._leaves["output.weight"], bias
        z, vectors = self._linear("project", h), self.vectors()
        if len(self.tied):
            z = z + tied_sum(self._linear("tied", h), vectors, self._tensor(neighbours))
        return z, vectors, bias

    def vectors(self) -> Tensor:
        """The tokens' output vectors (V, Z) of output=palette, of mean zero."""
        vectors = self._leaves["output.free"]
        if "output.colour.0.weight" in self._leaves:
            shared = gelu(self._linear("output.colour.0", self._waves))
            vectors = vectors + self._linear("output.colour.1", shared)
            vectors = vectors - vectors.mean(0)
        return vectors

    def _linear(self, name: str, x: Tensor) -> Tensor:
        weight, bias = self._leaves[f"{name}.weight"], self._leaves[f"{name}.bias"]
        return functional.linear(x, weight.to(x.dtype), bias.to(x.dtype))

    def _normed(self, name: str, x: Tensor, dtype: torch.dtype) -> Tensor:
        """Return x (…, E) normalised, in `dtype`."""
        weight, bias = self._leaves[f"{name}.norm.weight"], self._leaves[f"{name}.norm.bias"]
        return functional.layer_norm(x, weight.shape, weight, bias).to(dtype)

    def _position_entries(self) -> np.ndarray:
        columns = [
            np.asarray(entries, np.int64) + self._table_names[name]
            for name, entries in place_entries(self.spec, self.options).items()
        ]
        return np.stack(columns, 1) if columns else np.empty((len(self.spec.rows), 0), np.int64)

    def _tensor(self, array: np.ndarray) -> Tensor:
        return there(array, self.device)

    def _zeros(self, *shape: int) -> Tensor:
        return torch.zeros(shape, device=self.device)


def gelu(x: Tensor) -> Tensor:
    """GELU in its tanh form, which a twin without an error function can follow."""
    return functional.gelu(x, approximate="tanh")


def _starts(sizes: list[int]) -> list[int]:
    return [sum(sizes[:index]) for index in range(len(sizes))]
