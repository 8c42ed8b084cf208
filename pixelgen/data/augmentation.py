"""Augmentation: a fresh variant of each training picture every epoch, before the tokenizer.

On a small folder this is worth more than a larger model. What is drawn depends on the generator
alone, so a run's seed and epoch give the same variants again.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

import numpy as np

from pixelgen.data.fitting import Fit, fit_region
from pixelgen.errors import OptionError, did_you_mean

KINDS = ("flips", "crops", "colours")
SMALLEST_CROP = 0.75  # of a side; half a side was tried and is no better
SHIFT_PER_JITTER = 0.1  # the shift's deviation, of the full range, for a jitter of 1


@dataclass(frozen=True)
class Augmentation:
    """Which variants of a picture are still that picture.

    Attributes:
        flips: mirrored left to right, half of the time. Turn it off for letters.
        crops: cut to 0.75 to 1 of both sides. Turn it off where each pixel was placed by hand.
        colours: a random gamma and shift for each channel. Turn it off for exact palettes.
        jitter: how strong `colours` is: the deviation of the gamma's logarithm. 0.25 is the better
            for long runs, 0.1 for runs of a minute or two.
    """

    flips: bool = True
    crops: bool = True
    colours: bool = True
    jitter: float = 0.25

    def __post_init__(self) -> None:
        if not 0 <= self.jitter <= 2:
            raise OptionError(
                f"a colour jitter of {self.jitter!r} is out of bounds",
                where="in the augmentation",
                remedy="Give a number from 0 to 2; 0.25 is the default, 0 changes no colour",
            )

    @classmethod
    def parse(cls, kinds: str | Iterable[str], *, jitter: float = 0.25) -> Self:
        """Read `none`, `all`, or any of `flips`, `crops`, `colours` with commas between, or a list.

        Raises:
            OptionError: a word is none of these, or `none` stands beside another.
        """
        words = kinds.split(",") if isinstance(kinds, str) else list(kinds)
        words = [word.strip() for word in words]
        known = ("none", "all", *KINDS)
        for word in words:
            if word not in known:
                raise OptionError(
                    f"unknown augmentation {word!r}",
                    where="in --augment",
                    remedy=f"{did_you_mean(word, known)}Known augmentations: {', '.join(known)}; "
                    "several with commas between",
                )
        if "none" in words and len(set(words)) > 1:
            raise OptionError(
                f"augmentation 'none' beside {next(word for word in words if word != 'none')!r}",
                where="in --augment",
                remedy="Leave out one of them",
            )
        chosen = {kind: kind in words or "all" in words for kind in KINDS}
        return cls(**chosen, jitter=jitter)

    def names(self) -> list[str]:
        """Return what is on, so that `parse(names())` gives the same augmentation."""
        return [kind for kind in KINDS if getattr(self, kind)]

    def __str__(self) -> str:
        names = self.names()
        return "all" if len(names) == len(KINDS) else ",".join(names) or "none"


def augment(
    pixels: np.ndarray,
    size: tuple[int, int],
    fit: Fit,
    augmentation: Augmentation,
    generator: np.random.Generator,
) -> np.ndarray:
    """Return a random variant of a picture at `size`.

    A crop is taken from the picture at its full resolution and resized once. The generator moves
    on by the same amount whatever is turned on, so that turning one kind off leaves the others,
    and the pictures that follow, as they were.

    Args:
        pixels: (H, W, 3 or 4) uint8.
        size: (width, height) in pixels.
        fit: how a crop is brought to `size`.
        augmentation: what may vary.
        generator: where chance comes from.

    Returns:
        (height, width, 3 or 4) uint8; may be `pixels` itself where nothing changes.
    """
    share, across, down, mirror = generator.random(4)
    gammas, shifts = generator.standard_normal((2, 3))
    height, width = pixels.shape[:2]
    share = SMALLEST_CROP + (1 - SMALLEST_CROP) * share if augmentation.crops else 1.0
    left, top = across * (1 - share) * width, down * (1 - share) * height
    # The sum may be a rounding error beyond the picture's side, which Pillow refuses.
    right, bottom = min(width, left + share * width), min(height, top + share * height)
    variant = fit_region(pixels, (left, top, right, bottom), size, fit)
    if augmentation.flips and mirror < 0.5:
        variant = variant[:, ::-1]
    if augmentation.colours and augmentation.jitter > 0:
        variant = _recoloured(variant, augmentation.jitter * gammas, augmentation.jitter * shifts)
    return np.ascontiguousarray(variant)


def _recoloured(pixels: np.ndarray, log_gammas: np.ndarray, shifts: np.ndarray) -> np.ndarray:
    """Each channel through a curve of its own; alpha, and what is fully transparent, untouched."""
    levels = np.arange(256) / 255
    curves = levels ** np.exp(log_gammas)[:, None] + SHIFT_PER_JITTER * shifts[:, None]  # (3, 256)
    tables = np.rint(255 * np.clip(curves, 0, 1)).astype(np.uint8)
    recoloured = np.empty_like(pixels)
    for channel in range(3):
        recoloured[..., channel] = tables[channel].take(pixels[..., channel])
    if pixels.shape[-1] == 4:
        recoloured[..., 3] = pixels[..., 3]
        hidden = pixels[..., 3] == 0
        recoloured[hidden] = pixels[hidden]
    return recoloured
