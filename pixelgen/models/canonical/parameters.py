"""The weights of the canonical LSTM: their names, shapes and first values.

These names and shapes are the weight file's, whichever backend writes it. All are float32.

V tokens, C palette channels, n neighbours, K of them with token embeddings, E embedding,
H hidden, Z projection, J tied tokens of a context, G heads of them, l a layer of the LSTM counted
from 0.

| name | shape | there if |
|---|---|---|
| `colour_in.0.weight`, `.bias` | (E, n (C + 1)), (E,) | colours, and a palette |
| `colour_in.1.weight`, `.bias` | (E, E), (E,) | the same |
| `token_in.k.weight` | (V + 1, E) | k < K |
| `row_in.weight` | (rows, E), at most (16, E) if relative | positions=absolute or relative |
| `column_in.weight` | (columns, E), at most (16, E) if relative | the same |
| `level_in.weight` | (levels, E) | more than one level |
| `group_in.weight` | (groups, E) | more than one group |
| `lstm.l.input` | (4H, E), above the first layer (4H, H) | |
| `lstm.l.recurrent` | (4H, H) | |
| `lstm.l.bias` | (4H,) | |
| `project.weight`, `.bias` | (Z, H), (Z,) | output=palette |
| `tied.weight`, `.bias` | (G J, H), (G J,) | output=palette, and J > 0 |
| `output.free` | (V, Z) | output=palette |
| `output.colour.0.weight`, `.bias` | (Z, 8C), (Z,) | output=palette, and a palette |
| `output.colour.1.weight`, `.bias` | (Z, Z), (Z,) | the same |
| `output.weight` | (V, H) | output=plain |
| `output.bias` | (V,) | |

The 4H rows of an LSTM's weights are its gates i, f, g, o, H rows each.
"""

from __future__ import annotations

import math

import numpy as np

from pixelgen.data.scans import COARSER_CORNERS
from pixelgen.models.canonical.options import NeighbourOptions
from pixelgen.models.interface import ModelSpec
from pixelgen.randomness import generator_for

SHARES = 16  # entries of a table of relative places


def weight_shapes(spec: ModelSpec, options: NeighbourOptions) -> dict[str, tuple[int, ...]]:
    """Return the shape of every weight by its name, in the order of the table above."""
    vocab, embedding, width = spec.vocab_size, options.embedding, options.width
    channels = 0 if spec.palette is None else spec.palette.shape[1]
    shapes: dict[str, tuple[int, ...]] = {}

    def linear(name: str, out: int, into: int) -> None:
        shapes[f"{name}.weight"] = (out, into)
        shapes[f"{name}.bias"] = (out,)

    if sees_colours(spec, options):
        linear("colour_in.0", embedding, spec.context_size * (channels + 1))
        linear("colour_in.1", embedding, embedding)
    for name, entries in embedding_tables(spec, options).items():
        shapes[name] = (entries, embedding)
    shapes |= options.middle_shapes()
    if options.output == "palette":
        linear("project", options.projection, width)
        if tied := len(tied_columns(spec, options)):
            linear("tied", tied_heads(options) * tied, width)
        shapes["output.free"] = (vocab, options.projection)
        if channels:
            linear("output.colour.0", options.projection, 8 * channels)
            linear("output.colour.1", options.projection, options.projection)
    else:
        shapes["output.weight"] = (vocab, width)
    shapes["output.bias"] = (vocab,)
    return shapes


def sees_colours(spec: ModelSpec, options: NeighbourOptions) -> bool:
    """Whether the input has the neighbours' colours."""
    return options.colours and spec.palette is not None


def tied_columns(spec: ModelSpec, options: NeighbourOptions) -> np.ndarray:
    """Return which of a context's tokens have their output vectors added to z: (J,) int64.

    The nearest neighbours first, then the coarser cells at the corners around the position.
    """
    if options.output == "plain":
        return np.empty(0, np.int64)
    columns = list(range(min(options.tied_neighbours, spec.context_size)))
    if options.tied_coarser:
        first = spec.context_size - spec.coarser
        coarser = [first + corner for corner in COARSER_CORNERS if corner < spec.coarser]
        columns += [column for column in coarser if column not in columns]
    return np.array(columns, np.int64)


def tied_heads(options: NeighbourOptions) -> int:
    """G, into how many parts of equal size these vectors are cut, each with its own weights."""
    return math.gcd(options.tied_heads, options.projection)


def embedding_tables(spec: ModelSpec, options: NeighbourOptions) -> dict[str, int]:
    """Return the number of entries of each embedding table by its name, in order.

    Without a palette there is always the nearest neighbour's token, or nothing would be seen.
    """
    count, seen = options.token_embeddings, sees_colours(spec, options)
    if count is None:
        count = 1 if seen else 4
    count = max(count, 0 if seen else 1)
    tables = {
        f"token_in.{k}.weight": spec.vocab_size + 1 for k in range(min(count, spec.context_size))
    }
    for name, entries in place_entries(spec, options).items():
        tables[name] = int(entries.max()) + 1
    if spec.groups > 1:
        tables["group_in.weight"] = spec.groups
    return tables


def place_entries(spec: ModelSpec, options: NeighbourOptions) -> dict[str, np.ndarray]:
    """Return which row of each table of places every position takes: (P,) int32 by table.

    With positions=relative a table has an entry for each 16th of the height or width, so that what
    is learned holds for pictures of any size; smaller pictures have fewer.
    """
    entries = {"row_in.weight": spec.rows, "column_in.weight": spec.columns}
    if options.positions == "none":
        entries = {}
    elif options.positions == "relative":
        entries = {name: _sixteenths(along, spec.levels) for name, along in entries.items()}
    if spec.levels.max() > 0:
        entries["level_in.weight"] = spec.levels
    return entries


def _sixteenths(along: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """(P,) int32: rows or columns (P,) as shares of the largest in their level."""
    shares = np.empty(len(along), np.int32)
    for level in np.unique(levels):
        inside = levels == level
        size = int(along[inside].max()) + 1
        shares[inside] = along[inside] * np.int64(min(SHARES, size)) // size
    return shares


def has_activated_input(spec: ModelSpec, options: NeighbourOptions) -> bool:
    """Whether x = γ(s): always but where s is one token's embedding and nothing else."""
    return sees_colours(spec, options) or len(embedding_tables(spec, options)) > 1


def initial_weights(spec: ModelSpec, options: NeighbourOptions, seed: int) -> dict[str, np.ndarray]:
    """Return new weights, the same for the same seed in every backend and on every machine.

    Each weight has random numbers of its own, keyed by the seed and its name, so that one does
    not change when another is added.
    """
    return {
        name: _initial(name, shape, generator_for(seed, f"weight {name}"))
        for name, shape in weight_shapes(spec, options).items()
    }


def _initial(name: str, shape: tuple[int, ...], generator: np.random.Generator) -> np.ndarray:
    if name.endswith("bias"):
        weight = np.zeros(shape, np.float32)
        if name.startswith("lstm"):  # remember at first: the forget gate starts open
            hidden = len(weight) // 4
            weight[hidden : 2 * hidden] = 1
        return weight
    if name.endswith("norm.weight"):
        return np.ones(shape, np.float32)
    if name.endswith("back.weight") or name == "tied.weight":  # adds nothing at first
        return np.zeros(shape, np.float32)
    if "_in." in name and not name.startswith("colour_in"):
        return generator.normal(0, 0.1, shape).astype(np.float32)
    if name == "output.free":
        return generator.normal(0, 0.05, shape).astype(np.float32)
    bound = math.sqrt(3 / shape[1])  # keeps the variance of what passes through
    if name.startswith("lstm"):
        bound = 1 / math.sqrt(shape[0] // 4)
    return generator.uniform(-bound, bound, shape).astype(np.float32)
