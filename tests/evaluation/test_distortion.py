"""How much a tokenizer changes pictures, against figures worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from pixelgen.evaluation.distortion import measure
from pixelgen.options import parse_options
from pixelgen.tokenizers.fixed_palette import FixedPalette


def with_palette(tmp_path, *colours: str) -> FixedPalette:
    path = tmp_path / "palette.hex"
    path.write_text("\n".join(colours))
    options = parse_options(FixedPalette.Options, {"palette": str(path)}, owner="fixed-palette")
    return FixedPalette(options).fit([])


def test_nothing_is_lost_where_every_colour_is_in_the_palette(tmp_path):
    found = measure(with_palette(tmp_path, "000000", "ffffff"), [np.zeros((4, 4, 3), np.uint8)])
    assert (found.distortion.mse, found.distortion.delta_e) == (0, 0)
    assert found.distortion.psnr == math.inf


def test_the_error_of_one_colour_is_its_distance_to_the_nearest(tmp_path):
    picture = np.full((2, 3, 3), 10, np.uint8)
    found = measure(with_palette(tmp_path, "000000", "ffffff"), [picture]).distortion
    assert found.mse == pytest.approx(100)
    assert found.psnr == pytest.approx(10 * math.log10(255**2 / 100))
    assert 0 < found.delta_e < 0.3


def test_black_and_white_are_one_apart(tmp_path):
    picture = np.full((2, 2, 3), 255, np.uint8)
    found = measure(with_palette(tmp_path, "000000"), [picture]).distortion
    assert found.delta_e == pytest.approx(1, abs=1e-3)
