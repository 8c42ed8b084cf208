"""`pixelgen complete`: variants of a picture of which a part is kept."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pixelgen.cli.painting import named_apart

RUN = Path("runs/pictures-1")


@pytest.fixture(autouse=True)
def _trained(learn):
    assert learn("--epochs", 1, "-n", 1).code == 0


@pytest.fixture
def picture(folder) -> Path:
    return folder / "picture-3.png"


def test_the_last_line_is_a_sheet_and_each_variant_is_a_file_of_its_own(pixelgen, picture):
    called = pixelgen("complete", RUN, picture, "--keep", 0.5, "-n", 3)
    assert called.code == 0
    assert called.last == RUN / "completions" / named_apart(picture) / "contact-sheet.png"
    files = sorted(called.last.parent.glob("seed*.png"))
    assert [file.name for file in files] == [f"seed1-000{number}.png" for number in range(3)]
    original = np.asarray(Image.open(picture))
    for file in files:
        np.testing.assert_array_equal(np.asarray(Image.open(file))[:6], original[:6])
    sheet = Image.open(called.last)
    assert sheet.width > 4 * sheet.height  # five pictures in a row


@pytest.mark.parametrize(
    ("words", "place"),
    [
        (["--keep", 0.25], "keep=0.25"),
        (["--keep", 0.5, "--temperature", 1.0], "."),
        (["--width", 20, "--in-palette"], "20x12_in_palette=True"),
        (["--temperature", 0.5], "temperature=0.5"),
        (["-o", "sampler.temperature=0.5"], "temperature=0.5"),
        (["--temperature", "0.5,1", "-s", "top-k", "-o", "sampler.k=2"], "sampler=top-k_k=2"),
        (["--temperature-schedule", "1:0.5", "--best-of", 2], "temperature=1-0.5_best_of=2"),
    ],
)
def test_what_is_completed_otherwise_replaces_nothing(pixelgen, picture, words, place):
    usual = RUN / "completions" / named_apart(picture)
    assert pixelgen("complete", RUN, picture, "-n", 1).last == usual / "contact-sheet.png"
    before = {file: file.read_bytes() for file in usual.glob("*.png")}
    called = pixelgen("complete", RUN, picture, "-n", 1, *words)
    assert called.last == usual / place / "contact-sheet.png"
    if place != ".":
        assert before == {file: file.read_bytes() for file in usual.glob("*.png")}


def test_colours_that_the_palette_has_not_are_told(pixelgen, picture, tmp_path):
    assert "that the palette has not" in pixelgen("complete", RUN, picture).err
    own = pixelgen("complete", RUN, picture, "--in-palette", "--keep", 0.9, "--out", "own")
    assert own.code == 0
    inside = np.asarray(Image.open("own/seed1-0000.png"))
    Image.fromarray(inside).save(tmp_path / "inside.png")
    assert "palette" not in pixelgen("complete", RUN, tmp_path / "inside.png").err


def test_a_mask_says_what_is_kept(pixelgen, picture, tmp_path):
    mask = np.zeros((12, 12), np.uint8)
    mask[:, :5] = 255
    Image.fromarray(mask).save(tmp_path / "mask.png")
    words = ["--mask", tmp_path / "mask.png", "-n", 1, "--best-of", 2, "--out", "new"]
    assert pixelgen("complete", RUN, picture, *words).code == 0
    got, original = (np.asarray(Image.open(p)) for p in ("new/seed1-0000.png", picture))
    np.testing.assert_array_equal(got[:, :5], original[:, :5])
    assert (got[:, 5:] != original[:, 5:]).any()


def test_temperatures_are_a_row_each_and_sizes_may_be_others(pixelgen, picture):
    words = ["--temperature", "0.5,1", "-n", 2, "--width", 20, "--out", "new"]
    assert pixelgen("complete", RUN, picture, *words).code == 0
    names = sorted(file.name for file in Path("new").glob("seed*.png"))
    assert names == [f"seed1-t{t}-000{number}.png" for t in ("0.5", "1") for number in range(2)]
    assert Image.open("new/seed1-t1-0000.png").size == (20, 12)


@pytest.mark.parametrize(
    ("words", "what", "remedy"),
    [
        (["--keep", 2], "2.0 of a picture", "0.5"),
        (["--mask", "no.png"], "mask cannot be used", "PNG"),
        (["--keep", 0.5, "--mask", "no.png"], "not by both", "Leave one"),
        (["--temperature", 1, "--temperature-schedule", "1:0.5"], "a course", "Leave one"),
        (["-o", "quantizer.colors=2"], "the tokenizer's", "again"),
    ],
)
def test_what_cannot_be_is_said_before_anything_is_made(pixelgen, picture, words, what, remedy):
    called = pixelgen("complete", RUN, picture, *words, "--out", "new")
    called.assert_explained(what, "", remedy)
    assert not Path("new").exists()


def test_a_picture_that_is_not_there_is_said(pixelgen):
    pixelgen("complete", RUN, "no.png").assert_explained("picture cannot be used", "no.png")
