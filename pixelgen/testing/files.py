"""What plugins may write: JSON, TOML, safetensors and PNG; nothing that is ever unpickled."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pixelgen.errors import PixelgenError
from pixelgen.registration import reason_of
from pixelgen.testing.contract import Broken

ENDINGS = (".json", ".toml", ".safetensors", ".png")


@contextmanager
def folder() -> Iterator[Path]:
    """Give an empty folder for the length of a block."""
    with tempfile.TemporaryDirectory(prefix="pixelgen-check-") as path:
        yield Path(path)


def expect_allowed_files(directory: Path) -> None:
    """There is at least one file, and all are of the kinds that pixelgen reads.

    Raises:
        Broken: there is none, or one of another kind.
    """
    files = [path for path in directory.rglob("*") if path.is_file()]
    if not files:
        raise Broken("save writes no file")
    for path in files:
        if path.suffix not in ENDINGS:
            raise Broken(f"save writes {path.name}: files end in {', '.join(ENDINGS)}")


def expect_damage_is_refused(saved: Path, load: Callable[[Path], Any]) -> None:
    """Loading is refused where a file is missing, or empty, or cut in two.

    Raises:
        Broken: it is not, or with another error than pixelgen's.
    """
    names = sorted(str(path.relative_to(saved)) for path in saved.rglob("*") if path.is_file())
    for name in names:
        for damage in ("missing", "empty", "cut in two"):
            with folder() as place:
                shutil.copytree(saved, place, dirs_exist_ok=True)
                if damage == "missing":
                    (place / name).unlink()
                else:
                    contents = (place / name).read_bytes()
                    kept = len(contents) // 2 if damage == "cut in two" else 0
                    (place / name).write_bytes(contents[:kept])
                try:
                    load(place)
                except PixelgenError:
                    continue
                except Exception as error:
                    raise Broken(f"with {name} {damage}, load raises {reason_of(error)}") from error
                raise Broken(f"with {name} {damage}, load succeeds")
