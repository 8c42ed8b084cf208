"""The pictures of an evaluation: heat maps, and pairs side by side."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from pixelgen.data.alpha import on_white
from pixelgen.evaluation.record import Region, Transform
from pixelgen.report.contact_sheet import PAPER

# From nearly black over red to pale yellow: dark and light alone tell more from less.
_HEAT = np.array([(8, 6, 24), (76, 18, 92), (176, 44, 78), (236, 112, 40), (250, 246, 176)], float)
ENLARGED = 300  # pixels that a picture of a pair is at least wide, where it is enlarged
MARK = (255, 60, 60)


def heat_map(bits: np.ndarray, token_shape: tuple[int, int], scale: float) -> np.ndarray:
    """Return bits (gh, gw) as a picture (H, W, 3) uint8, brightest from `scale` on."""
    level = np.clip(bits / max(scale, 1e-9), 0, 1) * (len(_HEAT) - 1)
    low = np.minimum(level.astype(int), len(_HEAT) - 2)
    share = (level - low)[..., None]
    colours = np.rint(_HEAT[low] * (1 - share) + _HEAT[low + 1] * share).astype(np.uint8)
    return np.repeat(np.repeat(colours, token_shape[0], axis=0), token_shape[1], axis=1)


def side_by_side(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return two pictures (H, W, 3 or 4) of one size with a gap between: (H, W', 3) uint8."""
    left, right = on_white(first), on_white(second)
    gap = np.full((len(left), max(1, left.shape[1] // 24), 3), PAPER, np.uint8)
    return np.concatenate([left, gap, right], axis=1)


def pair(
    sample: np.ndarray, training: np.ndarray, region: Region, transform: Transform
) -> Image.Image:
    """Return a sample and its nearest training picture, enlarged, the region framed in both."""
    height, width = sample.shape[:2]
    factor = max(1, -(-ENLARGED // width))
    gap = max(4, width * factor // 24)
    sheet = Image.new("RGB", (2 * width * factor + gap, height * factor), PAPER)
    draw = ImageDraw.Draw(sheet)
    boxes = (region, source_region(region, transform, width))
    for index, (pixels, box) in enumerate(zip((sample, training), boxes, strict=True)):
        left = index * (width * factor + gap)
        image = Image.fromarray(on_white(pixels))
        sheet.paste(
            image.resize((width * factor, height * factor), Image.Resampling.NEAREST), (left, 0)
        )
        x, y = box.left, box.top
        corners = (x, y, min(x + box.width, width), min(y + box.height, height))
        scaled = [max(0, corner) * factor for corner in corners]
        draw.rectangle(
            (left + scaled[0], scaled[1], left + scaled[2] - 1, scaled[3] - 1),
            outline=MARK,
            width=max(2, factor // 2),
        )
    return sheet


def source_region(region: Region, transform: Transform, width: int) -> Region:
    """Return where, in the upright training picture, a region of the sample comes from."""
    down, right = transform.shift
    scale = transform.scale
    top, left = (region.top - down) / scale, (region.left - right) / scale
    height, across = region.height / scale, region.width / scale
    if transform.mirrored:
        left = width - left - across
    return Region(top=round(top), left=round(left), height=round(height), width=round(across))
