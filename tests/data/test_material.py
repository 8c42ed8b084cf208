"""Material: what is held out is never varied, and an epoch is the same whenever it is made."""

from __future__ import annotations

import numpy as np
import pytest

from pixelgen.data.augmentation import Augmentation
from pixelgen.data.collection import Collection, Split
from pixelgen.data.fitting import fit_picture
from pixelgen.data.material import Framing, fit_tokenizer, make_material
from pixelgen.data.segments import Segments
from pixelgen.errors import OptionError
from pixelgen.executors.local import Local
from pixelgen.plugins import catalogue
from pixelgen.sources.interface import Picture

SERIAL = Local(Local.Options(kind="serial"))
SPLIT = Split(train=[3, 0, 2], held_out=[1, 4])


def photograph(number: int, group: str = "") -> Picture:
    """A smooth picture that is larger than the run's and of another shape."""
    down, across = np.mgrid[:30, :40]
    colours = np.stack([across * 6, down * 8, (across + down) * 3 + number * 9], axis=-1) % 256
    return Picture(f"{number}.png", colours.astype(np.uint8), group)


@pytest.fixture
def collection() -> Collection:
    return Collection([photograph(number, "ab"[number % 2]) for number in range(5)])


def framing(augment="all", size=(12, 10), seed=1, scan="raster") -> Framing:
    return Framing(size, "stretch", Augmentation.parse(augment), scan, seed)


def material_of(collection, framed, split=SPLIT):
    grid = catalogue().load("tokenizer", "rgb-grid")
    tokenizer = grid(grid.Options(colors=125))
    fit_tokenizer(tokenizer, collection, split, framed, 0, SERIAL)
    return make_material(collection, split, framed, tokenizer, Segments(), SERIAL)


def test_held_out_pictures_are_never_augmented(collection):
    material = material_of(collection, framing("all"))
    plain = [fit_picture(collection.pictures[i].pixels, (12, 10), "stretch") for i in (1, 4)]
    expected = material.tokenizer.encode(plain).reshape(2, -1)
    np.testing.assert_array_equal(material.held_out, expected)


def test_an_epoch_is_the_same_whenever_it_is_made_and_unlike_any_other(collection):
    first, again = material_of(collection, framing()), material_of(collection, framing())
    again.chunk(0)
    np.testing.assert_array_equal(first.chunk(5)[0], again.chunk(5)[0])
    assert (first.chunk(5)[0] != first.chunk(6)[0]).any()


def test_another_seed_gives_other_variants(collection):
    one, other = (material_of(collection, framing(seed=seed)).chunk(0)[0] for seed in (1, 2))
    assert (one != other).any()


def test_without_augmentation_all_epochs_are_the_plain_pictures(collection):
    material = material_of(collection, framing("none"))
    plain = [fit_picture(collection.pictures[i].pixels, (12, 10), "stretch") for i in (3, 0, 2)]
    expected = material.tokenizer.encode(plain).reshape(3, -1)
    for epoch in (0, 1):
        np.testing.assert_array_equal(material.chunk(epoch)[0], expected)


def test_groups_are_numbered_in_order_of_name(collection):
    material = material_of(collection, framing())
    assert material.chunk(0)[1].tolist() == [1, 0, 0]  # pictures 3, 0 and 2
    assert material.held_out_groups.tolist() == [1, 0]
    assert material.spec.groups == 2


def test_the_spec_describes_the_grid_and_the_palette(collection):
    spec = material_of(collection, framing(scan="column")).spec
    assert spec.grid == (10, 12)
    assert spec.vocab_size == len(spec.palette) == 125
    assert spec.rows.tolist() == [cell // 12 for cell in range(120)]
    assert spec.columns.tolist() == [cell % 12 for cell in range(120)]
    assert spec.context_size == 24


def test_nothing_held_out_is_nothing_to_measure(collection):
    material = material_of(collection, framing(), Split(train=[0, 1], held_out=[]))
    assert material.held_out.shape == (0, 120)


def test_a_palette_is_fitted_on_the_plain_training_pictures_alone(collection):
    seen = []

    class Watching:
        def fit(self, images, *, seed):
            seen.extend(images)
            return self

    fit_tokenizer(Watching(), collection, SPLIT, framing("all"), 0, SERIAL)
    plain = [fit_picture(collection.pictures[i].pixels, (12, 10), "stretch") for i in (3, 0, 2)]
    np.testing.assert_array_equal(seen, plain)


@pytest.mark.parametrize(
    ("size", "token", "grid"), [((12, 10), (5, 4), (2, 3)), ((12, 10), (1, 1), (10, 12))]
)
def test_a_grid_has_as_many_tokens_as_fit(size, token, grid):
    assert framing(size=size).grid(token) == grid


@pytest.mark.parametrize(
    ("size", "nearest"), [((13, 10), "12x10"), ((12, 11), "12x10"), ((3, 2), "4x5")]
)
def test_a_size_that_is_no_multiple_of_the_tokens_is_refused_with_one_that_is(size, nearest):
    with pytest.raises(OptionError, match="cannot be cut into tokens of 4×5") as caught:
        framing(size=size).grid((5, 4))
    assert nearest in caught.value.remedy


@pytest.mark.parametrize(("pixels", "most"), [(1, 1), (2 * 120, 2), (1 << 23, 3)])
def test_large_pictures_are_encoded_a_few_at_a_time(collection, monkeypatch, pixels, most):
    expected = material_of(collection, framing()).chunk(0)[0]
    monkeypatch.setattr("pixelgen.data.material.PIXELS_AT_ONCE", pixels)
    material = material_of(collection, framing())
    encode, counts = material.tokenizer.encode, []

    def counting(pictures):
        counts.append(len(pictures))
        return encode(pictures)

    monkeypatch.setattr(material.tokenizer, "encode", counting)
    np.testing.assert_array_equal(material.chunk(0)[0], expected)
    assert (sum(counts), max(counts)) == (3, most)
