"""What a model painted while it learned: the same few seeds at each moment, as plain pixels.

`evolution/moments.json` lists the moments, and one lossless PNG a moment holds the pictures edge to
edge: a row a temperature, a column a seed. The strip, the animation and the report are made from
these, so a run that is gone on with shows its whole life.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from pydantic import TypeAdapter

from pixelgen.errors import RunUnreadable
from pixelgen.runs import atomic
from pixelgen.runs.directory import RunDirectory, read_json
from pixelgen.runs.pictures import read_png

FINISHED = "finished.png"
DAMAGED = "Remove the folder evolution/: the run then shows no evolution, and nothing else is lost"


@dataclass(frozen=True)
class Moment:
    """One look at a model.

    Attributes:
        file: the PNG of its pictures, in `evolution/`.
        epoch: whole or broken-off epochs that the model had learned for; 0 before the first.
        step: steps that it had learned for.
        seconds: of training until then.
        train_bits_per_pixel: of that epoch; None before the first.
        held_out_bits_per_pixel: None where it was not measured then.
        ending: `finished`, or `so far` where the run was stopped, of what its best weights paint in
            the end; empty before.
    """

    file: str
    epoch: int
    step: int
    seconds: float
    train_bits_per_pixel: float | None = None
    held_out_bits_per_pixel: float | None = None
    ending: str = ""

    @classmethod
    def of(cls, metrics: Mapping[str, Any]) -> Moment:
        """Return the moment that a line of `metrics.jsonl` speaks of."""
        return cls(
            file=f"step-{metrics['step']:08d}.png",
            epoch=metrics["epoch"],
            step=metrics["step"],
            seconds=metrics["seconds"],
            train_bits_per_pixel=metrics.get("train_bits_per_pixel"),
            held_out_bits_per_pixel=metrics.get("held_out_bits_per_pixel"),
        )


MOMENT = TypeAdapter(Moment)


@dataclass(frozen=True)
class Moments:
    """The moments of a run, in order.

    Attributes:
        folder: where the pictures are.
        temperatures: one a row.
        pictures: how many seeds.
        size: (width, height) of a picture.
        moments: the finished run last, where there is one.
    """

    folder: Path
    temperatures: tuple[float, ...]
    pictures: int
    size: tuple[int, int]
    moments: tuple[Moment, ...]

    def load(self, moment: Moment) -> np.ndarray:
        """Return a moment's pictures: (temperatures, seeds, H, W, 3 or 4) uint8.

        Raises:
            RunUnreadable: the file is missing or damaged.
        """
        path = self.folder / moment.file
        rows, columns, (width, height) = len(self.temperatures), self.pictures, self.size
        pixels = read_png(path, remedy=DAMAGED)
        try:
            whole = pixels.reshape(rows, height, columns, width, pixels.shape[-1])
        except ValueError as error:
            raise RunUnreadable(
                f"the pictures are not of the size that moments.json says: {error}",
                where=str(path),
                remedy=DAMAGED,
            ) from error
        return np.ascontiguousarray(whole.swapaxes(1, 2))


def read_moments(run: RunDirectory) -> Moments | None:
    """Return the moments of a run, or None if none were kept.

    Raises:
        RunUnreadable: the list is damaged.
    """
    folder = run.path / "evolution"
    path = folder / "moments.json"
    if not path.exists():
        return None
    written = read_json(path)
    try:
        width, height = written["size"]
        return Moments(
            folder=folder,
            temperatures=tuple(map(float, written["temperatures"])),
            pictures=int(written["pictures"]),
            size=(int(width), int(height)),
            moments=tuple(
                MOMENT.validate_python(each)
                for each in written["moments"]
                if Path(each["file"]).name == each["file"]  # nothing from elsewhere
            ),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise RunUnreadable(
            f"the list of moments is not what it should be: {error}",
            where=str(path),
            remedy=DAMAGED,
        ) from error


def add_moment(
    run: RunDirectory, moment: Moment, pictures: np.ndarray, temperatures: Sequence[float]
) -> None:
    """Keep a moment's pictures; one of the same step is replaced, and so is an older finished run.

    Args:
        run: the run's directory.
        moment: what is known of it.
        pictures: (temperatures, seeds, H, W, 3 or 4) uint8, of the same shape at every moment.
        temperatures: one a row.

    Raises:
        StorageError: the disk is full.
    """
    rows, columns, height, width, channels = pictures.shape
    before = read_moments(run)
    folder = run.path / "evolution"
    with atomic.explained(folder):
        folder.mkdir(exist_ok=True)
    sheet = pictures.swapaxes(1, 2).reshape(rows * height, columns * width, channels)
    buffer = io.BytesIO()
    Image.fromarray(sheet).save(buffer, "PNG")
    atomic.write_bytes(folder / moment.file, buffer.getvalue())
    kept = [
        each
        for each in (before.moments if before else ())
        if each.file != moment.file and not each.ending
    ]
    _write(folder, [*kept, moment], temperatures, columns, (width, height))


def forget_moments_after(run: RunDirectory, step: int) -> None:
    """Drop what lies ahead of the checkpoint that a run goes on from, and its finished pictures."""
    known = read_moments(run)
    if known is None:
        return
    kept = [each for each in known.moments if each.step <= step and not each.ending]
    _write(known.folder, kept, known.temperatures, known.pictures, known.size)
    for moment in {*known.moments} - {*kept}:
        (known.folder / moment.file).unlink(missing_ok=True)


def _write(
    folder: Path,
    moments: Sequence[Moment],
    temperatures: Sequence[float],
    pictures: int,
    size: tuple[int, int],
) -> None:
    listed = {
        "temperatures": list(temperatures),
        "pictures": pictures,
        "size": list(size),
        "moments": [asdict(moment) for moment in sorted(moments, key=_order)],
    }
    atomic.write_json(folder / "moments.json", listed)


def _order(moment: Moment) -> tuple[bool, int]:
    return bool(moment.ending), moment.step
