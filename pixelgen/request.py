"""What a person asks of pictures, in pixels and names, as a painter is told it: tokens and numbers.

wishes = wishes_for(run, group={"haystacks": 0.7, "lilies": 0.3}, width=300)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias, TypedDict, TypeGuard

import numpy as np

from pixelgen.bounds import MOST_NUMBER, MOST_PICTURES, check_bounds
from pixelgen.data.alpha import to_channels
from pixelgen.data.bands import FREE
from pixelgen.data.material import Framing
from pixelgen.data.reading import PictureFile, read_picture
from pixelgen.errors import OptionError, SourceError, did_you_mean
from pixelgen.executors.interface import Executor
from pixelgen.framing import framing_of
from pixelgen.plan import Wishes
from pixelgen.samplers.interface import Sampler
from pixelgen.sources.interface import BadPicture

if TYPE_CHECKING:
    from pixelgen.run import Run

MOST_PIXELS_A_SIDE = 16_384

PictureLike: TypeAlias = str | Path | np.ndarray
Temperature: TypeAlias = float | Sequence[float] | None
GroupLike: TypeAlias = str | Mapping[str, float] | None


class Asked(TypedDict, total=False):
    """What `Run.sample` takes besides the number of pictures; it says what each means."""

    temperature: Temperature
    seed: int | None
    first: int
    group: GroupLike
    width: int | None
    height: int | None
    prime: PictureLike | None
    prime_rows: int
    best_of: int
    sampler: Sampler | None
    executor: Executor | None
    progress: Callable[[int], None] | None


def wishes_for(
    run: Run,
    framing: Framing,
    *,
    given: np.ndarray | None = None,
    temperature: Temperature = None,
    group: GroupLike = None,
    best_of: int = 1,
) -> Wishes:
    """Return what is asked, as far as painting many pictures takes it.

    Args:
        run: what will paint.
        framing: of the size that is asked for.
        given: (gh, gw) int32 tokens that stand there already, -1 elsewhere.
        temperature, group, best_of: as of `Run.sample`.

    Raises:
        OptionError: one of them cannot be.
    """
    if best_of < 1:
        raise OptionError(
            f"the best of {best_of} cannot be taken", where="in best_of", remedy="Give 1 or more"
        )
    grid = framing.grid(run.tokenizer.token_shape)
    return Wishes(
        grid=grid,
        given=given,
        temperatures=by_row(temperature, grid[0]) if is_course(temperature) else None,
        mixture={} if group is None else weights_of(run, group),
        best_of=best_of,
    )


def is_course(temperature: Temperature) -> TypeGuard[Sequence[float]]:
    """Whether it is a course along the picture, and not one temperature for all of it."""
    return isinstance(temperature, Sequence | np.ndarray) and np.ndim(temperature) > 0


def numbers_of(pictures: int, first: int = 0, seed: int | None = None, best_of: int = 1) -> range:
    """Return the numbers of so many pictures from the first on.

    Raises:
        OptionError: one of these is below 0, or the number of a picture's last try, or the seed, is
            beyond 63 bits.
    """
    check_bounds("seed", seed or 0, 0, MOST_NUMBER)
    check_bounds("pictures", pictures, 0, MOST_PICTURES)
    check_bounds("first", first, 0, MOST_NUMBER // max(1, int(best_of)) - pictures)
    return range(first, first + pictures)


def prime_tokens(
    run: Run, framing: Framing, picture: PictureLike | None, rows: int
) -> np.ndarray | None:
    """Return the tokens of a picture's first rows: (gh, gw) int32, -1 elsewhere; None of none.

    Raises:
        OptionError: the picture has not so many rows.
        SourceError: it cannot be read.
    """
    if picture is None:
        return None
    pixels = picture_at(run, picture, framing)
    token_height = run.tokenizer.token_shape[0]
    if not token_height <= rows <= len(pixels):
        raise OptionError(
            f"a picture of {len(pixels)} rows cannot begin with {rows} given ones",
            where="in prime_rows",
            remedy=f"Give {token_height} to {len(pixels)}",
        )
    kept = np.zeros(pixels.shape[:2], bool)
    kept[:rows] = True
    return given_tokens(run, pixels, kept)


def framing_at(run: Run, width: int | None = None, height: int | None = None) -> Framing:
    """Return the run's framing, at another size where one is given.

    Raises:
        OptionError: a side is out of its bounds.
    """
    framing = framing_of(run.recipe)
    size = (
        framing.size[0] if width is None else width,
        framing.size[1] if height is None else height,
    )
    for side, name in zip(size, ("width", "height"), strict=True):
        if not 1 <= side <= MOST_PIXELS_A_SIDE:
            raise OptionError(
                f"the {name} cannot be {side}",
                where="in the size of the pictures",
                remedy=f"Give 1 to {MOST_PIXELS_A_SIDE:,} pixels",
            )
    return replace(framing, size=size)


def by_row(temperatures: Sequence[float], rows: int) -> np.ndarray:
    """Return a temperature a row (rows,) float64: along straight lines from the first to the last.

    Raises:
        OptionError: one of them is not above 0, or there is none.
    """
    if not len(temperatures):
        raise OptionError(
            "there is no temperature",
            where="in the temperatures along the picture",
            remedy="Give one or more, such as 1.0 and 0.7",
        )
    for temperature in temperatures:
        if not 0 < temperature <= 100:
            raise OptionError(
                f"the temperature cannot be {temperature!r}",
                where="in the temperatures along the picture",
                remedy="Give numbers above 0 and at most 100, such as 1.0 and 0.7",
            )
    if rows == 1:
        return np.array([float(temperatures[0])])
    knots = np.linspace(0, rows - 1, len(temperatures))
    return np.interp(np.arange(rows), knots, temperatures)


def weights_of(run: Run, group: str | Mapping[str, float]) -> dict[int, float]:
    """Return the groups' numbers and their weights, made to sum to one.

    Raises:
        OptionError: there is no such group, a weight is not above 0, or none is named.
    """
    named = {group: 1.0} if isinstance(group, str) else dict(group)
    known = run.groups
    if not named:
        raise OptionError(
            "no group is named",
            where="in the mixture of groups",
            remedy=f"Name one or more; known groups: {', '.join(map(repr, known))}",
        )
    for name, weight in named.items():
        if name not in known:
            listed = ", ".join(map(repr, known))
            raise OptionError(
                f"no group is called {name!r}",
                where=f"in {run.path}",
                remedy=f"{did_you_mean(name, known)}Known groups: {listed}",
            )
        if not (weight > 0 and np.isfinite(weight)):
            raise OptionError(
                f"the weight of the group {name!r} cannot be {weight!r}",
                where="in the mixture of groups",
                remedy="Give numbers above 0, such as 0.7",
            )
    total = sum(named.values())
    return {known.index(name): weight / total for name, weight in named.items()}


def picture_at(run: Run, picture: PictureLike, framing: Framing) -> np.ndarray:
    """Return a picture as the run would have it: (H, W, C) uint8 of the framing's size.

    C is 4 if the run keeps transparency, otherwise 3.

    Raises:
        SourceError: the picture cannot be read, or the array is none.
    """
    return framing.plain(pixels_of(run, picture, framing))


def pixels_of(run: Run, picture: PictureLike, framing: Framing) -> np.ndarray:
    """Return a picture in its own proportions; otherwise as `picture_at`."""
    channels = run.channels
    if isinstance(picture, np.ndarray):
        pixels, name = picture, "the array"
        if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] not in (3, 4):
            raise SourceError(
                f"a picture cannot be an array of {pixels.dtype} {pixels.shape}",
                where="in the picture given",
                remedy="Give uint8 (height, width, 3 or 4)",
            )
    else:
        name = str(picture)
        read = read_picture(PictureFile(Path(picture), name), framing.size, alpha=channels == 4)
        if isinstance(read, BadPicture):
            raise SourceError(
                f"the picture cannot be used: {read.reason}",
                where=name,
                remedy="Give a JPEG, PNG or another picture that can be opened",
            )
        pixels = read.pixels
    return to_channels(pixels, channels)


def given_tokens(run: Run, pixels: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """Return the tokens of what is kept: (gh, gw) int32, -1 elsewhere.

    A token of several pixels is kept only if all of them are.

    Args:
        run: whose tokenizer.
        pixels: (H, W, C) uint8.
        kept: (H, W) bool.
    """
    height, width = run.tokenizer.token_shape
    tokens = run.tokenizer.encode(pixels[None])[0]
    blocks = kept.reshape(tokens.shape[0], height, tokens.shape[1], width)
    given: np.ndarray = np.where(blocks.all(axis=(1, 3)), tokens, FREE)
    return given.astype(np.int32)
