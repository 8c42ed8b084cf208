"""What `pixelgen palette` does between reading its options and showing its colours."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from pixelgen.data.alpha import on_white
from pixelgen.data.colour_order import for_the_eye
from pixelgen.errors import NoPictures, OptionError, TokenizerError, did_you_mean
from pixelgen.evaluation.distortion import Measured, measure
from pixelgen.options import parse_options
from pixelgen.plugins import catalogue
from pixelgen.runs.atomic import write_bytes
from pixelgen.sources.folder import Folder
from pixelgen.sources.interface import BadPicture
from pixelgen.tokenizers.interface import Tokenizer
from pixelgen.tokenizers.palette_file import ENDINGS

FULL_SIZE = (1 << 14, 1 << 14)  # pictures are read as they are
PICTURES_SHOWN = 4  # in the picture of before and after

Order = Callable[[np.ndarray, np.ndarray], np.ndarray]  # colours and shares to indices


class Readable:
    """The pictures of a place, read afresh each time: (H, W, 3) uint8, of any sizes.

    Attributes:
        bad: what could not be read, after the first time.
    """

    def __init__(self, location: str, *, recursive: bool) -> None:
        self._source = Folder(Folder.Options(recursive=recursive), location)
        self.bad: list[BadPicture] = []

    def __iter__(self) -> Iterator[np.ndarray]:
        bad = []
        good = 0
        for picture in self._source.pictures(FULL_SIZE):
            if isinstance(picture, BadPicture):
                bad.append(picture)
            else:
                good += 1
                yield picture.pixels
        self.bad = bad
        if not good:
            raise NoPictures(
                f"not one of {len(bad)} pictures can be read",
                where=f"{self._source.location}; the first is {bad[0].name}: {bad[0].reason}",
                remedy="Give a folder with pictures in it",
            )


@dataclass(frozen=True, eq=False)
class FittedQuantizer:
    """A quantizer that has seen the pictures.

    Attributes:
        name: of the plugin.
        tokenizer: fitted.
        seconds: how long reading and fitting took.
        measured: what it does to the pictures.
    """

    name: str
    tokenizer: Tokenizer
    seconds: float
    measured: Measured

    def colours(self) -> np.ndarray:
        """Return the colours (V, 3) uint8.

        Raises:
            TokenizerError: its tokens are not colours.
        """
        palette = self.tokenizer.palette
        if palette is None:
            raise TokenizerError(
                f"{self.name} has no palette: its tokens are more than a colour",
                where="in pixelgen palette",
                remedy="Choose a quantizer of colours, such as numpy-kmeans",
            )
        return on_white(palette)


def fit_quantizer(
    name: str,
    pictures: Readable,
    colors: int,
    options: Mapping[str, Any],
    *,
    seed: int,
    device: str,
) -> FittedQuantizer:
    """Fit one quantizer and measure it; `colors` is passed on where it is an option of it."""
    kind = catalogue().load("tokenizer", name)
    counted = {"colors": colors} if "colors" in kind.Options.model_fields else {}
    checked = parse_options(kind.Options, {**counted, **options}, owner=f"tokenizer {name}")
    tokenizer: Tokenizer = kind(checked, device=device)
    began = time.perf_counter()
    tokenizer.fit(pictures, seed=seed)
    seconds = time.perf_counter() - began
    return FittedQuantizer(name, tokenizer, seconds, measure(tokenizer, pictures))


def check_colors(names: Sequence[str]) -> None:
    """Refuse a number of colours where none of these quantizers would have a use for it.

    Raises:
        OptionError: none of them has the option `colors`.
    """
    kinds = [catalogue().load("tokenizer", name) for name in names]
    if not any("colors" in kind.Options.model_fields for kind in kinds):
        raise OptionError(
            f"{' and '.join(names)} cannot be told how many colours",
            where="in --colors",
            remedy=f"Leave it out. Options there are: pixelgen plugins show {names[0]}",
        )


def ordering(name: str) -> Order:
    """Return the order of this name: `eye`, `share` or `none`.

    Raises:
        OptionError: there is no such order.
    """
    if name not in _ORDERS:
        raise OptionError(
            f"colours cannot be sorted by {name!r}",
            where="in --sort",
            remedy=f"{did_you_mean(name, _ORDERS)}Known: {', '.join(_ORDERS)}",
        )
    return _ORDERS[name]


def check_outputs(paths: Sequence[Path], picture: Path | None) -> None:
    """Refuse, before any work, what could not be written at the end.

    Raises:
        OptionError: a file's ending is unknown, or its folder is missing.
    """
    for path in paths:
        known = (".png",) if path is picture else ENDINGS
        if path.suffix.lower() not in known:
            raise OptionError(
                f"nothing can be written as {path.suffix or 'a file without an ending'!r}",
                where=str(path),
                remedy=f"Known are {', '.join(known)}",
            )
        if not path.absolute().parent.is_dir():
            raise OptionError(
                f"there is no folder {str(path.parent)!r}", where=str(path), remedy="Make it first"
            )


def write_before_after(path: Path, pictures: Readable, tokenizer: Tokenizer) -> None:
    """Write a PNG of the first few pictures, each on the left, and on the right what is left of it.

    Raises:
        StorageError: the file cannot be written.
    """
    pairs = []
    height, width = tokenizer.token_shape
    for picture in pictures:
        kept = picture[: picture.shape[0] // height * height, : picture.shape[1] // width * width]
        if kept.size:
            after = on_white(tokenizer.decode(tokenizer.encode(kept[None])))[0]
            pairs.append(np.concatenate([on_white(kept), after], axis=1))
        if len(pairs) == PICTURES_SHOWN:
            break
    widest = max(pair.shape[1] for pair in pairs)
    rows = [
        np.pad(pair, ((0, 0), (0, widest - pair.shape[1]), (0, 0)), constant_values=255)
        for pair in pairs
    ]
    file = io.BytesIO()
    Image.fromarray(np.concatenate(rows)).save(file, "PNG")
    write_bytes(path, file.getvalue())


_ORDERS: dict[str, Order] = {
    "eye": lambda colours, shares: for_the_eye(colours),
    "share": lambda colours, shares: np.argsort(-shares, kind="stable"),
    "none": lambda colours, shares: np.arange(len(colours)),
}
