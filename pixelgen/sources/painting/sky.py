"""Sky, sun and clouds."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from pixelgen.sources.painting.palettes import Array, mix
from pixelgen.sources.painting.scene import Noise, Scene

Flow = Callable[[Array, Array], Array]


def sky_flow(scene: Scene) -> Flow:
    """Choose which way the strokes of the sky sweep: angles in radians for (N,), (N,) points."""
    form = scene.form
    kind = form.choice(["sweep", "level", "fan", "swirl"], p=[0.45, 0.2, 0.2, 0.15])
    lean = form.uniform(0.15, 0.6) * form.choice([-1, 1])
    wave, phase = form.uniform(2.0, 5.0), form.uniform(0.0, 2 * math.pi)
    centre_x, centre_y = scene.sun
    if kind == "level":
        return lambda x, y: 0.12 * np.sin(wave * x + phase)
    if kind == "fan":
        return lambda x, y: np.arctan2(y - centre_y, x - centre_x) + math.pi / 2
    if kind == "swirl":
        centre_x = float(form.uniform(0.1, 0.9)) * scene.right
        centre_y = float(form.uniform(0.2, 0.7)) * scene.horizon
        return lambda x, y: np.arctan2(y - centre_y, x - centre_x) + math.pi / 2 + lean * 0.5
    return lambda x, y: lean + 0.3 * np.sin(wave * x + 1.5 * y + phase)


def sky_colour(scene: Scene, x: Array, y: Array) -> Array:
    """Return (N, 3) OKLab of the cloudless sky at (N,) points."""
    mood = scene.mood
    height = np.clip(1.0 - y / max(scene.horizon, 1e-3), 0.0, 1.0)
    upper = mix(mood.sky, mood.zenith, np.clip(height * 2 - 1, 0, 1))
    colour = mix(mood.low, upper, np.clip(height * 2, 0, 1) ** 0.8)
    away = ((x - scene.sun[0]) ** 2 + (y - scene.sun[1]) ** 2) / 0.12
    return mix(colour, mood.sun, 0.38 * mood.sun_shows * np.exp(-away))


def paint_sky(scene: Scene, flow: Flow, bottom: float) -> None:
    """Cover everything above y = `bottom` in two coats of sweeping strokes."""
    for across, down, length, width in ((0.085, 0.04, 0.17, 0.06), (0.07, 0.03, 0.115, 0.026)):
        x, y = scene.scatter(-0.04, -0.04, scene.right + 0.04, bottom, across, down)
        scene.lay(x, y, flow(x, y), length, width, sky_colour(scene, x, y), bend=0.08, shuffle=True)


def paint_sun(scene: Scene, radius: float) -> None:
    """Paint the disc and the rings of light about it, `radius` in picture units."""
    x0, y0 = scene.sun
    turn = scene.hand.uniform(0.0, 2 * math.pi, 70)
    far = radius * (1.0 + 3.2 * np.sqrt(np.linspace(1.0, 0.02, 70)))
    x, y = x0 + far * np.cos(turn), y0 + far * np.sin(turn)
    glow = 0.75 * np.exp(-((far / radius - 1) ** 2) / 3.0)
    colour = mix(scene.canvas.sample(x, y), scene.mood.sun, glow)
    scene.lay(x, y, turn + math.pi / 2, radius * 1.5, radius * 0.5, colour, bend=0.12, vary=0.7)
    turn = scene.hand.uniform(0.0, 2 * math.pi, 22)
    far = radius * 0.72 * np.sqrt(scene.hand.uniform(0.0, 1.0, 22))
    disc = mix(scene.mood.sun, np.array([1.0, 0.0, 0.03]), 0.15)
    scene.lay(
        x0 + far * np.cos(turn), y0 + far * np.sin(turn), turn + math.pi / 2, radius * 0.95,
        radius * 0.6, disc, bend=0.2, vary=0.45,
    )  # fmt: skip


# name: stretch across, stretch down, threshold, stroke length, stroke width, spacing, along flow
_CLOUDS = {
    "cumulus": (2.6, 4.6, 0.52, 0.060, 0.040, 0.030, 0.25),
    "towers": (1.9, 2.7, 0.50, 0.065, 0.045, 0.032, 0.20),
    "wisps": (1.6, 7.0, 0.56, 0.150, 0.018, 0.034, 1.00),
    "banks": (1.2, 6.5, 0.50, 0.130, 0.034, 0.036, 0.85),
    "dapple": (7.0, 12.0, 0.52, 0.045, 0.028, 0.030, 0.60),
    "lowering": (1.8, 3.6, 0.36, 0.110, 0.045, 0.038, 0.70),
}


def paint_clouds(scene: Scene, flow: Flow, kind: str) -> None:
    """Paint clouds of one of the kinds above, lit from the side of the sun."""
    wide, tall, threshold, length, width, spacing, along = _CLOUDS[kind]
    noise = Noise(scene.form)
    threshold += scene.form.uniform(-0.04, 0.05)
    x, y = scene.scatter(-0.03, -0.03, scene.right + 0.03, scene.horizon - 0.01, spacing, spacing)
    # Clouds crowd and flatten towards the horizon.
    near = 1.0 + 0.9 * (y / scene.horizon) ** 2
    u, v = x * wide * near, y * tall * near
    density = noise(u, v)
    sunny = noise(u + 0.3 * scene.sunward, v - 0.35)
    facing = np.clip(0.55 + 3.4 * (density - sunny), 0.0, 1.0)
    thick = np.clip((density - threshold) * 7, 0.0, 1.0)
    at = (density > threshold) & (scene.hand.uniform(0, 1, len(x)) < 0.45 + thick)
    colour = mix(scene.mood.underside, scene.mood.cloud, facing)
    colour = mix(sky_colour(scene, x, y), colour, 0.45 + 0.5 * thick)
    puff = scene.hand.uniform(-0.9, 0.9, len(x))
    angle = flow(x, y) * along + puff * (1 - along)
    scale = 1.0 / near**0.5
    scene.lay(
        x[at], y[at], angle[at], length * scale[at], width * scale[at], colour[at],
        bend=0.15, vary=0.8, shuffle=True,
    )  # fmt: skip
