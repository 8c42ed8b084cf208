"""Files that a stranger may have made to do harm; opening each must end in a `PixelgenError`."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy
from small_runs import carry_out, make_pictures, small_recipe

TERABYTE = 1 << 40
Attack = Callable[["Place"], Any]
ATTACKS: dict[str, Attack] = {}


class Place:
    """A folder for one attack, with a copy of a finished run in it.

    Attributes:
        run: the copy, of numpy-lstm.
        outside: a file beside it that nobody may touch.
    """

    def __init__(self, folder: Path, finished: Path) -> None:
        self.folder = folder
        self.run = folder / "run"
        self.outside = folder / "outside.txt"
        shutil.copytree(finished, self.run)
        for sums in self.run.rglob("checksums.json"):  # a stranger would write fitting ones
            if sums.parent.parent.name != "checkpoints":
                sums.unlink()
        self.outside.write_text("precious")

    def rewrite(self, name: str, change: Callable[[dict[str, Any]], Any]) -> None:
        """Change a JSON file of the run; sealed anew where it is of a checkpoint."""
        path = self.run / name
        value = json.loads(path.read_text())
        changed = change(value)
        path.write_text(json.dumps(value if changed is None else changed))
        self.seal(path.parent)

    def rearrange(self, name: str, change: Callable[[dict[str, np.ndarray]], Any]) -> None:
        """Change the arrays of a safetensors file of the run."""
        arrays = safetensors.numpy.load_file(self.run / name)
        change(arrays)
        safetensors.numpy.save_file(arrays, self.run / name)
        self.seal((self.run / name).parent)

    def seal(self, folder: Path) -> None:
        """Write checksums that fit, where there were some."""
        from pixelgen.runs import checksums

        if checksums.is_sealed(folder):
            checksums.seal(folder)

    @property
    def checkpoint(self) -> str:
        """The newest checkpoint's folder in the run."""
        return str(max((self.run / "checkpoints").iterdir()).relative_to(self.run))

    # -- what a person would do with it --------------------------------------------------------

    def open(self) -> None:
        """Open the run and paint from it."""
        from pixelgen.run import Run

        run = Run(self.run)
        _ = run.metrics, run.recipe
        run.sample(1)

    def resume(self) -> None:
        """Go on with the run."""
        from pixelgen.api import resume

        resume(self.run, epochs=9)

    def look(self, name: str, data: bytes = b"") -> None:
        """Read a folder that holds one picture of this name."""
        from pixelgen.data.collection import collect
        from pixelgen.sources.folder import Folder

        folder = self.folder / "pictures-of-a-stranger"
        folder.mkdir(exist_ok=True)
        if data:
            (folder / name).write_bytes(data)
        collect(Folder(Folder.Options(recursive=True), str(folder)), (12, 12))

    def palette(self, name: str, data: bytes) -> None:
        """Read a palette file."""
        from pixelgen.tokenizers.palette_file import read_palette

        path = self.folder / name
        path.write_bytes(data)
        read_palette(path)


def attack(name: str) -> Callable[[Attack], Attack]:
    """Add a function to the attacks."""

    def add(function: Attack) -> Attack:
        ATTACKS[name] = function
        return function

    return add


def prepare(folder: Path) -> Path:
    """Return the finished run that places copy."""
    make_pictures(folder / "pictures")
    carry_out(small_recipe(folder / "pictures", "numpy-lstm"), folder / "finished")
    return folder / "finished"


def outcome(name: str, folder: Path, finished: Path) -> str:
    """Carry an attack out; return what was wrong, or an empty string if it was refused."""
    from pixelgen.errors import PixelgenError

    place = Place(folder, finished)
    try:
        ATTACKS[name](place)
    except PixelgenError as error:
        if not (error.what and error.where):
            return f"refused without saying what or where: {error}"
    except BaseException as error:
        return f"{type(error).__name__}: {error}"
    else:
        return "it was let in"
    return "" if place.outside.read_text() == "precious" else "a file outside was changed"


def huge(path: Path, head: bytes = b"") -> None:
    """Write a file of a terabyte that takes no room on the disk."""
    with path.open("wb") as file:
        file.write(head)
        file.truncate(TERABYTE)


def pipe(path: Path) -> None:
    """Put a pipe in the place of a file: who reads it waits for ever."""
    path.unlink(missing_ok=True)
    os.mkfifo(path)


# -- run.json ----------------------------------------------------------------------------------

for words, change in {
    "run.json of a newer schema": lambda run: run.update(schema=99),
    "run.json with a schema that is text": lambda run: run.update(schema="1"),
    "run.json that holds a list": lambda run: [run],
    "run.json with pictures that are numbers": lambda run: run["data"].update(train=[1, 2]),
    "run.json without groups": lambda run: run["data"].update(groups=[]),
    "run.json with a state that there is not": lambda run: run.update(state="../../etc"),
    "run.json with fewer than no steps": lambda run: run["spent"].update(steps=-1),
    "run.json with NaN": lambda run: run["best"].update(held_out_bits_per_pixel=float("nan")),
    "run.json with plugins that are a text": lambda run: run.update(plugins="all"),
}.items():
    ATTACKS[words] = lambda place, change=change: (
        place.rewrite("run.json", change),
        place.open(),
    )

for words, text in {
    "run.json nested 100,000 deep": b'{"schema": 1, "a": ' + b"[" * 100_000,
    "run.json with a number of 100,000 digits": b'{"schema": ' + b"9" * 100_000 + b"}",
    "run.json with 1e999": b'{"schema": 1, "seed": 1e999}',
    "run.json that is a pickle": pickle.dumps({"schema": 1}),
}.items():
    ATTACKS[words] = lambda place, text=text: (
        (place.run / "run.json").write_bytes(text),
        place.open(),
    )


for file in ("run.json", "recipe.toml", "metrics.jsonl", "tokenizer/tokenizer.json"):
    ATTACKS[f"{file} of a terabyte"] = lambda place, file=file: (
        huge(place.run / file),
        place.open(),
    )
    ATTACKS[f"{file} that is a pipe"] = lambda place, file=file: (
        pipe(place.run / file),
        place.open(),
    )


# -- links out of the run ----------------------------------------------------------------------

for entry in ("metrics.jsonl", "run.lock", "recipe.toml", "model/model.safetensors"):
    ATTACKS[f"{entry} that is a link to a file outside"] = lambda place, entry=entry: (
        (place.run / entry).unlink(missing_ok=True),
        (place.run / entry).symlink_to(place.outside),
        place.resume(),
    )
for entry in ("samples", "model", "checkpoints"):
    ATTACKS[f"{entry}/ that is a link to a folder outside"] = lambda place, entry=entry: (
        shutil.move(place.run / entry, place.folder / "elsewhere"),
        (place.run / entry).symlink_to(place.folder / "elsewhere"),
        place.resume(),
    )


@attack("metrics whose steps are text")
def _(place: Place) -> None:
    (place.run / "metrics.jsonl").write_text('{"epoch": 1, "step": "1"}\n')
    place.resume()


@attack("checksums that name a file outside")
def _(place: Place) -> None:
    for checkpoint in (place.run / "checkpoints").iterdir():
        sums = checkpoint / "checksums.json"
        sums.write_text(json.dumps({"../../../outside.txt": {"bytes": 8, "sha256": ""}}))
    place.resume()


# -- recipe ------------------------------------------------------------------------------------

for words, text in {
    "a recipe with a plugin that is a program": '[model]\nname = "os:system"',
    "a recipe with a plugin that is a path": '[model]\nname = "../../evil.py"',
    "a recipe that asks for a package": '[model]\nname = "torch-lstm"\ninstall = "evil"',
    "a recipe with a key that there is not": '[model]\nname = "markov"\n[hooks]\nrun = "rm"',
    "a recipe of pictures of 10⁹ pixels a side": "[data]\nsize = 1000000000",
    "a recipe with a number of 10,000 digits": f"seed = {'9' * 10_000}",
    "a recipe with a time that is infinite": "[training]\nminutes = inf",
    "a recipe with a time that is no number": "[training]\nminutes = nan",
    "a recipe nested 100,000 deep": "a = " + "[" * 100_000,
    "a recipe with a palette that is a device": (
        '[tokenizer]\nname = "fixed-palette"\npalette = "/dev/zero"'
    ),
    "a recipe with a device that is a path": 'device = "/dev/sda"',
}.items():
    ATTACKS[words] = lambda place, text=text: _carry_out_recipe(place, text)


def _carry_out_recipe(place: Place, text: str) -> None:
    from pixelgen.api import train

    recipe = place.folder / "recipe.toml"
    recipe.write_text(text)
    train(place.folder.parent / "pictures", recipe=recipe, out=place.folder / "new")


# -- tokenizer and weights ---------------------------------------------------------------------

for words, change in {
    "a palette of 65,537 colours": lambda it: it.update(palette=["000000"] * 65_537),
    "a palette without colours": lambda it: it.update(palette=[]),
    "a palette of other bytes": lambda it: it.update(palette=["00"] * 27),
    "a palette of 2³¹ channels": lambda it: it.update(channels=1 << 31),
    "a palette of fewer colours than the model has": lambda it: it.update(palette=["000000"] * 5),
    "a tokenizer of another kind": lambda it: it.update(kind="pickle"),
    "a tokenizer with an option that there is not": lambda it: it["options"].update(run="rm"),
}.items():
    ATTACKS[words] = lambda place, change=change: (
        place.rewrite("tokenizer/tokenizer.json", change),
        place.open(),
    )

for words, change in {
    "a model of 10¹² tokens": lambda spec: spec.update(vocab_size=10**12),
    "a model of a negative grid": lambda spec: spec.update(grid=[-1, 12]),
    "a model of a grid of 10⁹ places a side": lambda spec: spec.update(grid=[10**9, 10**9]),
    "a model of 10⁹ groups": lambda spec: spec.update(groups=10**9),
    "a model with neighbours that are text": lambda spec: spec.update(offsets=[["a", "b"]]),
    "a model of 10⁹ units": lambda spec: spec["options"].update(hidden=10**9),
    "a model of another family": lambda spec: spec.update(family="pickle"),
}.items():
    ATTACKS[words] = lambda place, change=change: (
        place.rewrite("model/spec.json", change),
        place.open(),
    )

for words, change in {
    "weights that are NaN": lambda it: it["output.bias"].fill(np.nan),
    "weights that are infinite": lambda it: it["output.bias"].fill(np.inf),
    "weights of another shape": lambda it: it.update({"output.bias": np.zeros(5, np.float32)}),
    "weights of another type": lambda it: it.update({"output.bias": np.zeros(27, np.int64)}),
    "weights that are missing": lambda it: it.pop("output.bias"),
    "weights that nobody asked for": lambda it: it.update(evil=np.zeros(3, np.float32)),
    "places outside of the grid": lambda it: it.update({"spec.rows": it["spec.rows"] + 10**6}),
    "places before the grid": lambda it: it.update({"spec.rows": it["spec.rows"] - 5}),
}.items():
    ATTACKS[words] = lambda place, change=change: (
        place.rearrange("model/model.safetensors", change),
        place.open(),
    )


def declared(shape: list[int], end: int) -> bytes:
    """The head of a safetensors file with one array of this shape."""
    head = json.dumps({"a": {"dtype": "F32", "shape": shape, "data_offsets": [0, end]}}).encode()
    return struct.pack("<Q", len(head)) + head


for words, data in {
    "a weights file that is a pickle": pickle.dumps({"output.bias": [0.0]}),
    "a weights file with a head of 2⁶³ bytes": struct.pack("<Q", 1 << 63) + b"{}",
    "a weights file that declares a terabyte": declared([TERABYTE // 4], TERABYTE),
    "a weights file whose sizes overflow": declared([1 << 62, 1 << 62], 1 << 10),
    "a weights file that is empty": b"",
}.items():
    ATTACKS[words] = lambda place, data=data: (
        (place.run / "model/model.safetensors").write_bytes(data),
        place.open(),
    )


@attack("a weights file that declares 32 GiB, and has them, as a hole")
def _(place: Place) -> None:
    head = declared([1 << 33], 1 << 35)
    with (place.run / "model/model.safetensors").open("wb") as file:
        file.write(head)
        file.truncate(len(head) + (1 << 35))
    place.open()


# -- checkpoints -------------------------------------------------------------------------------

for words, change in {
    "a checkpoint of fewer than no steps": lambda it: it.update(step=-1),
    "a checkpoint of infinitely many nats": lambda it: it.update(epoch_nats=float("inf")),
    "a checkpoint with an entry that there is not": lambda it: it.update(code="import os"),
    "a checkpoint with knots that are text": lambda it: it.update(knots=["a"]),
    "a checkpoint that raises the learning rate": lambda it: it.update(rate_scale=1e9),
}.items():
    ATTACKS[words] = lambda place, change=change: (
        place.rewrite(f"{place.checkpoint}/progress.json", change),
        place.resume(),
    )

for words, change in {
    "an optimizer of another shape": lambda it: it.update(
        {"optimizer.mean.output.bias": np.zeros(3, np.float32)}
    ),
    "an optimizer that is NaN": lambda it: it["optimizer.mean.output.bias"].fill(np.nan),
}.items():
    ATTACKS[words] = lambda place, change=change: (
        place.rearrange(f"{place.checkpoint}/training.safetensors", change),
        place.resume(),
    )


# -- pictures ----------------------------------------------------------------------------------


def png(width: int, height: int, *chunks: tuple[bytes, bytes]) -> bytes:
    """A PNG that says to be of this size."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = [(b"IHDR", head), *chunks, (b"IDAT", zlib.compress(bytes(100))), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in parts
    )


POSTSCRIPT = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(evil) run\n"
for words, (name, data) in {
    "a picture of 10¹⁰ pixels": ("a.png", png(100_000, 100_000)),
    "a picture of 2³¹ pixels a side": ("a.png", png((1 << 31) - 1, (1 << 31) - 1)),
    "a picture with a text that unpacks to 64 MiB": (
        "a.png",
        png(4, 4, (b"zTXt", b"a\0\0" + zlib.compress(bytes(1 << 26)))),
    ),
    "a picture with a profile that unpacks to 64 MiB": (
        "a.png",
        png(4, 4, (b"iCCP", b"a\0\0" + zlib.compress(bytes(1 << 26)))),
    ),
    "a picture that is a program for a printer": ("a.png", POSTSCRIPT),
    "a picture that is cut short": ("a.png", png(64, 64)[:60]),
    "a picture that is a pickle": ("a.jpg", pickle.dumps([1])),
    "a bitmap of a negative size": (
        "a.bmp",
        b"BM" + struct.pack("<IIIIiiHHIIiiII", 64, 0, 54, 40, -9, -9, 1, 24, 0, 0, 0, 0, 0, 0),
    ),
    "a targa picture of 4·10⁹ pixels": (
        "a.tga",
        struct.pack("<BBBHHBHHHHBB", 0, 0, 2, 0, 0, 0, 0, 0, 65_535, 65_535, 24, 0),
    ),
    "a portable map of 10¹⁸ pixels": ("a.ppm", b"P6 1000000000 1000000000 255\n"),
}.items():
    ATTACKS[words] = lambda place, name=name, data=data: place.look(name, data)


@attack("a picture that is a pipe")
def _(place: Place) -> None:
    (place.folder / "pictures-of-a-stranger").mkdir()
    pipe(place.folder / "pictures-of-a-stranger" / "a.png")
    place.look("a.png")


@attack("a picture that is a link out of the folder")
def _(place: Place) -> None:
    folder = place.folder / "pictures-of-a-stranger"
    folder.mkdir()
    (folder / "a.png").symlink_to(place.folder.parent / "pictures" / "0.png")
    place.look("a.png")


@attack("a folder that is a link out of the folder")
def _(place: Place) -> None:
    folder = place.folder / "pictures-of-a-stranger"
    folder.mkdir()
    (folder / "sub").symlink_to(place.folder.parent / "pictures")
    place.look("a.png")


# -- palettes ----------------------------------------------------------------------------------

for words, (name, data) in {
    "an .ase of 2³² colours": ("a.ase", b"ASEF" + struct.pack(">HHI", 1, 0, (1 << 32) - 1)),
    "an .ase whose colour is NaN": (
        "a.ase",
        b"ASEF"
        + struct.pack(">HHI", 1, 0, 1)
        + struct.pack(">HIH", 1, 20, 0)
        + b"RGB "
        + struct.pack(">3f", float("nan"), 0, 0),
    ),
    "an .aco of 65,535 colours in eight bytes": ("a.aco", struct.pack(">HHHH", 1, 65_535, 0, 0)),
    "a .gpl with a level of 10,000 digits": ("a.gpl", b"GIMP Palette\n1" + b"0" * 10_000 + b" 0 0"),
    "a .pal that announces 10⁹ colours": ("a.pal", b"JASC-PAL\n0100\n1000000000\n0 0 0\n"),
    "a .hex that is no hexadecimal": ("a.hex", b"__import__('os')\n"),
    "a palette strip of 10¹⁰ pixels": ("a.png", png(100_000, 100_000)),
    "a palette file that is a pickle": ("a.gpl", pickle.dumps([(0, 0, 0)])),
}.items():
    ATTACKS[words] = lambda place, name=name, data=data: place.palette(name, data)


@attack("a palette file of a terabyte")
def _(place: Place) -> None:
    from pixelgen.tokenizers.palette_file import read_palette

    huge(place.folder / "a.hex", b"000000\n")
    read_palette(place.folder / "a.hex")


@attack("a palette file that is a pipe")
def _(place: Place) -> None:
    from pixelgen.tokenizers.palette_file import read_palette

    os.mkfifo(place.folder / "a.hex")
    read_palette(place.folder / "a.hex")
