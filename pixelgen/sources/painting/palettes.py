"""Colours of light and land: moods of the day, seasons of the year.

Colours are OKLab (lightness 0..1, then the green-red and blue-yellow axes), in which mixing two
pigments stays clean and equal steps look equal.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pixelgen.data.colour_spaces import decoded, encoded, linear_to_oklab, oklab_to_linear

Array = NDArray[np.float64]


def oklab_from_srgb(rgb: Array) -> Array:
    """Return (..., 3) sRGB in [0, 1] as (..., 3) OKLab."""
    return linear_to_oklab(decoded(rgb))


def srgb_from_oklab(lab: Array) -> Array:
    """Return (..., 3) OKLab as (..., 3) sRGB, clipped to [0, 1]."""
    return encoded(oklab_to_linear(lab))


def pigment(code: str) -> Array:
    """Return a colour written as rrggbb hexadecimal as (3,) OKLab."""
    return oklab_from_srgb(np.frombuffer(bytes.fromhex(code), np.uint8) / 255.0)


def mix(first: Array, second: Array, share: float | Array) -> Array:
    """Return `first` with `share` (a number, or (N,)) of `second` in it; broadcasts to (N, 3)."""
    weight = np.asarray(share, np.float64)[..., None]
    return first * (1.0 - weight) + second * weight


def turned(lab: Array, hue: float, chroma: float) -> Array:
    """Return (..., 3) OKLab with its hue turned by `hue` radians and its chroma scaled."""
    cos, sin = math.cos(hue) * chroma, math.sin(hue) * chroma
    return np.stack(
        [lab[..., 0], cos * lab[..., 1] - sin * lab[..., 2], sin * lab[..., 1] + cos * lab[..., 2]],
        axis=-1,
    )


@dataclass(frozen=True)
class Mood:
    """The light of an hour.

    Attributes:
        zenith: (3,) OKLab, as are all the colours: the sky overhead.
        sky: the sky halfway up.
        low: the sky at the horizon.
        cloud: the lit side of clouds.
        underside: the other side of them.
        sun: the disc of the sun or the moon.
        light: what falls on lit sides.
        shade: what fills the shadows.
        haze: what distance fades to.
        key: how light the land is, 1 at noon.
        air: how much haze hides the farthest things, 0..1.
        sun_height: highest place of the sun, as a share of the way up the sky.
        sun_shows: chance that the disc itself is in the picture.
    """

    zenith: Array
    sky: Array
    low: Array
    cloud: Array
    underside: Array
    sun: Array
    light: Array
    shade: Array
    haze: Array
    key: float
    air: float
    sun_height: float
    sun_shows: float

    def toward(self, other: Mood, share: float, hue: float, chroma: float) -> Mood:
        """Return this mood with `share` of another in it, hues turned and chroma scaled."""
        blend: dict[str, Any] = {
            name: turned(mix(getattr(self, name), getattr(other, name), share), hue, chroma)
            for name in _COLOURS
        }
        key = self.key + (other.key - self.key) * share
        air = self.air + (other.air - self.air) * share
        return replace(self, **blend, key=key, air=air)

    def lit(self, local: Array, facing: float | Array, depth: float | Array = 0.0) -> Array:
        """Return how a thing looks in this light.

        Args:
            local: (3,) or (N, 3) OKLab, its own colour in plain daylight.
            facing: 0 in shadow to 1 in full light.
            depth: 0 near to 1 at the horizon.
        """
        own = local * np.array([self.key, 1.0, 1.0])
        bright = mix(own, self.light, 0.24) + np.array([0.03, 0.0, 0.0])
        dark = mix(own * np.array([0.66, 0.9, 0.9]), self.shade, 0.36)
        return mix(mix(dark, bright, facing), self.haze, self.air * np.asarray(depth))


_COLOURS = ("zenith", "sky", "low", "cloud", "underside", "sun", "light", "shade", "haze")


def _mood(colours: str, key: float, air: float, sun_height: float, sun_shows: float) -> Mood:
    named: dict[str, Any] = dict(zip(_COLOURS, map(pigment, colours.split()), strict=True))
    return Mood(**named, key=key, air=air, sun_height=sun_height, sun_shows=sun_shows)


# Colours in the order zenith, sky, low, cloud, underside, sun, light, shade, haze.
MOODS: dict[str, Mood] = {
    "morning": _mood(
        "7fa8d9 a9c6e6 f3e3cf fff3e0 b3b6d6 fff2c0 fff0c8 5b6aa8 c2cfe6", 1.0, 0.60, 0.7, 0.2
    ),
    "noon": _mood(
        "4a86d2 7fb2ea cfe3f0 fffdf4 a4b4da fffbe0 fff6b8 4456a0 a9c2e6", 1.0, 0.55, 0.9, 0.1
    ),
    "turquoise": _mood(
        "3b98c4 84cada e9f2dc fffbe8 9cc0d0 fff8d0 fdf6b0 2f6a94 a8d4dc", 1.0, 0.5, 0.9, 0.1
    ),
    "golden": _mood(
        "7898cb d8c6ac f9d58a ffe6b0 bb95aa fff0b0 ffcf70 65518f e0c3a8", 0.95, 0.60, 0.4, 0.5
    ),
    "emerald": _mood(
        "4a94a6 98c9b2 f6e49a fff0b8 7fa8a8 fff3b0 ffe680 2f5a80 b0d0b8", 0.9, 0.55, 0.4, 0.4
    ),
    "sunset": _mood(
        "5668ac cf8696 ffab52 ffb870 84649c fff09a ff9448 3f3c82 cf8f94", 0.8, 0.65, 0.25, 0.8
    ),
    "ember": _mood(
        "7a3f6a d65a4a ffc04a ff9a5a 70406e ffe680 ff7a3c 3a2c64 c0605c", 0.7, 0.6, 0.2, 0.8
    ),
    "dusk": _mood(
        "3a4684 7668ab e39a9a d898b2 56508e ffd9b0 c88cb2 2c306a 8478b0", 0.66, 0.65, 0.2, 0.3
    ),
    "sunrise": _mood(
        "8fa3b8 b0b8c6 e8bd9e dcc8c0 8c9ab4 ff6a2a f0c098 5a7296 aab6c8", 0.85, 0.78, 0.35, 0.95
    ),
    "fog": _mood(
        "8a7ca6 b8a0b4 efc690 e8c8b0 8078a0 ffb050 f0c498 54508e b4a4ba", 0.82, 0.82, 0.4, 0.7
    ),
    "overcast": _mood(
        "93a2b6 aeb9c6 d8dbd6 eaeae4 8894aa f4f0e0 eaecd4 4c5c88 aebac8", 0.92, 0.65, 0.7, 0.0
    ),
    "storm": _mood(
        "46546e 707e98 d2cea8 b4b8be 39455e f8f0c0 ece49a 2c3c66 8592a6", 0.8, 0.55, 0.6, 0.0
    ),
    "moonlight": _mood(
        "1d2b5c 33497f 6f88b0 92a4c8 283868 fff6d0 a8c2e0 172253 52689c", 0.5, 0.6, 0.75, 0.8
    ),
    "rose": _mood(
        "86a8d6 dcb4cc fcd9be ffe6dc b89ac0 fff0c8 ffd8c0 6860a4 d4bcd4", 0.97, 0.65, 0.4, 0.35
    ),
}


@dataclass(frozen=True)
class Season:
    """The local colours of the land in plain daylight, each a tuple of (3,) OKLab."""

    grass: tuple[Array, ...]
    leaf: tuple[Array, ...]
    flower: tuple[Array, ...]


def _season(grass: str, leaf: str, flower: str) -> Season:
    return Season(*(tuple(map(pigment, codes.split())) for codes in (grass, leaf, flower)))


SEASONS: dict[str, Season] = {
    "spring": _season("7fb548 b2cd62 9cc05c", "5c9a48 9cc258 7ab04e", "f6d0da fff4ea f2e070"),
    "summer": _season("6a9a40 a8b450 8aa848", "3a7238 6e9440 52843e", "e2402e f06a40 f4e8d8"),
    "autumn": _season("a89c48 c8a650 949044", "c4662a dca238 9c4a30", "b06890 e0b040 c8503a"),
    "winter": _season("e9edf6 dfe4f2 f3efee", "6c6674 86808c 5c6070", "f6f2f0 dde2f0 e8dce0"),
}

SNOW = pigment("f6f6fb")
HILL = (pigment("6f8f5c"), pigment("86a068"), pigment("5f7f66"))
ROCK = (pigment("8a8498"), pigment("7a7890"), pigment("9c90a0"))
SAND = (pigment("ecd8b0"), pigment("dcc49c"), pigment("f2e4c4"))
