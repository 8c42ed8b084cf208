"""The pictures in a folder."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property, partial
from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field

from pixelgen.data.reading import (
    EXTENSIONS,
    MOST_PIXELS,
    PILLOWS_LIMIT,
    PictureFile,
    read_entry,
)
from pixelgen.errors import NoPictures, SourceError, did_you_mean
from pixelgen.executors.local import Local
from pixelgen.names import readable
from pixelgen.options import Options as BaseOptions
from pixelgen.sources.interface import BadPicture, Picture, Source, Unread, read
from pixelgen.untrusted import user_path

READ_BY = {".tar": "webdataset", ".parquet": "parquet"}  # sources of files that hold pictures
FEW_FILES = 32  # are read before threads have started


class Folder(Source):
    """The pictures in a folder, or a single picture file.

    Taken are files whose names end as a picture's do (`.jpg`, `.png` and so on, in any case);
    other files, and whatever begins with a dot, are passed over. A picture is called after its
    path in the folder, and the order is that of these names. With `recursive`, its group is the
    first sub-folder on that path.
    """

    needs_location: ClassVar[bool] = True

    class Options(BaseOptions):
        """Which files are taken, and what of them."""

        recursive: bool = Field(False, description="take the pictures in sub-folders too")
        alpha: bool = Field(False, description="keep transparency; otherwise it is laid on white")
        follow_links: bool = Field(
            False, description="follow symbolic links that lead out of the folder"
        )
        max_pixels: int = Field(
            MOST_PIXELS,
            ge=1,
            le=PILLOWS_LIMIT,
            description="width × height beyond which a picture is refused",
        )

    def __init__(self, options: Any, location: str | None = None, *, seed: int = 0) -> None:
        super().__init__(options, location, seed=seed)
        if not location:
            raise SourceError(
                "no folder was given",
                where="in the place of the pictures",
                remedy="Name one: pixelgen run paintings/, or leave out --source folder",
            )
        self.path = user_path(location)
        _check(self.path)

    def pictures(self, size: tuple[int, int]) -> Iterator[Picture | BadPicture]:
        """Yield every picture, in order of name; threads read ahead where there are many.

        Raises:
            NoPictures: no file's name ends as a picture's does.
        """
        unread = self.unread(size)
        kind = "threads" if len(self._entries) > FEW_FILES else "serial"
        yield from Local(Local.Options(kind=kind)).map(read, unread)

    def unread(self, size: tuple[int, int]) -> Iterator[Unread]:
        """Yield what reads each picture, in order of name; raises as `pictures`."""
        if not self._entries:
            raise self._nothing_found()
        how = {"size": size, "alpha": self.options.alpha, "max_pixels": self.options.max_pixels}
        return (partial(read_entry, entry, **how) for entry in self._entries)

    def length(self) -> int:
        """Return how many pictures there are, good and bad."""
        return len(self._entries)

    @cached_property
    def _entries(self) -> list[PictureFile | BadPicture]:
        if not self.path.is_dir():
            return [PictureFile(self.path, readable(self.path.name))]
        return sorted(self._walk(self.path, set()), key=lambda entry: entry.name)

    def _walk(self, folder: Path, walked: set[Path]) -> Iterator[PictureFile | BadPicture]:
        walked.add(folder.resolve())
        try:
            entries = sorted(folder.iterdir())
        except OSError as error:
            yield BadPicture(self._name(folder), f"the folder cannot be read: {error.strerror}")
            return
        for path in entries:
            if not path.name.startswith("."):
                yield from self._visit(path, walked)

    def _visit(self, path: Path, walked: set[Path]) -> Iterator[PictureFile | BadPicture]:
        try:
            is_folder = path.is_dir()
        except OSError as error:
            yield BadPicture(self._name(path), f"it cannot be reached: {error.strerror}")
            return
        if is_folder and not self.options.recursive:
            return
        if not is_folder and path.suffix.lower() not in EXTENSIONS:
            return
        name = self._name(path)
        if self._leads_out(path) and not self.options.follow_links:
            yield BadPicture(
                name, "it is a link out of the folder, followed only with follow_links=true"
            )
        elif is_folder:
            if path.resolve() not in walked:  # links can make circles
                yield from self._walk(path, walked)
        elif path.is_file():
            group = name.split("/")[0] if "/" in name else ""
            yield PictureFile(path, name, group)
        else:
            yield BadPicture(
                name, "it is a link to nothing" if path.is_symlink() else "it is no regular file"
            )

    def _leads_out(self, path: Path) -> bool:
        if not (path.is_symlink() and path.exists()):
            return False
        return not path.resolve().is_relative_to(self.path.resolve())

    def _name(self, path: Path) -> str:
        return readable(path.relative_to(self.path).as_posix())

    def _nothing_found(self) -> NoPictures:
        folders = sum(
            path.is_dir() and not path.name.startswith(".") for path in self.path.iterdir()
        )
        packed = {path.suffix.lower() for path in self.path.iterdir()} & set(READ_BY)
        if packed:
            ending = min(packed)
            remedy = f"Its {ending} files are read with --source {READ_BY[ending]}"
        elif folders and not self.options.recursive:
            remedy = f"To read its {folders} sub-folders as well: -o source.recursive=true"
        else:
            remedy = f"Pictures are files that end in one of {', '.join(sorted(EXTENSIONS))}"
        return NoPictures("there is not one picture", where=f"in {self.path}", remedy=remedy)


def _check(path: Path) -> None:
    """Raise a SourceError unless there are pictures to look for at this place."""
    try:
        if path.is_dir():
            next(path.iterdir(), None)
        elif not path.exists():
            raise _no_such_place(path)
        elif not path.is_file():
            raise SourceError(
                f"{str(path)!r} is neither a folder nor a picture",
                where="in the place of the pictures",
                remedy="Give a folder with pictures in it",
            )
    except OSError as error:
        raise SourceError(
            f"{str(path)!r} cannot be read: {error.strerror}",
            where="in the place of the pictures",
            remedy="Check who may read it (ls -ld), or give another folder",
        ) from error


def _no_such_place(path: Path) -> SourceError:
    missing = path
    while not missing.parent.exists():
        missing = missing.parent
    beside = [
        each.name
        for each in missing.parent.iterdir()
        if each.is_dir() or each.suffix.lower() in EXTENSIONS
    ]
    what = "folder or picture" if missing == path else "folder"
    return SourceError(
        f"there is no {what} {missing.name!r}",
        where=f"in {missing.parent.resolve()}",
        remedy=f"{did_you_mean(missing.name, beside)}Give a folder with pictures in it",
    )
