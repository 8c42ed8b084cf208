"""What people put in a landscape: boats, haystacks, and themselves."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from pixelgen.sources.painting.palettes import SNOW, Array, mix, pigment
from pixelgen.sources.painting.scene import Scene

Corner = tuple[float, float]

_SAILS = tuple(map(pigment, ("fbf6ea", "f4e6cc", "e2906a", "f0c890", "c8583c")))
_HULLS = tuple(map(pigment, ("3a3440", "5a3a34", "2c4660", "7a3630", "46604e")))
_STRAW = (pigment("e0b45c"), pigment("d29a52"), pigment("eac97c"), pigment("c98c6a"))
_DRESS = tuple(map(pigment, ("fbf4ee", "d84a3c", "4a66b0", "f0c0c8", "3a3648")))
_PANE, _DARK = pigment("4a4a66"), pigment("38304a")
_UP = -math.pi / 2


def fill(
    scene: Scene,
    corners: tuple[Corner, Corner, Corner, Corner],
    own: Array,
    facing: float,
    depth: float,
    *,
    upright: bool = False,
    brush: float = 0.016,
    vary: float = 0.8,
) -> None:
    """Fill a four-cornered patch with strokes along its top edge, or down its left one.

    Args:
        scene: the painting.
        corners: (x, y) of top left, top right, bottom right, bottom left.
        own: (3,) OKLab, or (K, 3) to be dappled among.
        facing: 0 in shadow to 1 in light.
        depth: 0 near to 1 far.
        upright: whether strokes run down rather than across.
        brush: width of the strokes, picture units.
        vary: how much colours stray.
    """
    a, b, c, d = (np.array(corner) for corner in corners)
    if upright:
        a, b, c, d = a, d, c, b
    wide = max(math.dist(a, b), math.dist(d, c), 1e-3)
    tall = max(math.dist(a, d), math.dist(b, c), 1e-3)
    brush = min(brush, tall)
    long = min(brush * 2.8, wide)
    columns, rows = max(1, round(wide / long * 1.5)), max(1, round(tall / brush * 1.5))
    # Strokes are centred half a stroke inside the edges, so that the outline holds.
    s = np.linspace(0.5 * long / wide, 1 - 0.5 * long / wide, columns)[None, :].repeat(rows, 0)
    t = np.linspace(0.5 * brush / tall, 1 - 0.5 * brush / tall, rows)[:, None].repeat(columns, 1)
    s, t = s.reshape(-1, 1), t.reshape(-1, 1)
    upper, lower = a + (b - a) * s, d + (c - d) * s
    at = upper + (lower - upper) * t
    run = (b - a) * (1 - t) + (c - d) * t
    length = np.minimum(long, np.hypot(run[:, 0], run[:, 1]) + brush * 0.3)
    owns = np.atleast_2d(own)
    local = owns[scene.hand.integers(0, len(owns), len(at))]
    light = (facing + scene.hand.normal(0, 0.08, len(at))).clip(0, 1)
    scene.lay(
        at[:, 0], at[:, 1], np.arctan2(run[:, 1], run[:, 0]), length, brush,
        scene.mood.lit(local, light, depth), vary=vary, shuffle=True,
    )  # fmt: skip


def mirrored(
    scene: Scene, left: float, right: float, y: float, height: float, paint: Callable[[], None]
) -> None:
    """Paint something that stands in water at y, and then its broken reflection below it.

    What changed on the canvas within `height` above y is what gets mirrored.
    """
    x, down = scene.scatter(left, 0.0, right, height, 0.034, 0.0135)
    wobble = scene.hand.normal(0, 0.006, len(x)) * (1 + 4 * down)
    before = scene.canvas.sample(x + wobble, y - down)
    paint()
    after = scene.canvas.sample(x + wobble, y - down)
    changed = np.abs(after - before).max(axis=1) > 1e-9
    sunk = down / max(height, 1e-3)
    colour = mix(
        after * np.array([0.93, 1, 1]), scene.canvas.sample(x, y + down), 0.28 + 0.4 * sunk
    )
    kept = changed & (scene.hand.uniform(0, 1, len(x)) < 0.9 - 0.35 * sunk)
    # Strokes not wanted land far outside rather than being left out: how often the hand is drawn
    # from must not hang on which canvas pixels changed, which differs with the size.
    scene.lay(np.where(kept, x, -9.0), y + down * 0.9, 0.0, 0.045, 0.0135, colour, vary=0.6)


def paint_sailboat(scene: Scene, x: float, y: float, height: float, depth: float) -> None:
    """Paint a boat under sail, afloat at (x, y), with its reflection."""
    form, h = scene.form, height
    sail = _SAILS[form.choice(5, p=[0.4, 0.2, 0.15, 0.15, 0.1])]
    hull = _HULLS[form.integers(5)]
    way = float(form.choice([-1, 1]))
    two = form.uniform() < 0.6
    lean = float(form.uniform(-0.04, 0.08)) * h * way

    def paint() -> None:
        facing = 0.85 if way * scene.sunward > 0 else 0.6
        mast, foot = (x + lean, y - h), (x, y - 0.14 * h)
        aft = (x - way * 0.30 * h, y - 0.17 * h)
        fill(scene, (mast, mast, foot, aft), sail, facing, depth, brush=0.022, vary=0.6)
        if two:
            bow = (x + way * 0.30 * h, y - 0.15 * h)
            high = (x + lean * 0.8 + way * 0.02 * h, y - 0.9 * h)
            fore = (x + way * 0.04 * h, y - 0.15 * h)
            fill(scene, (high, high, bow, fore), sail, facing * 0.7, depth, brush=0.02, vary=0.6)
        scene.lay(
            x + lean / 2, y - 0.55 * h, math.atan2(-h, lean), h * 0.95, 0.008,
            scene.mood.lit(_DARK, 0.4, depth), vary=0.3,
        )  # fmt: skip
        fill(
            scene,
            ((x - 0.33 * h, y - 0.13 * h), (x + 0.33 * h, y - 0.13 * h),
             (x + 0.22 * h, y), (x - 0.22 * h, y)),
            hull, 0.35, depth, brush=max(0.012, 0.06 * h), vary=0.6,
        )  # fmt: skip

    mirrored(scene, x - 0.4 * h, x + 0.4 * h, y, 0.8 * h, paint)


def paint_rowboat(scene: Scene, x: float, y: float, length: float) -> None:
    """Paint a low boat with someone in it, afloat at (x, y), with its reflection."""
    hull, dress = _HULLS[scene.form.integers(5)], _DRESS[scene.form.integers(5)]

    def paint() -> None:
        paint_figure(scene, x, y - 0.08 * length, 0.3 * length, dress, parasol=False)
        scene.lay(
            np.array([x, x + 0.02 * length]), np.array([y - 0.02, y - 0.008]), 0.0,
            np.array([length, length * 0.8]), np.array([0.014, 0.016]),
            scene.mood.lit(hull, np.array([0.8, 0.25]), 0.1), vary=0.5,
        )  # fmt: skip

    mirrored(scene, x - 0.6 * length, x + 0.6 * length, y, 0.35 * length, paint)


def paint_figure(
    scene: Scene, x: float, y: float, height: float, dress: Array | None, parasol: bool
) -> None:
    """Paint a standing figure in a few dabs, her foot at (x, y)."""
    own = _DRESS[scene.form.integers(5)] if dress is None else dress
    head = mix(pigment("e8b898"), _DARK, 0.25)
    rise = np.array([0.22, 0.36, 0.62, 0.86])
    colours = np.stack([own, own, own * np.array([0.9, 1, 1]), head])
    colour = scene.mood.lit(colours, np.array([0.45, 0.8, 0.75, 0.75]), 0.05)
    wide = np.array([0.36, 0.30, 0.24, 0.18]) * height
    scene.lay(x, y - rise * height, _UP, height * np.array([0.4, 0.4, 0.36, 0.2]), wide, colour,
              vary=0.4)  # fmt: skip
    if parasol:
        top = scene.mood.lit(pigment("f4ead0"), np.array([0.5, 0.95]), 0.0)
        px = x + 0.12 * height * np.array([1.0, 0.7])
        py = y - height * np.array([1.05, 1.12])
        scene.lay(px, py, 0.0, height * 0.62, height * 0.16, top, bend=0.1, vary=0.5)


def paint_haystack(scene: Scene, x: float, y: float, height: float, depth: float) -> None:
    """Paint a stack of straw with a thatched top, standing at (x, y)."""
    h, half = height, height * 0.62
    n = 60 + round(900 * h)
    s, rise = scene.hand.uniform(-1, 1, n), scene.hand.uniform(0, 1, n)
    eaves = 0.52
    above = np.clip((rise - eaves) / (1 - eaves), 0, 1)
    girth = np.where(rise < eaves, 0.86 + 0.2 * rise, 1.0 - above**1.25)
    roof = rise >= eaves
    facing = 0.5 + 0.62 * s * scene.sunward + np.where(roof, 0.14, -0.08)
    facing = (facing + scene.hand.normal(0, 0.1, n)).clip(0, 1)
    own = np.stack(_STRAW)[scene.hand.integers(0, 4, n)]
    if scene.winter:
        own = np.where((roof & (facing > 0.3))[:, None], SNOW, own)
    fill(
        scene, ((x - half * 0.9, y - 0.55 * h), (x + half * 0.9, y - 0.55 * h),
                (x + half * 0.8, y), (x - half * 0.8, y)),
        np.stack(_STRAW), 0.4, depth, brush=0.02 + 0.06 * h,
    )  # fmt: skip
    order = np.argsort(rise + scene.hand.normal(0, 0.15, n))
    angle = np.where(roof, _UP - 0.75 * s, 0.15 * s + scene.hand.normal(0, 0.5, n))
    scene.lay(
        (x + s * girth * half)[order], (y - h * (0.05 + 0.95 * rise))[order], angle[order],
        0.018 + 0.17 * h, 0.009 + 0.035 * h, scene.mood.lit(own, facing, depth)[order], bend=0.12,
    )  # fmt: skip
