"""Contact sheets: every picture is there, enlarged by a whole number, in its row."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from pixelgen.report.contact_sheet import (
    MOST_COLUMNS,
    PAPER,
    contact_sheet,
    most_on_sheet,
    png_bytes,
)


def swatches(count, height=4, width=5, channels=3, first=0):
    """Pictures of one colour each, so that they can be found again on a sheet."""
    pictures = np.empty((count, height, width, channels), np.uint8)
    for number in range(count):
        pictures[number] = (10 + first + number, 0, 200, 255)[:channels]
    return pictures


def found(sheet, red):
    """Return the rows and columns of the sheet that show the swatch of this red."""
    pixels = np.asarray(sheet)
    there = (pixels == (red, 0, 200)).all(axis=-1)
    return np.flatnonzero(there.any(axis=1)), np.flatnonzero(there.any(axis=0)), there.sum()


@pytest.mark.parametrize("count", [1, 3, MOST_COLUMNS, MOST_COLUMNS + 1, 20])
def test_every_picture_is_shown_whole_and_equally_large(count):
    sheet = contact_sheet([swatches(count)])
    assert sheet.mode == "RGB"
    sizes = set()
    for number in range(count):
        rows, columns, pixels = found(sheet, 10 + number)
        assert pixels == len(rows) * len(columns)
        sizes.add((len(rows), len(columns)))
    [(height, width)] = sizes
    assert height % 4 == width % 5 == 0
    assert height // 4 == width // 5 >= 1


def test_a_row_that_is_too_long_is_broken():
    sheet = contact_sheet([swatches(MOST_COLUMNS + 1)])
    first, last = found(sheet, 10), found(sheet, 10 + MOST_COLUMNS)
    assert last[0][0] > first[0][-1]
    assert last[1][0] == first[1][0]


def test_rows_stand_below_one_another_with_their_labels():
    rows = [swatches(2), swatches(2, first=50)]
    plain, labelled = contact_sheet(rows), contact_sheet(rows, ["temperature 0.2", "temperature 1"])
    assert found(plain, 60)[0][0] > found(plain, 10)[0][-1]
    assert labelled.height > plain.height
    gap = np.asarray(labelled)[found(labelled, 10)[0][-1] + 1 : found(labelled, 60)[0][0]]
    assert (gap < 128).any()  # ink


def test_a_title_stands_above_everything():
    plain, titled = contact_sheet([swatches(1)]), contact_sheet([swatches(1)], title="Étretat")
    assert titled.height > plain.height
    assert titled.width == plain.width


def test_transparency_shows_the_paper():
    pictures = swatches(2, channels=4)
    pictures[1, ..., 3] = 0
    sheet = np.asarray(contact_sheet([pictures]))
    assert found(sheet, 10)[2] > 0
    assert found(sheet, 11)[2] == 0
    assert (sheet == PAPER).all(axis=-1).any()


def test_pictures_wider_than_the_sheet_are_not_shrunk():
    sheet = contact_sheet([swatches(2, height=3, width=2000)])
    assert len(found(sheet, 10)[1]) == 2000


def test_tall_pictures_are_not_enlarged_beyond_the_width_that_is_wanted():
    assert len(found(contact_sheet([swatches(1, height=400, width=100)]), 10)[0]) == 1200
    assert len(found(contact_sheet([swatches(1, height=5000, width=100)]), 10)[0]) == 5000


@pytest.mark.parametrize("channels", [3, 4])
def test_a_png_holds_the_very_pixels_and_is_the_same_each_time(channels):
    pixels = np.random.default_rng(0).integers(0, 256, (5, 7, channels), dtype=np.uint8)
    data = png_bytes(pixels)
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(data))), pixels)
    assert data == png_bytes(Image.fromarray(pixels))


@pytest.mark.parametrize(
    ("height", "width", "most"), [(75, 75, 64), (512, 512, 64), (1024, 1024, 16), (9000, 9000, 1)]
)
def test_of_large_pictures_few_are_shown(height, width, most):
    pictures = np.broadcast_to(np.zeros((1, 1, 1, 3), np.uint8), (100, height, width, 3))
    assert most_on_sheet(pictures) == most


def test_a_picture_that_is_larger_than_a_sheet_may_be_is_shrunk(monkeypatch):
    monkeypatch.setattr("pixelgen.report.contact_sheet.MOST_PIXELS", 10_000)
    pixels = np.full((1, 400, 100, 3), (9, 200, 30), np.uint8)
    sheet = contact_sheet([pixels])
    assert sheet.size == (6 * 50 + 2 * 12, 6 * 200 + 2 * 12)
    assert sheet.getpixel((20, 100)) == (9, 200, 30)
