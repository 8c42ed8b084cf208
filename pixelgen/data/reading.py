"""From a file to pixels: whatever Pillow reads, as 8-bit sRGB the right way up."""

from __future__ import annotations

import threading
import warnings
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from pixelgen.data.fitting import KEPT_SIZES, shrink_picture
from pixelgen.sources.interface import BadPicture, Picture
from pixelgen.untrusted import NotRegular, check_regular

# Formats that hold pixels and nothing that is run: PostScript, for one, would start Ghostscript.
FORMATS = (
    *("JPEG", "PNG", "WEBP", "GIF", "BMP", "DIB", "TIFF"),
    *("AVIF", "JPEG2000", "PPM", "QOI", "TGA"),
)
EXTENSIONS = frozenset(
    {
        *(".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".apng", ".webp", ".gif", ".bmp"),
        *(".dib", ".tif", ".tiff", ".avif", ".jp2", ".ppm", ".pgm", ".pbm", ".pnm", ".qoi", ".tga"),
    }
)

PILLOWS_LIMIT = 178_956_970  # pixels beyond which Pillow refuses to open a file
MOST_PIXELS = PILLOWS_LIMIT // 2  # where Pillow begins to warn: a quarter of a gigabyte as RGB

_opening = threading.Lock()


@dataclass(frozen=True)
class PictureFile:
    """Where a picture is, and what it will be called."""

    path: Path
    name: str
    group: str = ""


@dataclass(frozen=True)
class EncodedPicture:
    """A whole picture file that is in memory already, and what it will be called."""

    data: bytes
    name: str
    group: str = ""


def read_picture(
    file: PictureFile | EncodedPicture,
    size: tuple[int, int],
    *,
    alpha: bool = False,
    max_pixels: int = MOST_PIXELS,
) -> Picture | BadPicture:
    """Read one file; what cannot be read comes back as a `BadPicture`, never as an exception.

    Of several frames or pages the first is taken; the orientation in EXIF is applied; CMYK,
    palette, grey and 1-bit pictures become RGB. 16-bit grey is scaled to 8 bits; wider numbers are
    taken to range to 1 (floats), 255 or 65,535, whichever is the first to hold them all, and
    otherwise over their own range. Colour profiles are not applied.

    Args:
        file: what to read, on disk or in memory.
        size: (width, height) at which the picture will be used; a much larger one is shrunk, but
            to no less than twice that.
        alpha: keep transparency, as (H, W, 4); otherwise it is laid on white.
        max_pixels: larger pictures are refused before they are unpacked.
    """
    try:
        if isinstance(file, PictureFile):
            check_regular(file.path)
        with _opened(file) as image:
            width, height = image.size
            if width * height > max_pixels:
                return BadPicture(
                    file.name,
                    f"it has {width}×{height} pixels; more than {max_pixels:,} may be an attack "
                    "on memory, unless max_pixels is raised",
                )
            # A JPEG can be unpacked at a half, a quarter or an eighth. Both sides may be swapped.
            enough = (KEPT_SIZES + 1) * max(size)
            image.draft(None, (enough, enough))
            pixels = _pixels(image, alpha)
    except Exception as error:  # a damaged file can raise nearly anything inside a decoder
        return BadPicture(file.name, _reason(error))
    return Picture(file.name, shrink_picture(pixels, size), file.group)


def read_entry(
    entry: PictureFile | EncodedPicture | BadPicture, size: tuple[int, int], **asked: Any
) -> Picture | BadPicture:
    """Read a source's entry as `read_picture` does; what was bad before it was read stays so."""
    return entry if isinstance(entry, BadPicture) else read_picture(entry, size, **asked)


def _opened(file: PictureFile | EncodedPicture) -> Image.Image:
    place = BytesIO(file.data) if isinstance(file, EncodedPicture) else file.path
    # Pillow's warning about many pixels would come beside our own limit. Python's warning filters
    # are shared by all threads, so they are changed by one thread at a time.
    with _opening, warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        return Image.open(place, formats=_formats())


@cache
def _formats() -> list[str]:
    """Those of the formats that this Pillow knows; older ones had no AVIF."""
    Image.init()
    return [name for name in FORMATS if name in Image.OPEN]


def _pixels(image: Image.Image, alpha: bool) -> np.ndarray:
    image.load()
    with suppress(Exception):  # EXIF that makes no sense says nothing about the pixels
        ImageOps.exif_transpose(image, in_place=True)
    if image.mode == "F" or image.mode.startswith("I"):
        grey = _eight_bits(np.asarray(image))
        return np.repeat(grey[..., None], 3, axis=-1)
    if not image.has_transparency_data:
        return np.asarray(image.convert("RGB"))
    image = image.convert("RGBA")
    if image.getchannel("A").getextrema() == (255, 255):
        return np.asarray(image.convert("RGB"))
    if alpha:
        return np.asarray(image)
    white = Image.new("RGBA", image.size, "white")
    return np.asarray(Image.alpha_composite(white, image).convert("RGB"))


def _eight_bits(values: np.ndarray) -> np.ndarray:
    """Scale grey numbers of any type to uint8."""
    numbers = np.where(np.isfinite(values), values, 0).astype(np.float64)
    low, high = float(numbers.min()), float(numbers.max())
    if values.dtype.itemsize == 2:
        low, high = 0.0, 65_535.0
    else:
        ranges = (1.0, 255.0, 65_535.0) if values.dtype.kind == "f" else (255.0, 65_535.0)
        for full in ranges:
            if low >= 0 and high <= full:
                low, high = 0.0, full
                break
    scaled: np.ndarray = (numbers - low) * (255 / max(high - low, 1e-30))
    return np.rint(scaled).astype(np.uint8)


def _reason(error: Exception) -> str:
    if isinstance(error, UnidentifiedImageError):
        return "it is damaged, or no picture of a known format"
    if isinstance(error, NotRegular):
        return str(error)
    if isinstance(error, OSError) and error.strerror:  # from the system, without the path
        return f"it cannot be opened: {error.strerror}"
    return f"it is damaged: {error or type(error).__name__}"
