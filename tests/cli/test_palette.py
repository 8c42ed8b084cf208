"""`pixelgen palette`: colours, their error, palette files, a comparison."""

from __future__ import annotations

import numpy as np
from PIL import Image

from pixelgen.tokenizers.palette_file import read_palette


def test_colours_are_shown_with_their_error(pixelgen, folder):
    called = pixelgen("palette", folder, "--colors", 8)
    assert called.code == 0
    assert called.out.count("#") == 8
    assert "MSE" in called.out
    assert "dB" in called.out


def test_palette_files_and_a_before_after_picture_are_written(pixelgen, folder, tmp_path):
    outs = [tmp_path / f"colours{ending}" for ending in (".gpl", ".hex", ".png")]
    words = [word for path in outs for word in ("--out", path)]
    called = pixelgen(
        "palette", folder, "--colors", 6, *words, "--before-after", tmp_path / "b.png"
    )
    assert called.code == 0
    first, *others = [read_palette(path) for path in outs]
    assert first.shape == (6, 3)
    assert all((first == other).all() for other in others)
    assert np.asarray(Image.open(tmp_path / "b.png")).ndim == 3


def test_quantizers_are_set_against_each_other(pixelgen, folder):
    called = pixelgen("palette", folder, "--colors", 8, "--compare", "numpy-kmeans,octree")
    assert called.code == 0
    assert "numpy-kmeans" in called.out
    assert "octree" in called.out


def test_a_file_of_an_unknown_kind_is_refused_before_any_work(pixelgen, folder, tmp_path):
    called = pixelgen("palette", folder, "--out", tmp_path / "colours.doc")
    assert called.code == 2
    assert ".gpl" in called.err
    assert not (tmp_path / "colours.doc").exists()


def test_an_unknown_quantizer_names_the_nearest(pixelgen, folder):
    called = pixelgen("palette", folder, "-q", "octre")
    assert called.code == 2
    assert "octree" in called.err


def test_nothing_to_compare_is_said(pixelgen, folder):
    pixelgen("palette", folder, "--compare", ", ").assert_explained("names no quantizer")


def test_a_number_of_colours_that_changes_nothing_is_refused(pixelgen, folder):
    words = ["palette", folder, "-o", "quantizer.palette=pico-8", "-q", "fixed-palette"]
    pixelgen(*words, "--colors", 8).assert_explained("how many colours", "--colors", "Leave it out")
    assert pixelgen(*words).code == 0
    both = pixelgen("palette", folder, "--colors", 8, "--compare", "octree,patch-kmeans")
    assert both.code == 0, both.err
