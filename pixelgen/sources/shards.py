"""Finding the files that a large set of pictures is spread over."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from glob import glob, has_magic
from pathlib import Path

from pixelgen.errors import SourceError, did_you_mean
from pixelgen.untrusted import user_path


def find_shards(location: str, endings: Collection[str]) -> list[Path]:
    """Return the files that a place stands for, in order of their names.

    Args:
        location: a file, a folder whose files are taken (not those of its sub-folders), or a
            pattern such as `data/train-*.tar`.
        endings: of the files taken from a folder, such as `.tar`.

    Raises:
        SourceError: there is no such file, or none in the folder.
    """
    path = user_path(location)
    try:
        if path.is_dir():
            shards = [
                each
                for each in path.iterdir()
                if each.suffix.lower() in endings and not each.name.startswith(".")
            ]
        elif path.exists():
            shards = [path]
        elif has_magic(str(path)):
            shards = [Path(each) for each in glob(str(path))]  # noqa: PTH207 - from any root
        else:
            raise _no_such_place(path)
    except OSError as error:
        raise SourceError(
            f"{location!r} cannot be read: {error.strerror}",
            where="in the place of the pictures",
            remedy="Check who may read it (ls -ld), or give another place",
        ) from error
    if not shards:
        raise SourceError(
            f"there is no file that ends in {' or '.join(sorted(endings))}"
            if path.is_dir()
            else f"no file matches {location!r}",
            where=f"in {path if path.is_dir() else Path.cwd()}",
            remedy="Give a file, a folder of them, or a pattern in quotes, such as 'data/*"
            f"{min(endings)}'",
        )
    return sorted(shards)


def names_of(shards: Sequence[Path]) -> dict[Path, str]:
    """Return what each shard is called: its path below the folder that all have in common."""
    folder = os.path.commonpath([shard.parent for shard in shards])
    return {shard: shard.relative_to(folder).as_posix() for shard in shards}


def _no_such_place(path: Path) -> SourceError:
    beside = [each.name for each in path.parent.iterdir()] if path.parent.is_dir() else []
    return SourceError(
        f"there is no file or folder {str(path)!r}",
        where="in the place of the pictures",
        remedy=f"{did_you_mean(path.name, beside)}Give a file, a folder of them, or a pattern",
    )
