"""The novelty part of an evaluation: samples and real pictures, compared in the same way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from pixelgen.data.alpha import on_white
from pixelgen.data.fitting import fit_picture
from pixelgen.data.material import Material
from pixelgen.evaluation.chosen import chosen
from pixelgen.evaluation.drawing import pair, side_by_side
from pixelgen.evaluation.novelty.alignment import Alignment
from pixelgen.evaluation.novelty.compare import (
    CROP_SCALES,
    Judgement,
    Likeness,
    References,
    compare,
    judge,
)
from pixelgen.evaluation.novelty.search import resized, working_size
from pixelgen.evaluation.novelty.verdict import Thresholds, rank
from pixelgen.evaluation.record import (
    FOLDER,
    Novelty,
    Region,
    SampleNovelty,
    Transform,
    nearest_first,
)
from pixelgen.randomness import generator_for
from pixelgen.report.contact_sheet import contact_sheet, png_bytes

MOST_REAL = 48  # real pictures that set the thresholds
ON_SHEET = 32
PER_LINE = 4


@dataclass(frozen=True, eq=False)
class Samples:
    """Painted pictures (N, H, W, 3 or 4) uint8 and their tokens (N, gh, gw)."""

    pictures: np.ndarray
    grids: np.ndarray


Real = Samples  # held-out pictures and their tokens


def novelty_of(
    samples: Samples,
    material: Material,
    held_out: Real,
    training: np.ndarray,
    tokens: np.ndarray,
    files: dict[str, bytes],
    progress: Callable[[int], None] | None = None,
) -> Novelty:
    """Say of each sample whether it is a copy.

    Args:
        samples: what the model painted.
        material: the run's pictures.
        held_out: pictures that it never saw.
        training: (M, H, W, 3 or 4) uint8, at the run's size.
        tokens: (M, gh, gw), theirs.
        files: the pictures made are added here, by name.
        progress: called with the number of training pictures searched so far.
    """
    references = references_of(material, training, tokens)
    real, own = _real(held_out, tokens)
    pictures = np.concatenate([samples.pictures, material.tokenizer.decode(real)])
    grids = np.concatenate([samples.grids, real])
    everything = compare(
        pictures, grids, references, [*[None] * len(samples.grids), *own], progress
    )
    ours, theirs = everything[: len(samples.grids)], everything[len(samples.grids) :]
    thresholds = Thresholds.of(
        [each.detail for each in theirs],
        [each.block.side for each in theirs],
        [each.run.side for each in theirs],
        references.grids.shape[1:3],
    )
    entries, rows = [], []
    for index, (picture, likeness) in enumerate(zip(samples.pictures, ours, strict=True)):
        judgement = judge(picture, likeness, references, thresholds)
        nearest = training[judgement.alignment.training]
        entries.append(_entry(index, judgement, likeness, theirs, references))
        files[f"sample-{index:04d}.png"] = png_bytes(picture)
        files[f"training-{index:04d}.png"] = png_bytes(nearest)
        entry = entries[-1]
        files[f"pair-{index:04d}.png"] = png_bytes(
            pair(picture, nearest, entry.region, entry.transform)
        )
        rows.append(side_by_side(picture, nearest))
    order = [entry.index for entry in nearest_first(entries)]
    files["novelty.png"] = png_bytes(
        contact_sheet(
            [
                np.stack([rows[index] for index in order[begin : begin + PER_LINE]])
                for begin in range(0, min(ON_SHEET, len(order)), PER_LINE)
            ],
            title="Samples beside the nearest training picture, copies first, then the nearest",
        )
    )
    verdicts = [entry.verdict for entry in entries]
    counts = {word: verdicts.count(word) for word in ("new", "close", "copy")}
    return Novelty(
        samples=entries,
        new=counts["new"],
        close=counts["close"],
        copies=counts["copy"],
        copy_below=1 - thresholds.copy,
        close_below=1 - thresholds.close,
        copy_block=thresholds.block,
        close_block=thresholds.near_block,
        close_run=thresholds.near_run,
        real_distances=sorted(1 - each.detail for each in theirs),
        real_longest_run=float(np.median([each.run.side for each in theirs])),
        real_largest_block=float(np.median([each.block.side for each in theirs])),
        explanation=_explained(counts, len(theirs)),
    )


def references_of(material: Material, training: np.ndarray, tokens: np.ndarray) -> References:
    """Return a run's training pictures as samples are compared with them."""
    framing, pictures = material.framing, material.collection.pictures
    augmentation = framing.augmentation
    width, height = framing.size
    working = working_size(height, width)
    if augmentation.crops:
        size = (2 * working[1], 2 * working[0])
        larger = [
            on_white(fit_picture(pictures[index].pixels, size, framing.fit))
            for index in material.split.train
        ]
    else:
        larger = [resized(on_white(each), *working) for each in training]
    grids = tokens
    if augmentation.flips:
        parts = [
            material.tokenizer.encode(training[begin : begin + 256, :, ::-1])
            for begin in range(0, len(training), 256)
        ]
        grids = np.concatenate([tokens, *parts])
    return References(
        names=[pictures[index].name for index in material.split.train],
        pictures=larger,
        grids=grids,
        size=(height, width),
        scales=CROP_SCALES if augmentation.crops else (1.0,),
        mirrors=augmentation.flips,
    )


def _real(held_out: Real, tokens: np.ndarray) -> tuple[np.ndarray, list[int | None]]:
    """The tokens of real pictures, and for each the training picture that it is itself."""
    some = held_out.grids[chosen(len(held_out.grids), MOST_REAL, "real held out")]
    order = generator_for(0, "real").permutation(len(tokens))
    more = order[: MOST_REAL - len(some)] if len(tokens) > 1 else order[:0]
    return np.concatenate([some, tokens[more]]), [*[None] * len(some), *map(int, more)]


def _entry(
    index: int,
    judgement: Judgement,
    likeness: Likeness,
    real: list[Likeness],
    references: References,
) -> SampleNovelty:
    aligned: Alignment = judgement.alignment
    name = references.names[aligned.training]
    words = {"new": "new", "close": f"close to {name}", "copy": f"copy of {name}"}
    top, left, height, width = aligned.region
    detail = max(0.0, aligned.likeness)
    return SampleNovelty(
        index=index,
        verdict=judgement.verdict,
        words=words[judgement.verdict],
        nearest=name,
        transform=Transform(
            mirrored=aligned.mirrored, scale=round(aligned.scale, 3), shift=aligned.shift
        ),
        region=Region(top=top, left=left, height=height, width=width),
        share=aligned.share,
        distance=1 - detail,
        rank=rank(detail, [each.detail for each in real]),
        pixel_distance=aligned.pixel_distance,
        longest_run=likeness.run.side,
        run_rank=rank(likeness.run.side, [each.run.side for each in real]),
        largest_block=likeness.block.side,
        block_rank=rank(likeness.block.side, [each.block.side for each in real]),
        sample=f"{FOLDER}/sample-{index:04d}.png",
        training=f"{FOLDER}/training-{index:04d}.png",
        pair=f"{FOLDER}/pair-{index:04d}.png",
    )


def _explained(counts: dict[str, int], real: int) -> str:
    total = sum(counts.values())
    against = (
        f"judged by what {real} real pictures share with training pictures other than themselves"
    )
    if not counts["copy"]:
        closely = f", {counts['close']} close to one" if counts["close"] else ""
        return f"None of {total} samples is a copy of a training picture{closely}, {against}"
    return (
        f"{counts['copy']} of {total} samples copy at least a part of a training picture, {against}"
    )
