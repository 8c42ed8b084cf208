"""How the pictures came to be: a strip and an animation of the same seeds, moment after moment."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from pixelgen.report.contact_sheet import INK, PAPER, png_bytes
from pixelgen.runs import atomic
from pixelgen.runs.directory import RunDirectory
from pixelgen.runs.moments import Moment, Moments, read_moments

STRIP_COLUMNS, STRIP_ROWS = 10, 6
STRIP_WIDTH = 1680  # pixels; pictures are enlarged by a whole number towards it
GIF_FRAMES, GIF_WIDTH = 40, 720
FRAME_MS, FINISHED_MS = 500, 3000
QUIET_INK = (128, 124, 116)
LEAST_COLUMN = 96  # pixels: room for a label


def write_evolution(run: RunDirectory) -> bool:
    """Write `evolution.png` and `evolution.gif` from the moments that a run has kept.

    Returns:
        Whether there was anything to show.

    Raises:
        RunUnreadable: a moment's pictures are missing.
        StorageError: the disk is full.
    """
    moments = read_moments(run)
    if moments is None or not moments.moments:
        return False
    atomic.write_bytes(run.path / "evolution.png", png_bytes(strip(moments)))
    atomic.write_bytes(run.path / "evolution.gif", animation(moments))
    return True


def chosen(moments: Sequence[Moment], most: int) -> list[Moment]:
    """Return at most so many moments, by equal ratios of epochs: early change is the quickest.

    The first and the last are always among them.
    """
    if len(moments) <= most:
        return list(moments)
    last = moments[-1]
    if most < 2:
        return [last]
    rest = list(moments[:-1])
    high = math.log1p(max(rest[-1].epoch, 1))
    picked = {0}
    for number in range(1, most - 1):
        wanted = math.expm1(high * number / (most - 2)) if most > 2 else 0.0
        free = [index for index in range(len(rest)) if index not in picked]
        picked.add(min(free, key=lambda index: (abs(rest[index].epoch - wanted), index)))
    return [*(rest[index] for index in sorted(picked)), last]


def title_of(moment: Moment) -> str:
    """Return `untrained`, `epoch 12`, `finished` or `so far`."""
    return moment.ending or (f"epoch {moment.epoch:,}" if moment.epoch else "untrained")


def bits_of(moment: Moment) -> str:
    """Return the held-out bits per pixel in words, the training bits where those are not known."""
    if moment.held_out_bits_per_pixel is not None:
        return f"{moment.held_out_bits_per_pixel:.2f} bits"
    if moment.train_bits_per_pixel is not None:
        return f"{moment.train_bits_per_pixel:.2f} trained"
    return ""


def strip(moments: Moments) -> Image.Image:
    """Return the strip: a column a moment, a row a temperature, or a seed where there is but one.

    Each column says its epoch and its held-out bits per pixel.
    """
    shown = chosen(moments.moments, STRIP_COLUMNS)
    width, height = moments.size
    columns = [_column(moments.load(moment)) for moment in shown]  # each (rows, H, W, C)
    rows = len(columns[0])
    scale = max(1, STRIP_WIDTH // (len(shown) * width))
    cell_width, cell_height = width * scale, height * scale
    pitch = max(cell_width, LEAST_COLUMN)
    gap, heading = max(4, min(12, cell_width // 16)), 50
    names = _row_names(moments)
    left = gap + (_widest(names) + 14 if names else 0)
    sheet = Image.new(
        "RGB",
        (left + len(shown) * (pitch + gap), heading + rows * (cell_height + gap)),
        PAPER,
    )
    draw = ImageDraw.Draw(sheet)
    for row, name in enumerate(names):
        middle = heading + row * (cell_height + gap) + cell_height // 2
        draw.text((gap, middle), name, INK, font=_font(), anchor="lm")
    for number, (moment, pictures) in enumerate(zip(shown, columns, strict=True)):
        x = left + number * (pitch + gap)
        draw.text((x, 8), title_of(moment), INK, font=_font())
        draw.text((x, 26), bits_of(moment), QUIET_INK, font=_font())
        for row, pixels in enumerate(pictures):
            _paste(sheet, pixels, (x, heading + row * (cell_height + gap)), scale)
    return sheet


def animation(moments: Moments) -> bytes:
    """Return the bytes of a GIF that repeats for ever, its finished frame held longer."""
    shown = chosen(moments.moments, GIF_FRAMES)
    width, height = moments.size
    rows, columns = len(moments.temperatures), moments.pictures
    if rows == 1 and columns > 3:
        columns = math.ceil(columns / 2)
    scale = max(1, GIF_WIDTH // (columns * width))
    frames = []
    for moment in shown:
        loaded = moments.load(moment)
        pictures = loaded.reshape(-1, *loaded.shape[2:])
        lines = math.ceil(len(pictures) / columns)
        gap, heading = 4 if scale > 1 else 2, 30
        sheet = Image.new(
            "RGB",
            (
                max(gap + columns * (width * scale + gap), 200),
                heading + lines * (height * scale + gap),
            ),
            PAPER,
        )
        draw = ImageDraw.Draw(sheet)
        title, bits = title_of(moment), bits_of(moment)
        draw.text((gap, 7), title, INK, font=_font())
        draw.text((sheet.width - gap, 7), bits, QUIET_INK, font=_font(), anchor="ra")
        for number, pixels in enumerate(pictures):
            line, column = divmod(number, columns)
            place = (gap + column * (width * scale + gap), heading + line * (height * scale + gap))
            _paste(sheet, pixels, place, scale)
        frames.append(
            sheet.quantize(256, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
        )
    durations = [FRAME_MS] * (len(frames) - 1) + [FINISHED_MS]
    buffer = io.BytesIO()
    frames[0].save(
        buffer,
        "GIF",
        save_all=True,
        append_images=frames[1:],
        duration=durations,
        loop=0,
        optimize=False,
    )
    return buffer.getvalue()


def _column(pictures: np.ndarray) -> np.ndarray:
    """What a strip shows of a moment: some seeds, or the first seed at each temperature."""
    column: np.ndarray = pictures[:, 0] if len(pictures) > 1 else pictures[0]
    return column[:STRIP_ROWS]


def _row_names(moments: Moments) -> list[str]:
    if len(moments.temperatures) == 1:
        return []
    return [f"temperature {value:g}" for value in moments.temperatures[:STRIP_ROWS]]


def _widest(names: Sequence[str]) -> int:
    return math.ceil(max(_font().getlength(name) for name in names))


def _font() -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size=15)


def _paste(sheet: Image.Image, pixels: np.ndarray, place: tuple[int, int], scale: int) -> None:
    picture = Image.fromarray(pixels)
    picture = picture.resize(
        (picture.width * scale, picture.height * scale), Image.Resampling.NEAREST
    )
    mask = picture.getchannel("A") if picture.mode == "RGBA" else None
    sheet.paste(picture.convert("RGB"), place, mask)
