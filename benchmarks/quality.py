"""How well does each way of modelling pictures predict new ones, after equal seconds?

    PIXELGEN_TEST_DATA=… python benchmarks/quality.py [--seconds 60 240] [--splits 1 2 3] [--only …]

On the Monet set (`monet/` in the folder of the environment variable PIXELGEN_TEST_DATA; 75×75,
1,000 colours fitted on the pictures that are learned): held-out bits per pixel after so many
seconds of training, everything else stopped, one after another. All learn the very same varied
pictures, epoch by epoch, in the same tokens, and are measured on the same held-out ones; the
learning rate of each falls to zero over its own budget. The peers are in `baselines/`, each with
the learning rate that was best of four at 60 seconds on split 1 (`--rate` tries another), in
batches as small as ours:

    article     the article's program in today's Keras, where that is installed
    lstm        two nn.LSTM layers of 512 on all positions, windows of two rows
    gpt         GPT-2's shape as in image-gpt, 4 layers of 256, 375 tokens
    pixelcnn    Gated PixelCNN, 96 channels, 8 layers
    markov      ours: counts over the nearest neighbours
    torch-lstm  ours, by default
    raster      the same row by row: --scan raster

A run of ours is measured after each epoch and keeps its best weights, as a user gets them. That is
its `bits`; `last` is what the weights at the end had, as those of the peers are measured.

The yardstick is what lossless compressors need for the same held-out pictures in the same colours:
PNG by Pillow's best, WebP, and JPEG XL where its `cjxl` is installed. Goals: below every peer at 60
and 240 seconds; 3.85 and 3.62.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import time
from importlib.util import find_spec
from pathlib import Path
from shutil import which
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pixelgen_torch  # noqa: F401 — before torch: how long its threads wait is settled then
import torch
from baselines.article import ArticlePeer
from baselines.gpt import GPTPeer
from baselines.peer import TorchPeer
from baselines.pixelcnn import PixelCNNPeer
from baselines.torch_lstm import LSTMPeer
from machine import machine
from monet import material_of, monet, recipe_of
from PIL import Image

import pixelgen
from pixelgen.data.material import Material
from pixelgen.report.baselines import measure_baselines

PEERS: dict[str, type[TorchPeer | ArticlePeer]] = {
    "article": ArticlePeer,
    "lstm": LSTMPeer,
    "gpt": GPTPeer,
    "pixelcnn": PixelCNNPeer,
}
EPOCHS = 48  # of varied pictures, made beforehand: as many as the fastest learns in four minutes
OURS = ("markov", "torch-lstm", "raster")


def of_jpeg_xl(material: Material) -> float:
    """Return the bits a pixel of the held-out pictures, as one lossless JPEG XL."""
    pictures = material.tokenizer.decode(material.cutter.scan.grids(material.held_out))
    sheet = pictures.reshape(-1, *pictures.shape[2:])
    with TemporaryDirectory() as folder:
        plain, packed = Path(folder) / "sheet.png", Path(folder) / "sheet.jxl"
        Image.fromarray(sheet).save(plain)
        command = ["cjxl", plain, packed, "--distance", "0", "--effort", "9", "--quiet"]
        subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
        return 8 * packed.stat().st_size / (sheet.shape[0] * sheet.shape[1])


def of_peer(
    name: str, material: Material, epochs: list[np.ndarray], seconds: float, rate: float | None
) -> dict[str, float]:
    """Train a peer; return its bits and its speed."""
    peer = PEERS[name](material.tokenizer.vocab_size, material.framing.size[0])
    peer.learning_rate = rate or peer.learning_rate
    targets = peer.learn(lambda number: epochs[number % len(epochs)], seconds)
    nats = peer.nats(material.held_out)
    return {"bits": float(nats.mean() / np.log(2)), "targets/s": targets / seconds}


def of_ours(name: str, pictures: Path, split: int, seconds: float) -> dict[str, float]:
    """Train a model of ours as a user does; return its bits, those at the end, and its speed."""
    recipe = recipe_of(split)
    if name == "raster":
        name, recipe["data"]["scan"] = "torch-lstm", "raster"
    with TemporaryDirectory() as folder:
        run = pixelgen.train(
            pictures,
            model=name,
            minutes=seconds / 60,
            recipe=recipe,
            out=Path(folder) / "run",
        )
        best: float = run.manifest["best"]["held_out_bits_per_pixel"]
        end = run.metrics[-1]
        return {
            "bits": best,
            "last": end["held_out_bits_per_pixel"],
            "targets/s": end["targets_per_second"],
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, nargs="+", default=[60, 240])
    parser.add_argument("--splits", type=int, nargs="+", default=[1, 2, 3])
    known = [*PEERS, *OURS]
    there = [name for name in known if name != "article" or find_spec("keras")]
    parser.add_argument("--only", nargs="+", choices=known, default=there)
    parser.add_argument("--rate", type=float, help="learning rate of the peers on PyTorch")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    pictures = monet()
    print(f"{machine()}, torch {torch.__version__}", flush=True)
    result: dict[str, Any] = {}
    for split in arguments.splits:
        material = material_of(pictures, recipe_of(split))
        # Beforehand: to vary pictures is not what is measured.
        epochs = [material.chunk(number)[0] for number in range(EPOCHS)]
        yardstick = measure_baselines(material)
        if yardstick is not None:
            found = {"PNG": yardstick.png, "WebP": yardstick.webp}
            if which("cjxl"):
                found["JPEG XL"] = of_jpeg_xl(material)
            listed = ", ".join(f"{name} {bits:.2f}" for name, bits in found.items())
            print(f"split {split}: {listed}", flush=True)
            result[f"split {split}"] = found
        for seconds in arguments.seconds:
            for name in arguments.only:
                if name in PEERS:
                    found = of_peer(name, material, epochs, seconds, arguments.rate)
                else:
                    found = of_ours(name, pictures, split, seconds)
                result[f"split {split}, {seconds:g} s, {name}"] = found
                print(
                    f"split {split}, {seconds:4.0f} s  {name:11} {found['bits']:6.3f} bits  "
                    f"{found['targets/s']:8,.0f} targets/s"
                    + (f"  {found['last']:6.3f} at the end" if "last" in found else ""),
                    flush=True,
                )
                if arguments.json:
                    arguments.json.write_text(json.dumps(result, indent=2) + "\n")
                time.sleep(1)  # threads of the last one come to rest


if __name__ == "__main__":
    main()
