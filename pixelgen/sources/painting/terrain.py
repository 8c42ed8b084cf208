"""Hills, fields and water."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from pixelgen.sources.painting.palettes import SNOW, Array, Season, mix, pigment
from pixelgen.sources.painting.scene import Noise, Scene

Profile = Callable[[Array], Array]

_DEEP = pigment("2f5f78")
_POND = pigment("3f6a5c")
_SILT = pigment("7d8a70")
_PADS = tuple(map(pigment, ("7fb070", "5f9a68", "9cc088", "4f8870")))
_PETALS = tuple(map(pigment, ("fbf0f4", "f4b8c8", "f8dce4", "f6e8a8")))


def ridge(scene: Scene, height: float, rough: float, tilt: float) -> Profile:
    """Choose a skyline above the horizon.

    Args:
        scene: the painting.
        height: of its highest tops over the horizon, picture units.
        rough: how many rises there are across one unit.
        tilt: -1 for land that ends at the right, 1 at the left, 0 for neither.
    """
    noise, row = Noise(scene.form), float(scene.form.uniform(0, 16))
    horizon, right = scene.horizon, scene.right
    end = float(scene.form.uniform(0.3, 0.65))

    def profile(x: Array) -> Array:
        rise = np.clip(noise(x * rough + row, np.full_like(x, row)) * 1.5 - 0.2, 0.05, 1.0)
        if tilt == 0:
            return horizon - height * rise
        # The land is a cape: it stands high at one side and falls off steeply into the sea.
        along = x / right if tilt > 0 else 1 - x / right
        fall = np.clip((along - end) * 3.6, -0.1, 1.0)
        return horizon - height * (0.6 + 0.4 * rise) * fall

    return profile


def paint_ridge(
    scene: Scene, profile: Profile, base: float, local: Array, depth: float, *, peaks: float = 0.0
) -> None:
    """Fill the land between a skyline and y = `base`.

    Args:
        scene: the painting.
        profile: the skyline.
        base: where it meets nearer ground.
        local: (3,) OKLab or (K, 3) to be dappled among.
        depth: 0 near to 1 far, for the haze.
        peaks: height over the horizon above which snow lies; 0 for none.
    """
    top = float(profile(np.linspace(0.0, scene.right, 65)).min())
    if base - top < 0.004:
        return
    step = 0.026 + 0.014 * (1 - depth)
    x, y = scene.scatter(-0.03, top, scene.right + 0.03, base, step * 1.15, step * 0.5)
    edge = np.linspace(-0.03, scene.right + 0.03, round(scene.right / step * 1.2) + 2)
    x = np.concatenate([x, edge])
    y = np.concatenate([y, profile(edge) + step * 0.3])
    crest = profile(x)
    slope = (profile(x + 0.02) - profile(x - 0.02)) / 0.04
    keep = y > crest + step * 0.2
    x, y, crest, slope = x[keep], y[keep], crest[keep], slope[keep]
    noise = scene.hand.uniform(0, 1, len(x))
    facing = np.clip(0.5 - slope * scene.sunward * 0.9 + (noise - 0.5) * 0.5, 0.0, 1.0)
    locals_ = np.atleast_2d(local)
    own = locals_[scene.hand.integers(0, len(locals_), len(x))]
    if peaks:
        snowy = (scene.horizon - y > peaks * (0.75 + 0.5 * noise)) & (y < crest + 0.11)
        own = np.where(snowy[:, None], SNOW, own)
    # Haze gathers at the foot.
    foot = np.clip((y - crest) / max(base - top, 1e-3), 0, 1)
    colour = scene.mood.lit(own, facing, np.clip(depth + 0.25 * foot * depth, 0, 1))
    angle = np.arctan(slope) * np.where(noise < 0.75, 1.0, -0.4)
    scene.lay(x, y, angle, step * 1.9, step * 0.72, colour, bend=0.08, vary=0.8)


def perspective(
    scene: Scene, top: float, bottom: float, near: float, density: float = 1.0
) -> tuple[Array, Array, Array]:
    """Return (N,), (N,), (N,): points over flat ground, far ones first, and how near each is.

    Args:
        scene: the painting.
        top: y of the far edge.
        bottom: y of the near edge.
        near: spacing of points at the bottom, picture units; at the horizon it is a third.
        density: how many times more points than that.
    """
    xs, ys, nears = [], [], []
    y, span = top, max(bottom - top, 1e-3)
    while y < bottom:
        t = (y - top) / span
        across = near * (0.36 + 0.64 * t)
        step = across * 0.42
        x, row = scene.scatter(-0.04, y, scene.right + 0.04, y + step, across / density, step)
        xs.append(x)
        ys.append(row)
        nears.append(np.full(len(x), t))
        y += step
    return np.concatenate(xs), np.concatenate(ys), np.concatenate(nears)


def paint_meadow(scene: Scene, top: float, locals_: tuple[Array, ...], upright: float) -> None:
    """Paint ground from y = `top` down, dappled with light.

    Args:
        scene: the painting.
        top: y of its far edge.
        locals_: its own colours, each (3,) OKLab.
        upright: 0 for strokes that lie flat, 1 for standing grass or corn.
    """
    noise = Noise(scene.form)
    palette = np.stack(locals_)
    for near, long, wide in ((0.11, 1.7, 0.66), (0.075, 1.15, 0.36)):
        x, y, t = perspective(scene, top, scene.bottom + 0.03, near)
        scale = near * (0.36 + 0.64 * t)
        far = 1.0 / (0.25 + t)
        patch = noise(x * far * 1.3, 5.0 * far)
        pick = np.clip(patch * len(palette) * 1.4 - 0.2 * len(palette), 0, len(palette) - 1e-6)
        own = palette[(pick + scene.hand.uniform(-0.4, 0.4, len(x))).clip(0).astype(int)
                      % len(palette)]  # fmt: skip
        light = noise(x * far * 0.9 + 7, 3.0 * far + 4)
        facing = np.clip((light - 0.36) * 3.2, 0.12, 1.0)
        colour = scene.mood.lit(own, facing, (1 - t) ** 1.6 * 0.75)
        stand = scene.hand.uniform(0, 1, len(x)) < upright * (0.25 + 0.75 * t)
        lean = -math.pi / 2 + scene.hand.normal(0.15, 0.22, len(x))
        angle = np.where(stand, lean, 0.10 * (noise(x * 2, y * 3) - 0.5))
        scene.lay(x, y, angle, scale * long, scale * wide, colour, bend=0.1)


def paint_flowers(scene: Scene, top: float, locals_: tuple[Array, ...], plenty: float) -> None:
    """Dab flowers over a meadow in drifts; `plenty` is about 1 for a field full of them."""
    noise = Noise(scene.form)
    x, y, t = perspective(scene, top + 0.01, scene.bottom + 0.02, 0.046, 1.1)
    far = 1.0 / (0.25 + t)
    drift = noise(x * far * 1.5, 4.0 * far)
    at = drift + scene.hand.normal(0, 0.06, len(x)) > 0.74 - 0.26 * plenty
    x, y, t = x[at], y[at], t[at]
    own = np.stack(locals_)[np.minimum(scene.hand.geometric(0.6, len(x)) - 1, len(locals_) - 1)]
    colour = scene.mood.lit(own, scene.hand.uniform(0.45, 1, len(x)), (1 - t) ** 2 * 0.6)
    size = 0.010 + 0.024 * t
    scene.lay(x, y, scene.hand.uniform(-0.6, 0.6, len(x)), size * 1.25, size * 0.95, colour)


def paint_rows(scene: Scene, top: float, crops: tuple[Array, ...], soil: Array) -> None:
    """Paint a field planted in rows that run to a point on the horizon."""
    form = scene.form
    vanish = float(form.uniform(-0.2, 1.2)) * scene.right
    pitch = float(form.uniform(0.16, 0.32))
    per_crop = int(form.choice([1, 1, 2]))
    for near, long, wide in ((0.11, 1.4, 0.6), (0.07, 1.25, 0.42)):
        x, y, t = perspective(scene, top, scene.bottom + 0.05, near)
        scale = near * (0.36 + 0.64 * t)
        depth = y - top + 0.035
        across = (x - vanish) / depth / pitch * 0.35
        row = np.floor(across).astype(int)
        within = across - row
        own = np.stack(crops)[(row // per_crop) % len(crops)]
        furrow = (within > 0.72) & (t > 0.05)
        own = np.where(furrow[:, None], soil, own)
        facing = np.where(furrow, 0.25, np.clip(0.95 - within * 0.8, 0.1, 1))
        colour = scene.mood.lit(own, facing, (1 - t) ** 1.7 * 0.8)
        angle = np.arctan2(depth, x - vanish)
        scene.lay(x, y, angle, scale * long, scale * wide, colour, bend=0.06)


def paint_path(scene: Scene, top: float, local: Array) -> None:
    """Wind a path, or a stream's bed, from the near edge to y = `top`."""
    form = scene.form
    start, end = form.uniform(0.2, 0.8, 2) * scene.right
    sway, phase, girth = form.uniform(0.03, 0.12), form.uniform(0, 6.3), form.uniform(0.12, 0.2)
    x, y, t = perspective(scene, top, scene.bottom + 0.03, 0.085, 1.3)
    middle = end + (start - end) * t**1.3 + sway * np.sin(phase + 5 * t) * (0.2 + t)
    at = np.abs(x - middle) < girth * (0.06 + t) * (0.85 + 0.3 * scene.hand.uniform(0, 1, len(x)))
    scale = 0.085 * (0.34 + 0.66 * t)
    facing = np.clip(0.75 + 0.5 * scene.sunward * (x - middle) / (girth * (0.1 + t)), 0.2, 1)
    colour = scene.mood.lit(local, facing, (1 - t) ** 1.6 * 0.7)
    scene.lay(x[at], y[at], 0.05, scale[at] * 1.2, scale[at] * 0.42, colour[at])


def paint_water(scene: Scene, shore: float, kind: str) -> None:
    """Paint water from y = `shore` down, in broken level strokes that mirror what stands above.

    Args:
        scene: the painting; everything beyond the water must be on the canvas already.
        shore: y of the far edge of the water.
        kind: "sea", "river" or "pond".
    """
    tint = {"sea": _DEEP, "river": _SILT, "pond": _POND}[kind]
    noise = Noise(scene.form)
    tint = scene.mood.lit(tint, 0.5, 0.1)
    own = {"sea": 0.30, "river": 0.10, "pond": 0.24}[kind]
    rough = {"sea": 1.6, "river": 0.8, "pond": 0.5}[kind]
    for near, long, wide, share in ((0.15, 1.25, 0.42, 1.0), (0.12, 0.85, 0.2, 0.75)):
        x, y, t = perspective(scene, shore, scene.bottom + 0.02, near, 1.25)
        if share < 1:
            at = scene.hand.uniform(0, 1, len(x)) < share
            x, y, t = x[at], y[at], t[at]
        stray = scene.hand.normal(0.0, 1.0, (2, len(x)))
        mirrored_x = x + stray[0] * 0.012 * rough * (0.4 + 1.6 * t)
        mirrored_y = shore - (y - shore) * 0.95 + stray[1] * 0.02 * rough * (0.3 + 1.4 * t)
        beyond = np.clip(mirrored_y, 0.0, shore - 0.012)
        colour = scene.canvas.sample(mirrored_x, beyond)
        colour = mix(colour, tint, own * (0.55 + 0.9 * t))
        swell = noise(x * 2.2 / (0.3 + t), 9.0 * np.log(0.12 + t))
        colour[:, 0] += (swell - 0.52) * 0.22 * rough - 0.02
        scale = near * (0.36 + 0.64 * t)
        scene.lay(x, y, 0.0, scale * long, scale * wide, colour, bend=0.05, vary=0.75)


def paint_glitter(scene: Scene, shore: float) -> None:
    """Lay the path of the low sun on water whose far edge is y = `shore`."""
    n = 46
    t = np.sort(scene.hand.uniform(0.0, 1.0, n) ** 1.2)
    y = shore + 0.008 + (scene.bottom - shore) * t
    x = scene.sun[0] + scene.hand.normal(0, 1, n) * (0.014 + 0.038 * t)
    colour = mix(scene.canvas.sample(x, y), scene.mood.sun, scene.hand.uniform(0.6, 1, n))
    scene.lay(x, y, 0.0, 0.035 + 0.05 * t, 0.010 + 0.014 * t, colour, vary=0.6)


def paint_lilies(scene: Scene, shore: float, season: Season) -> None:
    """Float drifts of lily pads, some in flower, on a pond whose far edge is y = `shore`."""
    noise = Noise(scene.form)
    x, y, t = perspective(scene, shore + 0.03, scene.bottom + 0.02, 0.062, 1.1)
    far = 1.0 / (0.3 + t)
    at = noise(x * far * 1.4, 3.5 * far) + scene.hand.normal(0, 0.03, len(x)) > 0.59
    x, y, t = x[at], y[at], t[at]
    own = np.stack(_PADS)[scene.hand.integers(0, len(_PADS), len(x))]
    colour = scene.mood.lit(own, scene.hand.uniform(0.3, 1, len(x)), 0.2 * (1 - t))
    scene.lay(x, y, 0.0, 0.03 + 0.045 * t, 0.010 + 0.016 * t, colour, bend=0.15)
    bloom = scene.hand.uniform(0, 1, len(x)) < 0.16
    x, y, t = x[bloom], y[bloom], t[bloom]
    petals = np.stack(_PETALS)[scene.hand.integers(0, len(_PETALS), len(x))]
    colour = scene.mood.lit(petals, scene.hand.uniform(0.7, 1, len(x)), 0.1)
    scene.lay(x, y - 0.006, 0.0, 0.016 + 0.016 * t, 0.011 + 0.012 * t, colour, bend=0.2)
