"""How a recipe's pictures become grids."""

from __future__ import annotations

from pixelgen.data.augmentation import Augmentation
from pixelgen.data.material import Framing
from pixelgen.recipe import Recipe


def framing_of(recipe: Recipe) -> Framing:
    """Return how a recipe's pictures become grids."""
    return Framing(
        size=recipe.data.size,
        fit=recipe.data.fit,
        augmentation=Augmentation.parse(recipe.data.augment, jitter=recipe.data.jitter or 0.0),
        scan=recipe.data.scan,
        seed=recipe.seed,
    )
