"""`keras-lstm`: the canonical LSTM as a model of pixelgen.

Nothing here imports Keras before a model is made, since that is when the engine is chosen.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np

import pixelgen
from pixelgen.data.segments import Batch
from pixelgen.models.canonical.model import NeighbourModel
from pixelgen.models.canonical.options import FAMILY
from pixelgen.models.canonical.parameters import initial_weights, weight_shapes
from pixelgen.models.canonical.training_state import TrainingState, read_training_state
from pixelgen.models.canonical.weights import read_model, write_model
from pixelgen.models.interface import Decoder, ModelSpec
from pixelgen_keras.batches import kept_outputs, padded
from pixelgen_keras.engines import open_engine
from pixelgen_keras.engines.interface import Engine
from pixelgen_keras.options import KerasOptions

BACKEND = "keras"  # in the names of a training state

CarriedState = list[tuple[np.ndarray, np.ndarray]]  # h and c (B, H) float32 of each layer


class KerasLSTM(NeighbourModel):
    """The canonical LSTM; `network.py` has its layers, `steps.py` what is compiled."""

    Options: ClassVar[type[pixelgen.Options]] = KerasOptions
    family: ClassVar[str | None] = FAMILY

    spec: ModelSpec

    def __init__(
        self,
        spec: ModelSpec,
        options: KerasOptions,
        weights: Mapping[str, np.ndarray],
        engine: Engine,
        seed: int,
    ) -> None:
        from pixelgen_keras.network import Network
        from pixelgen_keras.optimizer import Optimizer
        from pixelgen_keras.steps import Steps

        self.spec = spec
        self._options, self._engine = options, engine
        self._seed, self._steps_taken = seed, 0
        self._network = Network(spec, options, engine)
        self._optimizer = Optimizer(options, engine, self._network.matrices)
        self._steps = Steps(self._network, self._optimizer, _precision(options, engine))
        self._weights = self._network.tensors(weights)
        with engine.placed():
            self._moments = self._optimizer.fresh(self._weights)
        # Where sequences go on from one batch to the next; training and `nll` walk separately.
        self._training_state = self._fresh_state(0)
        self._reading_state = self._fresh_state(0)

    @classmethod
    def build(cls, spec: ModelSpec, options: Any, *, seed: int = 0, device: str = "auto") -> Self:
        """Return a new, untrained model; the same for the same seed.

        Raises:
            OptionError: Keras has been imported with another engine than the option asks for.
            PluginUnusable: the engine is not installed.
            DeviceNotFound: the device is not there.
        """
        engine = open_engine(options.backend, device)
        return cls(spec, options, initial_weights(spec, options, seed), engine, seed)

    def train_step(self, batch: Batch, progress: float) -> float:
        """Learn from one batch; return its mean loss in nats per token before the step."""
        whole = padded(batch, self._options.batch)
        loss, last, self._weights, self._moments = self._steps.train(
            self._weights,
            self._moments,
            whole,
            self._continued(self._training_state, batch, whole.rows),
            self._kept(batch, whole.rows),
            self._optimizer.numbers(self._steps_taken, progress),
        )
        self._training_state = _first_rows(last, len(batch.starts))
        self._steps_taken += 1
        return loss

    def nll(self, batch: Batch) -> np.ndarray:
        """Return the negative log-likelihood of each target in nats: (B, T) float32."""
        whole = padded(batch)
        state = self._continued(self._reading_state, batch, whole.rows)
        nats, last = self._steps.nll(self._weights, whole, state)
        self._reading_state = _first_rows(last, len(batch.starts))
        by_step = nats.reshape(whole.steps, whole.rows)[:, : len(batch.starts)]
        return np.ascontiguousarray(by_step.T)

    def decoder(self, slots: int) -> Decoder:
        """Return a decoder with this many recurrent states."""
        from pixelgen_keras.decoder import KerasDecoder

        return KerasDecoder(self._network, self._steps, self._weights, slots)

    def scale_learning_rate(self, factor: float) -> bool:
        """Learn with this multiple of the learning rate from now on; True."""
        self._optimizer.scale *= factor
        return True

    def ran_out_of_memory(self, error: Exception) -> bool:
        """Whether an error is about a lack of memory, by the names that the engines give it."""
        names = {kind.__name__ for kind in type(error).__mro__}
        return bool(names & {"MemoryError", "ResourceExhaustedError", "OutOfMemoryError"}) or (
            "RESOURCE_EXHAUSTED" in str(error)
        )

    @property
    def device(self) -> str:
        """The device that was taken: `cpu` or `cuda:N`."""
        return self._engine.device

    @property
    def parameter_count(self) -> int:
        """The number of learned numbers."""
        return sum(int(np.prod(shape)) for shape in self._shapes.values())

    def save(self, directory: Path) -> None:
        """Write `model.safetensors` and `spec.json` into an existing directory."""
        write_model(directory, self.spec, self._options, self._network.arrays(self._weights))

    @classmethod
    def load(cls, directory: Path, options: Any, *, device: str = "auto") -> Self:
        """Return the model that `save`, of this backend or another, wrote.

        Raises:
            RunUnreadable: a file is missing or damaged.
            OptionError, PluginUnusable, DeviceNotFound: as for `build`.
        """
        spec, options, weights = read_model(directory, options)
        return cls(spec, options, weights, open_engine(options.backend, device), seed=0)

    def training_state(self) -> Mapping[str, np.ndarray]:
        """Return the steps taken, the optimizer's moments and the carried states."""
        moments = {}
        if self._steps_taken:
            for name, tensors in zip(self._optimizer.moments, self._moments, strict=True):
                moments[name] = self._network.arrays(tensors)
        return TrainingState(
            seed=self._seed,
            steps=self._steps_taken,
            moments=moments,
            carried=[(h.copy(), c.copy()) for h, c in self._training_state],
        ).arrays(BACKEND)

    def restore_training_state(self, state: Mapping[str, np.ndarray]) -> None:
        """Take back what `training_state`, of this backend or another, returned.

        Raises:
            RunUnreadable: it is another model's.
        """
        options = self._options
        taken = read_training_state(
            state,
            backend=BACKEND,
            optimizer=options.optimizer,
            shapes=self._shapes,
            layers=options.layers,
        )
        self._seed, self._steps_taken = taken.seed, taken.steps
        if taken.moments:
            self._moments = [
                self._network.tensors(taken.moments[name]) for name in self._optimizer.moments
            ]
        else:
            with self._engine.placed():
                self._moments = self._optimizer.fresh(self._weights)
        self._training_state = [
            (np.array(h, np.float32), np.array(c, np.float32)) for h, c in taken.carried
        ]

    @property
    def _shapes(self) -> dict[str, tuple[int, ...]]:
        return weight_shapes(self.spec, self._options)

    def _kept(self, batch: Batch, rows: int) -> list[np.ndarray] | None:
        """What dropout keeps of each layer's outputs in the next training step, if it drops any."""
        options = self._options
        if not options.dropout_share:
            return None
        shape = (*batch.targets.T.shape, options.hidden)
        return [
            kept_outputs(self._seed, self._steps_taken, layer, options.dropout_share, shape, rows)
            for layer in range(options.layers)
        ]

    def _fresh_state(self, rows: int) -> CarriedState:
        shape = (rows, self._options.hidden)
        return [
            (np.zeros(shape, np.float32), np.zeros(shape, np.float32))
            for _ in range(self._options.layers)
        ]

    def _continued(self, carried: CarriedState, batch: Batch, rows: int) -> CarriedState:
        """What `rows` sequences begin with: zeros, or, for a batch's own, what was carried."""
        state = self._fresh_state(rows)
        goes_on = ~batch.starts
        if not goes_on.any():
            return state
        if len(carried[0][0]) != len(batch.starts):
            raise ValueError(
                f"a batch of {len(batch.starts)} sequences cannot go on from one of "
                f"{len(carried[0][0])}"
            )
        for (h, c), (old_h, old_c) in zip(state, carried, strict=True):
            h[: len(goes_on)][goes_on] = old_h[goes_on]
            c[: len(goes_on)][goes_on] = old_c[goes_on]
        return state


def _first_rows(state: CarriedState, rows: int) -> CarriedState:
    return [(h[:rows].copy(), c[:rows].copy()) for h, c in state]


def _precision(options: KerasOptions, engine: Engine) -> str:
    """The dtype of products in training."""
    if options.precision != "auto":
        return options.precision
    return "bfloat16" if engine.has_fast_bfloat16() else "float32"
