"""Compositions with water in them."""

from __future__ import annotations

import numpy as np

from pixelgen.sources.painting import buildings, motifs, terrain, trees
from pixelgen.sources.painting.backdrop import (
    paint_distance,
    paint_farm,
    paint_mountains,
    tree_kind,
)
from pixelgen.sources.painting.palettes import HILL, SAND, pigment
from pixelgen.sources.painting.scene import Scene

_CHALK = (pigment("f0e8dc"), pigment("e2d6cc"), pigment("d4c4b8"), pigment("b8c090"))


def river(scene: Scene) -> None:
    """Water in front of a far bank with trees."""
    paint_distance(scene, scene.horizon + 0.01)
    shore = scene.horizon + scene.between(0.03, 0.07)
    bank = terrain.ridge(scene, 0.03, 2.0, 0)
    terrain.paint_ridge(scene, bank, shore, np.stack(scene.season.grass), 0.4)
    if scene.chance(0.5):
        paint_farm(scene, shore - 0.035)
    kind = tree_kind(scene)
    for _ in range(int(scene.form.integers(1, 5))):
        tall = min(scene.between(0.2, 0.45), shore * 0.9)
        trees.paint_tree(scene, kind, scene.across(0, 1), shore - 0.012, tall, 0.3)
    terrain.paint_water(scene, shore, "river")
    _low_sun(scene, shore)
    extra = scene.form.uniform()
    if extra < 0.25:
        motifs.paint_rowboat(scene, scene.across(0.2, 0.8), shore + scene.between(0.1, 0.3), 0.2)
    elif extra < 0.6:
        _boats(scene, shore, 0.24)
    _reeds(scene)


def poplars(scene: Scene) -> None:
    """A file of trees mirrored in a river."""
    shore = scene.horizon + scene.between(0.02, 0.06)
    if scene.chance(0.7):
        paint_distance(scene, scene.horizon + 0.01)
    bank = terrain.ridge(scene, 0.04, 2.0, 0)
    terrain.paint_ridge(scene, bank, shore, np.stack(scene.season.grass), 0.35)
    count, lean = int(scene.form.integers(4, 9)), scene.between(-0.5, 0.5)
    kinds = ["poplar", "poplar", "poplar", "birch", "cypress", "round"]
    kind = "bare" if scene.winter else str(scene.form.choice(kinds))
    for k in range(count):
        if scene.chance(0.15):
            continue
        x = (k + 0.5 + scene.between(-0.2, 0.2)) / count
        tall = min(0.95 * shore, 0.55) * (0.78 + lean * (x - 0.5) + scene.between(-0.05, 0.05))
        trees.paint_tree(scene, kind, x * scene.right, shore - 0.01, tall, 0.2)
    terrain.paint_water(scene, shore, "river")
    _low_sun(scene, shore)
    _reeds(scene)


def sea(scene: Scene) -> None:
    """Open sea, perhaps a cape, boats or a beach."""
    tilt = int(scene.form.choice([-1, 0, 1]))
    if tilt:
        rock = np.stack(_CHALK if scene.chance(0.6) else HILL)
        cape = terrain.ridge(scene, min(scene.horizon, 0.6) * scene.between(0.3, 0.75), 3.0, tilt)
        terrain.paint_ridge(scene, cape, scene.horizon + 0.01, rock, 0.4)
    elif scene.chance(0.4):
        coast = terrain.ridge(scene, scene.between(0.03, 0.1), 1.5, 0)
        terrain.paint_ridge(scene, coast, scene.horizon + 0.005, np.stack(HILL), 1.0)
    terrain.paint_water(scene, scene.horizon, "sea")
    _low_sun(scene, scene.horizon)
    if scene.chance(0.8):
        _boats(scene, scene.horizon, 0.34)
    if scene.chance(0.3):
        _beach(scene)


def _beach(scene: Scene) -> None:
    edge = scene.down(scene.between(0.45, 0.65))
    slant, noise = scene.between(-0.2, 0.2), scene.between(0.0, 6.0)
    x, y, _ = terrain.perspective(scene, edge - 0.12, scene.bottom + 0.03, 0.075, 1.2)
    line = edge + slant * (x / scene.right - 0.5) + 0.02 * np.sin(4 * x + noise)
    at = y > line
    colour = scene.mood.lit(
        np.stack(SAND)[scene.hand.integers(0, 3, len(x))], scene.hand.uniform(0.5, 1, len(x)), 0.1
    )
    foam = (y - line < 0.022)[:, None]
    colour = np.where(foam, scene.mood.lit(pigment("fbfaf4"), 0.95, 0.1), colour)
    scene.lay(x[at], y[at], slant * 0.8, 0.08, 0.026, colour[at], bend=0.1)
    for _ in range(int(scene.form.integers(0, 4))):
        fx, fy = scene.across(0.1, 0.9), min(edge + 0.16, scene.bottom - 0.02)
        motifs.paint_figure(scene, fx, fy, 0.15, None, parasol=scene.chance(0.5))


def harbour(scene: Scene) -> None:
    """A town over the water, with boats."""
    buildings.paint_skyline(scene, scene.horizon + 0.01, scene.between(0.14, 0.34), 0.85)
    terrain.paint_water(scene, scene.horizon, "river")
    _low_sun(scene, scene.horizon)
    _boats(scene, scene.horizon, 0.3)
    if scene.chance(0.6):
        y = scene.down(scene.between(0.35, 0.7))
        motifs.paint_rowboat(scene, scene.across(0.2, 0.8), y, 0.22)


def lake(scene: Scene) -> None:
    """Mountains over a lake."""
    paint_mountains(scene, scene.horizon + 0.01, min(scene.horizon, 0.7) * scene.between(0.55, 0.9))
    if scene.chance(0.7):
        trees.paint_tree_line(scene, scene.horizon + 0.015, 0.07, 0.5, -0.05, scene.right + 0.05)
    terrain.paint_water(scene, scene.horizon + 0.01, "pond")
    _low_sun(scene, scene.horizon)
    if scene.chance(0.45):
        _boats(scene, scene.horizon, 0.2)
    if scene.chance(0.5):
        tall = scene.between(0.5, 0.8)
        x = float(scene.form.choice([0.08, 0.92])) * scene.right
        trees.paint_tree(scene, "pine", x, scene.bottom + 0.04, tall, 0.0)
    _reeds(scene)


def bridge(scene: Scene) -> None:
    """A bridge over a river."""
    paint_distance(scene, scene.horizon + 0.01)
    shore = scene.horizon + 0.04
    terrain.paint_meadow(scene, scene.horizon, scene.season.grass, 0.2)
    for _ in range(int(scene.form.integers(2, 5))):
        tall = min(scene.between(0.2, 0.4), shore * 0.9)
        trees.paint_tree(scene, tree_kind(scene), scene.across(0, 1), shore, tall, 0.35)
    terrain.paint_water(scene, shore, "river")
    y = shore + scene.between(0.06, 0.16)
    buildings.paint_bridge(scene, y, scene.between(0.16, 0.26), 0.15, footbridge=scene.chance(0.5))
    if scene.chance(0.4):
        motifs.paint_rowboat(scene, scene.across(0.2, 0.8), y + scene.between(0.14, 0.25), 0.2)
    _reeds(scene)


def lilies(scene: Scene) -> None:
    """A pond of water lilies under willows."""
    shore = scene.horizon
    trees.paint_tree_line(scene, shore + 0.01, 0.22, 0.35, -0.05, scene.right + 0.05)
    for _ in range(int(scene.form.integers(1, 4))):
        trees.paint_tree(scene, "willow", scene.across(0, 1), shore + 0.02, 0.34, 0.2)
    terrain.paint_water(scene, shore, "pond")
    terrain.paint_lilies(scene, shore, scene.season)
    if scene.chance(0.35):
        buildings.paint_bridge(scene, shore + 0.13, 0.2, 0.1, footbridge=True)
    _reeds(scene)


def _low_sun(scene: Scene, shore: float) -> None:
    """Let the sun, where it is seen, lay its path over the water."""
    if scene.sun_seen and scene.chance(0.8):
        terrain.paint_glitter(scene, shore)


def _boats(scene: Scene, shore: float, largest: float) -> None:
    for t in np.sort(scene.form.uniform(0.03, 0.6, int(scene.form.integers(1, 5)))):
        y = shore + (scene.bottom - shore) * float(t)
        tall = largest * (0.28 + 1.1 * float(t))
        motifs.paint_sailboat(scene, scene.across(0.06, 0.94), y, tall, 0.5 * (1 - float(t)))


def _reeds(scene: Scene) -> None:
    """Now and then, put a bank of reeds or rushes in a near corner."""
    if not scene.chance(0.4):
        return
    side = int(scene.form.choice([0, 1]))
    n = 70
    out = np.sort(scene.hand.uniform(0, 1, n) ** 1.4)[::-1]
    x = out * 0.55 if side == 0 else scene.right - out * 0.55
    y = scene.bottom + 0.03 - scene.hand.uniform(0, 0.17, n) * (1 - out)
    own = np.stack(scene.season.leaf)[scene.hand.integers(0, 3, n)]
    colour = scene.mood.lit(own, scene.hand.uniform(0.1, 0.9, n), 0.0)
    scene.lay(x, y, -np.pi / 2 + scene.hand.normal(0, 0.25, n), 0.11, 0.016, colour, bend=0.3)
