"""The held-out pictures of a finished run, read again and laid out as its model saw them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pixelgen.data.material import Material, make_material
from pixelgen.errors import SourceError
from pixelgen.framing import framing_of
from pixelgen.resolving import resolve
from pixelgen.run import Run


@dataclass(frozen=True, eq=False)
class HeldOut:
    """Pictures that a run never trained on.

    Attributes:
        names: of the N pictures, in the split's order.
        pictures: (N, H, W, 3 or 4) uint8, at the run's size.
        canvases: (N, P) int32, their tokens along the run's scan.
        groups: (N,) int32.
        decoded: whether the pictures are themselves decoded tokens, so that what the tokenizer
            loses of a picture cannot be seen in them.
    """

    names: list[str]
    pictures: np.ndarray
    canvases: np.ndarray
    groups: np.ndarray
    decoded: bool


def held_out_of(run: Run) -> HeldOut:
    """Read a run's held-out pictures again; raises as `material_of`."""
    material = material_of(run)
    names, split = material.collection.names, material.split
    return HeldOut(
        names=[names[index] for index in split.held_out],
        pictures=material.plain(split.held_out),
        canvases=material.held_out,
        groups=material.held_out_groups,
        decoded=material.collection.fitted_tokenizer is not None,
    )


def material_of(run: Run) -> Material:
    """Read all the pictures of a run again, and lay them out as it did.

    Raises:
        SourceError: the pictures are gone, or are not those that the run began with.
    """
    recipe = run.recipe
    resolved = resolve(recipe, kinds=("source", "executor"))
    collection = resolved.collect()
    data = run.manifest["data"]
    if collection.fingerprint() != data["fingerprint"]:
        raise SourceError(
            f"the pictures are not those that {run.path} was trained on",
            where=recipe.source.location or f"in source {recipe.source.name}",
            remedy="Put them back as they were, or train again",
        )
    split = collection.split_as(data)
    return make_material(
        collection,
        split,
        framing_of(recipe),
        run.tokenizer,
        run.cutter.segments,
        resolved.executor(),
    )
