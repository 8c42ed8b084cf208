"""Small canonical LSTMs of any backend, and what is fed to them."""

from __future__ import annotations

import numpy as np

from pixelgen.data.batches import Cutter
from pixelgen.data.material import make_spec as spec_of
from pixelgen.data.scans import make_scan
from pixelgen.data.schedule import make_schedule
from pixelgen.models.canonical.options import ARTICLE
from pixelgen.models.interface import StepInputs
from pixelgen.options import parse_options

VOCAB = 11
SMALL = {"hidden": 20, "embedding": 12, "projection": 10, "warm_up": 0, "batch": 4}
KINDS = {
    "default": {},
    "two layers with dropout": {"layers": 2, "dropout": 0.3},
    "picture": {"memory": "picture", "chunk": 5},
    "near": {"context": "near", "token_embeddings": 9},
    "own offsets": {"context": ((0, -1), (-2, 0))},
    "no colours": {"colours": False},
    "no tokens": {"token_embeddings": 0},
    "no positions": {"positions": "none"},
    "relative positions": {"positions": "relative"},
    "plain": {"output": "plain"},
    "untied": {"tied_neighbours": 0},
    "three tied, one head": {"tied_neighbours": 3, "tied_heads": 1},
    "article": {**ARTICLE, "window": 20, "hidden": 16, "batch": 4},
}


def make_spec(segments, *, grid=(7, 6), vocab=VOCAB, channels=3, groups=1, scan="raster"):
    """What a model with these segments is told, and the cutter that feeds it."""
    laid_out = make_scan(scan, grid)
    palette = None
    if channels:
        colours = np.random.default_rng(0).integers(0, 256, (vocab, channels))
        palette = colours.astype(np.uint8)
    cutter = Cutter(laid_out, segments, laid_out.offsets(segments.context), vocab)
    return spec_of(cutter, palette, groups), cutter


def make(kind, options=None, *, seed=3, without=(), **world):
    """A small model of a class, and the cutter that feeds it; `world` as for `make_spec`.

    `without` names options in `SMALL` that the class does not take.
    """
    small = {name: value for name, value in SMALL.items() if name not in without}
    chosen = parse_options(kind.Options, {**small, **(options or {})}, owner=kind.__name__)
    spec, cutter = make_spec(kind.segments(chosen), **world)
    return kind.build(spec, chosen, seed=seed, device="cpu"), cutter


def canvases(cutter, count=3, seed=1, groups=1):
    generator = np.random.default_rng(seed)
    tokens = generator.integers(0, cutter.vocab_size, (count, cutter.scan.cells), np.int32)
    return tokens, np.arange(count, dtype=np.int32) % groups


def batches(cutter, seed=1, groups=1):
    return list(
        cutter.training_batches(*canvases(cutter, groups=groups), np.random.default_rng(seed))
    )


def painted_logits(model, cutter, tokens, groups, *, one_at_a_time=False, decoder=None):
    """The decoder's logits along the painting schedule of given tokens: (N, P, V).

    A decoder that was made before is taken where one is given.
    """
    schedule = make_schedule(
        cutter.scan, cutter.table, cutter.segments.memory, one_at_a_time=one_at_a_time
    )
    count = len(tokens)
    canvas = cutter.extended(tokens)
    decoder = decoder or model.decoder(count * schedule.segments)
    logits = np.empty((*tokens.shape, cutter.vocab_size), np.float32)
    for wave in schedule.waves:
        row, cell = np.repeat(np.arange(count), len(wave)), np.tile(wave, count)
        logits[row, cell] = decoder.step(
            StepInputs(
                context=canvas[row[:, None], cutter.table[cell]],
                positions=cell,
                slots=(row * schedule.segments + schedule.segment[cell]).astype(np.int32),
                starts=schedule.starts[cell],
                groups=groups[row],
                canvas=canvas,
                pictures=row,
            )
        )
    return logits


def nats_of(logits, tokens):
    """−ln softmax(logits (N, P, V))[tokens (N, P)] in float64."""
    wide = logits.astype(np.float64)
    most = wide.max(axis=-1, keepdims=True)
    totals = np.log(np.exp(wide - most).sum(axis=-1)) + most[..., 0]
    return totals - np.take_along_axis(wide, tokens[..., None], axis=-1)[..., 0]
