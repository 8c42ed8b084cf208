"""Completing pictures: what is kept stays, and what is painted follows from it."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import striped_picture
from PIL import Image

from pixelgen.api import start
from pixelgen.errors import OptionError, SourceError
from pixelgen.recipe import PluginSection
from pixelgen.resolving import resolve
from pixelgen.run import Run


@pytest.fixture
def run(quick, tmp_path) -> Run:
    return start(quick(), tmp_path / "run").run


@pytest.fixture
def picture() -> np.ndarray:
    return striped_picture(30)


def test_the_upper_part_stays_pixel_by_pixel_and_the_rest_is_painted(run, picture):
    done = run.complete(picture, keep=0.25, variants=3)
    assert done.variants.shape == (3, 12, 12, 3)
    np.testing.assert_array_equal(done.original, picture)
    for variant in done.variants:
        np.testing.assert_array_equal(variant[:3], picture[:3])
        assert (variant[3:] != picture[3:]).any()
    assert len({variant.tobytes() for variant in done.variants}) == 3


def test_without_a_share_or_a_mask_a_half_is_kept(run, picture):
    assert run.complete(picture, variants=1).kept.sum(axis=0).tolist() == [6] * 12


def test_a_variant_is_the_same_whatever_its_company(run, picture):
    three = run.complete(picture, variants=3).variants
    np.testing.assert_array_equal(run.complete(picture, variants=1, first=2).variants[0], three[2])
    assert (run.complete(picture, variants=1, seed=9).variants[0] != three[0]).any()


def test_what_is_painted_depends_on_what_is_kept(run, picture):
    one, other = (run.complete(p, variants=1).variants[0] for p in (picture, 255 - picture))
    assert (one[6:] != other[6:]).any()


def test_what_is_painted_is_of_the_palette_and_what_is_kept_may_be(run, picture):
    palette = {tuple(colour) for colour in run.tokenizer.palette.tolist()}
    own = run.complete(picture, variants=1)
    painted = {tuple(colour) for colour in own.variants[0][~own.kept].tolist()}
    assert painted <= palette
    inside = run.complete(picture, variants=1, in_palette=True)
    assert {tuple(colour) for colour in inside.variants[0].reshape(-1, 3).tolist()} <= palette
    np.testing.assert_array_equal(own.variants[0][~own.kept], inside.variants[0][~own.kept])


def test_it_tells_how_much_the_palette_has_not(run):
    palette = run.tokenizer.palette
    within = palette[np.random.default_rng(0).integers(0, len(palette), (12, 12))]
    done = run.complete(within, variants=1)
    assert (done.beyond_palette, done.palette_distance) == (0, 0)
    within[0, :6] ^= 1
    done = run.complete(within, variants=1)
    assert done.beyond_palette == pytest.approx(6 / 72)
    assert 0 < done.palette_distance < 0.01


@pytest.mark.parametrize("kind", ["array", "light", "opaque"])
def test_a_mask_keeps_where_it_is_true_light_or_opaque(run, picture, tmp_path, kind):
    kept = np.random.default_rng(1).random((12, 12)) < 0.6
    mask = kept if kind == "array" else tmp_path / "mask.png"
    if kind == "light":
        Image.fromarray(np.where(kept, np.uint8(255), np.uint8(0))).save(mask)
    elif kind == "opaque":
        black = np.zeros((12, 12, 4), np.uint8)
        black[..., 3] = np.where(kept, 255, 0)
        Image.fromarray(black).save(mask)
    done = run.complete(picture, mask=mask, variants=2)
    np.testing.assert_array_equal(done.kept, kept)
    np.testing.assert_array_equal(done.variants[:, kept], np.stack([picture[kept]] * 2))
    assert (done.variants[:, ~kept] != picture[~kept]).any()


def test_a_mask_is_stretched_to_the_picture(run, picture):
    done = run.complete(picture, mask=np.array([[True, False]]), variants=1)
    assert done.kept[:, :6].all()
    assert not done.kept[:, 6:].any()


@pytest.mark.parametrize("kind", ["array", "file"])
@pytest.mark.parametrize(
    ("fit", "mask_width", "columns"),
    [
        ("cover", 72, [True] * 9 + [False] * 3),  # 24 to 48 of 72 are there, and 42 are light
        ("contain", 72, [True] * 7 + [False] * 5),
        ("stretch", 72, [True] * 7 + [False] * 5),
        ("cover", 24, [True] * 7 + [False] * 5),  # of other proportions than the picture
    ],
)
def test_a_mask_of_the_pictures_proportions_goes_where_the_picture_does(
    quick, tmp_path, fit, mask_width, columns, kind
):
    run = start(quick(data={"fit": fit}), tmp_path / "run").run
    wide = np.zeros((24, 72, 3), np.uint8)
    mask = np.zeros((24, mask_width), bool)
    mask[:, : mask_width * 42 // 72] = True
    if kind == "file":
        Image.fromarray(wide).save(tmp_path / "wide.png")
        Image.fromarray(mask).save(tmp_path / "mask.png")
        wide, mask = tmp_path / "wide.png", tmp_path / "mask.png"
    kept = run.complete(wide, mask=mask, variants=1).kept
    assert kept.tolist()[6] == columns


def test_where_a_token_is_several_pixels_those_kept_stay_too(quick, tmp_path, picture):
    patches = PluginSection.model_validate({"name": "patch-kmeans", "patches": 8})
    recipe = quick().recipe.model_copy(update={"tokenizer": patches})
    run = start(resolve(recipe), tmp_path / "run").run
    kept = np.zeros((12, 12), bool)
    kept[:5] = True  # half of the third row of tokens
    done = run.complete(picture, mask=kept, variants=2)
    np.testing.assert_array_equal(done.variants[:, :5], np.stack([picture[:5]] * 2))


def test_a_picture_of_another_size_is_brought_to_the_runs_or_to_one_that_is_asked_for(run):
    large = np.kron(striped_picture(3), np.ones((3, 3, 1), np.uint8))
    assert run.complete(large, variants=1).variants.shape == (1, 12, 12, 3)
    wide = run.complete(large, variants=1, width=20, height=9)
    assert wide.variants.shape == (1, 9, 20, 3)
    np.testing.assert_array_equal(wide.variants[0][wide.kept], wide.original[wide.kept])


def test_a_file_is_as_good_as_its_pixels(run, picture, tmp_path):
    Image.fromarray(picture).save(tmp_path / "picture.png")
    from_file = run.complete(tmp_path / "picture.png", variants=1)
    np.testing.assert_array_equal(from_file.variants, run.complete(picture, variants=1).variants)


def test_transparent_pictures_stay_transparent_where_the_run_knows_transparency(quick, tmp_path):
    folder = tmp_path / "sprites"
    folder.mkdir()
    for number in range(6):
        sprite = np.dstack([striped_picture(number), np.full((12, 12), 255, np.uint8)])
        sprite[:, 9:] = 0
        Image.fromarray(sprite).save(folder / f"{number}.png")
    recipe = quick(
        source={"location": str(folder), "alpha": True},
        tokenizer={"name": "numpy-kmeans", "colors": 20},
    )
    run = start(recipe, tmp_path / "run").run
    assert run.channels == 4
    done = run.complete(folder / "0.png", variants=1)
    assert done.variants.shape == (1, 12, 12, 4)
    assert (done.variants[0][:6, 9:] == 0).all()
    opaque = run.complete(striped_picture(1), variants=1)
    assert (opaque.original[..., 3] == 255).all()


def test_the_picture_what_is_kept_and_the_variants_stand_side_by_side(run, picture):
    done = run.complete(picture, variants=2)
    first, kept, *variants = done.side_by_side
    np.testing.assert_array_equal(first, picture)
    np.testing.assert_array_equal(kept[:6], picture[:6])
    assert len(np.unique(kept[6:].reshape(-1, 3), axis=0)) == 1
    np.testing.assert_array_equal(variants, done.variants)


@pytest.mark.parametrize(
    ("asked", "error", "said"),
    [
        ({"keep": 1.5}, OptionError, "1.5 of a picture"),
        ({"keep": 1.0}, OptionError, "nothing is left to paint"),
        ({"keep": 0.5, "mask": np.ones((2, 2), bool)}, OptionError, "not by both"),
        ({"mask": np.ones((2, 2), bool)}, OptionError, "nothing is left to paint"),
        ({"mask": np.ones((2, 2))}, SourceError, "float64"),
        ({"mask": "nowhere.png"}, SourceError, "the mask cannot be used"),
        ({"width": 20_000}, OptionError, "the width cannot be 20000"),
        ({"best_of": 0}, OptionError, "best of 0"),
        ({"temperature": (1.0, 0.0)}, OptionError, "cannot be 0.0"),
        ({"group": "sea"}, OptionError, "no group is called 'sea'"),
    ],
)
def test_what_cannot_be_is_said(run, picture, asked, error, said):
    with pytest.raises(error, match=said):
        run.complete(picture, **asked)


@pytest.mark.parametrize("given", ["nowhere.png", np.zeros((3, 3), np.uint8)])
def test_a_picture_that_is_none_is_said(run, given):
    with pytest.raises(SourceError):
        run.complete(given)
