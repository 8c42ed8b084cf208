"""A run's material: pictures tokenized, laid out along the scan, and ready to be cut."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

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

PICTURES_AT_ONCE = 512  # bounds the memory of encoding


@dataclass(frozen=True, eq=False)
class Framing:
    """How pictures become grids: their size, fit, augmentation and scan.

    Attributes:
        size: (width, height) in pixels.
        fit: how pictures of another shape are brought to it.
        augmentation: applied to training pictures, afresh each epoch.
        scan: the name of the scan.
        seed: of the augmentation.
    """

    size: tuple[int, int]
    fit: Fit
    augmentation: Augmentation
    scan: str
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
        scan = self.cutter.scan
        return ModelSpec(
            vocab_size=self.tokenizer.vocab_size,
            grid=scan.grid,
            offsets=self.cutter.offsets,
            rows=scan.rows,
            columns=scan.columns,
            levels=scan.levels,
            groups=max(1, len(self.collection.groups)),
            palette=self.tokenizer.palette,
        )

    def epoch(self, epoch: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the canvases (N, P) int32 and groups (N,) int32 that an epoch learns."""
        pictures = self.collection.pictures
        numbered = [(pictures[index].pixels, index) for index in self.split.train]
        varied = list(self.executor.map(partial(_varied, self.framing, epoch), numbered))
        return (
            _canvases(self.tokenizer, self.cutter, varied),
            _groups(self.collection, self.split.train),
        )


def fit_tokenizer(
    tokenizer: Tokenizer, collection: Collection, split: Split, framing: Framing, seed: int
) -> Tokenizer:
    """Fit a tokenizer on the training pictures, unaugmented."""
    pictures = (framing.plain(collection.pictures[index].pixels) for index in split.train)
    return tokenizer.fit(pictures, seed=seed)


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
    pixels = [collection.pictures[index].pixels for index in split.held_out]
    held_out = list(executor.map(framing.plain, pixels))
    return Material(
        collection=collection,
        split=split,
        framing=framing,
        tokenizer=tokenizer,
        cutter=cutter,
        held_out=_canvases(tokenizer, cutter, held_out),
        held_out_groups=_groups(collection, split.held_out),
        executor=executor,
    )


def make_cutter(framing: Framing, tokenizer: Tokenizer, segments: Segments) -> Cutter:
    """Return the cutter for a fitted tokenizer's grids."""
    scan = make_scan(framing.scan, framing.grid(tokenizer.token_shape))
    return Cutter(scan, segments, scan.offsets(segments.context), tokenizer.vocab_size)


def _varied(framing: Framing, epoch: int, numbered: tuple[np.ndarray, int]) -> np.ndarray:
    pixels, index = numbered
    return framing.varied(pixels, epoch, index)


def _canvases(tokenizer: Tokenizer, cutter: Cutter, pictures: Sequence[np.ndarray]) -> np.ndarray:
    encode: Callable[[Sequence[np.ndarray]], np.ndarray] = tokenizer.encode
    parts = [
        cutter.scan.canvas(tokens)
        for tokens in in_parts(lambda some: encode(pictures[some]), len(pictures), PICTURES_AT_ONCE)
    ]
    return np.concatenate(parts) if parts else np.empty((0, cutter.scan.cells), np.int32)


def _groups(collection: Collection, indices: Sequence[int]) -> np.ndarray:
    numbers = {name: number for number, name in enumerate(collection.groups)}
    return np.array([numbers[collection.pictures[index].group] for index in indices], np.int32)
