"""Painting: one position of many sequences at a time, without gradients, in float32.

The recurrent states stay in NumPy arrays, where picking and putting back those of any slots is one
copy. `tiles.py` says how every row's numbers stay the same whatever other rows there are.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pixelgen.models.interface import Decoder, StepInputs
from pixelgen_keras.engines.interface import Tensor
from pixelgen_keras.network import Network
from pixelgen_keras.steps import Steps
from pixelgen_keras.tiles import SIZES, Rows, agreeing_sizes, cut, filled


class KerasDecoder(Decoder):
    """Holds the states of a number of slots."""

    def __init__(
        self, network: Network, steps: Steps, weights: Sequence[Tensor], slots: int
    ) -> None:
        self._network, self._steps, self._weights = network, steps, weights
        self._vectors = steps.vectors(weights)
        if steps.tile_sizes is None:
            steps.tile_sizes = agreeing_sizes(self._paint, self._random_rows(SIZES[0]))
        self._sizes = steps.tile_sizes
        # Of each layer, first h and then c: (slots, H).
        shape = (slots, network.options.hidden)
        self._state = [np.zeros(shape, np.float32) for _ in range(2 * network.options.layers)]

    def step(self, inputs: StepInputs) -> np.ndarray:
        """Return the logits (M, V) float32 of the next token at each position."""
        context = inputs.context.astype(np.int32, copy=False)
        places = self._network.places(inputs.positions, inputs.groups)
        for numbers in self._state:
            numbers[inputs.slots[inputs.starts]] = 0
        parts = []
        for tile, size in cut(len(inputs.positions), self._sizes):
            slots = inputs.slots[tile]
            rows = [context[tile], places[tile], *(numbers[slots] for numbers in self._state)]
            logits, *after = self._paint([filled(array, size) for array in rows])
            for numbers, moved in zip(self._state, after, strict=True):
                numbers[slots] = moved[: len(slots)]
            parts.append(logits[: len(slots)])
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def _paint(self, rows: Rows) -> Rows:
        """From context, places, and h and c of each layer, to logits, and h and c of each."""
        context, places, *state = rows
        logits, after = self._steps.paint(
            self._weights,
            self._vectors,
            context,
            places,
            list(zip(state[::2], state[1::2], strict=True)),
        )
        return [logits, *(numbers for pair in after for numbers in pair)]

    def _random_rows(self, rows: int) -> Rows:
        """What `_paint` takes, made up."""
        spec, options = self._network.spec, self._network.options
        random = np.random.default_rng(0)
        positions = random.integers(0, len(spec.rows), rows, np.int32)
        return [
            random.integers(0, spec.vocab_size + 1, (rows, spec.context_size), np.int32),
            self._network.places(positions, random.integers(0, spec.groups, rows, np.int32)),
            *(
                random.uniform(-1, 1, (rows, options.hidden)).astype(np.float32)
                for _ in range(2 * options.layers)
            ),
        ]
