"""Finding, among many training pictures, the few places that a picture may have been copied from.

The picture is cut into overlapping blocks, so many that a copied quarter holds a whole one. A block
is described by its detail, sampled at the centres of its cells, and compared with the block at
every other place of every training picture, mirrored and enlarged: one large matrix product.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from PIL import Image

from pixelgen.evaluation.novelty.detail import band, oklab
from pixelgen.executors.local import Local
from pixelgen.threads import one_thread_a_product

COARSE = (1.2, 3.5)  # the band that blocks are compared in, in pixels: it bears a pixel's shift
FINE = (0.0, 2.0)  # the band in which places are looked at closely
NOISE = 0.006  # detail fainter than this, in OKLab, counts little: a palette makes as much
LARGEST = 96  # pixels of the shorter side; larger pictures are looked at smaller
DIMENSIONS = 48  # that a block's description is reduced to
BEST = 3  # places kept a block
NOWHERE = -2.0  # below all likeness
AT_ONCE = 1 << 19  # similarities that a thread holds at a time: they stay in its cache


@dataclass(frozen=True)
class Measures:
    """Sizes, in pixels, that follow from that of the pictures.

    Attributes:
        height, width: of the pictures that are compared.
        cell: between two samples of a block.
        block: side of a block, about a third of a picture's.
        stride: between two blocks; with `block`, at most half a side.
        window: side of the region whose likeness decides, a little less than half a side.
    """

    height: int
    width: int
    cell: int
    block: int
    stride: int
    window: int

    @classmethod
    def of(cls, height: int, width: int) -> Measures:
        """Return those for pictures of a size."""
        side = min(height, width)
        cell = max(1, round(side / 25))
        block = max(1, round(0.32 * side / cell)) * cell
        return cls(
            height, width, cell, block, max(1, side // 2 - block), max(1, round(0.44 * side))
        )


@dataclass(frozen=True)
class Place:
    """A block of a query and where it may come from.

    Attributes:
        likeness: of the two blocks, at most 1.
        training: the training picture's index.
        mirrored: whether it is the mirrored query that holds the block.
        scale: that the training picture is enlarged by.
        block, origin: (top, left) of the block in the query and in the enlarged training picture.
    """

    likeness: float
    training: int
    mirrored: bool
    scale: float
    block: tuple[int, int]
    origin: tuple[int, int]


def working_size(height: int, width: int) -> tuple[int, int]:
    """Return the (height, width) at which pictures of a size are compared."""
    shrink = max(1.0, min(height, width) / LARGEST)
    return max(1, round(height / shrink)), max(1, round(width / shrink))


def resized(pixels: np.ndarray, height: int, width: int) -> np.ndarray:
    """Return one picture (H, W, 3) uint8 at another size."""
    if pixels.shape[:2] == (height, width):
        return pixels
    return np.asarray(Image.fromarray(pixels).resize((width, height), Image.Resampling.LANCZOS))


def find_places(
    queries: np.ndarray,
    training: Sequence[np.ndarray],
    scales: Sequence[float],
    *,
    mirrors: bool = True,
    own: Sequence[int | None] = (),
    progress: Callable[[int], None] | None = None,
) -> list[list[Place]]:
    """Return for each query the places its blocks may come from, the likeliest first.

    Args:
        queries: (N, H, W, 3) uint8.
        training: M pictures (h, w, 3) uint8 of any size; enlargements are made from them.
        scales: enlargements of the training pictures against the queries.
        mirrors: look at mirror images too.
        own: for each query the training picture that it is itself, which is left out.
        progress: called with the number of training pictures seen so far.
    """
    size = Measures.of(*queries.shape[1:3])
    corners = [
        (top, left)
        for top in _starts(size.height, size.block, size.stride)
        for left in _starts(size.width, size.block, size.stride)
    ]
    views = [queries, queries[:, :, ::-1]] if mirrors else [queries]
    described = np.stack([_describe_blocks(view, size, corners) for view in views], axis=1)
    count, ways, blocks = described.shape[:3]  # (N, 1 or 2, B, D)
    flat = described.reshape(count * ways * blocks, -1)
    basis = _basis(flat)
    table = _places_everywhere(size, scales)
    best_of = partial(_best_everywhere, flat @ basis, basis=basis, size=size, scales=scales)
    highest = _Highest(len(flat))
    with one_thread_a_product():
        found_in = Local(Local.Options()).map(best_of, training, progress=progress)
        for number, (values, where) in enumerate(found_in):
            of_query = values.reshape(count, -1)
            of_query[[query for query, itself in enumerate(own) if itself == number]] = NOWHERE
            highest.add(values, number, where)

    def by_block(each: np.ndarray) -> np.ndarray:
        """(N, B, ways, 3) of (R, 3)."""
        return each.reshape(count, ways, blocks, BEST).swapaxes(1, 2)

    likeness, pictures, places = map(by_block, (highest.values, highest.pictures, highest.places))
    found = []
    for query in range(count):
        some = []
        for block, corner in enumerate(corners):
            of_block = likeness[query, block]  # (ways, 3)
            for flat_index in np.argsort(-of_block, axis=None, kind="stable")[:BEST]:
                way, rank = np.unravel_index(flat_index, of_block.shape)
                if of_block[way, rank] == NOWHERE:
                    continue
                scale, top, left = table[places[query, block, way, rank]]
                some.append(
                    Place(
                        float(of_block[way, rank]),
                        int(pictures[query, block, way, rank]),
                        bool(way),
                        float(scale),
                        corner,
                        (int(top), int(left)),
                    )
                )
        found.append(sorted(some, key=lambda place: -place.likeness))
    return found


class _Highest:
    """The highest values of each of R rows so far, the highest first and of equals the first.

    Attributes:
        values: (R, `BEST`) float32; `NOWHERE` until there are so many.
        pictures, places: (R, `BEST`) int32, of which training picture they are, and where in it.
    """

    def __init__(self, rows: int) -> None:
        self.values = np.full((rows, BEST), NOWHERE, np.float32)
        self.pictures, self.places = np.zeros((2, rows, BEST), np.int32)

    def add(self, values: np.ndarray, picture: int, places: np.ndarray) -> None:
        """Take the values (R,) of a training picture in, and their places (R,)."""
        rows = np.flatnonzero(values > self.values[:, -1])
        joined = np.append(self.values[rows], values[rows, None], axis=1)
        order = np.argsort(-joined, axis=1, kind="stable")[:, :BEST]
        for kept, new in (
            (self.values, values[rows]),
            (self.pictures, np.full(len(rows), picture)),
            (self.places, places[rows]),
        ):
            both = np.append(kept[rows], new[:, None], axis=1)
            kept[rows] = np.take_along_axis(both, order, axis=1)


def _starts(side: int, block: int, stride: int) -> list[int]:
    last = side - block
    return sorted({*range(0, last, stride), last})


def _describe_blocks(
    pictures: np.ndarray, size: Measures, corners: Sequence[tuple[int, int]]
) -> np.ndarray:
    """(N, B, D) float32 descriptions of length at most 1."""
    detail = band(oklab(np.ascontiguousarray(pictures)), *COARSE)
    half, block, cell = size.cell // 2, size.block, size.cell
    cut = [
        detail[:, top + half : top + block : cell, left + half : left + block : cell]
        for top, left in corners
    ]
    return _unit(np.stack([each.reshape(len(pictures), -1) for each in cut], axis=1))


def _best_everywhere(
    flat: np.ndarray,
    picture: np.ndarray,
    *,
    basis: np.ndarray,
    size: Measures,
    scales: Sequence[float],
) -> tuple[np.ndarray, np.ndarray]:
    """The likest block of a picture for each of (R, d) descriptions: its likeness and its index.

    Returns:
        (R,) float32 and (R,) int32, indices into `_places_everywhere`.
    """
    everywhere = (_describe_everywhere(picture, size, scales) @ basis).T  # (d, K)
    likeness, places = np.empty(len(flat), np.float32), np.empty(len(flat), np.int32)
    step = max(1, AT_ONCE // everywhere.shape[1])
    for begin in range(0, len(flat), step):
        rows = slice(begin, begin + step)
        similar = flat[rows] @ everywhere
        places[rows] = similar.argmax(axis=1)
        likeness[rows] = np.take_along_axis(similar, places[rows, None], axis=1)[:, 0]
    return likeness, places


def _places_everywhere(size: Measures, scales: Sequence[float]) -> np.ndarray:
    """(K, 3): the scale, top and left of the blocks at every cell of a training picture."""
    cells, places = size.block // size.cell, []
    for scale in scales:
        rows, columns = (
            len(range(size.cell // 2, round(side * scale), size.cell)) - cells + 1
            for side in (size.height, size.width)
        )
        top, left = np.divmod(np.arange(rows * columns), columns)
        places.append(
            np.stack([np.full(len(top), scale), top * size.cell, left * size.cell], axis=1)
        )
    return np.concatenate(places)


def _describe_everywhere(
    picture: np.ndarray, size: Measures, scales: Sequence[float]
) -> np.ndarray:
    """(K, D) descriptions of the blocks at every cell, in the order of `_places_everywhere`."""
    half, cells = size.cell // 2, size.block // size.cell
    described = []
    for scale in scales:
        enlarged = resized(picture, round(size.height * scale), round(size.width * scale))
        detail = band(oklab(enlarged[None]), *COARSE)[0, half :: size.cell, half :: size.cell]
        windows = np.lib.stride_tricks.sliding_window_view(detail, (cells, cells), axis=(0, 1))
        rows, columns = windows.shape[:2]
        windows = windows.transpose(0, 1, 3, 4, 2).reshape(rows * columns, -1)
        described.append(_unit(windows))
    return np.concatenate(described)


def _unit(described: np.ndarray) -> np.ndarray:
    faint = described.shape[-1] * NOISE**2
    lengths = np.sqrt((described**2).sum(axis=-1, keepdims=True) + faint)
    return (described / lengths).astype(np.float32)


def _basis(described: np.ndarray) -> np.ndarray:
    """(D, d) float32: the directions in which descriptions differ most."""
    spread = described.T @ described
    _, vectors = np.linalg.eigh(spread.astype(np.float64))
    return np.ascontiguousarray(vectors[:, ::-1][:, :DIMENSIONS], np.float32)
