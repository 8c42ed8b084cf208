"""Completing a picture: a part of it is kept, and the rest is painted.

The model reads what is kept as if it had painted it, token by token along the scan. So what it
paints follows from everything kept *before* it, above and to the left; of what is kept below or to
the right of a hole it knows nothing when it paints the hole. `best_of` makes up for some of that:
of several tries it takes the one that leads best into all that is kept.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from pixelgen.bounds import MOST_PICTURES, check_bounds
from pixelgen.data.fitting import fit_picture
from pixelgen.data.material import Framing
from pixelgen.data.reading import PictureFile, read_picture
from pixelgen.errors import OptionError, SourceError
from pixelgen.evaluation.distortion import DistortionMeter
from pixelgen.request import (
    GroupLike,
    PictureLike,
    Temperature,
    framing_at,
    given_tokens,
    numbers_of,
    pixels_of,
    wishes_for,
)
from pixelgen.samplers.interface import Sampler
from pixelgen.sources.interface import BadPicture

if TYPE_CHECKING:
    from pixelgen.run import Run

PAINTED = (190, 188, 184)  # stands for what is not kept
KEPT = 0.5  # share of the height, where nothing is said
HALF = 128  # of a mask's light, from which on it keeps
ROUNDING = 0.02  # by which proportions may differ after a large picture was shrunk


@dataclass(frozen=True, eq=False)
class Completion:
    """A picture and what became of it.

    Attributes:
        original: (H, W, C) uint8, the picture at the size that was painted at.
        kept: (H, W) bool.
        variants: (N, H, W, C) uint8.
        beyond_palette: the share of the kept pixels whose colours the palette has not: the model
            saw the nearest that it has.
        palette_distance: how far these are from what was seen, the mean over all kept pixels in
            OKLab, where black and white are 1 apart.
    """

    original: np.ndarray
    kept: np.ndarray
    variants: np.ndarray
    beyond_palette: float
    palette_distance: float

    @property
    def side_by_side(self) -> np.ndarray:
        """(N + 2, H, W, C) uint8: the picture, what is kept of it on grey, and the variants."""
        shown = self.original.copy()
        shown[~self.kept] = (*PAINTED, 255)[: shown.shape[-1]]
        return np.stack([self.original, shown, *self.variants])


def complete(
    run: Run,
    picture: PictureLike,
    *,
    keep: float | None = None,
    mask: PictureLike | None = None,
    variants: int = 4,
    in_palette: bool = False,
    temperature: Temperature = None,
    seed: int | None = None,
    first: int = 0,
    group: GroupLike = None,
    width: int | None = None,
    height: int | None = None,
    best_of: int = 1,
    sampler: Sampler | None = None,
    progress: Callable[[int], None] | None = None,
) -> Completion:
    """Keep a part of a picture and paint the rest.

    The picture is brought to the run's size, or to another, as the run's own pictures were. What is
    kept of it stays as it is there, pixel by pixel; what is painted has the palette's colours.

    Args:
        run: a trained run.
        picture: a file, or (H, W, 3 or 4) uint8.
        keep: the share of the height that is kept, from the top; a half if there is no mask.
        mask: what is kept in place of that: a file, of which light pixels or, where it has
            transparency, opaque ones keep; or (H, W) bool. One of the picture's proportions is
            brought to the run's size as the picture is; any other is stretched to it.
        variants: how many to paint.
        in_palette: let what is kept have the palette's colours too, as the model saw it.
        temperature, seed, first, group, width, height, best_of, sampler, progress: as of
            `Run.sample`.

    Raises:
        OptionError: one of these cannot be, or nothing is left to paint.
        SourceError: the picture or the mask cannot be read.
    """
    check_bounds("variants", variants, 0, MOST_PICTURES)
    framing = framing_at(run, width, height)
    pixels = pixels_of(run, picture, framing)
    original = framing.plain(pixels)
    kept = _kept(framing, pixels.shape[:2], keep, mask)
    given = given_tokens(run, original, kept)
    if (given >= 0).all():
        raise OptionError(
            "all of the picture is kept, so nothing is left to paint",
            where="in the mask" if mask is not None else "in keep",
            remedy="Keep less: 0.5 is the upper half",
        )
    wishes = wishes_for(
        run, framing, given=given, temperature=temperature, group=group, best_of=best_of
    )
    painted = run.paint(
        wishes,
        numbers_of(variants, first, seed, best_of),
        run.sampler_at(temperature, sampler),
        seed=seed,
        progress=progress,
    )
    pictures = np.concatenate([*painted, np.empty((0, *original.shape), np.uint8)])
    seen = run.tokenizer.decode(run.tokenizer.encode(original[None]))[0]
    beyond = (seen != original).any(axis=-1)[kept]
    pictures[:, kept] = (seen if in_palette else original)[kept]
    meter = DistortionMeter()
    if kept.any():
        meter.add(original[kept], seen[kept])
    return Completion(
        original,
        kept,
        pictures,
        beyond_palette=float(beyond.mean()) if kept.any() else 0.0,
        palette_distance=meter.result().delta_e if kept.any() else 0.0,
    )


def _kept(
    framing: Framing, original: tuple[int, int], keep: float | None, mask: PictureLike | None
) -> np.ndarray:
    """(H, W) bool at the framing's size, of a picture that is `original` high and wide."""
    if mask is not None:
        if keep is not None:
            raise OptionError(
                "what is kept can be told by a share or by a mask, not by both",
                where="in keep and mask",
                remedy="Leave one of them out",
            )
        light = _read_mask(mask, framing)
        fit = framing.fit if _are_alike(light.shape, original) else "stretch"
        if fit == "stretch":
            image = Image.fromarray(light).resize(framing.size, Image.Resampling.NEAREST)
            return np.asarray(image) >= HALF
        return (
            fit_picture(np.repeat(light[..., None], 3, axis=-1), framing.size, fit)[..., 0] >= HALF
        )
    share = KEPT if keep is None else keep
    if not 0 <= share <= 1:
        raise OptionError(
            f"{share!r} of a picture cannot be kept",
            where="in keep",
            remedy="Give a share of the height from 0 to 1, such as 0.5",
        )
    width, height = framing.size
    kept = np.zeros((height, width), bool)
    kept[: round(share * height)] = True
    return kept


def _are_alike(one: tuple[int, ...], other: tuple[int, int]) -> bool:
    """Whether two shapes have the same proportions, but for the rounding of what was shrunk."""
    return math.isclose(one[0] * other[1], one[1] * other[0], rel_tol=ROUNDING)


def _read_mask(mask: PictureLike, framing: Framing) -> np.ndarray:
    """(H, W) uint8 of a file or an array, in its own proportions: light where it keeps."""
    if isinstance(mask, np.ndarray):
        if mask.dtype != bool or mask.ndim != 2:
            raise SourceError(
                f"a mask cannot be an array of {mask.dtype} {mask.shape}",
                where="in the mask given",
                remedy="Give (height, width) bool, True where the picture is kept",
            )
        return mask.astype(np.uint8) * np.uint8(255)
    read = read_picture(PictureFile(Path(mask), str(mask)), framing.size, alpha=True)
    if isinstance(read, BadPicture):
        raise SourceError(
            f"the mask cannot be used: {read.reason}",
            where=str(mask),
            remedy="Give a PNG, light where the picture is kept and dark where it is painted",
        )
    light = read.pixels.mean(axis=-1) if read.pixels.shape[-1] == 3 else read.pixels[..., 3]
    return light.astype(np.uint8)
