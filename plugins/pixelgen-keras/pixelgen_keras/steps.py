"""What is compiled: a training step, the likelihoods of a batch, and a step of painting."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
from keras import ops

from pixelgen_keras.batches import PaddedBatch
from pixelgen_keras.engines.interface import Tensor
from pixelgen_keras.network import Network, State
from pixelgen_keras.optimizer import Moments, Optimizer

MOST_LOGITS = 2**22  # of which likelihoods are taken at once: 16 MB

CarriedState = list[tuple[np.ndarray, np.ndarray]]  # h and c (B', H) float32 of each layer


class Steps:
    """Compiled functions from NumPy arrays, and weights as tensors, to the same."""

    def __init__(self, network: Network, optimizer: Optimizer, precision: str) -> None:
        self._network, self._optimizer, self._precision = network, optimizer, precision
        self._engine = network.engine
        self.tile_sizes: tuple[int, ...] | None = None  # of `paint`, once a decoder has tried

    def train(
        self,
        weights: Sequence[Tensor],
        moments: Moments,
        batch: PaddedBatch,
        state: CarriedState,
        kept: Sequence[np.ndarray] | None,
        numbers: np.ndarray,
    ) -> tuple[float, CarriedState, list[Tensor], Moments]:
        """Learn from a batch.

        Args:
            weights, moments: before the step.
            batch: the sequences.
            state: what they begin with.
            kept: what dropout keeps of each layer's outputs, (T, B', H) bool; None for everything.
            numbers: the optimizer's.

        Returns:
            The loss before the step, the last state, the weights and the moments.
        """
        with self._engine.placed():
            loss, last, after, moved = self._train(
                list(weights),
                moments,
                self._tensors(batch),
                _on_engine(state),
                None if kept is None else [ops.convert_to_tensor(mask) for mask in kept],
                ops.convert_to_tensor(numbers),
            )
            return float(ops.convert_to_numpy(loss)), _on_host(last), after, moved

    def gradients(
        self, weights: Sequence[Tensor], batch: PaddedBatch, state: CarriedState
    ) -> list[Tensor]:
        """Return the gradients of a batch's loss, without dropout."""
        with self._engine.placed():
            return self._gradients(list(weights), self._tensors(batch), _on_engine(state), None)[2]

    def nll(
        self, weights: Sequence[Tensor], batch: PaddedBatch, state: CarriedState
    ) -> tuple[np.ndarray, CarriedState]:
        """Return −ln p of each target (T B',), products in float32, and the last state."""
        with self._engine.placed():
            nats, last = self._nll(list(weights), self._tensors(batch), _on_engine(state))
            return np.asarray(ops.convert_to_numpy(nats)), _on_host(last)

    def vectors(self, weights: Sequence[Tensor]) -> Tensor:
        """Return the tokens' output vectors (V, Z), for `paint`."""
        with self._engine.placed():
            return self._vectors(list(weights))

    def paint(
        self,
        weights: Sequence[Tensor],
        vectors: Tensor,
        context: np.ndarray,
        places: np.ndarray,
        state: CarriedState,
    ) -> tuple[np.ndarray, CarriedState]:
        """Move M sequences on by one position; return the logits (M, V) and the next state.

        Args:
            weights: the model's.
            vectors: what `vectors` gave for them.
            context: (M, n) int32.
            places: (M, tables) int32.
            state: of the M sequences.
        """
        with self._engine.placed():
            logits, after = self._paint(
                list(weights),
                vectors,
                ops.convert_to_tensor(context),
                ops.convert_to_tensor(places),
                _on_engine(state),
            )
            return np.asarray(ops.convert_to_numpy(logits)), _on_host(after)

    # -- compiled at their first call ----------------------------------------------------------

    @cached_property
    def _train(self) -> Any:
        def train(
            weights: Any, moments: Any, batch: Any, state: Any, kept: Any, numbers: Any
        ) -> Any:
            loss, last, gradients = self._derive(weights, batch, state, kept)
            after, moved = self._optimizer.update(weights, moments, gradients, numbers)
            return loss, last, after, moved

        return self._engine.compiled(train)

    @cached_property
    def _gradients(self) -> Any:
        return self._engine.compiled(self._derive)

    @cached_property
    def _nll(self) -> Any:
        def nll(weights: Any, batch: Any, state: Any) -> Any:
            network = self._network
            with network.bound(weights):
                h, last = self._read(batch, state, None, "float32")
                vectors = network.output.vectors()
                most = max(1, MOST_LOGITS // network.spec.vocab_size)
                targets = batch["targets"]
                nats = [
                    _cross_entropy(
                        network.output(h[part], vectors, batch["context"][part]), targets[part]
                    )
                    for first in range(0, targets.shape[0], most)
                    for part in [slice(first, first + most)]
                ]
                return ops.concatenate(nats), last

        return self._engine.compiled(nll)

    @cached_property
    def _vectors(self) -> Any:
        def vectors(weights: Any) -> Any:
            with self._network.bound(weights):
                return self._network.output.vectors()

        return self._engine.compiled(vectors)

    @cached_property
    def _paint(self) -> Any:
        def paint(weights: Any, vectors: Any, context: Any, places: Any, state: Any) -> Any:
            network = self._network
            with network.bound(weights):
                x = network.inputs(context, places, "float32")
                h, after = network.step(x, state)
                return network.output(h, vectors, context), after

        return self._engine.compiled(paint)

    # -- what they do --------------------------------------------------------------------------

    def _derive(
        self, weights: list[Tensor], batch: dict[str, Tensor], state: State, kept: Any
    ) -> tuple[Tensor, State, list[Tensor]]:
        """The mean loss of a batch, the last state, and the loss's gradients by weight."""

        def loss(weights: list[Tensor]) -> tuple[Tensor, State]:
            network = self._network
            with network.bound(weights):
                h, last = self._read(batch, state, kept, self._precision)
                logits = network.output(h, network.output.vectors(), batch["context"])
                nats = _cross_entropy(logits, batch["targets"])
                return ops.sum(ops.multiply(nats, batch["weights"])), last

        return self._engine.gradients(loss, weights)

    def _read(
        self, batch: dict[str, Tensor], state: State, kept: Any, dtype: str
    ) -> tuple[Tensor, State]:
        """Run over a batch: (T B', H) outputs, time first, and the last state."""
        network = self._network
        x = network.inputs(batch["context"], batch["places"], dtype)
        rows = state[0][0].shape[0]
        x = ops.reshape(x, (x.shape[0] // rows, rows, x.shape[1]))
        h, last = network.recur(x, state, kept)
        return ops.reshape(h, (-1, network.options.hidden)), last

    def _tensors(self, batch: PaddedBatch) -> dict[str, Tensor]:
        arrays = {
            "context": batch.context,
            "places": self._network.places(batch.positions, batch.groups),
            "targets": batch.targets,
            "weights": batch.weights,
        }
        return {name: ops.convert_to_tensor(array) for name, array in arrays.items()}


def _cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    """−ln softmax(logits)[target]: (N,) of (N, V) and (N,)."""
    return ops.sparse_categorical_crossentropy(targets, logits, from_logits=True)


def _on_engine(state: CarriedState) -> State:
    return [(ops.convert_to_tensor(h), ops.convert_to_tensor(c)) for h, c in state]


def _on_host(state: State) -> CarriedState:
    return [
        (np.asarray(ops.convert_to_numpy(h)), np.asarray(ops.convert_to_numpy(c))) for h, c in state
    ]
