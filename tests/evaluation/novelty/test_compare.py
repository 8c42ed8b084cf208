"""Copies planted into pictures never trained on are found, with their place; others are left."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from pixelgen.data.fitting import fit_picture
from pixelgen.evaluation.novelty.compare import (
    CROP_SCALES,
    Judgement,
    References,
    compare,
    judge,
)
from pixelgen.evaluation.novelty.verdict import Thresholds
from pixelgen.sources.landscapes import paint_landscape
from pixelgen.tokenizers.numpy_kmeans import NumpyKMeans

SIDE = 48
HALF = SIDE // 2
TRAINED = 8


class Gallery:
    """Landscapes, of which the first eight are trained on and the others are hosts."""

    def __init__(self) -> None:
        large = [paint_landscape(3, index, 2 * SIDE, 2 * SIDE) for index in range(TRAINED + 8)]
        self.large = large[:TRAINED]
        plain = [fit_picture(each, (SIDE, SIDE), "stretch") for each in large]
        self.plain, self.hosts = np.stack(plain[:TRAINED]), np.stack(plain[TRAINED:])
        self.tokenizer = NumpyKMeans(NumpyKMeans.Options(colors=256)).fit(self.plain)
        encode = self.tokenizer.encode
        self.references = References(
            names=[f"picture {index}" for index in range(TRAINED)],
            pictures=self.large,
            grids=np.concatenate([encode(self.plain), encode(self.plain[:, :, ::-1])]),
            size=(SIDE, SIDE),
            scales=CROP_SCALES,
            mirrors=True,
        )
        real = self._likeness(np.concatenate([self.hosts[:4], self.plain]), [None] * 4, True)
        self.thresholds = Thresholds.of(
            [each.detail for each in real],
            [each.block.side for each in real],
            [each.run.side for each in real],
            (SIDE, SIDE),
        )

    def _likeness(self, pictures, own=(), training_too=False):
        grids = self.tokenizer.encode(pictures)
        own = [*own, *range(TRAINED)] if training_too else own
        return compare(self.tokenizer.decode(grids), grids, self.references, own)

    def judge(self, picture: np.ndarray) -> Judgement:
        (likeness,) = self._likeness(picture[None])
        return judge(picture, likeness, self.references, self.thresholds)


@pytest.fixture(scope="module")
def gallery() -> Gallery:
    return Gallery()


def quarter(gallery: Gallery, source: np.ndarray) -> np.ndarray:
    planted = gallery.hosts[5].copy()
    planted[20 : 20 + HALF, 4 : 4 + HALF] = source[10 : 10 + HALF, 16 : 16 + HALF]
    return planted


def shifted(gallery: Gallery, source: np.ndarray) -> np.ndarray:
    planted = gallery.hosts[5].copy()
    planted[9:, :-6] = source[:-9, 6:]
    return planted


def recoloured(gallery: Gallery, source: np.ndarray) -> np.ndarray:
    changed = 255 * (source / 255.0) ** np.array([1.1, 0.92, 1.05]) + np.array([3, -2, 1])
    return np.clip(changed, 0, 255).astype(np.uint8)


def top_half(gallery: Gallery, source: np.ndarray) -> np.ndarray:
    return np.concatenate([source[:HALF], gallery.hosts[5][HALF:]])


PLANTS: dict[str, Callable[[Gallery, np.ndarray], np.ndarray]] = {
    "exact": lambda gallery, source: source,
    "mirrored": lambda gallery, source: source[:, ::-1],
    "shifted": shifted,
    "recoloured": recoloured,
    "half": top_half,
    "quarter": quarter,
    "mirrored quarter": lambda gallery, source: quarter(gallery, source[:, ::-1]),
}


@pytest.mark.parametrize("index", [0, 3, 6])
@pytest.mark.parametrize("kind", PLANTS)
def test_a_planted_copy_is_found(gallery, kind, index):
    judgement = gallery.judge(PLANTS[kind](gallery, gallery.plain[index]))
    assert judgement.verdict == "copy"
    assert judgement.alignment.training == index
    assert judgement.alignment.mirrored == ("mirrored" in kind)


@pytest.mark.parametrize("index", [1, 4, 7])
def test_a_crop_that_was_enlarged_is_found(gallery, index):
    large = Image.fromarray(gallery.large[index])
    box = (8, 12, 8 + 0.8 * 2 * SIDE, 12 + 0.8 * 2 * SIDE)
    crop = np.asarray(large.resize((SIDE, SIDE), Image.Resampling.LANCZOS, box))
    judgement = gallery.judge(crop)
    assert (judgement.verdict, judgement.alignment.training) == ("copy", index)
    assert judgement.alignment.scale == pytest.approx(1 / 0.8, abs=0.06)
    # The crop began 4 and 6 pixels into the picture, and was then enlarged.
    assert judgement.alignment.shift == pytest.approx((-6 / 0.8, -4 / 0.8), abs=3)


def test_the_shift_is_told(gallery):
    alignment = gallery.judge(shifted(gallery, gallery.plain[3])).alignment
    assert alignment.scale == pytest.approx(1, abs=0.03)
    assert alignment.shift == pytest.approx((9, -6), abs=1)


def test_the_region_covers_what_was_planted_and_little_else(gallery):
    top, left, height, width = gallery.judge(quarter(gallery, gallery.plain[3])).alignment.region
    assert top >= 20 - 6 and left >= 4 - 6
    assert top + height <= 20 + HALF + 6 and left + width <= 4 + HALF + 6


@pytest.mark.parametrize("host", [4, 5, 6, 7])
def test_a_picture_never_trained_on_is_not_accused(gallery, host):
    assert gallery.judge(gallery.hosts[host]).verdict != "copy"


def test_whole_rows_of_a_training_picture_are_close_to_it(gallery):
    picture = gallery.hosts[6].copy()
    rows = slice(SIDE // 3, None, 6)  # no two beside one another: no square, and no detail
    picture[rows] = gallery.plain[2][rows]
    judgement = gallery.judge(picture)
    assert (judgement.verdict, judgement.alignment.training) == ("close", 2)
    assert judgement.alignment.region[2:] == (1, SIDE)
