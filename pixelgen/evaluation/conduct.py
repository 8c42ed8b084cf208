"""Evaluating a finished run: reads its pictures again, measures, paints, compares and writes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from pixelgen.data.material import Material
from pixelgen.errors import RecipeError, RunUnreadable
from pixelgen.evaluation.bits import nats_by_cell
from pixelgen.evaluation.calibration import calibration
from pixelgen.evaluation.chosen import chosen
from pixelgen.evaluation.diversity import diversity
from pixelgen.evaluation.drawing import heat_map, side_by_side
from pixelgen.evaluation.held_out import material_of
from pixelgen.evaluation.likeness import palette_distance, patch_distances
from pixelgen.evaluation.novelty.report import Real, Samples, novelty_of
from pixelgen.evaluation.predictability import difference, fit_of, interval
from pixelgen.evaluation.probabilities import distributions
from pixelgen.evaluation.record import (
    FILE,
    FOLDER,
    Against,
    Bits,
    Calibration,
    Evaluation,
    PatchLikeness,
    PictureBits,
)
from pixelgen.executors.interface import Executor
from pixelgen.randomness import generator_for
from pixelgen.report.contact_sheet import contact_sheet, png_bytes
from pixelgen.run import Run
from pixelgen.runs import atomic

MOST_TRAINED = 96  # training pictures that bits are measured on
MOST_CALIBRATED = 100_000  # held-out tokens whose whole distribution is looked at
BRIGHTEST = 0.99  # share of the tokens that are not brighter than a heat map can show
ON_SHEET = 32
PER_LINE = 4


class Progress:
    """Told how far an evaluation has come; the default does nothing with it."""

    def stage(self, text: str, total: int | None = None) -> None:
        """A part begins; `total` is what `advance` will come to, where that is known."""

    def advance(self, done: int) -> None:
        """So much of the part is done."""


def evaluate(
    path: str | Path,
    *,
    samples: int = 64,
    seed: int | None = None,
    temperature: float | None = None,
    device: str | None = None,
    model: str | None = None,
    executor: Executor | None = None,
    progress: Progress | None = None,
) -> Evaluation:
    """Measure a finished run, and write `evaluation.json` and `evaluation/` into its directory.

    Args:
        path: the run directory.
        samples: how many pictures to paint, at least 1.
        seed: of the painting; the run's own if None.
        temperature: of the sampler; the run's own if None.
        device: in place of the recipe's.
        model: another model of the same family.
        executor: whose workers paint the samples.
        progress: is told how far it has come.

    Raises:
        RunNotFound, RunUnreadable: there is no run, it is damaged, or it has not ended.
        SourceError: its pictures are gone or have changed.
        RecipeError: it holds no pictures out.
    """
    run = Run(path, device=device, model=model)
    progress = progress or Progress()
    ended = _ended(run)
    seconds: dict[str, float] = {}

    @contextmanager
    def timed(part: str, text: str, total: int | None = None) -> Iterator[None]:
        progress.stage(text, total)
        began = time.perf_counter()
        yield
        seconds[part] = round(time.perf_counter() - began, 3)

    with timed("reading", "Reading pictures"):
        material = material_of(run)
        held_out = material.plain(material.split.held_out)
        training = material.plain(material.split.train)
        tokens = run.cutter.scan.grids(material.canvases(training))
    files: dict[str, bytes] = {}
    with timed("bits", "Measuring bits per pixel"):
        bits = _bits(run, material, held_out, tokens, files)
    most = max(1, MOST_CALIBRATED // run.cutter.scan.cells)
    looked_at = chosen(len(material.held_out), most, "calibration")
    looking = len(looked_at) * run.cutter.scan.cells
    with timed("calibration", "Looking at probabilities", looking):
        calibrated = _calibration(run, material, looked_at, progress.advance)
    sampler = run.sampler(temperature)
    used = run.recipe.seed if seed is None else seed
    with timed("painting", f"Painting {samples} pictures", samples * run.cutter.scan.cells):
        painted = run.sample(
            samples, seed=used, sampler=sampler, executor=executor, progress=progress.advance
        )
        # The run's pictures are decoded tokens: encoding gives those tokens, or their equals.
        grids = run.tokenizer.encode(painted)
    with timed("likeness", "Comparing colours and patches"):
        shuffled = training[generator_for(0, "floor").permutation(len(training))]
        palette, likeness = _likeness(painted, held_out, shuffled)
        varied = diversity(painted, shuffled, grids)
    with timed("novelty", "Looking for copies", len(training)):
        novelty = novelty_of(
            Samples(painted, grids),
            material,
            Real(held_out, run.cutter.scan.grids(material.held_out)),
            training,
            tokens,
            files,
            progress.advance,
        )
    evaluation = Evaluation(
        ended=ended,
        seed=used,
        temperature=sampler.options.temperature,
        sampler=run.recipe.sampler.name or "multinomial",
        samples=samples,
        bits=bits,
        calibration=calibrated,
        palette=palette,
        likeness=likeness,
        diversity=varied,
        novelty=novelty,
        sheets={name: f"{FOLDER}/{name}.png" for name in ("bits", "novelty")},
        seconds=seconds,
    )
    _write(run.path, evaluation, files)
    return evaluation


def _ended(run: Run) -> str:
    """When the run ended; raises where it cannot be evaluated."""
    manifest = run.manifest
    if "ended" not in manifest or manifest.get("state") == "running":
        raise RunUnreadable(
            "the run has not ended",
            where=str(run.path),
            remedy=f"Finish it first: pixelgen resume {run.path}",
        )
    if not manifest["data"]["held_out"]:
        raise RecipeError(
            "the run holds no pictures out, so there is nothing to measure it on",
            where=str(run.path),
            remedy="Train again on three pictures or more, with -o data.held_out=0.15",
        )
    return str(manifest["ended"])


def _bits(
    run: Run,
    material: Material,
    held_out: np.ndarray,
    tokens: np.ndarray,
    files: dict[str, bytes],
) -> Bits:
    cutter, shape = run.cutter, run.tokenizer.token_shape
    per_pixel = 1 / (np.log(2) * shape[0] * shape[1])
    nats = nats_by_cell(run.model, cutter, material.held_out, material.held_out_groups)
    by_cell = nats * per_pixel  # (N, P)
    of_held_out = by_cell.mean(axis=1)
    some = chosen(len(tokens), MOST_TRAINED, "trained")
    groups = material.groups([material.split.train[place] for place in some])
    canvases = cutter.scan.canvas(tokens[some])
    of_train = nats_by_cell(run.model, cutter, canvases, groups).mean(axis=1) * per_pixel
    pictures = material.collection.pictures
    maps = _by_place(by_cell, cutter.scan.rows, cutter.scan.columns, cutter.scan.grid)
    scale = float(np.quantile(maps, BRIGHTEST))
    entries, rows = [], []
    for rank, index in enumerate(np.argsort(-of_held_out)):
        heat = heat_map(maps[index], shape, scale)
        files[f"held-out-{rank:04d}.png"] = png_bytes(held_out[index])
        files[f"heat-{rank:04d}.png"] = png_bytes(heat)
        entries.append(
            PictureBits(
                name=pictures[material.split.held_out[index]].name,
                bits=float(of_held_out[index]),
                picture=f"{FOLDER}/held-out-{rank:04d}.png",
                heat_map=f"{FOLDER}/heat-{rank:04d}.png",
            )
        )
        rows.append(side_by_side(held_out[index], heat))
    shown = min(ON_SHEET, len(rows))
    files["bits.png"] = png_bytes(
        contact_sheet(
            [np.stack(rows[begin : begin + PER_LINE]) for begin in range(0, shown, PER_LINE)],
            title=f"Held-out pictures, the hardest first; brightest: {scale:.1f} bits per pixel",
        )
    )
    mean, gap = interval(of_held_out), difference(of_held_out, of_train)
    weights = run.recipe.training.weights
    word, words = fit_of(mean, gap, run.metrics, len(of_held_out), weights)
    return Bits(
        held_out=mean,
        train=interval(of_train),
        gap=gap,
        fit=word,
        explanation=words,
        pictures=entries,
        rows=maps.mean(axis=(0, 2)).tolist(),
        columns=maps.mean(axis=(0, 1)).tolist(),
        scale=scale,
    )


def _by_place(
    by_cell: np.ndarray, rows: np.ndarray, columns: np.ndarray, grid: tuple[int, int]
) -> np.ndarray:
    """(N, gh, gw): each picture's cells at their rows and columns.

    A scan may have more cells than the grid; its finest level comes last and is what is kept.
    """
    first = len(rows) - grid[0] * grid[1]
    maps = np.zeros((len(by_cell), *grid))
    maps[:, rows[first:], columns[first:]] = by_cell[:, first:]
    return maps


def _calibration(
    run: Run, material: Material, looked_at: np.ndarray, advance: Callable[[int], None]
) -> Calibration:
    shape = run.tokenizer.token_shape
    canvases, groups = material.held_out[looked_at], material.held_out_groups[looked_at]
    batches = distributions(run.model, run.cutter, canvases, groups, advance)
    return calibration(batches, pixels_per_token=shape[0] * shape[1])


def _likeness(
    painted: np.ndarray, held_out: np.ndarray, training: np.ndarray
) -> tuple[Against, list[PatchLikeness]]:
    real = training[: len(painted)]
    palette = Against(
        distance=palette_distance(painted, held_out), floor=palette_distance(real, held_out)
    )
    ours, floors = patch_distances(painted, held_out), patch_distances(real, held_out)
    return palette, [
        PatchLikeness(patch=patch, distance=distance, floor=floor)
        for (patch, distance), (_, floor) in zip(ours, floors, strict=True)
    ]


def _write(run: Path, evaluation: Evaluation, files: dict[str, bytes]) -> None:
    """First the pictures, then the figures that speak of them."""

    def fill(folder: Path) -> None:
        for name, data in files.items():
            (folder / name).write_bytes(data)

    with atomic.explained(run / FILE):
        (run / FILE).unlink(missing_ok=True)  # it speaks of pictures that are replaced now
    atomic.write_directory(run / FOLDER, fill)
    atomic.write_text(run / FILE, evaluation.model_dump_json(indent=2) + "\n")
