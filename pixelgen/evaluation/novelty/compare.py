"""Comparing pictures with the training pictures: the search, the alignment and the tokens in one.

The same is done with samples and with real pictures, or their ranks would mean nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from pixelgen.data.alpha import on_white
from pixelgen.evaluation.novelty.alignment import Alignment, align, lay_under
from pixelgen.evaluation.novelty.search import find_places, resized, working_size
from pixelgen.evaluation.novelty.verbatim import Shared, largest_blocks, longest_runs
from pixelgen.evaluation.novelty.verdict import Thresholds
from pixelgen.evaluation.record import Verdict

CROP_SCALES = (1.0, 1.1, 1.21, 1.33)  # a crop of 0.75 to 1 of a side is enlarged so much


@dataclass(frozen=True, eq=False)
class References:
    """The training pictures as they are compared with.

    Attributes:
        names: of the M pictures.
        pictures: M pictures (h, w, 3) uint8 in the run's framing, larger where the run was trained
            on crops.
        grids: (M or 2 M, gh, gw) their tokens, followed by those of their mirror images.
        size: (height, width) of the run's pictures.
        scales: that they are enlarged by.
        mirrors: whether mirror images count.
    """

    names: list[str]
    pictures: list[np.ndarray]
    grids: np.ndarray
    size: tuple[int, int]
    scales: tuple[float, ...]
    mirrors: bool


@dataclass(frozen=True)
class Likeness:
    """What one picture shares with the training pictures, each at its best.

    Attributes:
        alignment: of the training picture with the likest detail, in pixels of the run's size; None
            where pictures are too small to tell.
        block, run: tokens shared verbatim.
    """

    alignment: Alignment | None
    block: Shared
    run: Shared

    @property
    def detail(self) -> float:
        """Correlation of detail in the best window; 0 where there is none."""
        return max(0.0, self.alignment.likeness) if self.alignment else 0.0


@dataclass(frozen=True)
class Judgement:
    """A verdict, and the alignment with the training picture that it is about."""

    verdict: Verdict
    alignment: Alignment


def compare(
    pictures: np.ndarray,
    grids: np.ndarray,
    references: References,
    own: Sequence[int | None] = (),
    progress: Callable[[int], None] | None = None,
) -> list[Likeness]:
    """Compare pictures with all training pictures.

    Args:
        pictures: (N, H, W, 3 or 4) uint8, decoded tokens.
        grids: (N, gh, gw) their tokens.
        references: the training pictures.
        own: for each picture the training picture that it is itself, which is left out.
        progress: called with the number of training pictures searched so far.
    """
    working = working_size(*references.size)
    small = np.stack([resized(on_white(each), *working) for each in pictures])
    own = [*own, *[None] * (len(small) - len(own))]
    places = find_places(
        small,
        references.pictures,
        references.scales,
        mirrors=references.mirrors,
        own=own,
        progress=progress,
    )
    count = len(references.names)
    left_out = [[] if itself is None else [itself, itself + count] for itself in own]
    blocks = largest_blocks(grids, references.grids, left_out)
    runs = longest_runs(grids, references.grids, left_out)
    found = []
    for picture, some, block, run in zip(small, places, blocks, runs, strict=True):
        aligned = align(picture, references.pictures, some, references.scales)
        found.append(Likeness(aligned and _at_size(aligned, working, references.size), block, run))
    return found


def judge(
    picture: np.ndarray, likeness: Likeness, references: References, thresholds: Thresholds
) -> Judgement:
    """Return the verdict on a picture (H, W, 3 or 4) uint8, and what it is about.

    Where verbatim tokens decide, it is the training picture that they come from.
    """
    aligned, block, run = likeness.alignment, likeness.block, likeness.run
    verdict = thresholds.verdict(likeness.detail, block.side, run.side)
    by_detail = likeness.detail >= thresholds.copy or (
        verdict == "close" and likeness.detail > thresholds.close
    )
    if aligned is None or (verdict != "new" and not by_detail):
        if verdict == "close" and block.side < thresholds.near_block:
            aligned = _where_tokens_are(picture, run, (1, run.side), references)
        else:
            aligned = _where_tokens_are(picture, block, (block.side, block.side), references)
    return Judgement(verdict, aligned)


def _where_tokens_are(
    picture: np.ndarray, shared: Shared, extent: tuple[int, int], references: References
) -> Alignment:
    """The alignment that lays the `extent` (height, width) of shared tokens over one another."""
    count = len(references.names)
    height, width = references.size
    token_height, token_width = (
        height // references.grids.shape[1],
        width // references.grids.shape[2],
    )
    index, mirrored = shared.training % count, shared.training >= count
    down = (shared.at[0] - shared.origin[0]) * token_height
    right = (shared.at[1] - shared.origin[1]) * token_width
    side_y, side_x = extent[0] * token_height, extent[1] * token_width
    region = (shared.at[0] * token_height, shared.at[1] * token_width, side_y, side_x)
    working = working_size(height, width)
    small = resized(on_white(picture), *working)
    factor = working[0] / height
    moved = (round(down * factor), round(right * factor))
    seen = (moved[0], -moved[1]) if mirrored else moved  # lay_under takes the mirrored frame
    laid = lay_under(small, references.pictures[index], mirrored, 1.0, seen)
    return Alignment(
        likeness=laid.likeness if laid else 0.0,
        training=index,
        mirrored=mirrored,
        scale=1.0,
        shift=(down, right),
        region=region,
        share=side_y * side_x / (height * width),
        pixel_distance=laid.pixel_distance if laid else None,
    )


def _at_size(aligned: Alignment, working: tuple[int, int], size: tuple[int, int]) -> Alignment:
    """The alignment in pixels of the run's size."""
    if working == size:
        return aligned
    down, across = size[0] / working[0], size[1] / working[1]
    top, left, height, width = aligned.region
    return Alignment(
        aligned.likeness,
        aligned.training,
        aligned.mirrored,
        aligned.scale,
        (round(aligned.shift[0] * down), round(aligned.shift[1] * across)),
        (round(top * down), round(left * across), round(height * down), round(width * across)),
        aligned.share,
        aligned.pixel_distance,
    )
