"""Pillow's quantizers, given palettes, patches, and the files that palettes come in."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from pixelgen.errors import PixelgenError, TokenizerError
from pixelgen.options import parse_options
from pixelgen.plugins import catalogue
from pixelgen.tokenizers.interface import Tokenizer
from pixelgen.tokenizers.palette_file import read_palette, write_palette

LEARNED = ("numpy-kmeans", "median-cut", "octree", "rgb-grid")
ENDINGS = (".gpl", ".hex", ".pal", ".ase", ".aco", ".png")


def made(name: str, **options: object) -> Tokenizer:
    loaded = catalogue().load("tokenizer", name)
    tokenizer: Tokenizer = loaded(parse_options(loaded.Options, options, owner=name))
    return tokenizer


def pictures(count: int = 3, side: int = 16, channels: int = 3) -> list[np.ndarray]:
    generator = np.random.default_rng(5)
    return list(generator.integers(0, 256, (count, side, side, channels), dtype=np.uint8))


def fitted(name: str) -> Tokenizer:
    options = {
        "fixed-palette": {"palette": "pico-8"},
        "patch-kmeans": {"patches": 20},
    }.get(name, {"colors": 16})
    return made(name, **options).fit(pictures(), seed=3)


@pytest.mark.parametrize("name", [*LEARNED, "fixed-palette", "patch-kmeans"])
class TestEveryTokenizer:
    def test_tokens_are_within_the_vocabulary_and_shaped_as_the_grid(self, name: str) -> None:
        tokenizer = fitted(name)
        tokens = tokenizer.encode(pictures())
        height, width = tokenizer.token_shape
        assert tokens.dtype == np.int32
        assert tokens.shape == (3, 16 // height, 16 // width)
        assert 0 <= tokens.min() <= tokens.max() < tokenizer.vocab_size

    def test_a_picture_of_tokens_is_its_own_picture(self, name: str) -> None:
        tokenizer = fitted(name)
        drawn = tokenizer.decode(tokenizer.encode(pictures()))
        assert drawn.dtype == np.uint8
        assert drawn.shape == (3, 16, 16, 3)
        assert (tokenizer.decode(tokenizer.encode(drawn)) == drawn).all()

    def test_what_is_saved_and_loaded_encodes_and_decodes_the_same(
        self, name: str, tmp_path: Path
    ) -> None:
        tokenizer = fitted(name)
        tokenizer.save(tmp_path)
        loaded = type(tokenizer).load(tmp_path)
        tokens = tokenizer.encode(pictures())
        assert (loaded.encode(pictures()) == tokens).all()
        assert (loaded.decode(tokens) == tokenizer.decode(tokens)).all()

    def test_the_same_seed_learns_the_same(self, name: str) -> None:
        one, other = fitted(name), fitted(name)
        assert (one.encode(pictures()) == other.encode(pictures())).all()

    def test_nothing_to_encode_gives_no_tokens_or_a_clear_error(self, name: str) -> None:
        try:
            tokens = fitted(name).encode([])
        except PixelgenError as error:
            assert error.remedy
        else:
            assert len(tokens) == 0


@pytest.mark.parametrize("name", ["numpy-kmeans", "fixed-palette"])
@pytest.mark.parametrize("dither", ["floyd-steinberg", "blue-noise"])
def test_dithering_keeps_the_mean_of_an_area_better(name: str, dither: str, tmp_path: Path) -> None:
    (tmp_path / "ink.hex").write_text("000000\nffffff\n")
    black_and_white = [np.full((4, 4, 3), level, np.uint8) for level in (0, 255)]
    grey = [np.full((32, 32, 3), 100, np.uint8)]
    palette = {"colors": 2} if name == "numpy-kmeans" else {"palette": str(tmp_path / "ink.hex")}
    errors = []
    for how in ("none", dither):
        tokenizer = made(name, dither=how, **palette).fit(black_and_white, seed=1)
        drawn = tokenizer.decode(tokenizer.encode(grey))
        errors.append(abs(drawn.astype(float).mean() - 100))
    assert errors[1] < errors[0]


@pytest.mark.parametrize("name", ["median-cut", "octree"])
def test_the_last_pixel_counts_no_more_than_any_other(name: str) -> None:
    # Dark and light in equal parts, and one pixel more than a row of Pillow's image has.
    dark, light = np.full((1, 8192, 3), 20, np.uint8), np.full((1, 8192, 3), 200, np.uint8)
    last = np.full((1, 1, 3), 255, np.uint8)
    palette = made(name, colors=2).fit([dark, light, last]).palette
    assert palette is not None
    assert np.abs(palette.astype(int) - [[20] * 3, [200] * 3]).max() <= 1


@pytest.mark.parametrize("ending", ENDINGS)
@given(
    palette=arrays.arrays(
        np.uint8, st.tuples(st.integers(1, 40), st.just(3)), elements=st.integers(0, 255)
    )
)
def test_a_palette_survives_every_format(
    ending: str, palette: np.ndarray, tmp_path_factory: pytest.TempPathFactory
) -> None:
    palette = palette[np.sort(np.unique(palette, axis=0, return_index=True)[1])]
    path = tmp_path_factory.mktemp("palettes") / f"palette{ending}"
    write_palette(path, palette)
    assert (read_palette(path) == palette).all()


@pytest.mark.parametrize("ending", ENDINGS)
@given(data=st.binary(max_size=200))
def test_rubbish_is_no_palette_and_says_so(
    ending: str, data: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("palettes") / f"rubbish{ending}"
    path.write_bytes(data)
    try:
        palette = read_palette(path)
    except PixelgenError as error:
        assert str(path) in str(error)
    else:
        assert palette.dtype == np.uint8
        assert palette.shape[1] in (3, 4)


def test_an_unknown_palette_names_the_nearest() -> None:
    with pytest.raises(TokenizerError, match="Did you mean 'gameboy'"):
        made("fixed-palette", palette="gamboy").fit([])


def test_patches_are_counted_in_pixels_of_their_own_shape() -> None:
    tokenizer = made("patch-kmeans", patches=8, height=2, width=4).fit(pictures(), seed=1)
    assert tokenizer.token_shape == (2, 4)
    assert tokenizer.palette is None
    assert tokenizer.encode(pictures()).shape == (3, 8, 4)
