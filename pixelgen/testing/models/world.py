"""A small world for a model: a scan, canvases to learn, and what a painter would ask of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from pixelgen.data.batches import Cutter
from pixelgen.data.material import make_spec
from pixelgen.data.scans import make_scan
from pixelgen.data.schedule import Schedule, make_schedule
from pixelgen.data.segments import Batch, Segments
from pixelgen.evaluation.bits import nats_by_cell
from pixelgen.generation import Plan
from pixelgen.models.interface import Decoder, Model, ModelSpec, StepInputs
from pixelgen.samplers.multinomial import Multinomial
from pixelgen.testing.arrays import expect_array, frozen
from pixelgen.testing.contract import Broken
from pixelgen.testing.subject import Subject

GRID, VOCAB, PICTURES = (4, 5), 5, 3
CHUNK = 6
TOKENS = GRID[0] * GRID[1] * PICTURES
TOLERANCE = 1e-3  # nats: float32, and sums in another order


@dataclass(frozen=True, eq=False)
class World:
    """What a model is built for, and tokens for it to learn.

    Attributes:
        subject: the model under test.
        spec: what the model may know.
        cutter: cuts canvases into batches.
        canvases: (N, P) int32 tokens, read-only.
        groups: (N,) int32, read-only.
    """

    subject: Subject
    spec: ModelSpec
    cutter: Cutter
    canvases: np.ndarray
    groups: np.ndarray

    def build(self, seed: int = 3) -> Model:
        """Return a new model."""
        model: Model = self.subject.type.build(
            self.spec, options_of(self.subject), seed=seed, device=self.subject.device
        )
        return model

    def load(self, directory: Path) -> Model:
        """Return the model that was saved into a folder."""
        model: Model = self.subject.type.load(
            directory, options_of(self.subject), device=self.subject.device
        )
        return model

    def trained(self, steps: int = 3) -> Model:
        """Return a model that has taken a few steps."""
        model = self.build()
        batches = self.batches()
        for step in range(steps):
            model.train_step(batches[step % len(batches)], step / steps)
        return model

    def batches(self, seed: int = 1) -> list[Batch]:
        """Return one epoch's training batches, read-only."""
        order = np.random.default_rng(seed)
        return [
            _frozen(batch)
            for batch in self.cutter.training_batches(self.canvases, self.groups, order)
        ]

    def nll(self, model: Model, canvases: np.ndarray | None = None) -> np.ndarray:
        """Return the model's −ln p of every token: (N, P) float64, by picture and cell."""
        chosen = self.canvases if canvases is None else canvases
        return nats_by_cell(model, self.cutter, chosen, self.groups[: len(chosen)])

    def schedule(self, *, one_at_a_time: bool = False) -> Schedule:
        """Return the painting schedule."""
        memory = self.cutter.segments.memory
        return make_schedule(
            self.cutter.scan, self.cutter.table, memory, one_at_a_time=one_at_a_time
        )

    def logits(
        self,
        model: Model,
        canvases: np.ndarray | None = None,
        *,
        decoder: Decoder | None = None,
        groups: np.ndarray | None = None,
        one_at_a_time: bool = False,
    ) -> np.ndarray:
        """Return the decoder's logits (N, P, V) for given canvases, along the painting schedule.

        Raises:
            Broken: the decoder returns anything but (M, V) float32 of finite numbers.
        """
        chosen = self.canvases if canvases is None else canvases
        group = self.groups[: len(chosen)] if groups is None else groups
        schedule, count = self.schedule(one_at_a_time=one_at_a_time), len(chosen)
        canvas = frozen(self.cutter.extended(chosen))
        painter = decoder or model.decoder(count * schedule.segments)
        logits = np.empty((*chosen.shape, self.spec.vocab_size), np.float32)
        for wave in schedule.waves:
            row = np.repeat(np.arange(count, dtype=np.int32), len(wave))
            cell = np.tile(wave, count)
            found = expect_array(
                painter.step(
                    StepInputs(
                        context=canvas[row[:, None], self.cutter.table[cell]],
                        positions=cell,
                        slots=row * np.int32(schedule.segments) + schedule.segment[cell],
                        starts=schedule.starts[cell],
                        groups=group[row],
                        canvas=canvas,
                        pictures=row,
                    )
                ),
                "the decoder's step",
                shape=(len(cell), self.spec.vocab_size),
                dtype=np.float32,
            )
            if not np.isfinite(found).any(axis=1).all() or np.isnan(found).any():
                raise Broken("the decoder's step returns logits that are not numbers")
            logits[row, cell] = found
        return logits

    def painted_nats(self, model: Model, *, one_at_a_time: bool = False) -> np.ndarray:
        """Return −ln softmax of the decoder's logits for every token: (N, P) float64."""
        known = log_softmax(self.logits(model, one_at_a_time=one_at_a_time))
        painted: np.ndarray = -np.take_along_axis(known, self.canvases[..., None], axis=-1)[..., 0]
        return painted

    def plan(self, pictures: Sequence[int], sampler: object = None, seed: int = 11) -> Plan:
        """Return a plan to paint pictures of these indices."""
        chosen = np.asarray(pictures, np.int64)
        groups = (chosen % self.spec.groups).astype(np.int32)
        draws = sampler if sampler is not None else Multinomial(Multinomial.Options())
        return Plan(self.cutter, self.schedule(), draws, seed, chosen, groups)  # type: ignore[arg-type]


def options_of(subject: Subject) -> Any:
    """Return the model's options as a run has them, settled on its pictures."""
    return subject.type.settle(subject.parsed(), TOKENS)


def make_world(
    subject: Subject,
    *,
    grid: tuple[int, int] = GRID,
    vocab: int = VOCAB,
    pictures: int = PICTURES,
    channels: int = 3,
    groups: int = 2,
    scan: str = "raster",
) -> World:
    """Return a world of random tokens.

    Args:
        subject: the model under test; its options say how sequences are cut.
        grid: (gh, gw).
        vocab: V.
        pictures: how many canvases.
        channels: of the palette; 0 for none.
        groups: how many.
        scan: its name.
    """
    segments = subject.type.segments(options_of(subject))
    if not isinstance(segments, Segments):
        raise Broken(f"segments returns {type(segments).__name__}, not pixelgen.Segments")
    if segments.memory == "picture":  # so that a picture goes on from one chunk to the next
        segments = replace(segments, chunk=min(segments.chunk, CHUNK))
    laid_out = make_scan(scan, grid)
    cutter = Cutter(laid_out, segments, laid_out.offsets(segments.context), vocab)
    generator = np.random.default_rng([vocab, *grid])
    palette = None
    if channels:
        palette = frozen(generator.integers(0, 256, (vocab, channels), np.uint8))
    spec = make_spec(cutter, palette, groups)
    spec = replace(
        spec, rows=frozen(spec.rows), columns=frozen(spec.columns), levels=frozen(spec.levels)
    )
    canvases = generator.integers(0, vocab, (pictures, laid_out.cells), np.int32)
    return World(
        subject,
        spec,
        cutter,
        frozen(canvases),
        frozen(np.arange(pictures, dtype=np.int32) % groups),
    )


def log_softmax(logits: np.ndarray) -> np.ndarray:
    """Return ln softmax over the last axis, in float64."""
    wide = logits.astype(np.float64)
    wide -= wide.max(axis=-1, keepdims=True)
    shifted: np.ndarray = wide - np.log(np.exp(wide).sum(axis=-1, keepdims=True))
    return shifted


def _frozen(batch: Batch) -> Batch:
    names = ("context", "targets", "positions", "groups", "starts")
    return replace(batch, **{name: frozen(getattr(batch, name)) for name in names})
