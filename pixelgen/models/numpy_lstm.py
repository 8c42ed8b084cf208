"""`numpy-lstm`: the canonical LSTM in NumPy alone, the reference that the other backends follow.

Begin with the package `canonical`: its docstring has the equations, `forward.py` computes them,
`backward.py` their gradients, `decoder.py` a step of painting. This file makes a model of it all.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np

from pixelgen.data.segments import Batch, equal_parts
from pixelgen.errors import DeviceNotFound
from pixelgen.models.canonical.backward import Gradients, loss_and_gradients
from pixelgen.models.canonical.decoder import NumpyDecoder
from pixelgen.models.canonical.forward import Network
from pixelgen.models.canonical.loss import nats
from pixelgen.models.canonical.model import NeighbourModel
from pixelgen.models.canonical.optimizer import Optimizer
from pixelgen.models.canonical.options import FAMILY, CanonicalOptions
from pixelgen.models.canonical.parameters import initial_weights, weight_shapes
from pixelgen.models.canonical.training_state import State, TrainingState, read_training_state
from pixelgen.models.canonical.weights import read_model, write_model
from pixelgen.models.interface import Decoder, ModelSpec
from pixelgen.options import Options
from pixelgen.randomness import generator_for


class NumpyLSTM(NeighbourModel):
    """The canonical LSTM on NumPy. B sequences in a batch, T positions in each."""

    Options: ClassVar[type[Options]] = CanonicalOptions
    family: ClassVar[str | None] = FAMILY

    def __init__(self, network: Network, seed: int) -> None:
        self._network = network
        self.spec = network.spec
        self._parts = 1  # in which a batch is learned
        self._optimizer = Optimizer(network.options)
        self._seed = seed  # of the dropout
        # Where sequences go on from one batch to the next; training and `nll` walk separately.
        self._training_state: State = network.fresh_state(0)
        self._reading_state: State = network.fresh_state(0)

    @classmethod
    def build(cls, spec: ModelSpec, options: Any, *, seed: int = 0, device: str = "auto") -> Self:
        """Return a new, untrained model; the same for the same seed.

        Raises:
            DeviceNotFound: the device is another one than the CPU.
        """
        _check_device(device)
        return cls(Network(spec, options, initial_weights(spec, options, seed)), seed)

    def train_step(self, batch: Batch, progress: float) -> float:
        """Learn from one batch; return its mean loss in nats per token before the step."""
        network, carried = self._network, self._training_state
        masks = self._dropout_masks(batch)
        loss, gradients, states = 0.0, Gradients(), []
        for rows in equal_parts(len(batch.starts), self._parts):
            part = batch.rows(rows)
            state = _continued(
                network.fresh_state(len(part.starts)), carried, part, rows, len(batch.starts)
            )
            part_masks = [mask[:, rows] for mask in masks]
            trace = network.run(part.context, part.positions, part.groups, state, part_masks)
            part_loss, part_gradients = loss_and_gradients(
                network, trace, part.targets.T.reshape(-1)
            )
            if self._parts == 1:
                loss, gradients = part_loss, part_gradients
            else:
                share = part.size / batch.size
                loss += share * part_loss
                _add(gradients, part_gradients, share)
            states.append(trace.state)
        self._optimizer.step(network.weights, gradients, progress)
        self._training_state = [
            (np.concatenate([h for h, _ in layer]), np.concatenate([c for _, c in layer]))
            for layer in zip(*states, strict=True)
        ]
        return loss

    def nll(self, batch: Batch) -> np.ndarray:
        """Return the negative log-likelihood of each target in nats: (B, T) float32."""
        network = self._network
        rows = len(batch.starts)
        state = _continued(network.fresh_state(rows), self._reading_state, batch, slice(None), rows)
        trace = network.run(batch.context, batch.positions, batch.groups, state)
        self._reading_state = trace.state
        bias = network.weights["output.bias"]
        by_position = nats(trace.z, trace.output.vectors, bias, batch.targets.T.reshape(-1))
        return np.ascontiguousarray(by_position.reshape(batch.targets.T.shape).T)

    def decoder(self, slots: int) -> Decoder:
        """Return a decoder with this many recurrent states."""
        return NumpyDecoder(self._network, slots)

    def scale_learning_rate(self, factor: float) -> bool:
        """Learn with this multiple of the learning rate from now on; True."""
        self._optimizer.scale *= factor
        return True

    def learn_in_parts(self, parts: int) -> bool:
        """Take each training step in so many parts from now on; True."""
        self._parts = parts
        return True

    @property
    def parameter_count(self) -> int:
        """The number of learned numbers."""
        return sum(weight.size for weight in self._network.weights.values())

    def save(self, directory: Path) -> None:
        """Write `model.safetensors` and `spec.json` into an existing directory."""
        write_model(directory, self._network.spec, self._network.options, self._network.weights)

    @classmethod
    def load(cls, directory: Path, options: Any, *, device: str = "auto") -> Self:
        """Return the model that `save` wrote, of the shape that it was saved with.

        Raises:
            RunUnreadable: a file is missing or damaged.
            DeviceNotFound: the device is another one than the CPU.
        """
        _check_device(device)
        return cls(Network(*read_model(directory, options)), seed=0)

    def training_state(self) -> Mapping[str, np.ndarray]:
        """Return the optimizer's moments, the dropout's seed and the carried states."""
        optimizer = self._optimizer
        state = TrainingState(self._seed, optimizer.steps, optimizer.moments, self._training_state)
        return {name: array.copy() for name, array in state.arrays("numpy").items()}

    def restore_training_state(self, state: Mapping[str, np.ndarray]) -> None:
        """Take back what `training_state` returned, or that of another backend.

        Raises:
            RunUnreadable: it is another model's.
        """
        options = self._network.options
        taken = read_training_state(
            state,
            backend="numpy",
            optimizer=options.optimizer,
            shapes=weight_shapes(self._network.spec, options),
            layers=options.layers,
        )
        self._seed = taken.seed
        self._optimizer.steps = taken.steps
        self._optimizer.moments = {
            moment: {name: array.copy() for name, array in by_name.items()}
            for moment, by_name in taken.moments.items()
        }
        self._training_state = [(h.copy(), c.copy()) for h, c in taken.carried]

    def _dropout_masks(self, batch: Batch) -> list[np.ndarray]:
        """(T, B, H) a layer, keyed by the seed and the step, so that there is no state to keep."""
        share, hidden = self._network.options.dropout_share, self._network.options.hidden
        if not share:
            return []
        masks = []
        for layer in range(self._network.options.layers):
            random = generator_for(self._seed, "dropout", self._optimizer.steps, layer)
            kept = random.random((*batch.targets.T.shape, hidden), np.float32) >= share
            masks.append(kept.astype(self._network.dtype) / (1 - share))
        return masks


def _continued(fresh: State, carried: State, batch: Batch, rows: slice, whole: int) -> State:
    """The state that sequences begin with: fresh, or carried from the last batch.

    They are these rows of a batch of `whole` sequences.
    """
    if batch.starts.all():
        return fresh
    before = len(carried[0][0])
    if before != whole:
        raise ValueError(f"a batch of {whole} sequences cannot go on from one of {before}")
    goes_on = ~batch.starts[:, None]  # (B, 1)
    return [(h[rows] * goes_on, c[rows] * goes_on) for h, c in carried]


def _add(gradients: Gradients, more: Gradients, share: float) -> None:
    """Add a part's share to the gradients of a batch."""
    for name, gradient in more.items():
        gradient *= share
        if name in gradients:
            gradients[name] += gradient
        else:
            gradients[name] = gradient


def _check_device(name: str) -> None:
    if name not in ("auto", "cpu"):
        raise DeviceNotFound(
            f"numpy-lstm cannot work on the device {name!r}",
            where="NumPy has the CPU alone",
            remedy="Use --device cpu, or a model such as torch-lstm",
        )
