"""Tokens of several pixels: the k patches with the least squared error."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
from pydantic import Field
from safetensors.numpy import save_file

from pixelgen.data.alpha import to_channels
from pixelgen.errors import OptionError, TokenizerError
from pixelgen.options import Options as BaseOptions
from pixelgen.options import parse_options
from pixelgen.randomness import generator_for
from pixelgen.tokenizers.assignment import Points
from pixelgen.tokenizers.contents import FILE, damaged, missing, read_contents, write_contents
from pixelgen.tokenizers.every_centre import EveryCentre, nearest_of_all
from pixelgen.tokenizers.interface import Tokenizer
from pixelgen.tokenizers.kmeans import Settings, run_lloyd
from pixelgen.tokenizers.pictures import check_picture, stack_pictures
from pixelgen.tokenizers.seeding import greedy_plus_plus
from pixelgen.untrusted import read_arrays

PATCHES_FILE = "patches.safetensors"
FORMAT = 1
SEEDED_FROM = 1 << 14  # patches among which the first centres are sought
MOST_BYTES = 16_384 * 16 * 16 * 4 + (1 << 16)  # of all patches, and the file's heading
MIDDLE = 128  # taken off all levels, for they are kept the smaller


class PatchKMeans(Tokenizer):
    """Learns a vocabulary of patches, by k-means on the pictures' patches in sRGB.

    In `fit` pictures are cut into patches from the upper left corner; what is left over at the
    right and below is not looked at.
    """

    class Options(BaseOptions):
        """Options of patch-kmeans."""

        patches: int = Field(512, ge=1, le=16_384, description="patches in the vocabulary")
        height: int = Field(2, ge=1, le=16, description="of a patch, in pixels")
        width: int = Field(2, ge=1, le=16, description="of a patch, in pixels")
        max_patches: int = Field(
            200_000, ge=1, description="learn from at most this many patches, drawn at random"
        )
        max_iterations: int = Field(30, ge=1, le=10_000, description="passes at most")
        tolerance: float = Field(
            1e-3, ge=0, le=1, description="end when five passes take away less of the squared error"
        )

    kind = "patch-kmeans"

    def __init__(self, options: Any, *, device: str = "auto") -> None:
        super().__init__(options, device=device)
        self._patches: np.ndarray | None = None  # (V, height, width, channels) uint8

    @property
    def vocab_size(self) -> int:
        return len(self._fitted())

    @property
    def token_shape(self) -> tuple[int, int]:
        return (self.options.height, self.options.width)

    def fit(self, images: Iterable[np.ndarray], *, seed: int = 0) -> Self:
        """Learn the patches of pictures (H, W, 3 or 4) uint8, of any sizes; return self.

        Raises:
            TokenizerError: there are no pictures, one of them is none, or not one is as large as
                a patch.
        """
        where = f"fit of {self.kind}"
        pictures = [check_picture(image, where) for image in images]
        channels = max((picture.shape[2] for picture in pictures), default=3)
        cut = [self._cut(to_channels(picture, channels)[None]) for picture in pictures]
        patches = np.concatenate([*cut, np.empty((0, self._size(channels)), np.uint8)])
        if not len(patches):
            height, width = self.token_shape
            raise TokenizerError(
                "no patches to learn from" if pictures else "no pictures to learn from",
                where=where,
                remedy=f"Give at least one picture of {width}×{height} pixels or more",
            )
        self.notes = []
        if len(patches) > self.options.max_patches:
            self.notes.append(
                f"learned from {self.options.max_patches:,} of {len(patches):,} patches"
            )
            chosen = generator_for(seed, "patches").choice(
                len(patches), self.options.max_patches, replace=False, shuffle=False
            )
            patches = patches[chosen]
        found = self._learn(patches, seed)
        if len(found) < self.options.patches:
            self.notes.append(f"{len(found)} patches in place of {self.options.patches}")
        self._set_patches(found.reshape(-1, *self.token_shape, channels))
        return self

    def encode(self, images: Sequence[np.ndarray] | np.ndarray) -> np.ndarray:
        """Return the nearest patch at each place of the grid: (N, H / height, W / width) int32.

        Raises:
            TokenizerError: the tokenizer is not fitted, these are no pictures of one size, or
                their sides are no multiples of a patch's.
        """
        patches = self._fitted()
        where = f"encode of {self.kind}"
        pictures = to_channels(stack_pictures(images, where), patches.shape[-1])
        count, height, width, _ = pictures.shape
        rows, columns = self.token_shape
        if height % rows or width % columns:
            raise TokenizerError(
                f"pictures of {width}×{height} pixels",
                where=where,
                remedy=f"Sides must be multiples of the patch's, {columns}×{rows}",
            )
        places = self._cut(pictures).astype(np.float64) - MIDDLE
        centres = patches.reshape(len(patches), -1).astype(np.float64) - MIDDLE
        nearest = nearest_of_all(places, centres, 1).astype(np.int32)
        return nearest.reshape(count, height // rows, width // columns)

    def decode(self, tokens: np.ndarray) -> np.ndarray:
        """Return the pictures (N, H, W, 3 or 4) uint8 of tokens (N, gh, gw).

        Raises:
            TokenizerError: the tokenizer is not fitted, or a token is outside the vocabulary.
        """
        patches = self._fitted()
        tokens = np.asarray(tokens)
        if tokens.size and not (tokens.min() >= 0 and tokens.max() < len(patches)):
            raise TokenizerError(
                f"tokens from {tokens.min()} to {tokens.max()}",
                where=f"decode of {self.kind}",
                remedy=f"The vocabulary has {len(patches)} tokens, from 0 on",
            )
        count, rows, columns = tokens.shape
        height, width = self.token_shape
        pixels = patches[tokens].transpose(0, 1, 3, 2, 4, 5)
        return np.asarray(pixels).reshape(count, rows * height, columns * width, patches.shape[-1])

    def save(self, directory: Path) -> None:
        """Write `tokenizer.json` and `patches.safetensors`.

        Raises:
            TokenizerError: the tokenizer is not fitted.
        """
        save_file({"patches": self._fitted()}, directory / PATCHES_FILE)
        options = self.options.model_dump(mode="json")
        write_contents(directory, self.kind, FORMAT, {"options": options, "notes": self.notes})

    @classmethod
    def load(cls, directory: Path, *, device: str = "auto") -> Self:
        """Return the tokenizer that `save` wrote.

        Raises:
            RunUnreadable: a file is missing, damaged, or of another kind of tokenizer.
        """
        contents = read_contents(directory, cls.kind, FORMAT)
        try:
            options = parse_options(
                cls.Options, dict(contents["options"]), owner=f"tokenizer {cls.kind}"
            )
            notes = [str(note) for note in contents["notes"]]
        except (OptionError, ValueError, TypeError, KeyError) as error:
            raise damaged(directory / FILE, str(error)) from error
        path = directory / PATCHES_FILE
        try:
            patches = read_arrays(path, MOST_BYTES)["patches"]
            expected = (options.height, options.width)
            if (
                patches.dtype != np.uint8
                or patches.ndim != 4
                or patches.shape[1:3] != expected
                or patches.shape[3] not in (3, 4)
                or not len(patches)
            ):
                raise ValueError(f"patches of shape {patches.shape} and type {patches.dtype}")
        except FileNotFoundError:
            raise missing(path) from None
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise damaged(path, str(error)) from error
        tokenizer = cls(options, device=device)
        tokenizer.notes = notes
        tokenizer._set_patches(patches)
        return tokenizer

    def _learn(self, patches: np.ndarray, seed: int) -> np.ndarray:
        """Return the patches (V, size) uint8 that stand for patches (n, size) uint8."""
        distinct, counts = np.unique(patches, axis=0, return_counts=True)
        if len(distinct) <= self.options.patches:
            return distinct
        places = distinct.astype(np.float64) - MIDDLE
        weights = counts.astype(np.float64)
        points = Points(places, weights, places * weights[:, None])
        square = float((points.sums * places).sum())
        generator = generator_for(seed, "patch-k-means")
        some = generator.choice(
            len(points), min(len(points), max(SEEDED_FROM, 4 * self.options.patches)), replace=False
        )
        seeding = Points(places[some], weights[some], points.sums[some])
        centres = greedy_plus_plus(seeding, self.options.patches, generator)
        settings = Settings(
            max_iterations=self.options.max_iterations, tolerance=self.options.tolerance
        )
        clustering = run_lloyd(EveryCentre(points), centres, square, settings)
        levels = np.clip(np.rint(clustering.centres + MIDDLE), 0, 255).astype(np.uint8)
        return np.unique(levels, axis=0)

    def _size(self, channels: int) -> int:
        return int(self.options.height * self.options.width * channels)

    def _cut(self, pictures: np.ndarray) -> np.ndarray:
        """Return the patches (n, size) uint8 of pictures (N, H, W, channels), row by row."""
        count, height, width, channels = pictures.shape
        rows, columns = height // self.options.height, width // self.options.width
        kept = pictures[:, : rows * self.options.height, : columns * self.options.width]
        blocks = kept.reshape(
            count, rows, self.options.height, columns, self.options.width, channels
        )
        return blocks.transpose(0, 1, 3, 2, 4, 5).reshape(-1, self._size(channels))

    def _set_patches(self, patches: np.ndarray) -> None:
        self._patches = np.ascontiguousarray(patches)
        self._patches.flags.writeable = False

    def _fitted(self) -> np.ndarray:
        if self._patches is None:
            raise TokenizerError(
                f"{self.kind} has no patches yet", remedy="Call fit with pictures, or load them"
            )
        return self._patches
