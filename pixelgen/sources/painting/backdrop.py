"""What closes a view, and what stands about in it."""

from __future__ import annotations

import numpy as np

from pixelgen.sources.painting import buildings, terrain, trees
from pixelgen.sources.painting.palettes import HILL, ROCK, Array
from pixelgen.sources.painting.scene import Scene


def tree_kind(scene: Scene) -> str:
    """Choose a kind of tree that suits the season; see `paint_tree`."""
    if scene.winter:
        return str(scene.form.choice(["bare", "bare", "pine", "birch"]))
    return str(
        scene.form.choice(["round", "round", "poplar", "cypress", "pine", "willow", "birch"])
    )


def paint_distance(scene: Scene, base: float) -> None:
    """Close the view with hills, mountains, woods or a town, or leave it open."""
    form = scene.form
    kinds = ["hills", "mountains", "wood", "town", "open"]
    kind = form.choice(kinds, p=[0.34, 0.18, 0.3, 0.08, 0.1])
    room = min(scene.horizon, 0.7)
    if kind == "mountains":
        paint_mountains(scene, base, room * scene.between(0.35, 0.75))
    elif kind == "hills":
        for depth in (0.95, 0.7)[: int(form.integers(1, 3))]:
            tall = room * scene.between(0.14, 0.38) * (1.3 - 0.6 * (1 - depth))
            skyline = terrain.ridge(scene, tall, scene.between(1.0, 2.4), 0)
            terrain.paint_ridge(scene, skyline, base, _ground(scene, HILL), depth)
    elif kind == "town":
        buildings.paint_skyline(scene, base, room * scene.between(0.12, 0.3), 0.85)
    if kind == "wood" or (kind == "hills" and scene.chance(0.5)):
        left, right = (-0.05, scene.right + 0.05)
        if scene.chance(0.4):
            left = scene.across(0.0, 0.5)
        trees.paint_tree_line(scene, base + 0.01, scene.between(0.06, 0.15), 0.6, left, right)


def paint_mountains(scene: Scene, base: float, height: float) -> None:
    """Paint two ranges down to y = `base`, the farther `height` tall and snow-capped."""
    for depth, share in ((1.0, 1.0), (0.75, 0.55)):
        skyline = terrain.ridge(scene, height * share, scene.between(1.6, 3.4), 0)
        snow = height * 0.5 if depth == 1.0 else 0.0
        terrain.paint_ridge(scene, skyline, base, np.stack(ROCK), depth, peaks=snow)


def _ground(scene: Scene, colours: tuple[Array, ...]) -> Array:
    return np.stack(scene.season.grass if scene.winter else (*colours, scene.season.leaf[1]))


def paint_standing(
    scene: Scene, x: float, y: float, kind: str, height: float, depth: float
) -> None:
    """Plant a tree and its shadow."""
    trees.cast_shadow(scene, x, y, height, height * 0.3)
    trees.paint_tree(scene, kind, x, y, height, depth)


def paint_farm(scene: Scene, y: float) -> None:
    """Put a house, a church or a mill at the far side of the fields."""
    x, size = scene.across(0.12, 0.88), scene.between(0.11, 0.2)
    house, church, mill = buildings.paint_house, buildings.paint_church, buildings.paint_mill
    paint = (house, house, church, mill)[int(scene.form.integers(4))]
    if paint is not house:
        size *= 1.5
    paint(scene, x, y + 0.02, size, 0.35)
    if paint is house and scene.chance(0.6):
        house(scene, x + scene.between(0.14, 0.3), y + 0.025, size * 0.9, 0.35)
    for _ in range(int(scene.form.integers(0, 3))):
        off = scene.between(0.1, 0.25) * float(scene.form.choice([-1, 1]))
        trees.paint_tree(scene, tree_kind(scene), x + off, y + 0.025, size * 1.2, 0.35)


def paint_field(scene: Scene) -> None:
    """Paint the season's open ground from the horizon to the near edge."""
    terrain.paint_meadow(scene, scene.horizon, scene.season.grass, 0.0 if scene.winter else 0.55)
