"""What a run's bits per pixel are set against: compressors, counting neighbours, and guessing.

The compressors are given the held-out pictures as the tokenizer leaves them, all in one file, so
that they write the very pixels whose tokens the model predicts.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from itertools import product

import numpy as np
from pydantic import TypeAdapter, ValidationError

from pixelgen.data.material import Material, make_cutter, make_spec
from pixelgen.errors import PixelgenError
from pixelgen.evaluation.bits import bits_per_pixel, nats_by_cell
from pixelgen.models.markov import Markov
from pixelgen.randomness import generator_for
from pixelgen.report.encoding import smallest_png, smallest_webp
from pixelgen.runs import atomic
from pixelgen.runs.directory import RunDirectory, read_json

MOST_EPOCHS = 8
MOST_TARGETS = 2_000_000  # that markov counts; at least one epoch, or one chunk of many pictures
MOST_LINES = 16_000  # of pixels in one picture that is compressed
ROWS_AT_ONCE = 1 << 16


@dataclass(frozen=True)
class Baselines:
    """Bits per pixel on the held-out pictures.

    Attributes:
        guessing: every token as likely as any other.
        png, webp: Pillow's optimised PNG and lossless WebP.
        markov: the model `markov` with its default options; None where it cannot be used.
        markov_epochs: how many epochs it learned for.
        markov_pictures: how many pictures it learned, where there were too many for all; else 0.
    """

    guessing: float
    png: float
    webp: float
    markov: float | None = None
    markov_epochs: int = 0
    markov_pictures: int = 0


def measure_baselines(material: Material) -> Baselines | None:
    """Measure what a run's bits are set against; None where nothing was held out."""
    if not len(material.held_out):
        return None
    tokenizer = material.tokenizer
    grids = material.cutter.scan.grids(material.held_out)
    pictures = tokenizer.decode(grids)
    pixels = pictures.shape[0] * pictures.shape[1] * pictures.shape[2]
    sheets = list(_sheets(pictures))
    markov, epochs, counted = _markov(material)
    height, width = tokenizer.token_shape
    return Baselines(
        guessing=math.log2(tokenizer.vocab_size) / (height * width),
        png=8 * sum(len(smallest_png(sheet)) for sheet in sheets) / pixels,
        webp=8 * sum(len(smallest_webp(sheet)) for sheet in sheets) / pixels,
        markov=markov,
        markov_epochs=epochs,
        markov_pictures=counted,
    )


def write_baselines(run: RunDirectory, baselines: Baselines) -> None:
    """Keep them in `report/baselines.json`."""
    atomic.write_json(run.path / "report" / "baselines.json", asdict(baselines))


def read_baselines(run: RunDirectory) -> Baselines | None:
    """Return what `write_baselines` kept; None where it kept nothing, or something else."""
    path = run.path / "report" / "baselines.json"
    try:
        kept = TypeAdapter(Baselines).validate_python(read_json(path)) if path.exists() else None
    except ValidationError:
        return None
    return kept


def _sheets(pictures: np.ndarray) -> Iterator[np.ndarray]:
    """The pictures (N, H, W, C) one below another, on as few sheets as formats allow."""
    count, height, width, channels = pictures.shape
    at_once = max(1, MOST_LINES // height)
    for begin in range(0, count, at_once):
        yield pictures[begin : begin + at_once].reshape(-1, width, channels)


def _markov(material: Material) -> tuple[float | None, int, int]:
    """The bits that counting neighbours reaches, after how many epochs, and pictures if not all."""
    options = Markov.Options(batch=ROWS_AT_ONCE)
    try:
        # The run's own model may go along another scan and see other neighbours.
        framing = replace(material.framing, scan=None)
        cutter = make_cutter(framing, material.tokenizer, Markov.segments(options))
        model = Markov.build(make_spec(cutter, None), options)
    except PixelgenError:  # more tokens than it can count
        return None, 0, 0
    targets = len(material.split.train) * material.cutter.scan.cells  # of an epoch
    epochs = max(1, min(MOST_EPOCHS, MOST_TARGETS // max(targets, 1)))
    if not material.framing.augmentation.names():
        epochs = 1  # another epoch would be the same
    chunks = material.chunks if targets <= MOST_TARGETS else 1
    for epoch, chunk in product(range(epochs), range(chunks)):
        canvases, groups = material.chunk(epoch, chunk)
        order = generator_for(material.framing.seed, "order", epoch, chunk)
        for batch in cutter.training_batches(canvases, groups, order):
            model.train_step(batch, 0.0)
    nats = nats_by_cell(model, cutter, material.held_out, material.held_out_groups)
    bits = bits_per_pixel(float(nats.mean()), material.tokenizer.token_shape)
    return bits, epochs, material.chunk_size(0) if chunks < material.chunks else 0
