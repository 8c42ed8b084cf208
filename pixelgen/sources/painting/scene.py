"""One painting under way: its canvas, its light and the hand that holds the brush."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from pixelgen.sources.painting.brush import STAMPS, Canvas
from pixelgen.sources.painting.palettes import Array, Mood, Season


class Noise:
    """A smooth random field over the plane, in [0, 1], whose hills are one unit wide."""

    def __init__(self, rng: np.random.Generator) -> None:
        """Draw the field."""
        self._lattice = rng.uniform(0.0, 1.0, (16, 16))

    def __call__(self, x: Array, y: Array) -> Array:
        """Return the field at (N,) points as (N,)."""
        return 0.68 * self._octave(x, y) + 0.32 * self._octave(2.1 * x + 5.3, 2.1 * y + 1.7)

    def _octave(self, x: Array, y: Array) -> Array:
        x, y = np.broadcast_arrays(x, y)
        left, top = np.floor(x), np.floor(y)
        u, v = x - left, y - top
        u, v = u * u * (3 - 2 * u), v * v * (3 - 2 * v)
        i, j = left.astype(np.int64) & 15, top.astype(np.int64) & 15
        k, m = (i + 1) & 15, (j + 1) & 15
        grid = self._lattice
        upper = grid[j, i] * (1 - u) + grid[j, k] * u
        lower = grid[m, i] * (1 - u) + grid[m, k] * u
        field: Array = upper * (1 - v) + lower * v
        return field


@dataclass
class Scene:
    """What every part of a painting needs to know.

    Positions are in picture units (see `Canvas`). `form` decides what is in the picture and
    `hand` how the strokes fall: `hand` is drawn from as often as the shape of the picture asks,
    and must not disturb the composition.

    Attributes:
        canvas: what is painted on.
        mood: the light.
        season: the land's own colours.
        winter: whether snow lies.
        form: random choices of composition.
        hand: random choices of the brush.
        horizon: y of the horizon.
        sun: (x, y) of the sun, seen or not.
        sun_seen: whether its disc is in the picture.
        looseness: how freely strokes stray in colour and direction; about 1.
    """

    canvas: Canvas
    mood: Mood
    season: Season
    winter: bool
    form: np.random.Generator
    hand: np.random.Generator
    horizon: float
    sun: tuple[float, float]
    sun_seen: bool
    looseness: float

    @property
    def right(self) -> float:
        """Return the x of the right edge."""
        return self.canvas.right

    @property
    def bottom(self) -> float:
        """Return the y of the bottom edge."""
        return self.canvas.bottom

    @property
    def sunward(self) -> float:
        """Return where the light comes from: -1 from the left to 1 from the right."""
        offset = (self.sun[0] / self.right - 0.5) * 4
        return math.copysign(max(0.4, min(1.0, abs(offset))), offset)

    def between(self, low: float, high: float) -> float:
        """Choose a number."""
        return float(self.form.uniform(low, high))

    def across(self, low: float, high: float) -> float:
        """Choose an x, `low` and `high` being shares of the way to the right edge."""
        return self.between(low, high) * self.right

    def down(self, share: float) -> float:
        """Return the y that is `share` of the way from the horizon to the near edge."""
        return self.horizon + (self.bottom - self.horizon) * share

    def chance(self, share: float) -> bool:
        """Choose whether to, `share` being the probability."""
        return self.between(0.0, 1.0) < share

    def scatter(
        self, left: float, top: float, right: float, bottom: float, across: float, down: float
    ) -> tuple[Array, Array]:
        """Return (N,), (N,) points about `across` and `down` apart, row by row from the top."""
        columns = max(1, round((right - left) / across))
        rows = max(1, round((bottom - top) / down))
        jitter = self.hand.uniform(0.0, 1.0, (2, rows, columns))
        x = left + (np.arange(columns)[None, :] + jitter[0]) * ((right - left) / columns)
        y = top + (np.arange(rows)[:, None] + jitter[1]) * ((bottom - top) / rows)
        return x.reshape(-1), y.reshape(-1)

    def lay(
        self,
        x: Array | float,
        y: Array | float,
        angle: Array | float,
        length: Array | float,
        width: Array | float,
        colour: Array,
        *,
        bend: float = 0.0,
        vary: float = 1.0,
        shuffle: bool = False,
    ) -> None:
        """Lay strokes by hand: each strays a little in every respect.

        Args:
            x: (N,) or a number, as are the next four; see `Canvas.lay`.
            y: likewise.
            angle: likewise.
            length: likewise.
            width: likewise.
            colour: (N, 3) or (3,) OKLab.
            bend: spread of the strokes' curl.
            vary: how much colours stray; 1 is broken colour, 0 flat.
            shuffle: lay them in a random order rather than the one given.
        """
        x, y, angle, length, width = (
            np.array(each, np.float64)
            for each in np.broadcast_arrays(np.atleast_1d(x), y, angle, length, width)
        )
        n, hand = len(x), self.hand
        if n == 0:
            return
        vary *= self.looseness
        stray = hand.normal(0.0, 1.0, (n, 7))
        colours = np.broadcast_to(colour, (n, 3)) + stray[:, :3] * (
            np.array([0.026, 0.016, 0.019]) * vary
        )
        # A few strokes of a bolder hue keep the colour alive.
        bold = hand.uniform(0.0, 1.0, n) < 0.10 * vary
        colours[bold, 1:] += stray[bold, 5:] * 0.032
        angle += stray[:, 3] * 0.09 * self.looseness
        length *= np.exp(stray[:, 4] * 0.16)
        width *= np.exp(stray[:, 5] * 0.13)
        stamp = hand.integers(0, STAMPS, n)
        order = hand.permutation(n) if shuffle else np.arange(n)
        self.canvas.lay(
            x[order], y[order], angle[order], length[order], width[order],
            stray[order, 6] * bend, colours[order], stamp,
        )  # fmt: skip
