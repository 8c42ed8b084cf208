"""What is fuzzed: for each reader of strangers' bytes, how it is called and what it may be fed.

A target is a function of bytes. Nothing may come of it but success or a `PixelgenError`; every
other exception is an escape.
"""

from __future__ import annotations

import io
import itertools
import json
import os
import warnings
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from small_runs import carry_out, make_pictures, small_recipe


@dataclass(frozen=True)
class Target:
    """One reader.

    Attributes:
        feed: gives it some bytes; an exception that comes out is an escape.
        seeds: bytes that it reads with success, to begin with.
    """

    feed: Callable[[bytes], None]
    seeds: tuple[bytes, ...]


def make_targets(folder: Path) -> dict[str, Target]:
    """Return all targets by name; files are written into a folder, best one in memory."""
    pictures, run = folder / "pictures", folder / "run"
    make_pictures(pictures)
    carry_out(small_recipe(pictures, "numpy-lstm"), run)
    markov = folder / "markov"
    carry_out(small_recipe(pictures, "markov"), markov)
    return {
        "pictures": _pictures(folder),
        "palettes": _palettes(folder),
        "recipes": _recipes(folder, run),
        "run.json": _run_json(run),
        "weights": _weights(run, markov),
        "checkpoints": _checkpoints(run),
        "tokenizers": _tokenizers(run),
        "tokens": _tokens(folder, pictures),
        "options": _options(),
    }


def memory() -> Path | None:
    """Return a place for files in memory, where the system has one."""
    shared = Path("/dev/shm")
    return shared if shared.is_dir() and os.access(shared, os.W_OK) else None


def _allowed(function: Callable[[bytes], object]) -> Callable[[bytes], None]:
    """The function, with the errors that may be raised taken out."""
    from pixelgen.errors import PixelgenError

    def feed(data: bytes) -> None:
        try:
            function(data)
        except PixelgenError as error:
            assert error.what

    return feed


def _pictures(folder: Path) -> Target:
    from pixelgen.data.reading import FORMATS, PictureFile, read_picture

    pixels = np.random.default_rng(1).integers(0, 255, (5, 7, 4), np.uint8)
    colour, alpha = Image.fromarray(pixels[..., :3]), Image.fromarray(pixels)
    seeds = []
    Image.init()
    for name, (kind, image) in itertools.product(
        [name for name in FORMATS if name in Image.SAVE],
        {"RGB": colour, "RGBA": alpha, "P": colour.quantize(4), "L": colour.convert("L")}.items(),
    ):
        file = io.BytesIO()
        try:
            image.save(file, name)
        except (OSError, ValueError):  # not every format has every kind
            continue
        assert kind
        seeds.append(file.getvalue())
    path = folder / "picture"
    warnings.filterwarnings("ignore", category=UserWarning, module="PIL")

    def feed(data: bytes) -> None:
        path.write_bytes(data)
        read_picture(PictureFile(path, "picture"), (8, 8), alpha=True, max_pixels=1 << 20)

    return Target(_allowed(feed), tuple(seeds))


def _palettes(folder: Path) -> Target:
    from pixelgen.tokenizers.palette_file import ENDINGS, read_palette, write_palette

    colours = np.array([[0, 0, 0], [255, 128, 7], [9, 9, 9]], np.uint8)
    seeds = []
    for number, ending in enumerate(ENDINGS):
        path = folder / f"palette{ending}"
        write_palette(path, colours)
        seeds.append(bytes([number]) + path.read_bytes())

    def feed(data: bytes) -> None:
        path = folder / f"palette{ENDINGS[(data or bytes(1))[0] % len(ENDINGS)]}"
        path.write_bytes(data[1:])
        read_palette(path)

    return Target(_allowed(feed), tuple(seeds))


def _recipes(folder: Path, run: Path) -> Target:
    from pixelgen.recipe import Recipe
    from pixelgen.resolving import resolve

    path = folder / "recipe.toml"

    def feed(data: bytes) -> None:
        path.write_bytes(data)
        resolve(Recipe.read(path)).recipe.toml()

    short = b'[model]\nname = "markov"\norder = 1\n[data]\nsize = [8, 9]\n[training]\nepochs = 2\n'
    return Target(_allowed(feed), ((run / "recipe.toml").read_bytes(), short))


def _run_json(run: Path) -> Target:
    from pixelgen.report.page import render_page
    from pixelgen.run import Run
    from pixelgen.runs.directory import RunDirectory

    path = run / "run.json"
    seed = path.read_bytes()

    def feed(data: bytes) -> None:
        path.write_bytes(data)
        try:
            RunDirectory.open(run)
            render_page(Run(run))
        finally:
            path.write_bytes(seed)

    data = {"fingerprint": "", "groups": [""], "train": [], "held_out": []}
    least = {"schema": 1, "state": "running", "plugins": {}, "seed": 1, "data": data}
    short = json.dumps(least).encode()
    return Target(_allowed(feed), (seed, short))


def _weights(run: Path, markov: Path) -> Target:
    """The first byte says which file it is."""
    from pixelgen.run import Run

    opened = [Run(run), Run(markov)]
    kinds = [
        (which.resolved.classes["model"], which.resolved.options["model"], which.path / "model")
        for which in opened
    ]
    files = [
        (kind, directory / name)
        for kind in kinds
        for directory in [kind[2]]
        for name in ("model.safetensors", "spec.json")
    ]
    whole = [path.read_bytes() for _, path in files]

    def feed(data: bytes) -> None:
        which = (data or bytes(1))[0] % len(files)
        (model, options, directory), path = files[which]
        path.write_bytes(data[1:])
        try:
            model.load(directory, options)
        finally:
            path.write_bytes(whole[which])

    seeds = tuple(bytes([number]) + contents for number, contents in enumerate(whole))
    return Target(_allowed(feed), seeds)


def _checkpoints(run: Path) -> Target:
    from pixelgen.loop_state import LoopState
    from pixelgen.pace import Pace
    from pixelgen.run import Run
    from pixelgen.runs.directory import RunDirectory

    checkpoints = RunDirectory.open(run).checkpoints
    newest = checkpoints.newest_first()[0]
    model = Run(run).model
    files = [newest / "progress.json", newest / "training.safetensors"]
    whole = [path.read_bytes() for path in files]

    def feed(data: bytes) -> None:
        which = (data or bytes(1))[0] % 2
        files[which].write_bytes(data[1:])
        try:
            progress, state = checkpoints.read(newest)
            reached = LoopState.parse(progress, where=newest)
            for pace in (Pace(minutes=1.0), Pace(steps=9)):
                pace.resume(reached.knots, reached.minutes, reached.step, reached.seconds)
                pace.progress(reached.step)
            model.restore_training_state(state)
        finally:
            files[which].write_bytes(whole[which])

    return Target(_allowed(feed), tuple(bytes([n]) + each for n, each in enumerate(whole)))


def _tokenizers(run: Path) -> Target:
    """The first byte says which of two kinds reads it."""
    from pixelgen.tokenizers.patch_kmeans import PatchKMeans
    from pixelgen.tokenizers.rgb_grid import RGBGrid

    patches = run.parent / "patches"
    patches.mkdir()
    picture = np.arange(8 * 8 * 3, dtype=np.uint8).reshape(1, 8, 8, 3)
    PatchKMeans(PatchKMeans.Options(patches=4)).fit(picture).save(patches)
    files = [
        (RGBGrid, run / "tokenizer" / "tokenizer.json"),
        (PatchKMeans, patches / "tokenizer.json"),
        (PatchKMeans, patches / "patches.safetensors"),
    ]
    whole = [path.read_bytes() for _, path in files]

    def feed(data: bytes) -> None:
        which = (data or bytes(1))[0] % len(files)
        kind, path = files[which]
        path.write_bytes(data[1:])
        try:
            loaded = kind.load(path.parent)
            loaded.decode(np.zeros((1, 2, 2), np.int32))
        finally:
            path.write_bytes(whole[which])

    return Target(_allowed(feed), tuple(bytes([n]) + each for n, each in enumerate(whole)))


def _tokens(folder: Path, pictures: Path) -> Target:
    from pixelgen.executors.local import Local
    from pixelgen.recipe import Recipe
    from pixelgen.resolving import resolve
    from pixelgen.token_store.encoding import encode_pictures
    from pixelgen.token_store.store import TokenStore

    place = folder / "tokens"
    tables = small_recipe(pictures, "markov")
    recipe = Recipe.parse({name: tables[name] for name in ("source", "data", "tokenizer")})
    serial = Local(Local.Options(kind="serial"))
    encode_pictures(resolve(recipe), place, executor=serial)
    files = [place / name for name in ("tokens.json", "shard-00000.json", "shard-00000.npy")]
    seeds = [bytes([number]) + file.read_bytes() for number, file in enumerate(files)]
    whole = [file.read_bytes() for file in files]

    def feed(data: bytes) -> None:
        number = (data or bytes(1))[0] % len(files)
        files[number].write_bytes(data[1:])
        try:
            store = TokenStore(place)
            assert len(store.names.names) == len(store)
            store.tokens(range(len(store)))
        finally:
            files[number].write_bytes(whole[number])

    return Target(_allowed(feed), tuple(seeds))


def _options() -> Target:
    """A command line, a word a line; it is only looked at, and nothing is run."""
    from pixelgen.cli import app
    from pixelgen.cli.assignments import parse_assignments, parse_size, parse_temperatures
    from pixelgen.recipe import Recipe
    from pixelgen.resolving import resolve

    def feed(data: bytes) -> None:
        words = data.decode("utf-8", "surrogateescape").split("\n")
        output = io.TextIOWrapper(io.BytesIO(), "utf-8", errors="strict")
        errors = io.TextIOWrapper(io.BytesIO(), "utf-8", errors="backslashreplace")  # Python's own
        ended = suppress(SystemExit)  # as a command ends, whether it was right or wrong
        with redirect_stdout(output), redirect_stderr(errors), ended:
            app(["run", *words, "--dry-run"])

    def typed(data: bytes) -> None:
        """The same by parts, which takes a tenth of the time."""
        temperature, size, *assigned = [*data.decode("utf-8", "surrogateescape").split("\n"), ""]
        parse_temperatures([temperature])
        tables = parse_assignments([word for word in assigned if word])
        resolve(Recipe.parse({**tables, "data": {"size": parse_size(size)}}))

    def both(data: bytes) -> None:
        (feed if sum(data) % 64 == 0 else typed)(data)

    seeds = (
        "--size\n12x9\n--colors\n9\n-m\nmarkov\n-o\nmodel.order=1\n--temperature\n0.5,1",
        "0.5\n12\nmodel.name=markov\nmodel.strength=0.5\ndata.jitter=0.2\nsampler.temperature=1",
        "1\n9x9\nmodel.name=numpy-lstm\nmodel.context=[[0, -1]]\nmodel.window=none",
        "--recipe\nmonet\n--minutes\n0.5\n--seed\n7\n--device\ncpu\n--checkpoint-every\n60s",
    )
    return Target(_allowed(both), tuple(seed.encode() for seed in seeds))
