"""Landscapes painted by program in the manner of the impressionists, for want of a folder.

Every picture is a composition (`river`, `haystacks`, `avenue`, ...) under a mood of light in a
season, all drawn from the seed and the picture's index, and brushed on stroke by stroke.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from pixelgen.sources.painting import countryside, waterside
from pixelgen.sources.painting.brush import Canvas
from pixelgen.sources.painting.palettes import MOODS, SEASONS, Array, Season, turned
from pixelgen.sources.painting.scene import Scene
from pixelgen.sources.painting.sky import paint_clouds, paint_sky, paint_sun, sky_flow

Composition = Callable[[Scene], None]

# How often each composition comes up when the land is green, and when snow lies.
_GREEN: dict[Composition, float] = {
    countryside.avenue: 0.6,
    countryside.flowers: 1.2,
    countryside.haystacks: 1.0,
    countryside.meadow: 0.9,
    countryside.orchard: 0.6,
    countryside.rows: 1.0,
    countryside.village: 0.7,
    countryside.wheat: 0.8,
    waterside.bridge: 0.7,
    waterside.harbour: 0.7,
    waterside.lake: 0.9,
    waterside.lilies: 0.9,
    waterside.poplars: 0.6,
    waterside.river: 1.2,
    waterside.sea: 1.5,
}
_WINTER: dict[Composition, float] = {
    countryside.avenue: 0.8,
    countryside.haystacks: 0.7,
    countryside.meadow: 1.0,
    countryside.orchard: 0.3,
    countryside.village: 1.5,
    waterside.lake: 0.8,
    waterside.poplars: 0.6,
    waterside.river: 1.0,
}

# Highest and lowest horizon, as shares of the height, where a composition wants its own.
_HORIZONS: dict[Composition, tuple[float, float]] = {
    countryside.flowers: (0.28, 0.5),
    countryside.rows: (0.3, 0.5),
    waterside.lake: (0.42, 0.6),
    waterside.lilies: (0.2, 0.34),
    waterside.poplars: (0.5, 0.66),
    waterside.sea: (0.3, 0.62),
}
_ANY_HORIZON = (0.36, 0.62)

_SEASON_SHARES = {"spring": 0.24, "summer": 0.36, "autumn": 0.24, "winter": 0.16}
_MOOD_SHARES = {name: 2.0 if mood.key >= 1.0 else 1.0 for name, mood in MOODS.items()}
_CLOUD_SHARES = {
    "cumulus": 0.20, "towers": 0.14, "wisps": 0.16, "banks": 0.14, "dapple": 0.12,
    "lowering": 0.08, "clear": 0.16,
}  # fmt: skip

T = TypeVar("T")


def paint_landscape(seed: int, index: int, width: int, height: int) -> NDArray[np.uint8]:
    """Paint one landscape.

    The same seed and index give the same picture in every process, and the same composition at
    every size of the same shape.

    Args:
        seed: of the collection, >= 0.
        index: of the picture in it, >= 0.
        width: in pixels, >= 1.
        height: in pixels, >= 1.

    Returns:
        (height, width, 3) uint8 sRGB.
    """
    form_seed, hand_seed = np.random.SeedSequence([seed, index]).spawn(2)
    form = np.random.Generator(np.random.Philox(form_seed))
    hand = np.random.Generator(np.random.Philox(hand_seed))

    mood = MOODS[_pick(form, _MOOD_SHARES)].toward(
        MOODS[_pick(form, _MOOD_SHARES)],
        share=float(form.uniform(0.0, 0.35)),
        hue=float(form.normal(0.0, 0.10)),
        chroma=float(form.uniform(0.92, 1.28)),
    )
    season_name = _pick(form, _SEASON_SHARES)
    winter = season_name == "winter"
    season = _tinted(SEASONS[season_name], float(form.normal(0.0, 0.12)))
    compose = _pick(form, _WINTER if winter else _GREEN)

    canvas = Canvas(width, height, mood.haze * np.array([0.85, 1.0, 1.0]))
    low, high = _HORIZONS.get(compose, _ANY_HORIZON)
    horizon = float(form.uniform(low, high)) * canvas.bottom
    sun = (
        float(form.uniform(0.08, 0.92)) * canvas.right,
        horizon * (1.0 - mood.sun_height * float(form.uniform(0.35, 1.0))),
    )
    scene = Scene(
        canvas=canvas,
        mood=mood,
        season=season,
        winter=winter,
        form=form,
        hand=hand,
        horizon=horizon,
        sun=sun,
        sun_seen=bool(form.uniform() < mood.sun_shows),
        looseness=float(form.uniform(0.8, 1.25)),
    )
    _sky(scene)
    compose(scene)
    return canvas.picture()


def _pick(form: np.random.Generator, shares: dict[T, float]) -> T:
    """Choose a key, as often as its share."""
    weights = np.array(list(shares.values()))
    return list(shares)[int(form.choice(len(weights), p=weights / weights.sum()))]


def _tinted(season: Season, hue: float) -> Season:
    def tint(colours: tuple[Array, ...]) -> tuple[Array, ...]:
        return tuple(turned(colour, hue, 1.0) for colour in colours)

    return Season(tint(season.grass), tint(season.leaf), season.flower)


def _sky(scene: Scene) -> None:
    form, flow = scene.form, sky_flow(scene)
    paint_sky(scene, flow, min(scene.horizon + 0.05, scene.bottom))
    radius = float(form.uniform(0.026, 0.055))
    kind = _pick(form, _CLOUD_SHARES)
    # Heaped clouds would bury the sun.
    if scene.sun_seen and kind in ("cumulus", "towers", "lowering"):
        kind = "banks"
    if kind != "clear":
        paint_clouds(scene, flow, kind)
    if scene.sun_seen:
        paint_sun(scene, radius)
