"""How many pixels a second are painted, one picture at a time and 64 together?

    python benchmarks/painting_speed.py [RUN | --scan raster] [--pictures 1 64] [--device auto]
        [--json FILE]

By a run's model (torch-lstm of the default size, trained for some seconds on the bundled
landscapes, if none is given): with PyTorch in float32 and in bfloat16, and with NumPy alone. The
peer is the loop that one finds in most programs: an embedding, `nn.LSTMCell` of the same width and
a linear layer to the colours, one pixel a step, drawn by `torch.multinomial`. It has no context and
no colours to look at, so it does less.
All in this process, the soonest of three; loading is not counted, decoding to pixels is.
On a GPU the peer is there as well, and `numpy-lstm` on the CPU.
Goals on two cores: 30,000 pixels a second for one picture, 130,000 for 64; on a GPU, 150,000 and a
million.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from machine import machine
from pixelgen_torch.device import choose_device
from torch import nn

import pixelgen
from pixelgen.run import Run

TRIES = 3
SECONDS_OF_TRAINING = 10


class Peer(nn.Module):
    """The usual loop: what has been painted last, a cell, a layer."""

    def __init__(self, colours: int, width: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(colours, width)
        self.cell = nn.LSTMCell(width, width)
        self.output = nn.Linear(width, colours)

    @torch.inference_mode()
    def paint(self, pictures: int, pixels: int, dtype: torch.dtype) -> np.ndarray:
        """Return (pictures, pixels) tokens."""
        device = self.output.weight.device
        tokens = torch.zeros(pictures, dtype=torch.long, device=device)
        state = [torch.zeros(pictures, self.cell.hidden_size, device=device) for _ in range(2)]
        painted = []
        with torch.autocast(device.type, dtype, enabled=dtype != torch.float32):
            for _ in range(pixels):
                state = self.cell(self.embedding(tokens), state)
                probabilities = self.output(state[0]).float().softmax(-1)
                tokens = torch.multinomial(probabilities, 1)[:, 0]
                painted.append(tokens)
        return torch.stack(painted, 1).cpu().numpy()


def soonest(work: Callable[[int], Any]) -> float:
    """Return the least seconds of several tries, each with a seed of its own."""
    seconds = []
    for seed in range(TRIES):
        began = time.perf_counter()
        work(seed)
        seconds.append(time.perf_counter() - began)
    return min(seconds)


def ways(run: Path, device: torch.device) -> dict[str, Callable[[int, int], Any]]:
    """Return what paints so many pictures by a seed, by what it is called in the table."""
    float32 = Run(run, device=str(device))
    spec = float32.model.spec
    assert spec is not None
    pixels = len(spec.rows)
    peer = Peer(spec.vocab_size, float32.resolved.options["model"].hidden).to(device)
    bfloat16 = Run(run, device=str(device), model_options={"painting": "bfloat16"})
    numpy = Run(run, model="numpy-lstm", device="cpu")
    return {
        "LSTMCell loop, float32": lambda n, seed: peer.paint(n, pixels, torch.float32),
        "LSTMCell loop, bfloat16": lambda n, seed: peer.paint(n, pixels, torch.bfloat16),
        "torch-lstm": lambda n, seed: float32.sample(n, seed=seed),
        "torch-lstm, painting=bfloat16": lambda n, seed: bfloat16.sample(n, seed=seed),
        "numpy-lstm": lambda n, seed: numpy.sample(n, seed=seed),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, nargs="?")
    parser.add_argument("--scan", help="of the run that is trained where none is given")
    parser.add_argument("--pictures", type=int, nargs="+", default=[1, 64])
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    device = choose_device(arguments.device)
    if arguments.run is not None and arguments.scan is not None:
        parser.error("a run has its scan already: leave one of them out")
    result: dict[str, dict[int, float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        run = arguments.run
        if run is None:
            tables: dict[str, Any] = {"painting": {"pictures": 0, "while_training": 0}}
            if arguments.scan is not None:
                tables["data"] = {"scan": arguments.scan}
            run = Path(folder) / "run"
            pixelgen.train(
                model="torch-lstm",
                quantizer="numpy-kmeans",
                minutes=SECONDS_OF_TRAINING / 60,
                recipe=tables,
                out=run,
            )
        size = Run(run).sample(1).shape[1:3]
        print(f"{machine(device)}, torch {torch.__version__}, {size[1]}×{size[0]}", flush=True)
        print(f"{'pixels a second, of':32}" + "".join(f"{n:>12}" for n in arguments.pictures))
        for name, work in ways(run, device).items():
            work(1, 0)  # weights are packed, kernels chosen
            result[name] = {
                n: n * size[0] * size[1] / soonest(lambda seed, n=n, work=work: work(n, seed))
                for n in arguments.pictures
            }
            print(f"{name:32}" + "".join(f"{rate:12,.0f}" for rate in result[name].values()))
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
