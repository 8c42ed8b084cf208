"""rgb-grid has uniform levels, and as many as fit."""

import numpy as np
import pytest

from pixelgen.errors import OptionError
from pixelgen.options import parse_options
from pixelgen.tokenizers.rgb_grid import RGBGrid, levels_for


def make(**options):
    return RGBGrid(parse_options(RGBGrid.Options, options, owner="rgb-grid"))


@pytest.mark.parametrize(
    ("colors", "levels"),
    [
        (8, (2, 2, 2)),
        (11, (2, 2, 2)),
        (12, (2, 3, 2)),
        (26, (3, 3, 2)),
        (27, (3, 3, 3)),
        (512, (8, 8, 8)),
        (65_536, (40, 40, 40)),
    ],
)
def test_levels_are_as_many_and_as_equal_as_can_be(colors, levels):
    assert levels_for(colors) == levels


def test_the_corners_of_the_cube_are_in_the_palette():
    palette = {tuple(colour) for colour in make(colors=27).palette.tolist()}
    assert {(0, 0, 0), (255, 255, 255), (255, 0, 0), (128, 128, 128)} <= palette


def test_levels_can_be_given_for_each_channel():
    tokenizer = make(levels=[2, 4, 3])
    assert tokenizer.vocab_size == 24
    assert tokenizer.notes == []


@pytest.mark.parametrize("levels", [[1, 2, 3], [2, 2, 257], [256, 256, 2], [2, 2]])
def test_impossible_levels_are_an_error(levels):
    with pytest.raises(OptionError, match="levels"):
        make(levels=levels)


def test_fewer_colours_than_asked_are_said():
    assert "27 colours, 3×3×3 levels" in make(colors=30).notes[0]


def test_pictures_go_to_their_nearest_levels_and_survive_saving(tmp_path):
    picture = np.array([[[1, 2, 250], [100, 140, 30]]], np.uint8)
    tokenizer = make(colors=27).fit([picture])
    painted = tokenizer.decode(tokenizer.encode([picture]))
    assert painted.tolist() == [[[[0, 0, 255], [128, 128, 0]]]]
    tokenizer.save(tmp_path)
    loaded = RGBGrid.load(tmp_path)
    np.testing.assert_array_equal(loaded.palette, tokenizer.palette)
    assert loaded.vocab_size == 27
