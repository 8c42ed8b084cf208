"""Laying a training picture under a query, pixel by pixel, and seeing how much the two share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image

from pixelgen.evaluation.novelty.detail import band, oklab
from pixelgen.evaluation.novelty.search import FINE, NOISE, Measures, Place, resized

LOOKED_AT = 30  # places a query whose surroundings are searched
LAID_UNDER = 4  # of these, the training pictures laid under the query whole
NEARBY_SCALES = (-0.045, -0.03, -0.015, 0.015, 0.03, 0.045)
MARGIN = 4  # pixels around a block that the finest band looks at
REGION_SHARE = 0.8  # of the best window's likeness, for a window to belong to the region


@dataclass(frozen=True)
class Alignment:
    """A training picture under a query; all in pixels of the size at which they are compared.

    Attributes:
        likeness: correlation of the two details in the best window, at most 1.
        training: the training picture's index.
        mirrored, scale, shift: the training picture is mirrored, enlarged, and then moved by
            (down, right).
        region: (top, left, height, width) of the query around the windows that are as alike.
        share: of the query's pixels that lie in that region.
        pixel_distance: root mean square OKLab over all that the two share.
    """

    likeness: float
    training: int
    mirrored: bool
    scale: float
    shift: tuple[int, int]
    region: tuple[int, int, int, int]
    share: float
    pixel_distance: float | None


def align(
    query: np.ndarray,
    training: Sequence[np.ndarray],
    places: Sequence[Place],
    scales: Sequence[float],
) -> Alignment | None:
    """Return the best alignment of a query (H, W, 3) uint8 that its places lead to."""
    size = Measures.of(*query.shape[:2])
    upright = band(oklab(query[None]), *FINE)[0]
    details = {False: upright, True: band(oklab(query[None, :, ::-1]), *FINE)[0]}
    near = [
        _nearby(details[place.mirrored], training[place.training], place, size)
        for place in places[:LOOKED_AT]
    ]
    near.sort(key=lambda place: -place.likeness)
    best: Alignment | None = None
    for place in near[:LAID_UNDER]:
        exact = place
        if len(scales) > 1:
            others = _other_scales(place, size, min(scales), max(scales))
            detail, picture = details[place.mirrored], training[place.training]
            tried = [_nearby(detail, picture, other, size) for other in others]
            exact = max([place, *tried], key=lambda each: each.likeness)
        shift = (exact.block[0] - exact.origin[0], exact.block[1] - exact.origin[1])
        laid = lay_under(query, training[place.training], place.mirrored, exact.scale, shift)
        if laid is not None and (best is None or laid.likeness > best.likeness):
            best = replace(laid, training=place.training)
    return best


def lay_under(
    query: np.ndarray,
    picture: np.ndarray,
    mirrored: bool,
    scale: float,
    shift: tuple[int, int],
) -> Alignment | None:
    """Compare a query with a training picture in one position; None if they hardly overlap.

    Args:
        query: (H, W, 3) uint8.
        picture: (h, w, 3) uint8.
        mirrored: compare the mirrored query.
        scale: how many times the query's size the picture is made.
        shift: (down, right) of the picture's corner in the query, mirrored or not.

    Returns:
        The alignment, in the query's own frame; its `training` is 0.
    """
    height, width = query.shape[:2]
    side = Measures.of(height, width).window
    enlarged = resized(picture, round(height * scale), round(width * scale))
    seen = query[:, ::-1] if mirrored else query
    down, right = shift
    top, bottom = max(0, down), min(height, down + enlarged.shape[0])
    left, end = max(0, right), min(width, right + enlarged.shape[1])
    if bottom - top < side or end - left < side:
        return None
    ours = oklab(seen[None])
    theirs = oklab(enlarged[None])
    inside = (slice(top, bottom), slice(left, end))
    beneath = (slice(top - down, bottom - down), slice(left - right, end - right))
    apart = ours[0][inside] - theirs[0][beneath]
    mine, other = band(ours, *FINE)[0][inside], band(theirs, *FINE)[0][beneath]
    faint = 3 * side**2 * NOISE**2
    products = _sums((mine * other).sum(axis=-1), side)
    energies = (_sums((each**2).sum(axis=-1), side) + faint for each in (mine, other))
    likeness = products / np.sqrt(np.multiply(*energies))
    highest = float(likeness.max())
    rows, columns = np.nonzero(likeness >= REGION_SHARE * highest)
    if highest <= 0:
        rows, columns = (
            np.array([each]) for each in np.unravel_index(likeness.argmax(), likeness.shape)
        )
    region_top, region_left = top + int(rows.min()), left + int(columns.min())
    region_height = int(rows.max() - rows.min()) + side
    region_width = int(columns.max() - columns.min()) + side
    if mirrored:
        region_left = width - region_left - region_width
        right = width - right - enlarged.shape[1]
    return Alignment(
        likeness=highest,
        training=0,
        mirrored=mirrored,
        scale=scale,
        shift=(down, right),
        region=(region_top, region_left, region_height, region_width),
        share=region_height * region_width / (height * width),
        pixel_distance=float(np.sqrt((apart**2).sum(axis=-1).mean())),
    )


def _other_scales(place: Place, size: Measures, lowest: float, highest: float) -> list[Place]:
    """The same place at scales between those that were searched."""
    others = []
    for change in NEARBY_SCALES:
        scale = place.scale * (1 + change)
        if not 0.985 * lowest <= scale <= 1.02 * highest:
            continue
        limits = (round(size.height * scale), round(size.width * scale))
        moved = [
            round((start + size.block / 2) * scale / place.scale - size.block / 2)
            for start in place.origin
        ]
        top, left = (
            min(max(0, start), limit - size.block)
            for start, limit in zip(moved, limits, strict=True)
        )
        others.append(replace(place, scale=scale, origin=(top, left)))
    return others


def _nearby(detail: np.ndarray, picture: np.ndarray, place: Place, size: Measures) -> Place:
    """The place within a cell's distance at which the finest detail agrees best."""
    top, left = place.block
    block = detail[top : top + size.block, left : left + size.block].reshape(-1)
    sides = (round(size.height * place.scale), round(size.width * place.scale))
    radius = size.cell
    starts, cuts = [], []
    for origin, side in zip(place.origin, sides, strict=True):
        starts.append(range(max(0, origin - radius), min(side - size.block, origin + radius) + 1))
        cuts.append(
            (max(0, origin - radius - MARGIN), min(side, origin + size.block + radius + MARGIN))
        )
    if not all(starts):
        return replace(place, likeness=-1.0)
    (up, low), (near, far) = cuts
    down, across = picture.shape[0] / sides[0], picture.shape[1] / sides[1]
    box = (
        near * across,
        up * down,
        min(far * across, picture.shape[1]),
        min(low * down, picture.shape[0]),
    )
    cut = Image.fromarray(picture).resize((far - near, low - up), Image.Resampling.LANCZOS, box)
    fine = band(oklab(np.asarray(cut)[None]), *FINE)[0]
    windows = np.lib.stride_tricks.sliding_window_view(fine, (size.block, size.block), axis=(0, 1))
    chosen = windows[
        starts[0][0] - up : starts[0][-1] - up + 1, starts[1][0] - near : starts[1][-1] - near + 1
    ]
    rows, columns = chosen.shape[:2]
    flat = chosen.transpose(0, 1, 3, 4, 2).reshape(rows * columns, -1)
    faint = len(block) * NOISE**2
    energy = ((flat**2).sum(axis=1) + faint) * (float(block @ block) + faint)
    likeness = (flat @ block) / np.sqrt(energy)
    best = int(likeness.argmax())
    agreeing = (starts[0][best // columns], starts[1][best % columns])
    return replace(place, likeness=float(likeness[best]), origin=agreeing)


def _sums(values: np.ndarray, side: int) -> np.ndarray:
    """The sums over all windows of a side: (H − side + 1, W − side + 1) float64."""
    summed = np.pad(values.astype(np.float64).cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    sums: np.ndarray = (
        summed[side:, side:]
        - summed[:-side, side:]
        - summed[side:, :-side]
        + summed[:-side, :-side]
    )
    return np.maximum(sums, 0) if (values >= 0).all() else sums
