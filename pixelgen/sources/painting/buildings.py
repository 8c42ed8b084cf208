"""What people built by the water: houses, a church, a mill, bridges, a skyline."""

from __future__ import annotations

import math

import numpy as np

from pixelgen.sources.painting.motifs import fill, mirrored
from pixelgen.sources.painting.palettes import SNOW, mix, pigment
from pixelgen.sources.painting.scene import Scene

_WALLS = tuple(map(pigment, ("f2e6d2", "e6cdb0", "d8b8a0", "f4f0ea", "cfa58c")))
_ROOFS = tuple(map(pigment, ("c0603c", "a84a3a", "6f7a94", "8a6a58", "b8884a")))
_SAILS = tuple(map(pigment, ("fbf6ea", "f4e6cc", "e2906a", "f0c890", "c8583c")))
_PANE, _DARK = pigment("4a4a66"), pigment("38304a")
_STONE, _TIMBER = pigment("c8b8a8"), pigment("5f8a78")
_UP = -math.pi / 2


def paint_house(scene: Scene, x: float, y: float, height: float, depth: float) -> None:
    """Paint a cottage in three-quarter view, its near corner at (x, y)."""
    form, h = scene.form, height
    wall, roof = _WALLS[form.integers(5)], _ROOFS[form.integers(5)]
    wide, gable = h * float(form.uniform(0.8, 1.5)), h * 0.55
    way = float(form.choice([-1, 1]))
    if scene.winter:
        wall, roof = _WALLS[form.choice([1, 2, 4])] * np.array([0.9, 1, 1]), SNOW
    front = 0.9 if way * scene.sunward > 0 else 0.55
    side = 0.25 if way * scene.sunward > 0 else 0.8
    eave, ridge = y - 0.55 * h, y - h
    end, far = x - way * gable, x + way * wide
    middle = (x + end) / 2
    brush = max(0.011, 0.13 * h)
    fill(scene, ((end, eave), (x, eave), (x, y), (end, y)), wall, side, depth, brush=brush)
    fill(
        scene, ((middle, ridge), (middle, ridge), (x, eave), (end, eave)), wall, side, depth,
        brush=brush,
    )  # fmt: skip
    fill(scene, ((x, eave), (far, eave), (far, y), (x, y)), wall, front, depth, brush=brush)
    fill(
        scene, ((middle, ridge), (far - way * 0.1 * h, ridge), (far, eave), (x, eave)), roof,
        min(1.0, front + 0.1), depth, brush=brush,
    )  # fmt: skip
    panes = np.linspace(0.22, 0.8, 2 + int(wide > h))
    pane = scene.mood.lit(_PANE, 0.3, depth)
    if scene.mood.key < 0.7:
        pane = pigment("ffce6a")
    scene.lay(x + way * wide * panes, y - 0.28 * h, _UP, 0.2 * h, 0.1 * h, pane, vary=0.4)
    scene.lay(far - way * 0.3 * h, ridge - 0.06 * h, _UP, 0.24 * h, 0.11 * h,
              scene.mood.lit(_ROOFS[1], 0.5, depth), vary=0.4)  # fmt: skip


def paint_church(scene: Scene, x: float, y: float, height: float, depth: float) -> None:
    """Paint a tower with a spire and a nave beside it, standing at (x, y)."""
    h, way = height, float(scene.form.choice([-1, 1]))
    roof = SNOW if scene.winter else _ROOFS[2]
    nave = x + way * 0.5 * h
    half = 0.1 * h
    brush = max(0.010, 0.06 * h)
    fill(scene, ((x, y - 0.3 * h), (nave, y - 0.3 * h), (nave, y), (x, y)), _STONE, 0.6, depth,
         brush=brush)  # fmt: skip
    fill(scene, ((x, y - 0.47 * h), (nave - way * 0.06 * h, y - 0.47 * h), (nave, y - 0.28 * h),
                 (x, y - 0.28 * h)), roof, 0.7, depth, brush=brush)  # fmt: skip
    for edge, facing in ((-1, 0.5 - 0.4 * scene.sunward), (1, 0.5 + 0.4 * scene.sunward)):
        out = x + edge * half
        fill(scene, ((x, y - 0.6 * h), (out, y - 0.6 * h), (out, y), (x, y)), _STONE, facing,
             depth, upright=True, brush=brush)  # fmt: skip
        fill(scene, ((x, y - h), (x, y - h), (out * 1.0, y - 0.58 * h), (x, y - 0.58 * h)),
             _ROOFS[2], facing, depth, brush=brush)  # fmt: skip


def paint_mill(scene: Scene, x: float, y: float, height: float, depth: float) -> None:
    """Paint a windmill, standing at (x, y), `height` to the top of its cap."""
    h = height
    wall = _WALLS[scene.form.integers(5)]
    turn = float(scene.form.uniform(0, math.pi / 2))
    brush = max(0.012, 0.1 * h)
    for edge, facing in ((-1, 0.5 - 0.4 * scene.sunward), (1, 0.5 + 0.4 * scene.sunward)):
        fill(scene, ((x, y - 0.82 * h), (x + edge * 0.13 * h, y - 0.82 * h),
                     (x + edge * 0.2 * h, y), (x, y)), wall, facing, depth, brush=brush,
             upright=True)  # fmt: skip
    roof = scene.mood.lit(_ROOFS[1], np.array([0.4, 0.7]), depth)
    scene.lay(x, y - h * np.array([0.85, 0.93]), 0.0, h * np.array([0.32, 0.2]), 0.12 * h, roof)
    arms = turn + np.arange(4) * math.pi / 2
    ax, ay = x + np.cos(arms) * 0.32 * h, y - 0.82 * h + np.sin(arms) * 0.32 * h
    pale = scene.mood.lit(_SAILS[1], 0.75, depth)
    scene.lay(ax - np.sin(arms) * 0.04 * h, ay + np.cos(arms) * 0.04 * h, arms, 0.5 * h,
              max(0.010, 0.075 * h), pale, vary=0.4)  # fmt: skip
    scene.lay(ax, ay, arms, 0.62 * h, 0.008, scene.mood.lit(_DARK, 0.4, depth), vary=0.3)


def paint_bridge(scene: Scene, y: float, rise: float, depth: float, *, footbridge: bool) -> None:
    """Throw a bridge over the water from side to side, its springing at y, with its reflection."""
    right = scene.right
    middle = right * float(scene.form.uniform(0.35, 0.65))
    spans = 1 if footbridge else int(scene.form.integers(2, 4))

    def paint() -> None:
        n = round(right * 46)
        x = np.linspace(-0.05, right + 0.05, n)
        bow = np.clip(1 - ((x - middle) / (0.62 * right)) ** 2, 0, 1)
        if footbridge:
            deck = y - rise * (0.25 + 0.75 * bow)
            slope = np.arctan(np.gradient(deck, x))
            rails = ((0.0, 0.03, 0.3), (-0.012, 0.014, 0.8), (-0.085, 0.014, 0.9))
            for lift, wide, facing in rails:
                colour = scene.mood.lit(_TIMBER, facing, depth)
                scene.lay(x, deck + lift, slope, 0.07, wide, colour, vary=0.6)
            posts = slice(0, n, 3)
            scene.lay(x[posts], deck[posts] - 0.045, _UP, 0.085, 0.010,
                      scene.mood.lit(_TIMBER, 0.55, depth), vary=0.5)  # fmt: skip
            return
        px, py = scene.scatter(-0.03, y - rise, right + 0.03, y, 0.034, 0.015)
        phase = (px / right * spans) % 1.0 * 2 - 1
        arch = y - rise * 0.72 * np.sqrt(np.clip(1 - (phase / 0.78) ** 2, 0, 1))
        solid = py < np.where(np.abs(phase) < 0.78, arch, y + 1)
        lit = np.where(py < y - rise * 0.85, 0.95, 0.5 - 0.3 * phase * scene.sunward)
        colour = scene.mood.lit(_STONE, lit.clip(0, 1), depth)
        scene.lay(px[solid], py[solid], 0.0, 0.05, 0.02, colour[solid])

    mirrored(scene, -0.03, right + 0.03, y, rise * 1.25, paint)


def paint_skyline(scene: Scene, y: float, height: float, depth: float) -> None:
    """Paint a far town: a row of roofs and towers standing on y, mostly silhouette."""
    x, own = -0.02, mix(_PANE, _STONE, 0.3)
    grand = float(scene.form.uniform(0.2, 0.8)) * scene.right
    while x < scene.right:
        wide = float(scene.form.uniform(0.05, 0.13))
        near = math.exp(-(((x + wide / 2 - grand) / 0.22) ** 2))
        tall = height * float(scene.form.uniform(0.25, 0.5)) * (1 + 0.9 * near)
        fill(scene, ((x, y - tall), (x + wide, y - tall), (x + wide, y), (x, y)), own, 0.35,
             depth, upright=True, brush=0.024)  # fmt: skip
        if scene.form.uniform() < 0.25 + 0.5 * near:
            spire, top = x + wide / 2, y - tall - height * float(scene.form.uniform(0.2, 0.6))
            fill(scene, ((spire, top), (spire, top), (spire + wide * 0.3, y - tall * 0.9),
                         (spire - wide * 0.3, y - tall * 0.9)), own, 0.3, depth)  # fmt: skip
        x += wide * 0.92
