import io
import struct
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, features

from pixelgen.data.reading import EXTENSIONS, FORMATS, PictureFile, _eight_bits, read_picture
from pixelgen.sources.interface import BadPicture, Picture

SIZE = (16, 16)
RED, GREEN, BLUE = (220, 30, 40), (20, 200, 60), (30, 40, 210)
ORIENTATION = 0x0112


def good(path: Path, **settings) -> np.ndarray:
    found = read_picture(PictureFile(path, path.name, "group"), SIZE, **settings)
    assert isinstance(found, Picture), found
    assert (found.name, found.group) == (path.name, "group")
    assert found.pixels.dtype == np.uint8
    return found.pixels


def bad(path: Path, **settings) -> str:
    found = read_picture(PictureFile(path, path.name), SIZE, **settings)
    assert isinstance(found, BadPicture)
    assert found.name == path.name
    return found.reason


def two_colours() -> Image.Image:
    """24 × 16: red on the left, blue on the right."""
    image = Image.new("RGB", (24, 16), RED)
    image.paste(BLUE, (12, 0, 24, 16))
    return image


def is_two_colours(pixels: np.ndarray, tolerance: int = 12) -> bool:
    assert pixels.shape == (16, 24, 3)
    far = np.abs(pixels.astype(int) - np.asarray(two_colours()).astype(int))
    return bool(far[:, [2, -3]].max() <= tolerance)


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("a.jpg", {"quality": 95, "subsampling": 0}),
        ("a.png", {}),
        ("a.webp", {"lossless": True}),
        ("a.gif", {}),
        ("a.bmp", {}),
        ("a.tif", {}),
        ("a.tiff", {"compression": "tiff_lzw"}),
        ("a.tga", {}),
        ("a.ppm", {}),
        ("a.qoi", {}),
        pytest.param(
            *("a.avif", {"quality": 95}),
            marks=pytest.mark.skipif(not features.check("avif"), reason="this Pillow has no AVIF"),
        ),
    ],
)
def test_each_format_is_read(tmp_path, name, settings):
    two_colours().save(tmp_path / name, **settings)
    assert is_two_colours(good(tmp_path / name))


def test_the_extension_may_lie_about_the_format(tmp_path):
    two_colours().save(tmp_path / "a.png")
    (tmp_path / "a.png").rename(tmp_path / "a.jpg")
    assert is_two_colours(good(tmp_path / "a.jpg"))


def test_every_extension_is_one_of_a_readable_format():
    Image.init()
    for extension in EXTENSIONS:
        known = Image.registered_extensions().get(extension)
        assert known in (*FORMATS, "MPO"), extension  # MPO is a JPEG with more of them behind it


@pytest.mark.parametrize("name", ["a.gif", "a.png", "a.webp", "a.tif", "a.mpo"])
def test_of_several_frames_the_first_is_taken(tmp_path, name):
    frames = [Image.new("RGB", (24, 16), colour) for colour in (GREEN, BLUE)]
    settings = {"quality": 95, "subsampling": 0} if name == "a.mpo" else {}
    two_colours().save(tmp_path / name, save_all=True, append_images=frames, **settings)
    assert is_two_colours(good(tmp_path / name))


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.webp", "a.tif"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_orientation_in_exif_is_applied(tmp_path, name, orientation):
    lying = {  # how a camera stores an upright picture under each orientation
        1: None,
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }[orientation]
    image = two_colours()
    stored = image if lying is None else image.transpose(lying)
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    settings = {"quality": 95} if name == "a.jpg" else {}
    settings |= {"lossless": True} if name == "a.webp" else {}
    stored.save(tmp_path / name, exif=exif, **settings)
    assert is_two_colours(good(tmp_path / name))


def test_senseless_exif_does_not_spoil_a_picture(tmp_path):
    two_colours().save(tmp_path / "a.jpg", quality=95, exif=b"Exif\0\0no such thing as this")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert is_two_colours(good(tmp_path / "a.jpg"))


@pytest.mark.parametrize("name", ["a.jpg", "a.tif"])
def test_cmyk_becomes_rgb(tmp_path, name):
    settings = {"quality": 95} if name == "a.jpg" else {}
    two_colours().convert("CMYK").save(tmp_path / name, **settings)
    assert is_two_colours(good(tmp_path / name))


def test_palettes_become_rgb(tmp_path):
    two_colours().quantize(2).save(tmp_path / "a.png")
    assert is_two_colours(good(tmp_path / "a.png"))


@pytest.mark.parametrize("mode", ["L", "1"])
def test_grey_and_black_and_white_become_rgb(tmp_path, mode):
    image = Image.new("L", (8, 8), 0)
    image.paste(255, (4, 0, 8, 8))
    image.convert(mode).save(tmp_path / "a.png")
    pixels = good(tmp_path / "a.png")
    assert pixels.shape == (8, 8, 3)
    assert (pixels[:, :4] == 0).all()
    assert (pixels[:, 4:] == 255).all()


@pytest.mark.parametrize("name", ["a.png", "a.tif"])
def test_16_bits_are_scaled_to_8(tmp_path, name):
    values = np.array([[0, 257, 128 * 257, 65_535]], np.uint16)
    Image.fromarray(values).save(tmp_path / name)
    assert good(tmp_path / name)[0, :, 0].tolist() == [0, 1, 128, 255]


def test_16_bits_that_are_all_dark_stay_dark(tmp_path):
    Image.fromarray(np.full((4, 4), 200, np.uint16)).save(tmp_path / "a.png")
    assert good(tmp_path / "a.png").max() == 1


def test_16_bits_of_colour_are_scaled_to_8(tmp_path):
    row = b"\0" + struct.pack(">6H", 65_535, 0, 128 * 257, 0, 65_535, 257)

    def chunk(kind: bytes, body: bytes) -> bytes:
        checksum = zlib.crc32(kind + body)
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", checksum)

    header = struct.pack(">IIBBBBB", 2, 1, 16, 2, 0, 0, 0)
    (tmp_path / "a.png").write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(row))
        + chunk(b"IEND", b"")
    )
    assert good(tmp_path / "a.png").tolist() == [[[255, 0, 128], [0, 255, 1]]]


@pytest.mark.parametrize(
    ("values", "greys"),
    [
        ([0.0, 0.5, 1.0], [0, 128, 255]),
        ([0.0, 128.0, 255.0], [0, 128, 255]),
        ([0.0, 32_896.0, 65_535.0], [0, 128, 255]),
        ([-10.0, 0.0, 10.0], [0, 128, 255]),
        ([0.0, float("nan"), 1.0], [0, 0, 255]),
        ([7e6, 7e6, 7e6], [0, 0, 0]),
    ],
)
def test_floats_are_scaled_by_the_range_that_holds_them(tmp_path, values, greys):
    Image.fromarray(np.array([values], np.float32)).save(tmp_path / "a.tif")
    assert good(tmp_path / "a.tif")[0, :, 0].tolist() == greys


@pytest.mark.parametrize(
    ("values", "greys"),
    [([0, 100, 255], [0, 100, 255]), ([0, 257, 65_535], [0, 1, 255]), ([-5, 0, 5], [0, 128, 255])],
)
def test_wide_integers_are_scaled_by_the_range_that_holds_them(tmp_path, values, greys):
    Image.fromarray(np.array([values], np.int32)).save(tmp_path / "a.tif")
    assert good(tmp_path / "a.tif")[0, :, 0].tolist() == greys


@given(st.lists(st.floats(width=32), min_size=1))
def test_any_numbers_make_greys(values):
    greys = _eight_bits(np.array([values], np.float32))
    assert greys.shape == (1, len(values))
    assert greys.dtype == np.uint8


def half_hidden(mode: str) -> Image.Image:
    """Green, of which the right half is transparent."""
    image = Image.new("RGBA", (8, 4), (*GREEN, 255))
    image.paste((*GREEN, 0), (4, 0, 8, 4))
    return image.convert(mode)


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_transparency_is_laid_on_white_unless_alpha_is_kept(tmp_path, mode):
    half_hidden(mode).save(tmp_path / "a.png")
    flat, kept = good(tmp_path / "a.png"), good(tmp_path / "a.png", alpha=True)
    assert flat.shape == (4, 8, 3)
    assert (flat[:, 4:] == 255).all()
    assert (flat[:, :4] == kept[:, :4, :3]).all()
    assert kept.shape == (4, 8, 4)
    assert (kept[:, :4, 3] == 255).all()
    assert (kept[:, 4:, 3] == 0).all()


def test_half_transparency_is_mixed_with_white(tmp_path):
    Image.new("RGBA", (2, 2), (0, 0, 0, 128)).save(tmp_path / "a.png")
    assert abs(int(good(tmp_path / "a.png")[0, 0, 0]) - 127) <= 1


@pytest.mark.parametrize("name", ["a.gif", "a.png"])
def test_a_transparent_palette_entry_is_transparent(tmp_path, name):
    image = Image.new("P", (8, 4), 0)
    image.putpalette([*GREEN, *BLUE])
    image.paste(1, (4, 0, 8, 4))
    image.save(tmp_path / name, transparency=1)
    assert (good(tmp_path / name)[:, 4:] == 255).all()
    assert (good(tmp_path / name, alpha=True)[:, 4:, 3] == 0).all()
    assert (good(tmp_path / name)[:, :4] == GREEN).all()


def test_alpha_that_hides_nothing_is_dropped(tmp_path):
    Image.new("RGBA", (4, 4), (*RED, 255)).save(tmp_path / "a.png")
    assert good(tmp_path / "a.png", alpha=True).shape == (4, 4, 3)


def test_a_photograph_is_shrunk_to_no_less_than_twice_the_size(tmp_path):
    two_colours().resize((600, 400)).save(tmp_path / "a.jpg", quality=95)
    pixels = good(tmp_path / "a.jpg")
    assert pixels.shape == (32, 48, 3)
    assert tuple(np.abs(pixels[5, 5].astype(int) - RED) < 8) == (True, True, True)


def test_a_picture_with_too_many_pixels_is_refused_before_it_is_unpacked(tmp_path):
    Image.new("1", (2000, 1000)).save(tmp_path / "a.png")
    assert "2000×1000 pixels" in bad(tmp_path / "a.png", max_pixels=1_999_999)
    assert good(tmp_path / "a.png", max_pixels=2_000_000).shape[-1] == 3


@pytest.mark.parametrize("side", [10_000, 40_000])
def test_a_decompression_bomb_is_refused_without_a_warning(tmp_path, side):
    # A header that promises much, and no more than that.
    file = io.BytesIO()
    Image.new("1", (8, 8)).save(file, "PNG")
    header = b"IHDR" + struct.pack(">II", side, side) + file.getvalue()[24:29]
    bomb = file.getvalue()[:12] + header + struct.pack(">I", zlib.crc32(header))
    (tmp_path / "a.png").write_bytes(bomb + file.getvalue()[33:])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert "pixels" in bad(tmp_path / "a.png")


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.webp", "a.bmp", "a.tif"])
def test_a_file_cut_short_is_bad(tmp_path, name):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / name)
    whole = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(whole[: len(whole) // 2])
    assert "damaged" in bad(tmp_path / name)


@pytest.mark.parametrize(
    "content", [b"", b"not a picture", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n"]
)
def test_what_only_looks_like_a_picture_is_bad(tmp_path, content):
    (tmp_path / "a.jpg").write_bytes(content)
    assert bad(tmp_path / "a.jpg") == "it is damaged, or no picture of a known format"


def test_a_file_that_is_gone_is_bad(tmp_path):
    assert bad(tmp_path / "gone.png") == "it cannot be opened: No such file or directory"


@given(st.binary(max_size=60), st.integers(0, 400))
def test_no_damage_makes_reading_raise(tmp_path_factory, damage, position):
    file = io.BytesIO()
    two_colours().save(file, "PNG")
    content = bytearray(file.getvalue())
    content[position : position + len(damage)] = damage
    path = tmp_path_factory.mktemp("damaged") / "a.png"
    path.write_bytes(content)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = read_picture(PictureFile(path, "a.png"), SIZE, max_pixels=10_000)
    assert isinstance(found, Picture | BadPicture)
