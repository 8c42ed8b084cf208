"""What `pixelgen evaluate` found: the contents of `evaluation.json`, described in
`docs/evaluation.md`.

Paths in it are relative to the run directory. Distances between colours are in OKLab, in which
black and white are 1 apart.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict

from pixelgen.errors import RunUnreadable
from pixelgen.untrusted import read_json

SCHEMA = 1
FILE = "evaluation.json"
FOLDER = "evaluation"

Fit = Literal["underfitting", "balanced", "overfitting", "unclear"]
Verdict = Literal["new", "close", "copy"]


class Part(BaseModel):
    """A part of the record; written once and only read afterwards."""

    model_config = ConfigDict(frozen=True)


class Interval(Part):
    """A mean over pictures and its 95 % confidence interval, which is none wide for one picture."""

    mean: float
    low: float
    high: float

    def __str__(self) -> str:
        if self.low == self.high:  # of one picture, which has no interval
            return f"{self.mean:.3f}"
        return f"{self.mean:.3f} ({self.low:.3f} to {self.high:.3f})"


class PictureBits(Part):
    """How well one held-out picture was predicted.

    Attributes:
        name: of the picture in its source.
        bits: per pixel.
        picture: path of the picture as the model saw it.
        heat_map: path of its heat map, of the same size: the brighter, the more bits.
    """

    name: str
    bits: float
    picture: str
    heat_map: str


class Bits(Part):
    """Bits per pixel, −log2 p of a token divided by its pixels.

    Attributes:
        held_out: over the held-out pictures.
        train: over training pictures as they are, not augmented (at most 96 of them).
        gap: (mean, low, high) of held-out less training bits.
        fit: what the gap and the curve say in one word.
        explanation: the same in a sentence or two.
        pictures: one entry a held-out picture, the hardest first.
        rows, columns: the mean by row and by column of the grid of tokens, held out.
        scale: the bits per pixel at which the heat maps are brightest.
    """

    held_out: Interval
    train: Interval
    gap: Interval
    fit: Fit
    explanation: str
    pictures: list[PictureBits]
    rows: list[float]
    columns: list[float]
    scale: float


class Bin(Part):
    """Tokens whose most probable colour was given a probability of about `confidence`."""

    confidence: float
    accuracy: float
    tokens: int


class Coverage(Part):
    """How often the truth lies in the smallest set of tokens that holds `nominal` probability."""

    nominal: float
    actual: float


class Calibration(Part):
    """Whether the model's probabilities mean what they say, on held-out tokens.

    Attributes:
        tokens: how many were looked at.
        bins: reliability of the most probable token.
        expected_calibration_error: mean |accuracy − confidence| over the bins, by their tokens.
        accuracy: how often the most probable token is the true one.
        expected_bits: what the model itself expects a pixel to cost, its entropy.
        realised_bits: what it cost.
        temperature: the one that would have given the fewest bits: above 1 the model is too sure.
        temperature_gain: how many bits per pixel that would have saved.
        coverage: of sets of the most probable tokens.
        explanation: the same in a sentence.
    """

    tokens: int
    bins: list[Bin]
    expected_calibration_error: float
    accuracy: float
    expected_bits: float
    realised_bits: float
    temperature: float
    temperature_gain: float
    coverage: list[Coverage]
    explanation: str


class Against(Part):
    """A distance from the samples to the held-out pictures.

    Attributes:
        distance: of the samples.
        floor: of as many training pictures, or all where those are fewer: about as near as real
            pictures come.
    """

    distance: float
    floor: float

    @property
    def ratio(self) -> float:
        """How many times as far as real pictures."""
        return self.distance / max(self.floor, 1e-12)


class PatchLikeness(Against):
    """Sliced Wasserstein distance between patches; `patch` is their side in pixels."""

    patch: int


class Diversity(Part):
    """Whether the samples differ from one another as the training pictures do.

    Attributes:
        spread: mean distance between two samples, root mean square OKLab over the thumbnails.
        spread_of_train: the same of as many training pictures.
        nearest: median distance of a sample to the sample most like it.
        nearest_of_train: the same of as many training pictures.
        duplicates: samples that have the very tokens of an earlier one.
        explanation: the same in a sentence.
    """

    spread: float
    spread_of_train: float
    nearest: float
    nearest_of_train: float
    duplicates: int
    explanation: str


class Transform(Part):
    """How the training picture must be changed to lie under the sample.

    Attributes:
        mirrored: left to right, first.
        scale: then enlarged so many times about its top left corner.
        shift: then moved by (down, right) pixels.
    """

    mirrored: bool
    scale: float
    shift: tuple[int, int]

    def __str__(self) -> str:
        down, right = self.shift
        words = ["mirrored"] if self.mirrored else []
        words += [f"×{self.scale:.2f}"] if abs(self.scale - 1) > 0.01 else []
        moved = [f"{abs(down)} {'down' if down > 0 else 'up'}"] if down else []
        moved += [f"{abs(right)} {'right' if right > 0 else 'left'}"] if right else []
        words += [f"moved {' and '.join(moved)}"] if moved else []
        return ", ".join(words) or "as it is"


class Region(Part):
    """A rectangle of pixels."""

    top: int
    left: int
    height: int
    width: int


class SampleNovelty(Part):
    """One sample beside the training picture that comes nearest to it.

    Attributes:
        index: of the sample; `pixelgen sample --seed SEED` paints the same one.
        verdict: `new`, `close` or `copy`.
        words: `new`, `close to NAME` or `copy of NAME`.
        nearest: name of the training picture.
        transform: that brings it over the sample.
        region: of the sample, where the two are most alike.
        share: of the sample's pixels that follow the training picture.
        distance: 0 where the region follows the training picture in every detail, 1 where it has
            nothing in common.
        rank: share of real pictures that have a training picture as near: held-out ones and, to
            fill up, training pictures, each against all the others.
        pixel_distance: root mean square OKLab over all that the two pictures share; None where
            they hardly overlap.
        longest_run: tokens in a row that are a training picture's own.
        run_rank: share of real pictures with a run as long.
        largest_block: side of the largest square of tokens that is a training picture's own.
        block_rank: share of real pictures with a block as large.
        sample, training, pair: paths of the sample, of the training picture (upright, at the
            sample's size), and of both enlarged side by side with the region marked.
    """

    index: int
    verdict: Verdict
    words: str
    nearest: str
    transform: Transform
    region: Region
    share: float
    distance: float
    rank: float
    pixel_distance: float | None
    longest_run: int
    run_rank: float
    largest_block: int
    block_rank: float
    sample: str
    training: str
    pair: str


def nearest_first(samples: Iterable[SampleNovelty]) -> list[SampleNovelty]:
    """Return samples as they are shown: copies, what is close, and what is new, the nearest first.

    A copy by tokens may be of less likeness in detail than something new.
    """
    order = ("copy", "close", "new")
    return sorted(samples, key=lambda sample: (order.index(sample.verdict), sample.distance))


class Novelty(Part):
    """Whether the samples are copies of training pictures.

    Attributes:
        samples: one entry a sample, in order of their index.
        new, close, copies: how many of each verdict.
        copy_below: distances below it make a copy.
        close_below: distances below it make close.
        copy_block: a square of verbatim tokens of this side makes a copy whatever the distance.
        close_block, close_run: a square of verbatim tokens of this side, or a run in a row of this
            length, makes close whatever the distance; None in files that were written before.
        real_distances: of real pictures, sorted: up to 48, the held-out ones and, to fill up,
            training pictures each against all the others. Where few are held out, these are most.
        real_longest_run, real_largest_block: medians of the same pictures.
        explanation: the same in a sentence or two.
    """

    samples: list[SampleNovelty]
    new: int
    close: int
    copies: int
    copy_below: float
    close_below: float
    copy_block: int
    close_block: int | None = None
    close_run: int | None = None
    real_distances: list[float]
    real_longest_run: float
    real_largest_block: float
    explanation: str


class Evaluation(Part):
    """All that was measured of a finished run.

    Attributes:
        schema_version: of this file.
        ended: when the run ended, to tell whether it has gone on since.
        seed, temperature, sampler: that the samples were painted with.
        samples: how many.
        bits, calibration: of the model on held-out pictures.
        palette: colours of the samples, sliced Wasserstein distance in OKLab.
        likeness: patches of the samples, the smallest patches first.
        diversity, novelty: of the samples.
        sheets: paths of two overviews: `bits` (each held-out picture and its heat map) and
            `novelty` (each sample and its nearest training picture).
        seconds: that measuring took, by part.
    """

    schema_version: int = SCHEMA
    ended: str
    seed: int
    temperature: float
    sampler: str
    samples: int
    bits: Bits
    calibration: Calibration
    palette: Against
    likeness: list[PatchLikeness]
    diversity: Diversity
    novelty: Novelty
    sheets: dict[str, str]
    seconds: dict[str, float]

    @classmethod
    def read(cls, run: Path) -> Self | None:
        """Return a run directory's evaluation; None if it has none.

        Raises:
            RunUnreadable: the file is damaged, or from a newer version.
        """
        path = run / FILE
        if not path.exists():
            return None
        try:
            found = cls.model_validate(read_json(path))
        except (OSError, ValueError) as error:  # pydantic's among them
            raise RunUnreadable(
                f"the evaluation cannot be read: {error}",
                where=str(path),
                remedy=f"Make it again: pixelgen evaluate {run}",
            ) from None
        if found.schema_version > SCHEMA:
            raise RunUnreadable(
                f"the evaluation has schema {found.schema_version}, and this pixelgen reads up to "
                f"{SCHEMA}",
                where=str(path),
                remedy="Install a newer pixelgen-core",
            )
        return found
