"""A PyTorch network as a model of pixelgen: learning, likelihoods, files and resumption.

A model of this plugin is a network, which `network.py` gives its first and last layer, a decoder,
and a class that names both:

    class TorchMLP(TorchModel):
        Options, Net = MLPOptions, MLPNetwork

        def decoder(self, slots):
            return MLPDecoder(self.network)
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import torch
from torch import Tensor

from pixelgen.buffers import keep_large_buffers
from pixelgen.data.segments import Batch, Segments, equal_parts
from pixelgen.models.canonical.parameters import initial_weights, weight_shapes
from pixelgen.models.canonical.training_state import State, TrainingState, read_training_state
from pixelgen.models.canonical.weights import read_model, write_model
from pixelgen.models.interface import Model, ModelSpec
from pixelgen_torch.device import choose_device, product_dtype
from pixelgen_torch.network import Network
from pixelgen_torch.optimizer import Optimizer
from pixelgen_torch.softmax import mean_cross_entropy


class SequenceNetwork(Network):
    """A network that reads whole sequences, and may carry something from one batch to the next.

    Attributes:
        splits_carried: whether what is carried can be cut by sequences, so that a batch whose
            sequences go on can be learned in parts.
    """

    splits_carried: ClassVar[bool] = False

    @abstractmethod
    def read(
        self, batch: Batch, carried: Any, dtype: torch.dtype, dropout: torch.Generator | None
    ) -> tuple[Tensor, Any]:
        """Return the outputs h (TB, H), time first, and what the next batch goes on from.

        Args:
            batch: B sequences of T positions.
            carried: what the batch before returned, or None at the very first.
            dtype: of the products.
            dropout: draws what is dropped; None in evaluation, where nothing is.
        """

    def some(self, carried: Any, rows: slice) -> Any:
        """Return what is carried of some of the sequences; all of it where they start afresh."""
        return carried

    def joined(self, carried: list[Any]) -> Any:
        """Return what is carried of a whole batch from that of its parts."""
        return carried[-1]

    def embed(self, batch: Batch, dtype: torch.dtype) -> Tensor:
        """Return x (T, B, E) of a batch."""
        rows, steps = batch.targets.shape
        x = self.inputs(
            time_first(batch.context),  # (TB, n)
            time_first(batch.positions),  # (TB,)
            np.tile(batch.groups, steps),
            dtype,
        )
        return x.view(steps, rows, -1)


class TorchModel(Model):
    """Everything but the network and its decoder."""

    Net: ClassVar[type[SequenceNetwork]]
    painting_options: ClassVar[frozenset[str]] = frozenset({"painting"})

    def __init__(self, network: Any, seed: int) -> None:
        keep_large_buffers()
        self.network = network
        self.spec = network.spec
        self._seed = seed
        self._parts = 1  # in which a batch is learned
        self._dtype = product_dtype(network.options.precision, network.device)
        self._optimizer = Optimizer(network.leaves(), network.options)
        self._dropout = torch.Generator(network.device).manual_seed(seed)
        # Where sequences go on from one batch to the next; training and `nll` walk separately.
        self._training: Any = None
        self._reading: Any = None

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
        return cls(cls.Net(spec, options, weights, place), seed)

    def train_step(self, batch: Batch, progress: float) -> float:
        """Learn from one batch; return its mean loss in nats per token before the step."""
        random = self._dropout.get_state()
        try:
            loss, carried = self._gather_gradients(batch)
            self._optimizer.step(progress)
        except Exception:  # such as for a lack of memory: the step may be taken again in parts
            self._dropout.set_state(random)
            self._optimizer.forget_gradients()
            raise
        self._training = carried
        return loss

    def _gather_gradients(self, batch: Batch) -> tuple[float, Any]:
        """Gather a batch's gradients, part by part; return its loss and what is carried on."""
        network, total, carried = self.network, 0.0, []
        for rows in equal_parts(len(batch.starts), self._parts):
            part = batch if self._parts == 1 else batch.rows(rows)
            before = self._training if self._parts == 1 else network.some(self._training, rows)
            h, after = network.read(part, before, self._dtype, self._dropout)
            z, vectors, bias = network.output(h)
            loss = mean_cross_entropy(z, vectors, bias, self._targets(part))
            share = part.size / batch.size
            (loss if share == 1 else loss * share).backward()  # type: ignore[no-untyped-call]
            total += share * loss.item()
            carried.append(after)
        return total, network.joined(carried)

    def nll(self, batch: Batch) -> np.ndarray:
        """Return the negative log-likelihood of each target in nats: (B, T) float32."""
        network = self.network
        rows, steps = batch.targets.shape
        with torch.no_grad():
            h, self._reading = network.read(batch, self._reading, torch.float32, None)
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

    def scale_learning_rate(self, factor: float) -> bool:
        """Learn with this multiple of the learning rate from now on; True."""
        self._optimizer.scale *= factor
        return True

    def learn_in_parts(self, parts: int) -> bool:
        """Take each training step in so many parts from now on.

        Returns:
            False with dropout, whose numbers would be others, and where sequences go on from batch
            to batch with what cannot be cut.
        """
        segments = self.segments(self.network.options)
        fresh = segments.memory != "picture" or segments.window is not None
        if self.network.options.dropout or not (fresh or self.network.splits_carried):
            return False
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
        return str(self.network.device)

    @property
    def parameter_count(self) -> int:
        """The number of learned numbers."""
        return sum(leaf.numel() for leaf in self.network.leaves().values())

    def save(self, directory: Path) -> None:
        """Write `model.safetensors` and `spec.json` into an existing directory."""
        weights = {name: weight.cpu().numpy() for name, weight in self.network.weights().items()}
        write_model(directory, self.network.spec, self.network.options, weights)

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
        return cls(cls.Net(spec, options, weights, place), seed=0)

    def training_state(self) -> Mapping[str, np.ndarray]:
        """Return the optimizer's moments, the dropout's random state and what is carried."""
        moments = {
            moment: {
                name: tensor.cpu().numpy().copy()
                for name, tensor in self.network.by_name(by_leaf).items()
            }
            for moment, by_leaf in self._optimizer.moments().items()
        }
        random = self._dropout.get_state().numpy().copy()
        state = TrainingState(self._seed, self._optimizer.steps, moments, self.states(), random)
        return state.arrays(self._random_name)

    def restore_training_state(self, state: Mapping[str, np.ndarray]) -> None:
        """Take back what `training_state` returned, here or in another backend of the family.

        Raises:
            RunUnreadable: it is another model's.
        """
        network = self.network
        taken = read_training_state(
            state,
            backend=self._random_name,
            optimizer=network.options.optimizer,
            shapes=weight_shapes(network.spec, network.options),
            layers=self.recurrent_layers,
        )
        moments = {
            moment: network.by_leaf({name: self.tensor(array) for name, array in named.items()})
            for moment, named in taken.moments.items()
        }
        self._optimizer.restore(taken.steps, moments)
        self._seed = taken.seed
        if taken.random is None:
            self._dropout.manual_seed(taken.seed + taken.steps)
        else:
            self._dropout.set_state(torch.tensor(taken.random))
        self.take_states(taken.carried)

    # -- what a model with an LSTM's state in training overrides ------------------------------

    @property
    def recurrent_layers(self) -> int:
        """How many layers have states that training carries from batch to batch."""
        return 0

    def states(self) -> State:
        """Return these: h and c (B, H) of each."""
        return []

    def take_states(self, states: State) -> None:
        """Take back what `states` returned."""

    # -----------------------------------------------------------------------------------------

    def tensor(self, array: np.ndarray) -> Tensor:
        """Return a copy on the model's device."""
        return torch.tensor(array, device=self.network.device)

    @property
    def _random_name(self) -> str:
        """Whose random state this is: that of one kind of device means nothing to another."""
        return f"torch.{self.network.device.type}"

    def _targets(self, batch: Batch) -> Tensor:
        return self.tensor(time_first(batch.targets))


def dropped(x: Tensor, share: float, dropout: torch.Generator | None) -> Tensor:
    """Return x with a share of its numbers dropped and the rest made up for it.

    Where `dropout` is None or the share 0, that is x itself.
    """
    if dropout is None or not share:
        return x
    mask = torch.empty_like(x).bernoulli_(1 - share, generator=dropout)
    return x * mask.div_(1 - share)


def time_first(array: np.ndarray) -> np.ndarray:
    """(TB, …) int64 of (B, T, …)."""
    turned = np.ascontiguousarray(np.swapaxes(array, 0, 1), np.int64)
    return turned.reshape(-1, *array.shape[2:])
