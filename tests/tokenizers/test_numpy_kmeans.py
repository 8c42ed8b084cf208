"""numpy-kmeans learns a good palette from anything that holds pixels, and always the same one."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pixelgen.errors import OptionError, RunUnreadable, TokenizerError
from pixelgen.options import parse_options
from pixelgen.tokenizers.numpy_kmeans import NumpyKMeans


def make(**options):
    return NumpyKMeans(parse_options(NumpyKMeans.Options, options, owner="numpy-kmeans"))


def noise(seed=0, shape=(24, 20, 3)):
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def error_of(tokenizer, pictures):
    painted = tokenizer.decode(tokenizer.encode(pictures)).astype(float)
    return ((painted - np.asarray(pictures)) ** 2).mean()


def test_well_separated_colours_are_all_found():
    generator = np.random.default_rng(3)
    middles = np.array([[20, 20, 20], [220, 30, 30], [30, 220, 30], [30, 30, 220], [230, 230, 230]])
    picture = middles[generator.integers(0, 5, (40, 40))] + generator.integers(-5, 6, (40, 40, 3))
    palette = make(colors=5).fit([picture.astype(np.uint8)]).palette.astype(int)
    for middle in middles:
        assert np.abs(palette - middle).max(axis=1).min() <= 1


def test_more_colours_mean_less_error():
    pictures = [noise(1), noise(2)]
    errors = [error_of(make(colors=count).fit(pictures), pictures) for count in (2, 16, 128)]
    assert errors[0] > errors[1] > errors[2]


@pytest.mark.parametrize("space", ["srgb", "linear", "oklab"])
def test_the_same_seed_gives_the_same_palette(space):
    pictures = [noise(1), noise(2)]
    first = make(colors=32, space=space).fit(pictures, seed=4)
    second = make(colors=32, space=space).fit(pictures[::-1], seed=4)
    np.testing.assert_array_equal(first.palette, second.palette)
    assert not np.array_equal(
        first.palette, make(colors=32, space=space).fit(pictures, seed=5).palette
    )


def test_learning_in_parts_equals_learning_at_once():
    pictures = [noise(seed, (10 + seed, 12, 3)) for seed in range(5)]
    parts = make(colors=20)
    for picture in pictures:
        parts.partial_fit([picture], seed=1)
    np.testing.assert_array_equal(parts.palette, make(colors=20).fit(pictures, seed=1).palette)


def test_fit_forgets_what_was_learned_before():
    tokenizer = make(colors=8).fit([noise(1)]).fit([noise(2)])
    np.testing.assert_array_equal(tokenizer.palette, make(colors=8).fit([noise(2)]).palette)


def test_restarts_are_never_worse():
    once, often = (make(colors=40, restarts=count).fit([noise(9)]) for count in (1, 5))
    assert often.clustering.inertia <= once.clustering.inertia


def test_fewer_colours_than_asked_are_all_kept_and_said():
    picture = np.array([[[0, 0, 0], [255, 0, 0], [0, 0, 0]]], np.uint8)
    tokenizer = make(colors=1000).fit([picture])
    assert tokenizer.vocab_size == 2
    assert "2 colours in place of 1000" in tokenizer.notes[0]
    np.testing.assert_array_equal(tokenizer.decode(tokenizer.encode([picture]))[0], picture)


@pytest.mark.parametrize("colors", [1, 2, 65_536])
@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 1, 4), (5, 7, 3), (5, 7, 4)])
def test_small_pictures_and_extreme_counts(colors, shape):
    picture = noise(2, shape)
    tokenizer = make(colors=colors).fit([picture])
    tokens = tokenizer.encode([picture])
    assert tokens.shape == (1, *shape[:2])
    assert tokens.dtype == np.int32
    assert tokenizer.vocab_size <= colors
    assert tokenizer.decode(tokens).shape == (1, *shape)


@pytest.mark.parametrize("colors", [0, -1, 65_537, "many"])
def test_an_impossible_count_is_an_error_that_says_the_bounds(colors):
    with pytest.raises(OptionError, match=r"'colors'.*65536"):
        make(colors=colors)


@pytest.mark.parametrize(
    ("picture", "said"),
    [
        (np.full((2, 2, 3), np.nan), "not a number"),
        (np.zeros((2, 2, 3)), "float64"),
        (np.zeros((2, 2), np.uint8), "shape"),
        (np.zeros((2, 0, 3), np.uint8), "without pixels"),
    ],
)
def test_what_is_no_picture_is_an_error(picture, said):
    with pytest.raises(TokenizerError, match=said):
        make().fit([picture])


def test_no_pictures_is_an_error():
    with pytest.raises(TokenizerError, match="no pictures"):
        make().fit([])
    with pytest.raises(TokenizerError, match="no palette yet"):
        make().encode([noise()])


def test_pictures_of_mixed_sizes_are_fitted_but_not_encoded_together():
    tokenizer = make(colors=8).fit([noise(1, (4, 5, 3)), noise(2, (6, 3, 3))])
    with pytest.raises(TokenizerError, match="2 sizes"):
        tokenizer.encode([noise(1, (4, 5, 3)), noise(2, (6, 3, 3))])


def test_transparency_is_kept_or_laid_on_white():
    picture = noise(3, (8, 8, 4))
    picture[:4, :, 3] = 0
    kept = make(colors=64).fit([picture])
    painted = kept.decode(kept.encode([picture]))[0]
    assert kept.palette.shape[1] == 4
    assert (painted[:4] == 0).all()
    laid = make(colors=64, alpha="white").fit([picture])
    assert laid.palette.shape[1] == 3
    assert (laid.decode(laid.encode([picture]))[0, :4] == 255).all()


def test_a_picture_with_alpha_after_one_without():
    tokenizer = make(colors=300)
    both = [noise(1, (4, 4, 3)), noise(2, (4, 4, 4))]
    tokenizer.fit(both)
    other = make(colors=300).fit(both[::-1])
    np.testing.assert_array_equal(tokenizer.palette, other.palette)
    assert tokenizer.palette.shape[1] == 4


def test_tokens_outside_the_vocabulary_are_an_error():
    tokenizer = make(colors=4).fit([noise()])
    with pytest.raises(TokenizerError, match="from 0 to 4"):
        tokenizer.decode(np.array([[[0, 4]]]))


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    colors=st.integers(1, 40),
    channels=st.sampled_from([3, 4]),
    space=st.sampled_from(["srgb", "linear", "oklab"]),
)
def test_tokens_survive_decoding_saving_and_loading(
    tmp_path_factory, seed, colors, channels, space
):
    pictures = [noise(seed, (6, 6, channels))]
    tokenizer = make(colors=colors, space=space).fit(pictures, seed=seed)
    tokens = tokenizer.encode(pictures)
    painted = tokenizer.decode(tokens)
    np.testing.assert_array_equal(tokenizer.decode(tokenizer.encode(painted)), painted)
    directory = tmp_path_factory.mktemp("tokenizer")
    tokenizer.save(directory)
    loaded = NumpyKMeans.load(directory)
    np.testing.assert_array_equal(loaded.palette, tokenizer.palette)
    np.testing.assert_array_equal(loaded.encode(pictures), tokens)
    assert loaded.options == tokenizer.options
    assert loaded.notes == tokenizer.notes


def test_a_loaded_palette_cannot_learn_more(tmp_path):
    make(colors=4).fit([noise()]).save(tmp_path)
    with pytest.raises(TokenizerError, match="cannot learn more"):
        NumpyKMeans.load(tmp_path).partial_fit([noise()])


def damage(**changes):
    return lambda contents: contents | changes


@pytest.mark.parametrize(
    "change",
    [
        damage(palette=[]),
        damage(palette=["zz0000"]),
        damage(palette=["00"]),
        damage(palette=3),
        damage(channels=5),
        damage(options={"colors": 0}),
        damage(options=None),
        damage(format=99),
        damage(kind="rgb-grid"),
        lambda contents: [contents],
        lambda contents: {key: contents[key] for key in ("kind", "format")},
    ],
)
def test_a_damaged_file_is_unreadable(tmp_path, change):
    make(colors=4).fit([noise()]).save(tmp_path)
    file = tmp_path / "tokenizer.json"
    file.write_text(json.dumps(change(json.loads(file.read_text()))))
    with pytest.raises(RunUnreadable):
        NumpyKMeans.load(tmp_path)


def test_a_missing_or_cut_file_is_unreadable(tmp_path):
    with pytest.raises(RunUnreadable, match="missing"):
        NumpyKMeans.load(tmp_path)
    make(colors=4).fit([noise()]).save(tmp_path)
    file = tmp_path / "tokenizer.json"
    file.write_bytes(file.read_bytes()[:40])
    with pytest.raises(RunUnreadable, match="damaged"):
        NumpyKMeans.load(tmp_path)
