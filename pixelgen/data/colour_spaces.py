"""Colour spaces as whole numbers, so that distances between colours are exact everywhere.

A space maps 8-bit sRGB colours to *features*: whole numbers held as floats, on a scale on which
squared Euclidean distance is the distance of the space. Sums and products of features stay below
2**53, so float64 arithmetic on them is exact in any order: a palette or a nearest colour comes out
the same on every machine, with every number of threads, and on a GPU.

Colours with alpha have their channels multiplied by it, so that what is transparent looks alike
whatever colour lies hidden in it; alpha itself is the fourth feature.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np

SpaceName = Literal["srgb", "linear", "oklab"]

FINE_SCALE = 4096  # steps from black to white in the spaces that are not sRGB's own

# Björn Ottosson, "A perceptual color space for image processing", 2020.
_LINEAR_TO_LMS = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_LMS_TO_OKLAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)
_LMS_TO_LINEAR = np.linalg.inv(_LINEAR_TO_LMS)
_OKLAB_TO_LMS = np.linalg.inv(_LMS_TO_OKLAB)


def decoded(levels: np.ndarray) -> np.ndarray:
    """Undo the sRGB curve: levels in [0, 1] to linear light in [0, 1], float64."""
    return np.where(levels <= 0.04045, levels / 12.92, ((levels + 0.055) / 1.055) ** 2.4)


def encoded(light: np.ndarray) -> np.ndarray:
    """Apply the sRGB curve: linear light, clipped to [0, 1], to levels in [0, 1], float64."""
    light = np.clip(light, 0.0, 1.0)
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


def srgb_to_linear(colours: np.ndarray) -> np.ndarray:
    """Undo the sRGB curve: uint8 (..., 3) to linear light in [0, 1], float64 (..., 3)."""
    return np.asarray(_linear_levels()[colours])


def linear_to_srgb(light: np.ndarray) -> np.ndarray:
    """Apply the sRGB curve: linear light (..., 3), clipped to [0, 1], to float64 in [0, 255]."""
    return np.asarray(encoded(light) * 255.0)


def linear_to_oklab(light: np.ndarray) -> np.ndarray:
    """Return OKLab (..., 3) float64 of linear light (..., 3): L in [0, 1], a and b around 0."""
    return np.asarray(np.cbrt(light @ _LINEAR_TO_LMS.T) @ _LMS_TO_OKLAB.T)


def oklab_to_linear(lab: np.ndarray) -> np.ndarray:
    """Return the linear light (..., 3) float64 of OKLab (..., 3); may leave [0, 1]."""
    return np.asarray((lab @ _OKLAB_TO_LMS.T) ** 3 @ _LMS_TO_LINEAR.T)


def srgb_to_oklab(colours: np.ndarray) -> np.ndarray:
    """Return OKLab (..., 3) float64 of 8-bit sRGB colours (..., 3)."""
    return linear_to_oklab(srgb_to_linear(colours))


@dataclass(frozen=True, eq=False)
class ColourSpace:
    """A space in which colours are compared.

    Attributes:
        name: as the option says it.
        scale: the features' steps from black to white; alpha has as many.
    """

    name: SpaceName
    scale: int
    _forward: Callable[[np.ndarray], np.ndarray]  # uint8 (n, 3) to features, not yet rounded
    _backward: Callable[[np.ndarray], np.ndarray]  # features (n, 3) to sRGB in [0, 255], float64

    def __reduce__(self) -> tuple[Callable[[SpaceName], ColourSpace], tuple[SpaceName]]:
        return colour_space, (
            self.name,
        )  # one of a few: a tokenizer sent to another process has it

    def features(self, colours: np.ndarray) -> np.ndarray:
        """Return the features of colours (n, 3 or 4) uint8: whole numbers, (n, 3 or 4) float64."""
        features = self._forward(colours[:, :3])
        if colours.shape[1] == 4:
            alpha = colours[:, 3:] / 255.0
            features = np.concatenate([features * alpha, alpha * self.scale], axis=1)
        return np.asarray(np.rint(features))

    def colours(self, features: np.ndarray) -> np.ndarray:
        """Return the nearest 8-bit colours, (n, 3 or 4) uint8, of features or means of them."""
        alpha = None
        if features.shape[1] == 4:
            alpha = np.clip(features[:, 3:] / self.scale, 0.0, 1.0)
            features = np.divide(
                features[:, :3], alpha, out=np.zeros((len(features), 3)), where=alpha > 0
            )
        srgb = np.clip(np.rint(self._backward(features)), 0, 255)
        if alpha is not None:
            alpha = np.rint(alpha * 255.0)
            srgb = np.concatenate([srgb * (alpha > 0), alpha], axis=1)
        return np.asarray(srgb, np.uint8)


def colour_space(name: SpaceName) -> ColourSpace:
    """Return the space of this name."""
    return _SPACES[name]


@cache
def _linear_levels() -> np.ndarray:
    return decoded(np.arange(256) / 255.0)


_SPACES: dict[SpaceName, ColourSpace] = {
    "srgb": ColourSpace(
        "srgb",
        255,
        lambda colours: colours.astype(np.float64),
        lambda features: features,
    ),
    "linear": ColourSpace(
        "linear",
        FINE_SCALE,
        lambda colours: srgb_to_linear(colours) * FINE_SCALE,
        lambda features: linear_to_srgb(features / FINE_SCALE),
    ),
    "oklab": ColourSpace(
        "oklab",
        FINE_SCALE,
        lambda colours: srgb_to_oklab(colours) * FINE_SCALE,
        lambda features: linear_to_srgb(oklab_to_linear(features / FINE_SCALE)),
    ),
}
