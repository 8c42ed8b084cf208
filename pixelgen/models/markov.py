"""Interpolated counts over the nearest neighbours: the floor that every model must beat.

The probability of a token is read from how often it followed the same neighbours before, backing
off from all of them to fewer and at last to the token's own frequency:

    p_k(token | c_1…c_k) = (count + strength · p_{k-1}(token | c_1…c_{k-1})) / (total + strength)

This is the Dirichlet-prior interpolation of MacKay and Peto, "A hierarchical Dirichlet language
model" (1995), with one strength for each level; p_0 is uniform. The cells of a pyramid's coarsest
level, whose neighbours are farther apart, are counted on their own.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Self

import numpy as np
import safetensors.numpy
from pydantic import Field

from pixelgen.data.segments import Batch, Segments
from pixelgen.errors import OptionError, RunUnreadable
from pixelgen.models.interface import Decoder, Model, ModelSpec, StepInputs, parse_shape
from pixelgen.options import Options
from pixelgen.untrusted import read_arrays, read_json


class Table:
    """Counts of (context, token) pairs for contexts of one length.

    Contexts are packed into one uint64 key each; keys are sorted, so that a look-up is a binary
    search. `keys` (K,) are the distinct (context, token) pairs, `counts` (K,) how often each was
    seen, `contexts` (C,) the distinct contexts, and `totals` (C,) how often each was seen.
    """

    def __init__(self, keys: np.ndarray, counts: np.ndarray, vocab_size: int) -> None:
        self.keys, self.counts, self.vocab_size = keys, counts, vocab_size
        contexts = keys // np.uint64(vocab_size)  # which rise, as the keys do
        first = np.flatnonzero(np.append(True, contexts[1:] != contexts[:-1])[: len(keys)])
        self.contexts, self.first = contexts[first], np.append(first, len(keys))
        self.totals = np.add.reduceat(counts, first) if len(keys) else np.empty(0)

    @classmethod
    def empty(cls, vocab_size: int) -> Table:
        return cls(np.empty(0, np.uint64), np.empty(0), vocab_size)

    @classmethod
    def read(cls, keys: np.ndarray, counts: np.ndarray, vocab_size: int, contexts: int) -> Table:
        """Return the table of a file, of so many contexts at most.

        Raises:
            ValueError: it cannot be one.
        """
        if keys.dtype != np.uint64 or counts.dtype != np.float64:
            raise ValueError(f"counts by keys of {keys.dtype} as {counts.dtype}")
        if keys.ndim != 1 or keys.shape != counts.shape:
            raise ValueError(f"{list(counts.shape)} counts by {list(keys.shape)} keys")
        if (keys[1:] <= keys[:-1]).any() or not (counts > 0).all():
            raise ValueError("keys that do not rise, or counts that are not above 0")
        if len(keys) and int(keys[-1]) >= contexts * vocab_size:
            raise ValueError("a key beyond the vocabulary")
        return cls(keys, counts, vocab_size)

    def add(self, contexts: np.ndarray, tokens: np.ndarray) -> Table:
        """Return a table with these pairs counted too: contexts and tokens (M,)."""
        new = contexts.astype(np.uint64) * np.uint64(self.vocab_size) + tokens.astype(np.uint64)
        new_keys, new_counts = np.unique(new, return_counts=True)
        places = np.atleast_1d(np.searchsorted(self.keys, new_keys))
        known = np.append(self.keys, np.uint64(0))[places] == new_keys
        known &= places < len(self.keys)  # beyond the last there is none
        counts = self.counts.copy()
        counts[places[known]] += new_counts[known]
        # Inserted where they belong: to sort all anew takes ten times as long.
        return Table(
            np.insert(self.keys, places[~known], new_keys[~known]),
            np.insert(counts, places[~known], new_counts[~known]),
            self.vocab_size,
        )

    def interpolate(
        self, contexts: np.ndarray, probabilities: np.ndarray, strength: float
    ) -> np.ndarray:
        """Return (M, V): the counts after these contexts (M,), resting on a prior (M, V)."""
        if not len(self.contexts):
            return probabilities
        index = np.minimum(np.searchsorted(self.contexts, contexts), len(self.contexts) - 1)
        known = self.contexts[index] == contexts
        totals = np.where(known, self.totals[index], 0.0)
        mixed = probabilities * (strength / (totals + strength))[:, None]
        rows = np.flatnonzero(known)
        lengths = self.first[index[rows] + 1] - self.first[index[rows]]
        starts = np.repeat(self.first[index[rows]] - np.cumsum(lengths) + lengths, lengths)
        pairs = starts + np.arange(lengths.sum())
        row = np.repeat(rows, lengths)
        tokens = (self.keys[pairs] % np.uint64(self.vocab_size)).astype(np.int64)
        mixed[row, tokens] += self.counts[pairs] / (totals[row] + strength)
        return mixed

    def interpolate_chosen(
        self, contexts: np.ndarray, tokens: np.ndarray, probabilities: np.ndarray, strength: float
    ) -> np.ndarray:
        """Return what `interpolate` gives for one token a row: (M,) for a prior (M,)."""
        if not len(self.contexts):
            return probabilities
        pairs = contexts * np.uint64(self.vocab_size) + tokens.astype(np.uint64)
        totals = _found(self.contexts, self.totals, contexts)
        counts = _found(self.keys, self.counts, pairs)
        mixed: np.ndarray = (probabilities * strength + counts) / (totals + strength)
        return mixed


class Markov(Model):
    """Interpolated counts over the nearest neighbours."""

    spec: ModelSpec

    class Options(Options):
        """What `markov` takes."""

        order: int = Field(2, ge=0, le=3, description="how many of the nearest neighbours count")
        context: str = Field("near", description="neighbours to count over: previous, near or wide")
        strength: float = Field(
            16.0, gt=0, description="how many sightings the shorter context is worth"
        )
        batch: int = Field(64, ge=1, description="rows counted at a time")

    def __init__(self, spec: ModelSpec, options: Options) -> None:
        self.spec, self.options = spec, options
        self.order = min(options.order, spec.context_size)
        self.kinds = _kinds(spec)
        self.tables = [Table.empty(spec.vocab_size) for _ in range(self.order + 1)]

    @classmethod
    def segments(cls, options: Options) -> Segments:
        return Segments(memory="none", context=options.context, batch=options.batch)

    @classmethod
    def build(
        cls, spec: ModelSpec, options: Options, *, seed: int = 0, device: str = "auto"
    ) -> Self:
        order = min(options.order, spec.context_size)
        pairs = _kinds(spec) * (spec.vocab_size + 1) ** order * spec.vocab_size
        if pairs > 2**64:  # contexts and tokens are packed into 64 bits
            raise OptionError(
                f"{options.order} neighbours of {spec.vocab_size:,} tokens are too many to count",
                where="in the options of model markov",
                remedy=f"Lower it: -o model.order={options.order - 1}, or take fewer colours",
            )
        return cls(spec, options)

    @property
    def parameter_count(self) -> int:
        return sum(len(table.keys) for table in self.tables)

    def train_step(self, batch: Batch, progress: float) -> float:
        loss = float(self.nll(batch).mean())
        context = batch.context.reshape(-1, self.spec.context_size)
        tokens = batch.targets.reshape(-1)
        self.tables = [
            table.add(self._keys(context, length), tokens)
            for length, table in enumerate(self.tables)
        ]
        return loss

    def nll(self, batch: Batch) -> np.ndarray:
        context = batch.context.reshape(-1, self.spec.context_size)
        tokens = batch.targets.reshape(-1)
        chosen = np.full(len(tokens), 1 / self.spec.vocab_size)
        for length, table in enumerate(self.tables):
            keys = self._keys(context, length)
            chosen = table.interpolate_chosen(keys, tokens, chosen, self._strength(length))
        nats: np.ndarray = -np.log(chosen).astype(np.float32)
        return nats.reshape(batch.targets.shape)

    def decoder(self, slots: int) -> Decoder:
        return _MarkovDecoder(self)

    def save(self, directory: Path) -> None:
        arrays = {}
        for length, table in enumerate(self.tables):
            arrays[f"keys.{length}"] = table.keys
            arrays[f"counts.{length}"] = table.counts
        safetensors.numpy.save_file(arrays, directory / "model.safetensors")
        spec = self.spec
        shape = {
            "vocab_size": spec.vocab_size,
            "grid": list(spec.grid),
            "offsets": [list(offset) for offset in spec.offsets],
            "coarser": spec.coarser,
            "kinds": self.kinds,
        }
        (directory / "spec.json").write_text(json.dumps(shape))

    @classmethod
    def load(cls, directory: Path, options: Options, *, device: str = "auto") -> Self:
        path = directory / "model.safetensors"
        try:
            described = read_json(directory / "spec.json")
            spec = parse_shape(described)
            arrays = read_arrays(path)
            model = cls(spec, options)
            model.kinds = min(int(described.get("kinds", 1)), model.kinds)  # once it was always 1
            model.tables = [
                Table.read(
                    arrays[f"keys.{length}"],
                    arrays[f"counts.{length}"],
                    spec.vocab_size,
                    model.kinds * (spec.vocab_size + 1) ** length,
                )
                for length in range(model.order + 1)
            ]
        except (OSError, KeyError, ValueError, TypeError) as error:
            raise RunUnreadable(
                f"the model cannot be read: {error}",
                where=str(path),
                remedy="Train again, or take the run's other checkpoint",
            ) from error
        return model

    def training_state(self) -> Mapping[str, np.ndarray]:
        return {}  # the counts are all there is

    def restore_training_state(self, state: Mapping[str, np.ndarray]) -> None:
        return

    def _keys(self, context: np.ndarray, length: int) -> np.ndarray:
        """(M,) uint64: the first `length` neighbours of each context (M, n) packed into one.

        With them goes whether the cell is on the coarsest level: none is visible that is coarser.
        """
        spec = self.spec
        keys = np.zeros(len(context), np.uint64)
        if self.kinds > 1:
            keys += context[:, -spec.coarser] == spec.vocab_size
        for neighbour in range(length):
            keys = keys * np.uint64(spec.vocab_size + 1)
            keys += context[:, neighbour].astype(np.uint64)
        return keys

    def _probabilities(self, context: np.ndarray) -> np.ndarray:
        """(M, V) float64 for contexts (M, n)."""
        size = self.spec.vocab_size
        probabilities = np.full((len(context), size), 1 / size)
        for length, table in enumerate(self.tables):
            keys = self._keys(context, length)
            probabilities = table.interpolate(keys, probabilities, self._strength(length))
        return probabilities

    def _strength(self, length: int) -> float:
        """How many sightings what is known without the `length`-th neighbour is worth."""
        # The token's own frequency is known from many sightings; trust it more.
        share = 1.0 if length == 0 else self.spec.vocab_size / 256 + 1
        return float(self.options.strength * share)


class _MarkovDecoder(Decoder):
    def __init__(self, model: Markov) -> None:
        self.model = model

    def step(self, inputs: StepInputs) -> np.ndarray:
        logits: np.ndarray = np.log(self.model._probabilities(inputs.context)).astype(np.float32)
        return logits


def _kinds(spec: ModelSpec) -> int:
    """How many kinds of cells are counted apart: those of the coarsest level, and all others."""
    return 2 if spec.coarser else 1


def _found(keys: np.ndarray, values: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """The values of the wanted keys among sorted ones; 0 for those that are not there."""
    index = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    there: np.ndarray = np.where(keys[index] == wanted, values[index], 0.0)
    return there
