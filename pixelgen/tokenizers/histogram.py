"""The distinct colours of pictures and how often each occurs: all that a palette depends on."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

CHUNK = 1 << 22  # pixels sorted at a time


class ColourHistogram:
    """Counts colours exactly, in memory that is bounded by the number of distinct ones.

    A colour is a code: its channels as the bytes of a uint32, red first. There are at most 2**24
    codes without alpha, whatever the number of pixels.

    Attributes:
        channels: 3 or 4.
        pixels: how many pixels were counted.
    """

    def __init__(self, channels: int) -> None:
        self.channels = channels
        self.pixels = 0
        # Sorted runs of distinct codes with counts, each at least twice as long as the next, so
        # that a colour takes part in few merges however many pictures there are.
        self._runs: list[tuple[np.ndarray, np.ndarray]] = []

    def add(self, pictures: Iterable[np.ndarray]) -> None:
        """Count the pixels of pictures (..., channels) uint8."""
        for picture in pictures:
            pixels = picture.reshape(-1, self.channels)
            self.pixels += len(pixels)
            for start in range(0, len(pixels), CHUNK):
                self._push(_runs_of(np.sort(pack(pixels[start : start + CHUNK]))))

    def with_alpha(self) -> ColourHistogram:
        """Return the same counts of opaque colours with 4 channels."""
        wider = ColourHistogram(4)
        wider.pixels = self.pixels
        codes, counts = self._merged()
        wider._runs = [((codes << np.uint32(8)) | np.uint32(255), counts)]
        return wider

    @property
    def codes(self) -> np.ndarray:
        """(n,) uint32, the distinct colours in ascending order."""
        return self._merged()[0]

    @property
    def counts(self) -> np.ndarray:
        """(n,) int64, how many pixels have each colour."""
        return self._merged()[1]

    @property
    def colours(self) -> np.ndarray:
        """(n, channels) uint8, the distinct colours."""
        return unpack(self.codes, self.channels)

    def _push(self, run: tuple[np.ndarray, np.ndarray]) -> None:
        self._runs.append(run)
        while len(self._runs) > 1 and len(self._runs[-2][0]) < 2 * len(self._runs[-1][0]):
            second = self._runs.pop()
            self._runs.append(_merge(self._runs.pop(), second))

    def _merged(self) -> tuple[np.ndarray, np.ndarray]:
        while len(self._runs) > 1:
            second = self._runs.pop()
            self._runs.append(_merge(self._runs.pop(), second))
        if not self._runs:
            return np.empty(0, np.uint32), np.empty(0, np.int64)
        return self._runs[0]


def pack(pixels: np.ndarray) -> np.ndarray:
    """Return the codes (n,) uint32 of colours (n, 3 or 4) uint8."""
    codes = pixels[:, 0].astype(np.uint32)
    for channel in range(1, pixels.shape[1]):
        codes <<= 8
        codes |= pixels[:, channel]
    return codes


def unpack(codes: np.ndarray, channels: int) -> np.ndarray:
    """Return the colours (n, channels) uint8 of codes (n,) uint32."""
    shifts = np.arange(8 * (channels - 1), -8, -8, dtype=np.uint32)
    return ((codes[:, None] >> shifts) & np.uint32(255)).astype(np.uint8)


def starts_of_runs(sorted_codes: np.ndarray) -> np.ndarray:
    """Return where each run of equal codes starts in a sorted array that is not empty."""
    return np.flatnonzero(np.concatenate([[True], sorted_codes[1:] != sorted_codes[:-1]]))


def _runs_of(sorted_codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    if not len(sorted_codes):
        return sorted_codes, np.empty(0, np.int64)
    starts = starts_of_runs(sorted_codes)
    return sorted_codes[starts], np.diff(starts, append=len(sorted_codes))


def _merge(
    first: tuple[np.ndarray, np.ndarray], second: tuple[np.ndarray, np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    codes = np.concatenate([first[0], second[0]])
    if not len(codes):
        return first
    counts = np.concatenate([first[1], second[1]])
    order = np.argsort(codes, kind="stable")
    codes = codes[order]
    starts = starts_of_runs(codes)
    return codes[starts], np.add.reduceat(counts[order], starts)
