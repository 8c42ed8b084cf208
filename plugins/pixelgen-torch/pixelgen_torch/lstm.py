"""`torch-lstm`: the canonical LSTM as a model of pixelgen."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import torch
from torch import Tensor

import pixelgen
from pixelgen.data.segments import Batch, Segments, equal_parts
from pixelgen.models.canonical.parameters import initial_weights, weight_shapes
from pixelgen.models.canonical.training_state import TrainingState, read_training_state
from pixelgen.models.canonical.weights import FAMILY, read_model, write_model
from pixelgen.models.interface import Decoder, Model, ModelSpec
from pixelgen_torch.decoder import TorchDecoder
from pixelgen_torch.device import choose_device, product_dtype
from pixelgen_torch.memory import keep_large_buffers
from pixelgen_torch.network import Dropout, Network, State
from pixelgen_torch.optimizer import Optimizer
from pixelgen_torch.options import LSTMOptions
from pixelgen_torch.softmax import mean_cross_entropy


class TorchLSTM(Model):
    """The canonical LSTM on PyTorch; `network.py` has its arithmetic."""

    Options: ClassVar[type[pixelgen.Options]] = LSTMOptions
    family: ClassVar[str | None] = FAMILY

    def __init__(self, network: Network, seed: int) -> None:
        keep_large_buffers()
        self._network = network
        self.spec = network.spec
        self._seed = seed
        self._parts = 1  # in which a batch is learned
        self._dtype = product_dtype(network.options.precision, network.device)
        self._optimizer = Optimizer(network.leaves(), network.options)
        self._dropout = torch.Generator(network.device).manual_seed(seed)
        # Where sequences go on from one batch to the next; training and `nll` walk separately.
        self._training_state: State = network.fresh_state(0)
        self._reading_state: State = network.fresh_state(0)

    @classmethod
    def segments(cls, options: Any) -> Segments:
        """Return how a model with these options wants its sequences cut."""
        segments: Segments = options.segments()
        return segments

    @classmethod
    def build(cls, spec: ModelSpec, options: Any, *, seed: int = 0, device: str = "auto") -> Self:
        """Return a new, untrained model; the same for the same seed.

        Raises:
            DeviceNotFound: the device is not there.
        """
        place = choose_device(device)
        initial = initial_weights(spec, options, seed)
        weights = {name: torch.from_numpy(array) for name, array in initial.items()}
        return cls(Network(spec, options, weights, place), seed)

    def train_step(self, batch: Batch, progress: float) -> float:
        """Learn from one batch; return its mean loss in nats per token before the step."""
        random = self._dropout.get_state()
        try:
            loss, states = self._gather_gradients(batch, random)
            self._optimizer.step(progress)
        except Exception:
            self._dropout.set_state(random)
            self._optimizer.forget_gradients()
            raise
        self._training_state = [
            (torch.cat([h for h, _ in layer]), torch.cat([c for _, c in layer]))
            for layer in zip(*states, strict=True)
        ]
        return loss

    def _gather_gradients(self, batch: Batch, random: Tensor) -> tuple[float, list[State]]:
        """Gather the gradients of a batch, part by part; return its loss and the last states."""
        network, whole = self._network, len(batch.starts)
        total, states = 0.0, []
        for rows in equal_parts(whole, self._parts):
            self._dropout.set_state(random)  # each part's masks are cut from the whole batch's
            part = batch.rows(rows)
            state = self._continued(self._training_state, part, rows, whole)
            dropout = Dropout(self._dropout, rows, whole)
            h, last = self._read(part, state, self._dtype, dropout)
            z, vectors, bias = network.output(h)
            loss = mean_cross_entropy(z, vectors, bias, self._targets(part))
            share = part.size / batch.size
            (loss if share == 1 else loss * share).backward()
            total += share * loss.item()
            states.append([(h.detach(), c.detach()) for h, c in last])
        return total, states

    def nll(self, batch: Batch) -> np.ndarray:
        """Return the negative log-likelihood of each target in nats: (B, T) float32."""
        network = self._network
        rows, steps = batch.targets.shape
        with torch.no_grad():
            state = self._continued(self._reading_state, batch, slice(None), rows)
            h, self._reading_state = self._read(batch, state, torch.float32, None)
            z, vectors, bias = network.output(h)
            nats = z.new_empty(len(z))
            targets = self._targets(batch)
            for first in range(0, len(z), 1024):  # bounds the memory
                part = slice(first, first + 1024)
                logits = torch.addmm(bias, z[part], vectors.t())
                chosen = logits.gather(1, targets[part, None])[:, 0]
                nats[part] = logits.logsumexp(1) - chosen
            result: np.ndarray = nats.view(steps, rows).t().cpu().numpy()
            return np.ascontiguousarray(result)

    def decoder(self, slots: int) -> Decoder:
        """Return a decoder with this many recurrent states."""
        return TorchDecoder(self._network, slots)

    def scale_learning_rate(self, factor: float) -> bool:
        """Learn with this multiple of the learning rate from now on; True."""
        self._optimizer.scale *= factor
        return True

    def learn_in_parts(self, parts: int) -> bool:
        """Take each training step in so many parts from now on; True."""
        self._parts = parts
        return True

    def ran_out_of_memory(self, error: Exception) -> bool:
        """Whether an error is about a lack of memory, of the processor's or of the GPU's."""
        return isinstance(error, MemoryError | torch.OutOfMemoryError) or (
            isinstance(error, RuntimeError) and "can't allocate memory" in str(error)
        )

    @property
    def device(self) -> str:
        """The device that was taken: `cpu` or `cuda:N`."""
        return str(self._network.device)

    @property
    def parameter_count(self) -> int:
        """The number of learned numbers."""
        return sum(leaf.numel() for leaf in self._network.leaves().values())

    def save(self, directory: Path) -> None:
        """Write `model.safetensors` and `spec.json` into an existing directory."""
        weights = {name: weight.cpu().numpy() for name, weight in self._network.weights().items()}
        write_model(directory, self._network.spec, self._network.options, weights)

    @classmethod
    def load(cls, directory: Path, options: Any, *, device: str = "auto") -> Self:
        """Return the model that `save` wrote, of the shape that it was saved with.

        Raises:
            RunUnreadable: a file is missing or damaged.
            DeviceNotFound: the device is not there.
        """
        place = choose_device(device)
        spec, options, arrays = read_model(directory, options)
        weights = {name: torch.from_numpy(array) for name, array in arrays.items()}
        return cls(Network(spec, options, weights, place), seed=0)

    def training_state(self) -> Mapping[str, np.ndarray]:
        """Return the optimizer's moments, the dropout's random state and the carried states."""
        moments = {
            moment: {
                name: tensor.cpu().numpy().copy()
                for name, tensor in self._network.by_name(by_leaf).items()
            }
            for moment, by_leaf in self._optimizer.moments().items()
        }
        carried = [
            (h.cpu().numpy().copy(), c.cpu().numpy().copy()) for h, c in self._training_state
        ]
        random = self._dropout.get_state().numpy().copy()
        state = TrainingState(self._seed, self._optimizer.steps, moments, carried, random)
        return state.arrays(self._random_name)

    def restore_training_state(self, state: Mapping[str, np.ndarray]) -> None:
        """Take back what `training_state` returned, here or in another backend of the family.

        Raises:
            RunUnreadable: it is another model's.
        """
        network = self._network
        taken = read_training_state(
            state,
            backend=self._random_name,
            optimizer=network.options.optimizer,
            shapes=weight_shapes(network.spec, network.options),
            layers=network.options.layers,
        )
        moments = {
            moment: network.by_leaf({name: self._tensor(array) for name, array in named.items()})
            for moment, named in taken.moments.items()
        }
        self._optimizer.restore(taken.steps, moments)
        self._seed = taken.seed
        if taken.random is None:
            self._dropout.manual_seed(taken.seed + taken.steps)
        else:
            self._dropout.set_state(torch.tensor(taken.random))
        self._training_state = [(self._tensor(h), self._tensor(c)) for h, c in taken.carried]

    @property
    def _random_name(self) -> str:
        """Whose random state this is: that of one kind of device means nothing to another."""
        return f"torch.{self._network.device.type}"

    def _read(
        self, batch: Batch, state: State, dtype: torch.dtype, dropout: Dropout | None
    ) -> tuple[Tensor, State]:
        """Run the network over a batch: (TB, H) outputs, time first, and the last state."""
        rows, steps = batch.targets.shape
        x = self._network.inputs(
            _time_first(batch.context),  # (TB, n)
            _time_first(batch.positions),  # (TB,)
            np.tile(batch.groups, steps),
            dtype,
        )
        h, last = self._network.recur(x.view(steps, rows, -1), state, dropout)
        return h.flatten(0, 1), last

    def _continued(self, carried: State, batch: Batch, rows: slice, whole: int) -> State:
        """The state that sequences begin with: fresh, or carried from the last batch.

        They are these rows of a batch of `whole` sequences.
        """
        if batch.starts.all():
            return self._network.fresh_state(len(batch.starts))
        before = len(carried[0][0])
        if before != whole:
            raise ValueError(f"a batch of {whole} sequences cannot go on from one of {before}")
        goes_on = self._tensor(~batch.starts)[:, None]
        return [(h[rows] * goes_on, c[rows] * goes_on) for h, c in carried]

    def _targets(self, batch: Batch) -> Tensor:
        return self._tensor(_time_first(batch.targets))

    def _tensor(self, array: np.ndarray) -> Tensor:
        return torch.tensor(array, device=self._network.device)


def _time_first(array: np.ndarray) -> np.ndarray:
    """(TB, …) int64 of (B, T, …)."""
    turned = np.ascontiguousarray(np.swapaxes(array, 0, 1), np.int64)
    return turned.reshape(-1, *array.shape[2:])
