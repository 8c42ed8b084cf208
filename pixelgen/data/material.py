"""A run's material: pictures tokenized, laid out along the scan, and ready to be cut."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from pixelgen.data.augmentation import Augmentation, augment
from pixelgen.data.batches import Cutter
from pixelgen.data.collection import Collection, Split
from pixelgen.data.fitting import Fit, fit_picture
from pixelgen.data.scans import make_scan
from pixelgen.data.segments import Segments
from pixelgen.errors import OptionError
from pixelgen.executors.interface import Executor
from pixelgen.memory import in_parts
from pixelgen.models.interface import ModelSpec
from pixelgen.randomness import generator_for
from pixelgen.tokenizers.interface import Tokenizer

PICTURES_AT_ONCE, PIXELS_AT_ONCE = 512, 1 << 23  # bound the memory of encoding
PICTURES_A_CHUNK = 2048  # of an epoch, laid out at a time: 46 MB of tokens at 75×75


@dataclass(frozen=True, eq=False)
class Framing:
    """How pictures become grids: their size, fit, augmentation and scan.

    Attributes:
        size: (width, height) in pixels.
        fit: how pictures of another shape are brought to it.
        augmentation: applied to training pictures, afresh each epoch.
        scan: the name of the scan; None for the one that suits the model.
        seed: of the augmentation.
    """

    size: tuple[int, int]
    fit: Fit
    augmentation: Augmentation
    scan: str | None
    seed: int

    def plain(self, pixels: np.ndarray) -> np.ndarray:
        """Return a picture at the run's size, otherwise as it is."""
        return fit_picture(pixels, self.size, self.fit)

    def varied(self, pixels: np.ndarray, epoch: int, index: int) -> np.ndarray:
        """Return the variant of picture `index` that epoch `epoch` learns."""
        generator = generator_for(self.seed, "augment", epoch, index)
        return augment(pixels, self.size, self.fit, self.augmentation, generator)

    def grid(self, token_shape: tuple[int, int]) -> tuple[int, int]:
        """Return (gh, gw), the shape of a picture in tokens.

        Raises:
            OptionError: the size is not a multiple of the token's.
        """
        (width, height), (token_height, token_width) = self.size, token_shape
        if height % token_height or width % token_width:
            raise OptionError(
                f"pictures of {width}×{height} pixels cannot be cut into tokens of "
                f"{token_width}×{token_height}",
                where="in the size of the pictures",
                remedy=f"Try --size {width - width % token_width or token_width}"
                f"x{height - height % token_height or token_height}",
            )
        return height // token_height, width // token_width


@dataclass(frozen=True, eq=False)
class Material:
    """Everything from the data's side that training and painting need.

    Attributes:
        collection: the pictures.
        split: which of them are learned.
        framing: how they become grids.
        tokenizer: fitted on the training pictures.
        cutter: cuts canvases as the model wants them.
        held_out: (N, P) int32 canvases of the held-out pictures, never augmented.
        held_out_groups: (N,) int32.
        executor: spreads the fitting and augmentation of pictures.
    """

    collection: Collection
    split: Split
    framing: Framing
    tokenizer: Tokenizer
    cutter: Cutter
    held_out: np.ndarray
    held_out_groups: np.ndarray
    executor: Executor

    @property
    def spec(self) -> ModelSpec:
        """What a model may know."""
        return make_spec(self.cutter, self.tokenizer.palette, len(self.collection.groups))

    @property
    def tokens(self) -> int:
        """How many there are to be learned, augmentation aside."""
        return len(self.split.train) * self.cutter.scan.cells

    def plain(self, indices: Sequence[int]) -> np.ndarray:
        """Return pictures of the collection at the run's size: (N, H, W, 3 or 4) uint8."""
        pictures = self.collection.pictures
        width, height = self.framing.size
        plain = np.empty((len(indices), height, width, self.collection.channels), np.uint8)
        for row, index in enumerate(indices):
            plain[row] = self.framing.plain(pictures[index].pixels)
        return plain

    def canvases(self, pictures: Sequence[np.ndarray] | np.ndarray) -> np.ndarray:
        """Return the canvases (N, P) int32 of pictures at the run's size."""
        return _canvases(self.tokenizer, self.cutter, pictures)

    def groups(self, indices: Sequence[int]) -> np.ndarray:
        """Return the numbers (N,) int32 of the groups that pictures of the collection are in."""
        return _groups(self.collection, indices)

    # -- what an epoch learns -----------------------------------------------------------------

    @property
    def chunks(self) -> int:
        """In how many chunks an epoch is gone through; more than one only of many pictures."""
        return max(1, math.ceil(len(self.split.train) / PICTURES_A_CHUNK))

    def chunk(self, epoch: int, number: int = 0) -> tuple[np.ndarray, np.ndarray]:
        """Return the canvases (N, P) int32 and groups (N,) int32 of a chunk of an epoch.

        The pictures of a chunk are others in each epoch. All chunks but the last are equally large.
        """
        indices = self._in_chunk(epoch, number)
        return self._varied(indices, epoch), self.groups(indices)

    def batches_of(self, chunk: int) -> int:
        """Return how many batches a chunk is cut into."""
        return self.cutter.batches_per_epoch(self.chunk_size(chunk))

    def chunk_size(self, chunk: int) -> int:
        """Return how many pictures a chunk has."""
        return min(len(self.split.train) - chunk * PICTURES_A_CHUNK, PICTURES_A_CHUNK)

    @property
    def batches_per_epoch(self) -> int:
        """How many batches an epoch has."""
        return sum(self.batches_of(chunk) for chunk in range(self.chunks))

    def _in_chunk(self, epoch: int, number: int) -> Sequence[int]:
        """The indices of a chunk's pictures, in order."""
        train = self.split.train
        if self.chunks == 1:
            return train
        order = generator_for(self.framing.seed, "chunks", epoch).permutation(len(train))
        begin = number * PICTURES_A_CHUNK
        chosen = np.sort(order[begin : begin + PICTURES_A_CHUNK])
        return [train[place] for place in chosen]

    def _varied(self, indices: Sequence[int], epoch: int) -> np.ndarray:
        """The canvases (N, P) int32 of the variants of pictures that an epoch learns."""
        tokens = self.collection.tokens(indices, epoch)
        if tokens is not None:
            return self.cutter.scan.canvas(tokens)
        pictures = self.collection.pictures
        numbered = ((pictures[index].pixels, index) for index in indices)
        varied = list(self.executor.map(partial(_varied, self.framing, epoch), numbered))
        return self.canvases(varied)


def fit_tokenizer(
    tokenizer: Tokenizer,
    collection: Collection,
    split: Split,
    framing: Framing,
    seed: int,
    executor: Executor,
) -> Tokenizer:
    """Fit a tokenizer on the training pictures, unaugmented; the executor resizes them."""
    pixels = (collection.pictures[index].pixels for index in split.train)
    return tokenizer.fit(executor.map(framing.plain, pixels), seed=seed)


def make_material(
    collection: Collection,
    split: Split,
    framing: Framing,
    tokenizer: Tokenizer,
    segments: Segments,
    executor: Executor,
) -> Material:
    """Lay the pictures out for a model that wants its sequences cut as `segments` says."""
    cutter = make_cutter(framing, tokenizer, segments)
    tokens = collection.tokens(split.held_out)
    if tokens is None:
        pixels = [collection.pictures[index].pixels for index in split.held_out]
        held_out = _canvases(tokenizer, cutter, list(executor.map(framing.plain, pixels)))
    else:
        held_out = cutter.scan.canvas(tokens)
    return Material(
        collection=collection,
        split=split,
        framing=framing,
        tokenizer=tokenizer,
        cutter=cutter,
        held_out=held_out,
        held_out_groups=_groups(collection, split.held_out),
        executor=executor,
    )


def make_cutter(framing: Framing, tokenizer: Tokenizer, segments: Segments) -> Cutter:
    """Return the cutter for a fitted tokenizer's grids."""
    scan = make_scan(framing.scan or segments.scan, framing.grid(tokenizer.token_shape))
    return Cutter(scan, segments, scan.offsets(segments.context), tokenizer.vocab_size)


def make_spec(cutter: Cutter, palette: np.ndarray | None, groups: int = 1) -> ModelSpec:
    """Return what a model may know of pictures that are cut so, in these colours and groups.

    Args:
        cutter: of the pictures.
        palette: (V, 3 or 4) uint8, or None where tokens are no colours.
        groups: how many.
    """
    scan = cutter.scan
    return ModelSpec(
        vocab_size=cutter.vocab_size,
        grid=scan.grid,
        offsets=cutter.offsets,
        rows=scan.rows,
        columns=scan.columns,
        levels=scan.levels,
        groups=max(1, groups),
        palette=palette,
        coarser=scan.coarser(cutter.offsets),
    )


def _varied(framing: Framing, epoch: int, numbered: tuple[np.ndarray, int]) -> np.ndarray:
    pixels, index = numbered
    return framing.varied(pixels, epoch, index)


def _canvases(
    tokenizer: Tokenizer, cutter: Cutter, pictures: Sequence[np.ndarray] | np.ndarray
) -> np.ndarray:
    encode: Callable[[Any], np.ndarray] = tokenizer.encode
    height, width = pictures[0].shape[:2] if len(pictures) else (1, 1)
    at_once = max(1, min(PICTURES_AT_ONCE, PIXELS_AT_ONCE // (height * width)))
    parts = [
        cutter.scan.canvas(tokens)
        for tokens in in_parts(lambda some: encode(pictures[some]), len(pictures), at_once)
    ]
    return np.concatenate(parts) if parts else np.empty((0, cutter.scan.cells), np.int32)


def _groups(collection: Collection, indices: Sequence[int]) -> np.ndarray:
    numbers = {name: number for number, name in enumerate(collection.groups)}
    groups = collection.groups_of
    return np.array([numbers[groups[index]] for index in indices], np.int32)
