"""Compositions on dry land."""

from __future__ import annotations

import numpy as np

from pixelgen.sources.painting import buildings, motifs, terrain, trees
from pixelgen.sources.painting.backdrop import (
    paint_distance,
    paint_farm,
    paint_field,
    paint_standing,
    tree_kind,
)
from pixelgen.sources.painting.palettes import ROCK, SAND, pigment
from pixelgen.sources.painting.scene import Scene

_WHEAT = (pigment("e4bc5a"), pigment("d2a24a"), pigment("f0d282"), pigment("c0a058"))
_STUBBLE = (pigment("dcb468"), pigment("c8a860"), pigment("b4b468"), pigment("e6c88c"))
_CROPS = {
    "lavender": ("8a68b8 9c7cc8", "7a8a50"),
    "tulips": ("e0483c f2c848 f0a0b8 f4f0e6 b05890", "5a8a48"),
    "plough": ("8a6450 7a5848 9a7460", "5a4450"),
    "vines": ("6a8a3c 7c9c48", "c8a078"),
    "cabbages": ("5f9a78 7ab08a a8b860", "8a6a54"),
}  # rows, then the soil between them


def meadow(scene: Scene) -> None:
    """Open grass with a few trees in it, perhaps a farm and a path."""
    paint_distance(scene, scene.horizon + 0.01)
    paint_field(scene)
    if scene.chance(0.5):
        terrain.paint_path(scene, scene.horizon, SAND[1])
    if scene.chance(0.6):
        paint_farm(scene, scene.horizon)
    for _ in range(int(scene.form.integers(1, 4))):
        t = scene.between(0.05, 0.5)
        y = scene.down(t)
        paint_standing(
            scene, scene.across(0, 1), y, tree_kind(scene), 0.22 + 0.6 * t, 0.45 * (1 - t)
        )


def flowers(scene: Scene) -> None:
    """A field in flower, perhaps with someone walking in it."""
    paint_distance(scene, scene.horizon + 0.01)
    paint_field(scene)
    if scene.chance(0.6):
        paint_farm(scene, scene.horizon)
    terrain.paint_flowers(scene, scene.horizon, scene.season.flower, scene.between(0.75, 1.15))
    if scene.chance(0.55):
        x, y = scene.across(0.2, 0.8), scene.horizon + scene.between(0.12, 0.28)
        for k in range(int(scene.form.integers(1, 3))):
            motifs.paint_figure(scene, x + 0.09 * k, y, 0.2 - 0.06 * k, None, parasol=k == 0)


def haystacks(scene: Scene) -> None:
    """Stacks of straw on stubble."""
    paint_distance(scene, scene.horizon + 0.01)
    grass = scene.season.grass
    terrain.paint_meadow(scene, scene.horizon, grass if scene.winter else _STUBBLE, 0.35)
    places = np.sort(scene.form.uniform(0.06, 0.6, int(scene.form.integers(1, 4))))
    for k, t in enumerate(places):
        y = scene.down(float(t))
        tall = 0.12 + 0.42 * float(t)
        x = (0.5 + (-1) ** k * scene.between(0.05, 0.36)) * scene.right
        trees.cast_shadow(scene, x, y, tall * 1.5, tall * 0.5)
        motifs.paint_haystack(scene, x, y, tall, 0.4 * (1 - float(t)))


def rows(scene: Scene) -> None:
    """A field planted in rows, running to the horizon."""
    paint_distance(scene, scene.horizon + 0.01)
    rows, soil = _CROPS[str(scene.form.choice(list(_CROPS)))]
    crops = tuple(map(pigment, rows.split()))
    shift = int(scene.form.integers(len(crops)))
    terrain.paint_rows(scene, scene.horizon, crops[shift:] + crops[:shift], pigment(soil))
    paint_farm(scene, scene.horizon)
    if scene.chance(0.35):
        paint_standing(scene, scene.across(0, 1), scene.horizon + 0.12, tree_kind(scene), 0.4, 0.2)


def wheat(scene: Scene) -> None:
    """Standing corn and cypresses."""
    paint_distance(scene, scene.horizon + 0.01)
    terrain.paint_meadow(scene, scene.horizon, _WHEAT, 0.9)
    if scene.chance(0.4):
        terrain.paint_flowers(scene, scene.horizon, scene.season.flower, 0.35)
    x = scene.across(0.1, 0.9)
    for k in range(int(scene.form.integers(1, 4))):
        tall = scene.between(0.3, 0.55) * (1 - 0.2 * k)
        paint_standing(scene, x + 0.11 * k, scene.horizon + 0.10 - 0.03 * k, "cypress", tall, 0.15)


def avenue(scene: Scene) -> None:
    """A path between two files of trees."""
    paint_distance(scene, scene.horizon + 0.01)
    paint_field(scene)
    terrain.paint_path(scene, scene.horizon, SAND[0] if not scene.winter else ROCK[2])
    vanish, kind = scene.across(0.35, 0.65), tree_kind(scene)
    if kind == "willow":
        kind = "poplar"
    for t in (0.06, 0.13, 0.24, 0.42, 0.72):
        for side in (-1, 1):
            x = vanish + side * (0.05 + 0.75 * t) * scene.right * 0.8
            y = scene.down(t * 0.9)
            paint_standing(scene, x, y, kind, 0.16 + 0.95 * t, 0.6 * (1 - t))


def village(scene: Scene) -> None:
    """Houses along a street, perhaps with a church."""
    paint_distance(scene, scene.horizon + 0.01)
    paint_field(scene)
    terrain.paint_path(scene, scene.horizon, ROCK[2] if scene.winter else SAND[1])
    if scene.chance(0.6):
        buildings.paint_church(scene, scene.across(0.2, 0.8), scene.horizon + 0.02, 0.34, 0.45)
    for t in np.sort(scene.form.uniform(0.02, 0.34, int(scene.form.integers(3, 7)))):
        y = scene.down(float(t))
        buildings.paint_house(scene, scene.across(0.02, 0.98), y, 0.12 + 0.36 * float(t), 0.3)
    for t in np.sort(scene.form.uniform(0.05, 0.6, int(scene.form.integers(1, 4)))):
        y = scene.down(float(t))
        x = float(scene.form.choice([scene.across(0, 0.25), scene.across(0.75, 1)]))
        paint_standing(scene, x, y, tree_kind(scene), 0.25 + 0.4 * float(t), 0.3 * (1 - float(t)))


def orchard(scene: Scene) -> None:
    """Fruit trees, in blossom outside winter."""
    paint_distance(scene, scene.horizon + 0.01)
    paint_field(scene)
    for t in np.sort(scene.form.uniform(0.03, 0.75, int(scene.form.integers(4, 8)))):
        y = scene.down(float(t))
        kind = "bare" if scene.winter else "blossom"
        paint_standing(
            scene, scene.across(0, 1), y, kind, 0.2 + 0.5 * float(t), 0.5 * (1 - float(t))
        )
