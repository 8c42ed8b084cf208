"""A source's pictures in memory: read once, of one kind, without duplicates, and split."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pixelgen.data.alpha import with_alpha, without_hidden
from pixelgen.data.fitting import shrink_picture
from pixelgen.errors import NoPictures, OptionError
from pixelgen.executors.interface import Executor
from pixelgen.sources.interface import BadPicture, Picture, Source, read
from pixelgen.tokenizers.interface import Tokenizer

HELD_OUT_SHARE = 0.15
MOST_HELD_OUT = 256  # more pictures make the held-out bits slower to measure, hardly more exact
FEWEST_TO_SPLIT = 3
REASONS_TOLD = 3


@dataclass(frozen=True)
class Split:
    """Which pictures are learned and which are only measured, as indices into a collection."""

    train: list[int]
    held_out: list[int]


@dataclass(frozen=True)
class Collection:
    """The pictures of one run.

    Attributes:
        pictures: distinct pictures in the source's order, all (H, W, 3) or all (H, W, 4) uint8, of
            any sizes. Pixels that are fully transparent are black, so that no palette spends a
            colour on them.
        bad: what could not be read, and why.
        duplicates: (dropped name, kept name) of pictures with the same pixels.
    """

    pictures: Sequence[Picture]
    bad: list[BadPicture] = field(default_factory=list)
    duplicates: list[tuple[str, str]] = field(default_factory=list)

    @property
    def channels(self) -> int:
        """3, or 4 where transparency is kept."""
        return int(self.pictures[0].pixels.shape[-1])

    @property
    def groups(self) -> list[str]:
        """The names of the groups, sorted; the group of ungrouped pictures is the empty string."""
        return sorted(set(self.groups_of))

    @property
    def names(self) -> Sequence[str]:
        """The name of each picture."""
        return [picture.name for picture in self.pictures]

    @property
    def groups_of(self) -> Sequence[str]:
        """The group of each picture."""
        return [picture.group for picture in self.pictures]

    @property
    def fitted_tokenizer(self) -> Tokenizer | None:
        """The tokenizer that the pictures are encoded with already; None where they are not."""
        return None

    def tokens(self, indices: Sequence[int], epoch: int | None = None) -> np.ndarray | None:
        """Return the tokens of pictures that are encoded already; None where they are not.

        Args:
            indices: of the pictures.
            epoch: whose variant of them; the plain pictures if None.

        Returns:
            (N, gh, gw) int32.
        """
        return None

    def fingerprint(self) -> str:
        """Return a SHA-256, in hexadecimal, of the names, groups and pixels, in order."""
        digest = hashlib.sha256()
        for picture in self.pictures:
            heading = (picture.name, picture.group, picture.pixels.shape)
            digest.update(repr(heading).encode())
            digest.update(np.ascontiguousarray(picture.pixels).data)
        return digest.hexdigest()

    def digests(self) -> dict[str, str]:
        """Return 16 hexadecimal digits of the SHA-256 of each picture's pixels, by its name."""
        return {
            picture.name: pixels_key(np.ascontiguousarray(picture.pixels)).hex()[:16]
            for picture in self.pictures
        }

    def split_as(self, data: Mapping[str, Any]) -> Split:
        """Return the split of an earlier run: what was held out stays so, the rest is learned.

        Where the pixels of then are known, a picture is the same that has the same pixels, whatever
        its name is now; one that has others, under the name of a held-out one, is held out too,
        unless it was learned then.

        Args:
            data: the entry `data` of the run's `run.json`.
        """
        names = self.names
        index = {name: number for number, name in enumerate(names)}
        measured = [index[name] for name in self._held_out_now(data)]
        left = {*index.values()} - {*measured}
        learned = [index[name] for name in data["train"] if name in index and index[name] in left]
        new = sorted(left - {*learned}, key=lambda number: names[number])
        return Split(train=[*learned, *new], held_out=measured)

    def _held_out_now(self, data: Mapping[str, Any]) -> list[str]:
        """The names that held-out pictures have now, of those that are there."""
        held_out, digests = data["held_out"], data.get("digests")
        if not digests:
            there = {*self.names}
            return [name for name in held_out if name in there]
        now = self.digests()
        by_pixels = {digest: name for name, digest in now.items()}
        was_learned = {digests.get(name) for name in data["train"]}
        found = []
        for name in held_out:
            same = by_pixels.get(digests.get(name, ""))
            if same is not None:
                found.append(same)
            elif name in now and now[name] not in was_learned:
                found.append(name)
        return list(dict.fromkeys(found))

    def split(self, held_out: float | int = HELD_OUT_SHARE, split_seed: int = 1) -> Split:
        """Divide the pictures into those to learn and those to hold out.

        The pictures in order of name are shuffled by `numpy.random.RandomState(split_seed)`, and
        the last ones held out. The same names give the same split, whatever the run's own seed.

        Args:
            held_out: a share in [0, 1), of which come at least one picture (none of fewer than
                three, or where the share is 0) and at most 256; or, as an int, exactly how many.
            split_seed: a different one gives a different split.

        Raises:
            OptionError: nothing would be left to learn, or the share is out of bounds.
        """
        count = held_out_count(held_out, len(self.pictures))
        names = self.names
        by_name = sorted(range(len(names)), key=lambda index: names[index])
        order = np.array(by_name)
        np.random.RandomState(split_seed).shuffle(order)
        shuffled: list[int] = order.tolist()
        learned = len(shuffled) - count
        return Split(train=shuffled[:learned], held_out=shuffled[learned:])


def held_out_count(held_out: float | int, total: int) -> int:
    """Return how many of `total` pictures are held out; as `Collection.split` says.

    Raises:
        OptionError: nothing would be left to learn, or the share is out of bounds.
    """
    if isinstance(held_out, int):
        if not 0 <= held_out < total:
            raise OptionError(
                f"{held_out} of {total} pictures cannot be held out",
                where="in the number of held-out pictures",
                remedy=f"Give a number from 0 to {total - 1}, or a share such as 0.15",
            )
        return held_out
    if not 0 <= held_out < 1:
        raise OptionError(
            f"the share {held_out!r} of the pictures cannot be held out",
            where="in the share of held-out pictures",
            remedy="Give a share from 0 up to but not including 1, such as 0.15",
        )
    if held_out == 0 or total < FEWEST_TO_SPLIT:
        return 0
    return min(max(1, round(held_out * total)), MOST_HELD_OUT, total - 1)


def collect(
    source: Source,
    size: tuple[int, int],
    *,
    executor: Executor | None = None,
    progress: Callable[[int], None] | None = None,
) -> Collection:
    """Read a source into memory.

    All pictures are brought to one number of channels: 4 where the source keeps alpha and at least
    one pixel is not opaque, otherwise 3. Large ones are shrunk to about twice `size`. Of pictures
    with the same pixels, or with the same name, the first in the source's order is kept.

    Args:
        source: where the pictures come from.
        size: (width, height) at which the run will use them.
        executor: whose workers read; if None, the source does it in its own way.
        progress: called with the number of pictures read so far, good or bad, after each.

    Raises:
        NoPictures: not one picture can be read; says why for the first few.
        SourceError: the source itself cannot be read.
    """
    pictures: list[Picture] = []
    bad: list[BadPicture] = []
    duplicates: list[tuple[str, str]] = []
    first_with: dict[bytes, str] = {}
    names: set[str] = set()
    if executor is None:
        pictures_found = source.pictures(size)
    else:
        pictures_found = executor.map(read, source.unread(size))
    for count, found in enumerate(pictures_found, start=1):
        checked = usable(found)
        if isinstance(checked, BadPicture):
            bad.append(checked)
        else:
            key = pixels_key(checked.pixels)
            if key in first_with:
                duplicates.append((checked.name, first_with[key]))
            elif checked.name in names:  # by which a run knows its pictures again
                bad.append(BadPicture(checked.name, "another of its source has this name"))
            else:
                first_with[key] = checked.name
                names.add(checked.name)
                smaller = shrink_picture(checked.pixels, size)
                pictures.append(Picture(checked.name, smaller, checked.group))
        if progress is not None:
            progress(count)
    if not pictures:
        raise no_pictures(source, bad)
    if any(picture.pixels.shape[-1] == 4 for picture in pictures):
        pictures = [
            Picture(picture.name, with_alpha(picture.pixels), picture.group) for picture in pictures
        ]
    return Collection(pictures, bad, duplicates)


def usable(found: Picture | BadPicture) -> Picture | BadPicture:
    """Return a picture without what is needless: alpha that hides nothing, colours that are hidden.

    A picture that is not one is a bad picture, whatever its source says.
    """
    if isinstance(found, BadPicture):
        return found
    pixels = found.pixels
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[-1] not in (3, 4):
        return BadPicture(
            found.name,
            f"its source gave {pixels.dtype} {pixels.shape}, not uint8 (height, width, 3 or 4)",
        )
    if 0 in pixels.shape:
        return BadPicture(found.name, "it has no pixels")
    if pixels.shape[-1] == 4:
        is_opaque = (pixels[..., 3] == 255).all()
        pixels = pixels[..., :3] if is_opaque else without_hidden(pixels)
    return Picture(found.name, np.ascontiguousarray(pixels), found.group)


def pixels_key(pixels: np.ndarray) -> bytes:
    """Return a digest of pixels and their shape."""
    digest = hashlib.sha256(repr(pixels.shape).encode())
    digest.update(pixels.data)
    return digest.digest()


def no_pictures(source: Source, bad: Sequence[BadPicture]) -> NoPictures:
    """Return the error that says why there is nothing to learn."""
    where = f"in {source.location}" if source.location else f"from {type(source).__name__}"
    if not bad:
        return NoPictures(
            "there is not one picture",
            where=where,
            remedy="Give a folder with pictures in it, or --source sample",
        )
    reasons = "; ".join(f"{each.name}: {each.reason}" for each in bad[:REASONS_TOLD])
    more = f"; and {len(bad) - REASONS_TOLD} more" if len(bad) > REASONS_TOLD else ""
    return NoPictures(
        f"not one of {len(bad)} pictures can be read" if len(bad) > 1 else "the picture is bad",
        where=where,
        remedy=f"Mend or replace them: {reasons}{more}",
    )
