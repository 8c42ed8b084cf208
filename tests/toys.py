"""Models small enough to follow by hand, and the plugin that registers them for a test."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, Self

import numpy as np
import safetensors.numpy
from pydantic import Field

import pixelgen
from pixelgen.data.segments import Batch, Segments
from pixelgen.models.interface import Decoder, Model, ModelSpec, StepInputs, parse_shape


@pixelgen.hookimpl
def register_models(register):
    register("learner", "toys:Learner", summary="softmax over the nearest neighbour")
    register("scrambler", "toys:Scrambler", summary="probabilities hashed from all that was seen")


class Toy(Model):
    """What the toys have in common: how their sequences are cut, and a spec to remember."""

    class Options(pixelgen.Options):
        memory: Literal["none", "row", "picture"] = "row"
        context: str | tuple[tuple[int, int], ...] = "near"
        batch: int = Field(8, ge=1)
        chunk: int = Field(30, ge=1)
        window: int | None = None
        forget_after: int | None = Field(5, description="has no effect; its default is not None")
        learning_rate: float = Field(1.0, ge=0)
        not_a_number_at: int = Field(-1, description="the step whose loss is not a number")
        number_below: float = Field(
            1.0, description="with a learning rate below so much of it, that loss is a number"
        )
        most_rows: int = Field(10**9, description="more sequences at once do not fit into memory")
        worse_after: int = Field(10**9, description="the step after which it unlearns")

    def __init__(self, spec: ModelSpec, options: Options, seed: int) -> None:
        self.spec, self.options, self.seed = spec, options, seed

    @classmethod
    def segments(cls, options: Options) -> Segments:
        return Segments(
            memory=options.memory,
            context=options.context,
            batch=options.batch,
            chunk=options.chunk,
            window=options.window,
        )

    @classmethod
    def build(cls, spec, options, *, seed=0, device="auto") -> Self:
        return cls(spec, options, seed)


class Learner(Toy):
    """Softmax regression on the nearest neighbour, with momentum, noise and a carried state.

    All three are part of what training goes on from, so that a resumption which forgets one of
    them, or sees another progress, shows in the weights.
    """

    def __init__(self, spec: ModelSpec, options: Toy.Options, seed: int) -> None:
        super().__init__(spec, options, seed)
        self.weights = np.zeros((spec.vocab_size + 1, spec.vocab_size), np.float32)
        self.velocity = np.zeros_like(self.weights)
        self.steps = 0
        self.carried = np.zeros(options.batch, np.int32)
        self.progresses: list[float] = []
        self.scale, self.parts = 1.0, 1

    def train_step(self, batch: Batch, progress: float) -> float:
        self.progresses.append(progress)
        if self.steps == self.options.not_a_number_at and self.scale >= self.options.number_below:
            return float("nan")
        if -(-len(batch.targets) // self.parts) > self.options.most_rows:
            raise MemoryError
        nearest = batch.context[..., 0].copy()
        going_on = np.flatnonzero(~batch.starts)
        nearest[going_on, 0] = self.carried[going_on]
        self.carried[: len(nearest)] = batch.targets[:, -1]
        rows, targets = nearest.reshape(-1), batch.targets.reshape(-1)
        probabilities = _softmax(self.weights[rows])
        loss = -np.log(probabilities[np.arange(len(targets)), targets] + 1e-9).mean()
        probabilities[np.arange(len(targets)), targets] -= 1
        gradient = np.zeros_like(self.weights)
        np.add.at(gradient, rows, probabilities / len(targets))
        noise = np.random.default_rng([self.seed, self.steps]).standard_normal(gradient.shape)
        sign = -1 if self.steps >= self.options.worse_after else 1
        self.velocity = np.float32(0.5) * self.velocity + sign * gradient
        rate = self.options.learning_rate * self.scale * (1 - progress)
        self.weights -= np.float32(rate) * (self.velocity + np.float32(1e-4) * noise)
        self.weights = self.weights.astype(np.float32)
        self.velocity = self.velocity.astype(np.float32)
        self.steps += 1
        return float(loss)

    def scale_learning_rate(self, factor: float) -> bool:
        self.scale *= factor
        return True

    def learn_in_parts(self, parts: int) -> bool:
        self.parts = parts
        return True

    def nll(self, batch: Batch) -> np.ndarray:
        if len(batch.targets) > 4 * self.options.most_rows:
            raise MemoryError
        probabilities = _softmax(self.weights[batch.context[..., 0]])
        chosen = np.take_along_axis(probabilities, batch.targets[..., None], axis=-1)[..., 0]
        return -np.log(chosen + 1e-9)

    def decoder(self, slots: int) -> Decoder:
        if slots > 30 * self.options.most_rows:
            raise MemoryError
        return _LearnersDecoder(self.weights)

    def save(self, directory: Path) -> None:
        safetensors.numpy.save_file({"weights": self.weights}, directory / "model.safetensors")
        spec = {
            "vocab_size": self.spec.vocab_size,
            "grid": self.spec.grid,
            "offsets": self.spec.offsets,
            "seed": self.seed,
        }
        (directory / "spec.json").write_text(json.dumps(spec))

    @classmethod
    def load(cls, directory: Path, options, *, device="auto") -> Self:
        saved = json.loads((directory / "spec.json").read_text())
        model = cls(parse_shape(saved), options, saved["seed"])
        model.weights = safetensors.numpy.load_file(directory / "model.safetensors")["weights"]
        return model

    def training_state(self) -> Mapping[str, np.ndarray]:
        return {
            "velocity": self.velocity,
            "carried": self.carried,
            "steps": np.array(self.steps),
        }

    def restore_training_state(self, state: Mapping[str, np.ndarray]) -> None:
        self.velocity, self.carried = state["velocity"], state["carried"].copy()
        self.steps = int(state["steps"])


class _LearnersDecoder(Decoder):
    def __init__(self, weights: np.ndarray) -> None:
        self.weights = weights

    def step(self, inputs: StepInputs) -> np.ndarray:
        return self.weights[inputs.context[:, 0]]


class Scrambler(Toy):
    """Logits hashed from the seed, group, position, context and everything its slot has seen.

    Whatever a painter gets wrong (a slot, a start, a cell painted too early) changes the picture.
    """

    def train_step(self, batch: Batch, progress: float) -> float:
        raise NotImplementedError

    def nll(self, batch: Batch) -> np.ndarray:
        raise NotImplementedError

    def decoder(self, slots: int) -> Decoder:
        return _ScramblersDecoder(self, slots)

    def save(self, directory: Path) -> None:
        raise NotImplementedError

    @classmethod
    def load(cls, directory: Path, options, *, device="auto") -> Self:
        raise NotImplementedError

    def training_state(self) -> Mapping[str, np.ndarray]:
        return {}

    def restore_training_state(self, state: Mapping[str, np.ndarray]) -> None:
        return


class _ScramblersDecoder(Decoder):
    def __init__(self, model: Scrambler, slots: int) -> None:
        self.model = model
        self.states = np.full(slots, 12345, np.uint64)  # not what a segment starts with

    def step(self, inputs: StepInputs) -> np.ndarray:
        fresh = inputs.starts | (self.model.options.memory == "none")
        state = np.where(fresh, np.uint64(self.model.seed), self.states[inputs.slots])
        for seen in (inputs.groups, inputs.positions, *inputs.context.T):
            state = _mix(state ^ seen.astype(np.uint64))
        self.states[inputs.slots] = state
        tokens = np.arange(self.model.spec.vocab_size, dtype=np.uint64)
        hashed = _mix(state[:, None] ^ (tokens << np.uint64(32)))
        return (hashed >> np.uint64(40)).astype(np.float32) / np.float32(2**22)  # in [0, 4)


def _mix(values: np.ndarray) -> np.ndarray:
    """The finalizer of SplitMix64 (Steele, Lea, Flood 2014): every bit depends on every bit."""
    values = values + np.uint64(0x9E3779B97F4A7C15)
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def _softmax(logits: np.ndarray) -> np.ndarray:
    weights = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return weights / weights.sum(axis=-1, keepdims=True)
