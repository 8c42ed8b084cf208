"""How fast does torch-lstm learn, beside `nn.LSTM` of the same size?

    python benchmarks/training_speed.py [--seconds 20] [--device auto] [--json training.json]

Random tokens of 75×75 pictures in 1,000 colours; targets a second over so many seconds, after a
warm-up, the better of two turns, taken by all in rotation.
Two sizes: the article's, 2 × 512, on all positions of whole pictures, 75 at a time, 64 pictures
side by side, RMSprop, dropout 0.2; and our default, one layer over `wide` contexts, which has no
peer.
How many targets a second the products alone would allow at the article's size is told too: 6
operations a weight and target, forward and back, at the speed of PyTorch's product of two large
matrices.
Goals: at the article's size at least 1.3 times the better of nn.LSTM's; by default at least 40,000,
and on a GPU a million.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
import torch
from baselines.torch_lstm import Trainer
from machine import machine
from pixelgen_torch.device import choose_device
from pixelgen_torch.lstm import TorchLSTM

from pixelgen.data.batches import Cutter
from pixelgen.data.material import make_spec
from pixelgen.data.scans import make_scan
from pixelgen.data.segments import Batch
from pixelgen.models.canonical.options import ARTICLE
from pixelgen.options import parse_options

SIDE, VOCAB, TURNS, WARM_UP = 75, 1000, 2, 6
WHOLE: dict[str, Any] = {**ARTICLE, "embedding": 512, "window": None, "chunk": 75, "batch": 64}
ENDS: dict[str, Any] = {"embedding": 256, "projection": 256}  # twice the default's


Step = Callable[[], int]  # takes one, and returns how many targets it learned


def canvases(pictures: int) -> np.ndarray:
    """Return (N, P) tokens without any sense."""
    return np.random.default_rng(1).integers(0, VOCAB, (pictures, SIDE * SIDE), np.int32)


def ours(options: dict[str, Any], device: torch.device) -> Step:
    """Return a step of torch-lstm."""
    parsed = parse_options(TorchLSTM.Options, options, owner="model torch-lstm")
    segments = TorchLSTM.segments(parsed)
    scan = make_scan("raster", (SIDE, SIDE))
    cutter = Cutter(scan, segments, scan.offsets(segments.context), VOCAB)
    palette = np.random.default_rng(2).integers(0, 256, (VOCAB, 3)).astype(np.uint8)
    model = TorchLSTM.build(make_spec(cutter, palette), parsed, seed=1, device=str(device))

    def batches() -> Iterator[Batch]:
        tokens, groups = canvases(64), np.zeros(64, np.int32)
        for epoch in range(1 << 30):
            yield from cutter.training_batches(tokens, groups, np.random.default_rng(epoch))

    coming = batches()

    def step() -> int:
        batch = next(coming)
        model.train_step(batch, 0.1)
        return batch.size

    return step


def theirs(dtype: torch.dtype, device: torch.device) -> Step:
    """Return a step of nn.LSTM on the same sequences as the article's size of ours."""
    trainer = Trainer(VOCAB, dtype, device)
    tokens = canvases(64)
    before = np.concatenate([np.full((64, 1), VOCAB, np.int32), tokens[:, :-1]], axis=1)
    firsts = cycle(range(0, SIDE * SIDE, SIDE))

    def step() -> int:
        part = slice(first := next(firsts), first + SIDE)
        trainer.step(before[:, part], tokens[:, part])
        return 64 * SIDE

    return step


def bound(dtype: torch.dtype, device: torch.device) -> float:
    """Return the targets a second at which the products alone take all the time, at 2 × 512."""
    x = torch.randn(4800, 1024, dtype=dtype, device=device)
    weight = torch.randn(1024, 2048, dtype=dtype, device=device)
    best = 0.0
    for _ in range(3 * WARM_UP):
        began = time.perf_counter()
        (x @ weight)[-1, -1].item()  # which waits for it
        best = max(best, 1 / (time.perf_counter() - began))
    weights = 2 * 4 * 512 * (512 + 512) + VOCAB * 512
    return best * 2 * x.numel() * weight.shape[1] / (6 * weights)


def rate(step: Step, seconds: float) -> float:
    """Return targets a second over so many seconds."""
    for _ in range(WARM_UP):
        step()
    targets, began = 0, time.perf_counter()
    while (spent := time.perf_counter() - began) < seconds:
        targets += step()
    return targets / spent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    device = choose_device(arguments.device)
    print(f"{machine(device)}, torch {torch.__version__}", flush=True)
    ways: dict[str, Step] = {
        "2 × 512, nn.LSTM, float32": theirs(torch.float32, device),
        "2 × 512, nn.LSTM, bfloat16 by autocast": theirs(torch.bfloat16, device),
        "2 × 512, torch-lstm, float32": ours({**WHOLE, "precision": "float32"}, device),
        "2 × 512, torch-lstm": ours(WHOLE, device),
        "1 × 128 over wide contexts, torch-lstm": ours({}, device),
        "1 × 256 over wide contexts, torch-lstm": ours({**ENDS, "hidden": 256}, device),
        "1 × 384 over wide contexts, torch-lstm": ours({**ENDS, "hidden": 384}, device),
    }
    best = dict.fromkeys(ways, 0.0)
    for _ in range(TURNS):
        for name, step in ways.items():
            best[name] = max(best[name], rate(step, arguments.seconds))
    best["2 × 512, its products alone, bfloat16"] = bound(torch.bfloat16, device)
    for name, found in best.items():
        print(f"{name:42} {found:10,.0f} targets/s")
    peers = [found for name, found in best.items() if "nn.LSTM" in name]
    print(f"{best['2 × 512, torch-lstm'] / max(peers):.2f} times the better of nn.LSTM's")
    if arguments.json:
        arguments.json.write_text(json.dumps(best, indent=2) + "\n")


if __name__ == "__main__":
    main()
