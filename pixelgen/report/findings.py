"""What the page tells of `pixelgen evaluate`: copies first, then how well the model predicts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from pixelgen.errors import RunUnreadable
from pixelgen.evaluation.record import Evaluation, SampleNovelty, nearest_first
from pixelgen.report.encoding import address
from pixelgen.runs.pictures import read_png

MOST_PAIRS, MOST_HEAT_MAPS = 6, 4
REMEDY = "Make it again: pixelgen evaluate"


@dataclass(frozen=True)
class Pair:
    """Two pictures side by side, and what is to be said of them."""

    left: str
    right: str
    left_words: str
    right_words: str
    heading: str
    detail: str


@dataclass(frozen=True)
class Findings:
    """What an evaluation found.

    Attributes:
        pairs: samples beside the training picture that is nearest, copies first, then the nearest.
        heat_maps: held-out pictures beside where their bits lie, the hardest first.
        lines: measures as (what, value, what real pictures reach).
    """

    pairs: list[Pair] = field(default_factory=list)
    heat_maps: list[Pair] = field(default_factory=list)
    lines: list[tuple[str, str, str]] = field(default_factory=list)


def findings_of(run: Path, evaluation: Evaluation, room: int) -> Findings:
    """Return what the page shows of an evaluation, its pictures within `room` characters.

    Raises:
        RunUnreadable: a picture that the evaluation names is missing, or is not in the run.
    """
    nearest = nearest_first(evaluation.novelty.samples)
    pairs = _within(room * 2 // 3, (_novelty(run, sample) for sample in nearest[:MOST_PAIRS]))
    hardest = evaluation.bits.pictures[:MOST_HEAT_MAPS]
    maps = (
        Pair(
            _picture(run, each.picture),
            _picture(run, each.heat_map),
            f"held-out picture {each.name}",
            f"where the bits of {each.name} lie: the brighter, the more",
            each.name,
            f"{each.bits:.2f} bits per pixel",
        )
        for each in hardest
    )
    return Findings(list(pairs), list(_within(room // 3, maps)), _lines(evaluation))


def _novelty(run: Path, sample: SampleNovelty) -> Pair:
    follows = "is likest to" if sample.verdict == "new" else "follows"
    detail = f"{sample.share:.0%} of the picture {follows} it"
    if str(sample.transform) != "as it is":
        detail += f", {sample.transform}"
    if sample.longest_run:
        detail += f"; longest run of the same tokens {sample.longest_run}"
    return Pair(
        _picture(run, sample.sample),
        _picture(run, sample.training),
        f"painted picture {sample.index + 1}",
        f"the nearest training picture, {sample.nearest}",
        sample.words,
        detail,
    )


def _lines(evaluation: Evaluation) -> list[tuple[str, str, str]]:
    bits, diversity = evaluation.bits, evaluation.diversity
    lines = [
        (
            "held-out bits per pixel",
            str(bits.held_out),
            f"{bits.train.mean:.3f} on training pictures",
        ),
        (
            "colours: distance to held-out pictures",
            f"{evaluation.palette.distance:.4f}",
            f"{evaluation.palette.floor:.4f}",
        ),
    ]
    lines += [
        (
            f"patches of {each.patch}×{each.patch}: distance to held-out pictures",
            f"{each.distance:.4f}",
            f"{each.floor:.4f}",
        )
        for each in evaluation.likeness
    ]
    lines.append(
        (
            "difference between two samples",
            f"{diversity.spread:.4f}",
            f"{diversity.spread_of_train:.4f}",
        )
    )
    return lines


def _within(room: int, pairs: Iterator[Pair]) -> Iterator[Pair]:
    for pair in pairs:
        room -= len(pair.left) + len(pair.right)
        if room < 0:
            return
        yield pair


def _picture(run: Path, name: str) -> str:
    path = (run / name).resolve()
    if not path.is_relative_to(run.resolve()):
        raise RunUnreadable(
            f"the evaluation names a picture outside the run: {name!r}",
            where=str(run / "evaluation.json"),
            remedy=REMEDY,
        )
    pixels: np.ndarray = read_png(path, remedy=f"{REMEDY} {run}")
    return address(pixels)
