"""The training loop: epochs, budget, evaluation, checkpoints and samples, for any model.

A model supplies steps; everything else is here, which is what makes models comparable.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Literal

import numpy as np

from pixelgen.data.material import Material
from pixelgen.data.segments import Batch
from pixelgen.errors import OutOfMemory, TrainingError
from pixelgen.evaluation.bits import bits_per_pixel, nats_by_cell
from pixelgen.listener import Listener
from pixelgen.loop_state import LoopState
from pixelgen.models.interface import Model
from pixelgen.pace import Pace
from pixelgen.randomness import generator_for
from pixelgen.runs.directory import RunDirectory
from pixelgen.runs.moments import forget_moments_after

MEASURED_SHARE = 0.005  # of the budget: at least so much lies between two evaluations
MEASURED_WORK = 2  # times as many tokens as are measured are learned between two
SAMPLED_SHARE = 0.1  # of a budget in minutes: how much sampling may come on top
CHECKPOINT_SHARE = 0.05  # of the time since the last checkpoint that writing one may take
SLOWER = 0.25  # times the learning rate, once the loss was no number or has run away


class Derailed(Exception):
    """A loss is NaN or infinite, or has run away; says which."""


End = Literal["budget", "patience", "stopped"]
Chunks = Callable[[int, int], tuple[np.ndarray, np.ndarray]]  # of an epoch, by number


@dataclass(eq=False)
class Loop:
    """One run's training.

    Attributes:
        model, material, run: what is trained, on what, and where it is written.
        pace: the budget.
        seed: of the order of the batches.
        patience: evaluations without improvement after which to stop; 0 for never.
        weights: which are kept to paint with, `best` or the `last` that were measured.
        sample: paints and keeps what the model can do, given the epoch's metrics; also once before
            the first epoch.
        sample_every: epochs between; 0 for early ones and then fewer.
        listener: told of everything.
        should_stop: asked after each step.
        announce: told of each epoch's metrics, for the plugins' hooks.
        load: the model of a checkpoint and of the training state in it, ready to go on; an
            untrained one for None.
        checkpoint_every: seconds between checkpoints within an epoch; 0 for none there.
        keep: how many checkpoints are kept.
    """

    model: Model
    material: Material
    run: RunDirectory
    pace: Pace
    seed: int
    patience: int
    sample: Callable[[Mapping[str, Any]], None]
    sample_every: int
    listener: Listener
    should_stop: Callable[[], bool]
    announce: Callable[[dict[str, Any]], None]
    load: Callable[[Path | None, Mapping[str, np.ndarray] | None], Model]
    checkpoint_every: float = 0.0
    keep: int = 2
    weights: Literal["best", "last"] = "best"
    state: LoopState = field(default_factory=LoopState)
    _sampling: float = 0.0  # seconds
    _checkpoint_cost: float = 0.0
    _checkpoint_time: float = 0.0
    _checkpoint_step: int = -1

    def apply_state(self) -> None:
        """Let the model go on as the state says: with a lower learning rate, in parts."""
        if self.state.rate_scale != 1:
            self.model.scale_learning_rate(self.state.rate_scale)
        if self.state.parts != 1:
            self.model.learn_in_parts(self.state.parts)
        if not self.state.course.is_rising:
            self.state.sound_step = self.state.step

    def train(self) -> End:
        """Train until the budget is spent, patience runs out, or a stop is asked for.

        A loss that is no number, or runs away, takes the run back to the last checkpoint that is
        sound, once, from where it goes on with a lower learning rate.

        Raises:
            TrainingError: it happens again, or the model cannot learn more slowly.
            OutOfMemory: memory does not suffice for a batch, in parts or whole.
        """
        self._checkpoint_time = time.perf_counter()
        if not self.state.step:
            self.sample({"epoch": 0, "step": 0, "seconds": 0.0})
        while True:
            try:
                return self._train()
            except Derailed as problem:
                self._go_back(str(problem))

    def _train(self) -> End:
        with self._chunks_ahead() as chunks:
            while not self.pace.is_spent(self.state.step):
                if self.patience and self.state.without_improvement >= self.patience:
                    return "patience"
                if self._epoch(chunks) == "stopped":
                    self._checkpoint()
                    return "stopped"
                self._after_epoch()
                if self.patience and self.state.without_improvement >= self.patience:
                    self._checkpoint()
                    return "patience"
        self._checkpoint()
        return "budget"

    # -- one epoch ---------------------------------------------------------------------------

    def _epoch(self, chunks: Chunks) -> Literal["ended", "stopped"]:
        """Learn one epoch's batches, from where the state says, until it or the budget ends."""
        before = 0  # batches of the chunks that were gone through
        for chunk in range(self.material.chunks):
            batches = self.material.batches_of(chunk)
            if self.state.batch < before + batches:
                began = time.perf_counter()
                canvases, groups = chunks(self.state.epoch, chunk)
                end = self._chunk(chunk, canvases, groups, skip=before, began=began)
                if end is not None:
                    return end
            before += batches
        return "ended"

    def _chunk(
        self, chunk: int, canvases: np.ndarray, groups: np.ndarray, *, skip: int, began: float
    ) -> Literal["ended", "stopped"] | None:
        """Learn a chunk of an epoch, or what of it is left; return how the epoch has ended, if so.

        Args:
            chunk: its number.
            canvases, groups: its pictures.
            skip: how many of the epoch's batches come before it.
            began: when the wait for it began, which counts as well.
        """
        state, token_shape = self.state, self.material.tokenizer.token_shape
        several = () if self.material.chunks == 1 else (chunk,)
        order = generator_for(self.seed, "order", state.epoch, *several)
        batches = self.material.cutter.training_batches(canvases, groups, order)
        for batch in islice(batches, state.batch - skip, None):
            progress = self.pace.progress(state.step)
            nats = self._learn(batch, progress)
            if not math.isfinite(nats):
                raise Derailed(f"the loss of step {state.step + 1} is {nats}")
            self._follow(nats)
            state.batch += 1
            state.step += 1
            state.targets += batch.size
            state.epoch_nats += nats * batch.size
            state.epoch_targets += batch.size
            now = time.perf_counter()
            state.seconds += now - began
            began = now
            self.pace.replan(state.step, state.seconds)
            spent = self.pace.reached(state.step)
            mean = bits_per_pixel(state.epoch_nats / state.epoch_targets, token_shape)
            left = state.seconds * (1 - spent) / spent if spent else math.inf
            self.listener.step(state, spent, mean, left)
            if spent >= 1:  # a stop asked for now comes too late to be one
                return "ended"
            if self.should_stop():
                return "stopped"
            if self.checkpoint_every and now - self._checkpoint_time >= self.checkpoint_every:
                self._checkpoint_if_cheap()
                began = time.perf_counter()
        return None

    def _follow(self, nats: float) -> None:
        """See whether the loss has run away with this step's."""
        course, token_shape = self.state.course, self.material.tokenizer.token_shape
        course.add(nats, self.material.cutter.steps_along)
        if course.has_run_away and course.lowest is not None:
            low, high = (
                f"{bits_per_pixel(mean, token_shape):.2f}" for mean in (course.lowest, course.mean)
            )
            raise Derailed(
                f"the loss has run away: from {low} to {high} bits per pixel at step "
                f"{self.state.step + 1}"
            )

    def _learn(self, batch: Batch, progress: float) -> float:
        """Take a step; where memory does not suffice, in as many parts as it does for."""
        state = self.state
        while True:
            try:
                return float(self.model.train_step(batch, progress))  # of NumPy's kinds, too
            except Exception as error:
                if not self.model.ran_out_of_memory(error):
                    raise
                parts = 2 * state.parts
                if parts > len(batch.targets) or not self.model.learn_in_parts(parts):
                    raise OutOfMemory(
                        f"memory does not suffice to learn from {len(batch.targets)} sequences at "
                        "a time",
                        where=f"in step {state.step + 1}, on {self.model.device}",
                        remedy="Lower -o model.batch, or what makes the model large, such as "
                        "-o model.hidden, --size or --colors",
                    ) from error
                state.parts = parts
            # Outside of the `except`: what the error holds on to is free again.
            self.listener.note(
                f"Memory does not suffice for whole batches: learning from each in {parts} parts, "
                "with the same result but for rounding"
            )

    def _after_epoch(self) -> None:
        state, token_shape = self.state, self.material.tokenizer.token_shape
        reached = self.pace.reached(state.step)
        last = reached >= 1
        train_bits = bits_per_pixel(state.epoch_nats / max(state.epoch_targets, 1), token_shape)
        number = state.epoch + 1
        if state.batch == self.material.batches_per_epoch:
            state.epoch, state.batch = state.epoch + 1, 0
        state.epoch_nats, state.epoch_targets = 0.0, 0
        held_out_bits = self._evaluate() if last or self._is_measured() else None
        metrics = {
            "epoch": number,
            "step": state.step,
            "seconds": round(state.seconds, 3),
            "progress": round(reached, 6),
            "train_bits_per_pixel": round(train_bits, 6),
            "held_out_bits_per_pixel": None if held_out_bits is None else round(held_out_bits, 6),
            "targets_per_second": round(state.targets / max(state.seconds, 1e-9), 1),
        }
        self.run.add_metrics(metrics)
        self.listener.epoch(metrics)
        if last or (self._is_sampled(number) and self._has_time_to_sample()):
            began = time.perf_counter()
            self.sample(metrics)
            self._sampling += time.perf_counter() - began
        self.announce(metrics)
        # Only now: a run that is killed before this goes back and does all of the above again.
        self._checkpoint_if_cheap()

    def _evaluate(self) -> float | None:
        """Measure the held-out bits per pixel, and keep the weights if they are to be kept."""
        material, state = self.material, self.state
        if not len(material.held_out):
            return None
        nats = nats_by_cell(
            self.model, material.cutter, material.held_out, material.held_out_groups
        )
        state.measured_at = self.pace.reached(state.step)
        state.measured_targets = state.targets
        bits = bits_per_pixel(float(nats.mean()), material.tokenizer.token_shape)
        if not math.isfinite(bits):
            raise Derailed(f"the held-out loss after step {state.step} is {bits}")
        better = state.lowest_bits is None or bits < state.lowest_bits
        state.lowest_bits = bits if better else state.lowest_bits
        state.without_improvement = 0 if better else state.without_improvement + 1
        if better or self.weights == "last":
            state.best_bits, state.best_step = bits, state.step
            self.run.save_model(self.model)
        return bits

    # -- what comes on top -------------------------------------------------------------------

    def _is_measured(self) -> bool:
        state = self.state
        # The progress is less than it was where a run goes on to a larger budget.
        since = abs(self.pace.reached(state.step) - state.measured_at)
        learned = state.targets - state.measured_targets
        enough = learned >= MEASURED_WORK * self.material.held_out.size
        return since >= MEASURED_SHARE and (enough or not state.measured_targets)

    def _has_time_to_sample(self) -> bool:
        """Whether a budget in minutes leaves room for pictures, which change nothing else."""
        allowed = max(self.state.seconds * SAMPLED_SHARE, 0.5)
        return self.pace.minutes is None or self._sampling <= allowed

    def _is_sampled(self, epoch: int) -> bool:
        if self.sample_every:
            return epoch % self.sample_every == 0
        power = 1 << (epoch.bit_length() - 1)
        return epoch in (power, power + power // 2)  # 1, 2, 3, 4, 6, 8, 12, 16, 24, …

    def _checkpoint_if_cheap(self) -> None:
        since = time.perf_counter() - self._checkpoint_time
        if self._checkpoint_cost <= CHECKPOINT_SHARE * since:
            self._checkpoint()

    def _checkpoint(self) -> None:
        if self._checkpoint_step == self.state.step:
            return
        self._checkpoint_step = self.state.step
        began = time.perf_counter()
        state = self.state
        state.knots, state.minutes = list(self.pace.knots), self.pace.minutes
        if not state.course.is_rising:
            state.sound_step = state.step
        self.run.checkpoints.save(self.model, asdict(state), keep=self.keep, also=state.sound_step)
        self._checkpoint_time = time.perf_counter()
        self._checkpoint_cost = self._checkpoint_time - began

    def _go_back(self, problem: str) -> None:
        """Go on from the last checkpoint that is sound, with a lower rate."""
        where = f"in epoch {self.state.epoch + 1}"
        rate_scale = self.state.rate_scale * SLOWER
        if self.state.rate_scale != 1:
            raise TrainingError(
                f"{problem}, again, although the learning rate had been lowered to "
                f"{self.state.rate_scale:g} times what it was",
                where=where,
                remedy="Begin again with a still lower -o model.learning_rate; the best weights "
                f"so far are in {self.run.model}",
            )
        checkpoint = self.run.checkpoints.newest_sound(self.state.sound_step)
        state, training_state = LoopState(), None
        if checkpoint:
            progress, training_state = self.run.checkpoints.read(checkpoint)
            state = LoopState.parse(progress, where=checkpoint)
        self.model = self.load(checkpoint, training_state)
        if not self.model.scale_learning_rate(rate_scale):
            raise TrainingError(
                problem,
                where=where,
                remedy="This model has no learning rate that could be lowered: try other options, "
                "or check that the pictures are what they should be",
            )
        state.parts = self.state.parts
        best = self.state.best_bits  # of weights that are kept, whatever became of later ones
        if best is not None and (state.best_bits is None or best < state.best_bits):
            state.best_bits, state.best_step = best, self.state.best_step
            state.lowest_bits = self.state.lowest_bits
        state.rate_scale = rate_scale
        self.state = state
        self.pace.resume(state.knots, state.minutes, state.step, state.seconds)
        if state.parts != 1:
            self.model.learn_in_parts(state.parts)
        self.run.write_metrics([line for line in self.run.metrics() if state.covers(line)])
        forget_moments_after(self.run, state.step)
        note = (
            f"{problem[:1].upper()}{problem[1:]}: went back to step {state.step}, and on from "
            f"there with {rate_scale:g} times the learning rate"
        )
        self.run.add_note(note)
        self.listener.note(note)
        self._checkpoint_step = -1
        self._checkpoint()  # or else a run that is killed now would forget the lower rate

    @contextmanager
    def _chunks_ahead(self) -> Iterator[Chunks]:
        """Give each chunk's canvases, the next chunk's being made in a thread meanwhile."""
        with ThreadPoolExecutor(max_workers=1, thread_name_prefix="augment") as pool:
            ahead: dict[tuple[int, int], Future[tuple[np.ndarray, np.ndarray]]] = {}

            def chunk(epoch: int, number: int) -> tuple[np.ndarray, np.ndarray]:
                material = self.material
                current = ahead.pop((epoch, number), None)
                current = current or pool.submit(material.chunk, epoch, number)
                until = sum(map(material.batches_of, range(number + 1)))
                if not self.pace.is_spent(self.state.step - self.state.batch + until):
                    following = divmod(epoch * material.chunks + number + 1, material.chunks)
                    ahead[following] = pool.submit(material.chunk, *following)
                return current.result()

            try:
                yield chunk
            finally:
                for future in ahead.values():
                    future.cancel()
