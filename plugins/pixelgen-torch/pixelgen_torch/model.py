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
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import torch
from torch import Tensor

from pixelgen.buffers import keep_large_buffers
from pixelgen.data.segments import Batch
from pixelgen.errors import OptionError
from pixelgen.models.canonical.model import NeighbourModel
from pixelgen.models.canonical.parameters import initial_weights, weight_shapes
from pixelgen.models.canonical.training_state import (
    State,
    TrainingState,
    read_training_state,
    unfit,
)
from pixelgen.models.canonical.weights import read_model, write_model
from pixelgen.models.interface import ModelSpec
from pixelgen.plan import Plan
from pixelgen_torch.company import Begin, Company, LackOfMemory, Step, company, help_leader
from pixelgen_torch.device import choose_device, is_gpu, is_lack_of_memory, product_dtype
from pixelgen_torch.dropout import Dropout
from pixelgen_torch.learning import Learning, targets_of, time_first
from pixelgen_torch.network import Network
from pixelgen_torch.painter import Painters


class SequenceNetwork(Network):
    """A network that reads whole sequences, and may carry something from one batch to the next.

    Attributes:
        splits_carried: whether what is carried can be cut by sequences, so that a batch whose
            sequences go on can be learned in parts.
    """

    splits_carried: ClassVar[bool] = False

    @abstractmethod
    def read(
        self, batch: Batch, carried: Any, dtype: torch.dtype, dropout: Dropout | None
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

    def spread(self, carried: Any, rows: slice, whole: int) -> tuple[Any, list[Tensor]]:
        """Return what is carried of some of the `whole` sequences as that of all, zero elsewhere.

        Returns:
            It, and the tensors in it, which are summed over processes in place.
        """
        return None, []

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

    def answer(self, h: Tensor, batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
        """Return z (TB, Z), the tokens' vectors (V, Z) and biases (V,) of what `read` returned."""
        return self.output(h, time_first(batch.context.take(self.tied, 2)))


class TorchModel(NeighbourModel):
    """Everything but the network and its decoder."""

    Net: ClassVar[type[SequenceNetwork]]
    painting_options: ClassVar[frozenset[str]] = frozenset({"painting"})
    trains_in_company: ClassVar[bool] = True

    def __init__(self, network: Any, seed: int) -> None:
        keep_large_buffers()
        self.network = network
        self.spec = network.spec
        self.seed = seed
        self._painters = Painters()
        self._reading: Any = None  # where sequences go on in `nll`, apart from training

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

    @cached_property
    def learning(self) -> Learning:
        """What moves the weights.

        Made when it is first asked for, since painting never does: an optimizer of PyTorch imports
        its compiler.
        """
        network = self.network
        dtype = product_dtype(network.options.precision, network.device)
        return Learning(network, self.seed, dtype)

    def train_step(self, batch: Batch, progress: float) -> float:
        """Learn from one batch; return its mean loss in nats per token before the step."""
        self._painters.forget()
        others, learning = company(), self.learning
        if others is None:
            return learning.step(batch, progress)
        if not learning.can_be_cut:
            raise OptionError(
                f"sequences that go on from batch to batch cannot be shared by {others.size} "
                f"processes in {type(self).__name__}",
                where="in the option 'memory'",
                remedy="Train in one process, or with -o model.memory=row",
            )
        others.led_by(self)
        random = self.learning.random.get_state()
        others.tell(
            Step(batch, progress, self.learning.optimizer.scale, self.learning.parts, random)
        )
        try:
            return self.learning.step(batch, progress, others)
        except LackOfMemory:  # of which all have heard
            raise
        except Exception:
            others.doubt()
            raise

    @classmethod
    def help_leader(cls) -> None:
        """Take part in the training steps of the job's first process until that one has ended."""
        help_leader()

    @classmethod
    def copy_of(cls, begin: Begin) -> Self:
        """Return a copy of the leader's model, ready to train."""
        weights = {name: torch.from_numpy(array) for name, array in begin.weights.items()}
        place = choose_device(begin.device)
        model = cls(cls.Net(begin.spec, begin.options, weights, place), begin.seed)
        model.restore_training_state(begin.state)
        return model

    def take_part(self, step: Step, others: Company) -> None:
        """Do this process's share of a training step."""
        self._painters.forget()
        self.learning.optimizer.scale, self.learning.parts = step.rate_scale, step.parts
        self.learning.random.set_state(step.random)
        with suppress(MemoryError):  # which the leader raises too, and then tells what to do
            self.learning.step(step.batch, step.progress, others)

    def nll(self, batch: Batch) -> np.ndarray:
        """Return the negative log-likelihood of each target in nats: (B, T) float32."""
        network = self.network
        rows, steps = batch.targets.shape
        with torch.no_grad():
            h, self._reading = network.read(batch, self._reading, torch.float32, None)
            z, vectors, bias = network.answer(h, batch)
            nats = z.new_empty(len(z))
            targets = targets_of(batch, network.device)
            for first in range(0, len(z), 1024):  # bounds the memory
                part = slice(first, first + 1024)
                logits = torch.addmm(bias, z[part], vectors.t())
                chosen = logits.gather(1, targets[part, None])[:, 0]
                nats[part] = logits.logsumexp(1) - chosen
            result: np.ndarray = nats.view(steps, rows).t().cpu().numpy()
            return np.ascontiguousarray(result)

    def generate(self, plan: Plan) -> np.ndarray | None:
        """Paint a plan on a GPU without leaving it; elsewhere, or a mixture of groups, None."""
        if plan.mixture or not plan.schedule.waves or not is_gpu(self.network.device):
            return None
        return self._painters.paint(self.network, plan, self.decoder)

    def scale_learning_rate(self, factor: float) -> bool:
        """Learn with this multiple of the learning rate from now on; True."""
        self.learning.optimizer.scale *= factor
        return True

    def learn_in_parts(self, parts: int) -> bool:
        """Take each training step in so many parts from now on.

        Returns:
            False where sequences go on from batch to batch with what cannot be cut.
        """
        if not self.learning.can_be_cut:
            return False
        self.learning.parts = parts
        return True

    def ran_out_of_memory(self, error: Exception) -> bool:
        """Whether an error is about a lack of memory, of the processor's or of the GPU's."""
        return is_lack_of_memory(error)

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
            for moment, by_leaf in self.learning.optimizer.moments().items()
        }
        random = self.learning.random.get_state().numpy().copy()
        state = TrainingState(
            self.seed, self.learning.optimizer.steps, moments, self.states(), random
        )
        return state.arrays(self._random_name)

    def restore_training_state(self, state: Mapping[str, np.ndarray]) -> None:
        """Take back what `training_state` returned, here or in another backend of the family.

        Raises:
            RunUnreadable: it is another model's.
        """
        company()  # who wait to be led are dismissed at the end, though no step may be left to take
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
        self.learning.optimizer.restore(taken.steps, moments)
        self.seed = taken.seed
        if taken.random is None:
            self.learning.random.manual_seed(taken.seed + taken.steps)
        else:
            try:
                self.learning.random.set_state(torch.tensor(taken.random))
            except (RuntimeError, TypeError) as error:
                raise unfit(f"{self._random_name!r} is no state of random numbers") from error
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
