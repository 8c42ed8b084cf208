"""What is measured of a finished run, on its held-out pictures and in painting.

Meant for a process of its own, since it loads the run's plugins: see `isolation`.
"""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
from pydantic import BaseModel

from pixelgen.comparison.comparable import Identity, check_comparable
from pixelgen.data.alpha import to_channels
from pixelgen.errors import RunUnreadable
from pixelgen.evaluation.bits import bits_per_pixel, nats_by_cell
from pixelgen.evaluation.held_out import HeldOut, held_out_of
from pixelgen.report.contact_sheet import png_bytes
from pixelgen.run import Run
from pixelgen.runs import atomic

SCHEMA = 2  # 1 had an error of 0 where it is not known
PAINTED = 8  # pictures, as shown in the report and as painting is timed by
MOST_PAINTINGS = 5  # times that the same pictures are painted
ENOUGH_SECONDS = 1.0  # of painting to tell the speed by
PATIENCE = 30.0  # seconds: whoever needs more for the first time is not timed again
PICTURES = ("painted", "held-out", "decoded")


class Measurement(BaseModel):
    """One run's figures; written as `measurement.json`.

    Attributes:
        schema_version: of this file.
        ended: when the run ended, to tell whether it has gone on since.
        held_out: the N pictures that it was measured on.
        bits: by picture, mean −log2 p of a token, divided by the pixels of a token.
        mse: by picture, mean squared error a channel of the decoded tokens, of 0–255; None where
            the pictures were encoded before, so that nobody knows what they looked like.
        vocab_size: V.
        token_shape: (height, width) in pixels.
        parameters: learned numbers of the trained model.
        device: that it was trained on.
        epochs, steps, targets, seconds: what training took.
        pixels_per_second: in painting `PAINTED` pictures side by side.
        curve: (seconds of training, held-out bits per pixel), as measured along the way.
    """

    schema_version: int = SCHEMA
    ended: str
    held_out: Identity
    bits: list[float]
    mse: list[float] | None
    vocab_size: int
    token_shape: tuple[int, int]
    parameters: int
    device: str
    epochs: int
    steps: int
    targets: int
    seconds: float
    pixels_per_second: float
    curve: list[tuple[float, float]]

    @property
    def targets_per_second(self) -> float:
        """Tokens learned from a second of training."""
        return self.targets / max(self.seconds, 1e-9)


def measure(path: Path, record: Path) -> Measurement:
    """Measure a finished run and write what was found, or return what was found before.

    Args:
        path: the run directory.
        record: the folder for `measurement.json` and the pictures `PICTURES`: what it painted,
            what it was measured on, and what its tokens keep of that, side by side in a strip.

    Raises:
        RunUnreadable: the run is damaged, or has not ended.
        SourceError: its pictures are gone or have changed.
        NotComparable: it held no pictures out.
    """
    run = Run(path)
    manifest = run.manifest
    if "ended" not in manifest:
        raise RunUnreadable(
            "the run has not ended",
            where=str(path),
            remedy=f"Finish it first: pixelgen resume {path}",
        )
    before = read_measurement(record, manifest["ended"])
    if before is not None:
        return before
    held_out = held_out_of(run)
    identity = Identity.of(held_out.names, held_out.pictures, run.recipe.data.fit)
    check_comparable([(path.name, identity)])
    nats = nats_by_cell(run.model, run.cutter, held_out.canvases, held_out.groups)
    decoded = run.tokenizer.decode(run.cutter.scan.grids(held_out.canvases))
    painted, pixels_per_second = _paint(run)
    spent = manifest["spent"]
    found = Measurement(
        ended=manifest["ended"],
        held_out=identity,
        bits=[bits_per_pixel(each, run.tokenizer.token_shape) for each in nats.mean(axis=1)],
        mse=None if held_out.decoded else _squared_errors(held_out, decoded).tolist(),
        vocab_size=run.tokenizer.vocab_size,
        token_shape=run.tokenizer.token_shape,
        parameters=run.model.parameter_count,
        device=manifest["device"],
        epochs=spent["epochs"],
        steps=spent["steps"],
        targets=spent["targets"],
        seconds=spent["seconds"],
        pixels_per_second=pixels_per_second,
        curve=[
            (line["seconds"], line["held_out_bits_per_pixel"])
            for line in run.metrics
            if line.get("held_out_bits_per_pixel") is not None
        ],
    )
    record.mkdir(parents=True, exist_ok=True)
    shown = (painted, held_out.pictures, decoded)
    for name, pictures in zip(PICTURES, shown, strict=True):
        atomic.write_bytes(record / f"{name}.png", png_bytes(_strip(pictures[:PAINTED])))
    # Last, for it says that the rest is there.
    atomic.write_text(record / "measurement.json", found.model_dump_json(indent=2) + "\n")
    return found


def read_measurement(record: Path, ended: str) -> Measurement | None:
    """Return what was measured of the run that ended then; None if nothing was that counts."""
    path = record / "measurement.json"
    try:
        found = Measurement.model_validate_json(path.read_bytes())
    except (OSError, ValueError):
        return None
    return found if (found.schema_version, found.ended) == (SCHEMA, ended) else None


def _squared_errors(held_out: HeldOut, decoded: np.ndarray) -> np.ndarray:
    """(N,) float64: each picture's mean squared error a channel."""
    # A tokenizer may lay what is transparent on white, or give all its colours an alpha.
    alike = to_channels(decoded, held_out.pictures.shape[-1])
    difference = alike.astype(np.float64) - held_out.pictures
    errors: np.ndarray = (difference**2).mean(axis=(1, 2, 3))
    return errors


def _paint(run: Run) -> tuple[np.ndarray, float]:
    """Some pictures (M, H, W, C) uint8, and how many pixels a second they take.

    The best of a few times, the first of which also pays for compiling.
    """
    times: list[float] = []
    while len(times) < 2 or (sum(times[1:]) < ENOUGH_SECONDS and len(times) < MOST_PAINTINGS):
        began = time.perf_counter()
        painted = run.sample(PAINTED)
        times.append(time.perf_counter() - began)
        if times[0] > PATIENCE:
            break
    count, height, width = painted.shape[:3]
    return painted, count * height * width / min(times)


def _strip(pictures: np.ndarray) -> np.ndarray:
    """Pictures (M, H, W, 3 or 4) side by side with gaps one can see through: (H, W', 4) uint8."""
    if pictures.shape[-1] == 3:
        opaque = ((0, 0),) * 3 + ((0, 1),)
        pictures = np.pad(pictures, opaque, constant_values=255)
    height, width = pictures.shape[1:3]
    gap = np.zeros((height, max(1, width // 12), 4), np.uint8)
    parts = [part for picture in pictures for part in (picture, gap)]
    return np.concatenate(parts[:-1], axis=1)
