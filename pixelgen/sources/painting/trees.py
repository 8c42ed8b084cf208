"""Trees of several kinds, each standing on a point of the ground."""

from __future__ import annotations

import math

import numpy as np

from pixelgen.sources.painting.palettes import SNOW, Array, mix, pigment
from pixelgen.sources.painting.scene import Scene

_BARK = pigment("6b4f44")
_BIRCH = pigment("d8d2cc")
_CYPRESS = (pigment("23473a"), pigment("3a6340"), pigment("2a3f52"))
_PINE = (pigment("2f5540"), pigment("44704a"), pigment("2c4a56"))
_UP = -math.pi / 2


def paint_tree(scene: Scene, kind: str, x: float, y: float, height: float, depth: float) -> None:
    """Paint one tree.

    Args:
        scene: the painting.
        kind: "round", "poplar", "cypress", "pine", "willow", "blossom", "bare" or "birch".
        x: of its foot.
        y: of its foot.
        height: picture units.
        depth: 0 near to 1 far, for the haze.
    """
    leaf = scene.season.leaf
    if kind in ("bare", "birch"):
        _branches(scene, x, y, height, depth, _BIRCH if kind == "birch" else _BARK)
        if kind == "birch" and not scene.winter:
            _crown(scene, x, y - height * 0.66, 0.2 * height, 0.32 * height, leaf, depth, 0.4)
    elif kind == "poplar":
        _trunk(scene, x, y, height * 0.3, height * 0.035, depth, _BARK)
        _crown(scene, x, y - height * 0.56, 0.105 * height, 0.44 * height, leaf, depth, 1.0, _UP)
    elif kind == "cypress":
        _flame(scene, x, y, height, depth)
    elif kind == "pine":
        _pine(scene, x, y, height, depth)
    elif kind == "willow":
        _trunk(scene, x, y, height * 0.5, height * 0.06, depth, _BARK)
        _willow(scene, x, y, height, depth)
    else:
        flowers = scene.season.flower if kind == "blossom" else leaf
        colours = (*flowers, *flowers, leaf[0]) if kind == "blossom" else leaf
        _trunk(scene, x, y, height * 0.5, height * 0.05, depth, _BARK)
        for side, rise, girth in scene.form.uniform((-0.2, 0.5, 0.2), (0.2, 0.75, 0.3), (3, 3)):
            _crown(
                scene, x + side * height, y - rise * height, girth * height, girth * height * 0.85,
                colours, depth, 0.8,
            )  # fmt: skip


def paint_tree_line(
    scene: Scene, y: float, height: float, depth: float, left: float, right: float
) -> None:
    """Paint a far wood as overlapping crowns standing on y, from x = `left` to `right`."""
    x = left
    while x < right:
        tall = height * float(scene.form.uniform(0.55, 1.15))
        _crown(scene, x, y - tall * 0.45, tall * 0.62, tall * 0.55, scene.season.leaf, depth, 1.0)
        x += tall * float(scene.form.uniform(0.55, 1.0))


def cast_shadow(scene: Scene, x: float, y: float, height: float, girth: float) -> None:
    """Darken the ground on the side away from the light of a thing standing at (x, y)."""
    reach = height * 0.7
    n = max(6, round(reach * girth / 0.00042))
    along, across = scene.hand.uniform(0.0, 1.0, n), scene.hand.uniform(-0.5, 0.5, n)
    px = x - (along * reach - girth * 0.2) * scene.sunward
    py = y + girth * 0.34 * across * np.sin(np.pi * (0.25 + 0.7 * along)) + along * reach * 0.14
    colour = mix(scene.canvas.sample(px, py), scene.mood.shade, 0.34) * np.array([0.88, 1, 1])
    scene.lay(px, py, -0.14 * scene.sunward, 0.04, 0.013, colour, vary=0.8)


def _trunk(
    scene: Scene, x: float, y: float, height: float, girth: float, depth: float, own: Array
) -> None:
    rise = np.repeat(np.linspace(0.0, 1.0, 4), 2)
    side = np.tile([-0.25, 0.25], 4)
    facing = 0.4 + 1.2 * side * scene.sunward
    colour = scene.mood.lit(own, facing.clip(0, 1), depth)
    girth = max(girth, 0.012)
    scene.lay(x + side * girth, y - rise * height, _UP, height * 0.42, girth * 0.6, colour)


def _crown(
    scene: Scene,
    x: float,
    y: float,
    half_width: float,
    half_height: float,
    leaves: tuple[Array, ...],
    depth: float,
    fullness: float,
    direction: float | None = None,
) -> None:
    """Dab an ellipse of foliage about (x, y), its shaded side first."""
    dab = float(np.clip(0.26 * math.sqrt(half_width * half_height), 0.013, 0.034))
    n = round(fullness * 3.4 * math.pi * half_width * half_height / (dab * dab)) + 5
    turn = scene.hand.uniform(0, 2 * math.pi, n)
    out = scene.hand.uniform(0, 1, n) ** 0.5
    u, v = out * np.cos(turn), out * np.sin(turn)
    sun = scene.sunward
    facing = 0.48 + 0.36 * u * sun - 0.40 * v + scene.hand.normal(0, 0.17, n)
    order = np.argsort(facing + scene.hand.normal(0, 0.2, n))
    u, v, facing = u[order], v[order], facing[order].clip(0, 1)
    own = np.stack(leaves)[scene.hand.integers(0, len(leaves), n)]
    if scene.winter:
        own = np.where((facing > 0.66)[:, None], SNOW, own)
    if direction is None:
        angle = np.arctan2(v, u) + math.pi / 2 + scene.hand.normal(0, 0.5, n)
    else:
        angle = direction + scene.hand.normal(0, 0.22, n) + 0.25 * u
    scene.lay(
        x + u * half_width, y + v * half_height, angle, dab * 1.5, dab * 0.85,
        scene.mood.lit(own, facing, depth), bend=0.15,
    )  # fmt: skip


def _flame(scene: Scene, x: float, y: float, height: float, depth: float) -> None:
    n = 26 + round(height * 130)
    rise = np.sort(scene.hand.uniform(0, 1, n))
    girth = 0.13 * height * np.sin(np.pi * (0.12 + 0.88 * rise) ** 0.8) ** 0.8
    side = scene.hand.uniform(-1, 1, n)
    facing = (0.4 + 0.5 * side * scene.sunward + scene.hand.normal(0, 0.15, n)).clip(0, 1)
    own = np.stack(_CYPRESS)[scene.hand.integers(0, 3, n)]
    wave = 0.35 * np.sin(rise * 9 + side * 2)
    scene.lay(
        x + side * girth + 0.02 * height * np.sin(rise * 7), y - rise * height * 0.97,
        _UP + wave - 0.25 * side * rise, 0.05 + 0.12 * height, 0.010 + 0.02 * height,
        scene.mood.lit(own, facing, depth), bend=0.25,
    )  # fmt: skip


def _pine(scene: Scene, x: float, y: float, height: float, depth: float) -> None:
    _trunk(scene, x, y, height * 0.25, height * 0.04, depth, _BARK)
    n = 22 + round(height * 170)
    drop = np.sort(scene.hand.uniform(0, 1, n))
    side = scene.hand.uniform(-1, 1, n)
    tier = 0.7 + 0.3 * ((drop * 5) % 1.0)
    facing = (0.42 + 0.45 * side * scene.sunward + scene.hand.normal(0, 0.18, n)).clip(0, 1)
    own = np.stack(_PINE)[scene.hand.integers(0, 3, n)]
    if scene.winter:
        own = np.where((scene.hand.uniform(0, 1, n) < 0.4)[:, None], SNOW, own)
    scene.lay(
        x + side * drop * tier * 0.24 * height, y - height * (1 - 0.86 * drop),
        0.55 * side + math.pi * (side < 0), 0.02 + 0.12 * height * (0.3 + drop),
        0.009 + 0.028 * height, scene.mood.lit(own, facing, depth), bend=0.1,
    )  # fmt: skip


def _willow(scene: Scene, x: float, y: float, height: float, depth: float) -> None:
    n = 40 + round(height * 330)
    side = scene.hand.uniform(-1, 1, n)
    top = y - height * (0.62 + 0.36 * np.sqrt(1 - side * side))
    hang = scene.hand.uniform(0, 1, n) * height * 0.62
    facing = (0.55 + 0.35 * side * scene.sunward - 0.5 * hang / height).clip(0, 1)
    facing = (facing + scene.hand.normal(0, 0.16, n)).clip(0, 1)
    own = np.stack(scene.season.leaf)[scene.hand.integers(0, 3, n)]
    order = np.argsort(-hang)
    scene.lay(
        (x + side * 0.42 * height)[order], (top + hang)[order],
        (_UP + math.pi - 0.25 * side)[order], 0.03 + 0.13 * height, 0.009 + 0.022 * height,
        scene.mood.lit(own, facing, depth)[order], bend=0.12,
    )  # fmt: skip


def _branches(scene: Scene, x: float, y: float, height: float, depth: float, own: Array) -> None:
    """Grow a bare tree: each bough forks, thinner and shorter each time."""
    boughs = [(x, y, _UP + float(scene.form.normal(0, 0.06)), height * 0.36, height * 0.045)]
    grown: list[tuple[float, float, float, float, float]] = []
    for fork in range(5):
        following = []
        for px, py, angle, length, girth in boughs:
            qx, qy = px + math.cos(angle) * length, py + math.sin(angle) * length
            grown.append(((px + qx) / 2, (py + qy) / 2, angle, length * 1.1, girth))
            spread = 0.32 + 0.08 * fork
            for turn in (-spread, spread) if fork else (-0.5, 0.02, 0.5):
                bent = angle + turn + float(scene.form.normal(0, 0.16))
                following.append((qx, qy, bent, length * 0.68, girth * 0.58))
        boughs = following
        if (fork >= 1 and height < 0.12) or (fork >= 2 and height < 0.2):
            break
    wood = np.array(grown)
    facing = (0.35 + scene.hand.normal(0, 0.2, len(wood))).clip(0, 1)
    colour = scene.mood.lit(own, facing, depth)
    girth = np.maximum(wood[:, 4], 0.0075)
    scene.lay(wood[:, 0], wood[:, 1], wood[:, 2], wood[:, 3], girth, colour, vary=0.45)
    if scene.winter:
        thick = wood[:, 4] > 0.012 * height
        snow = scene.mood.lit(SNOW, 0.8, depth)
        scene.lay(
            wood[thick, 0], wood[thick, 1] - girth[thick] * 0.45, wood[thick, 2],
            wood[thick, 3] * 0.7, girth[thick] * 0.45, snow, vary=0.6,
        )  # fmt: skip
