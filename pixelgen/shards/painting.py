"""Painting into shards, and going on where an earlier attempt has ended."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pixelgen.bounds import MOST_PICTURES, check_bounds
from pixelgen.errors import RunExists
from pixelgen.generation import in_turn
from pixelgen.report.contact_sheet import png_bytes
from pixelgen.request import PictureLike, numbers_of
from pixelgen.run import Run
from pixelgen.runs import atomic
from pixelgen.runs.lock import locked
from pixelgen.shards.files import check_form, new_shard
from pixelgen.shards.manifest import FILE, Form, Manifest, Shard


def paint_shards(
    run: Run,
    folder: Path,
    pictures: int,
    *,
    form: Form = "tar",
    shard_size: int = 1000,
    seed: int | None = None,
    first: int = 0,
    progress: Callable[[int], None] | None = None,
    **asked: Any,
) -> Path:
    """Paint pictures into shards; those that are whole already are left as they are.

    Interrupted at any instant, the same call goes on after the last whole shard, and what comes of
    it is the same to the byte. A larger number of pictures adds to what is there, where the last
    shard was full.

    Args:
        run: what paints.
        folder: where the shards and `manifest.json` go; made if missing.
        pictures: how many in all.
        form: `tar`, as WebDataset reads it, or `parquet`.
        shard_size: pictures in a shard.
        seed: the run's own if None.
        first: the number of the first picture.
        progress: called with the number of pictures that are there.
        asked: what else `Run.sample` takes.

    Returns:
        The path of the manifest.

    Raises:
        OptionError: something asked cannot be, or pyarrow is missing.
        StorageError: the folder cannot be written to, or holds shards of something else.
        RunExists: something else is in the folder.
        RunInUse: another process is painting into it.
    """
    check_form(form)
    check_bounds("shard_size", shard_size, 1, MOST_PICTURES)
    check_bounds("first", first, 0, MOST_PICTURES)
    numbers_of(pictures, first, seed, asked.get("best_of", 1))
    pictures, first, shard_size = int(pictures), int(first), int(shard_size)  # if NumPy's
    seed = int(run.recipe.seed if seed is None else seed)
    run.wishes(asked)  # what cannot be is said before there is a manifest that holds it
    plan = Manifest(
        run=run.path.resolve().name,
        model=_digest_of(run),
        form=form,
        first=first,
        pictures=pictures,
        shard_size=shard_size,
        seed=seed,
        asked=_as_json(run, asked),
    )
    _make(folder)
    with locked(folder, what="folder of shards", then="give the same command again, with --out"):
        there = Manifest.read(folder)
        if there is not None:
            plan.check_same(there, folder)
        atomic.recover(folder, lambda name: name == FILE or name.startswith("shard-"))
        if there is not None:
            plan = plan.model_copy(update={"shards": _whole(there, plan, folder)})
        plan = plan.model_copy(update={"finished": _is_finished(plan)})
        plan.write(folder)
        while not plan.finished:
            plan = _with_one_more(plan, run, folder, progress, asked)
            plan.write(folder)
    return folder / FILE


def _with_one_more(
    plan: Manifest,
    run: Run,
    folder: Path,
    progress: Callable[[int], None] | None,
    asked: Mapping[str, Any],
) -> Manifest:
    """Paint the next shard."""
    done = sum(shard.pictures for shard in plan.shards)
    count = min(plan.shard_size, plan.pictures - done)
    path = folder / f"shard-{len(plan.shards):05d}.{plan.form}"
    number, groups = plan.first + done, run.groups  # which are read from run.json
    with new_shard(path, plan.form) as shard:
        for painted in run.sample_in_parts(count, first=number, seed=plan.seed, **asked):
            for pixels in painted:
                about = {
                    "number": number,
                    "seed": plan.seed,
                    "group": _group(groups, asked, number),
                }
                png = png_bytes(pixels)
                with atomic.explained(path):
                    shard.add(number, png, about)
                number += 1
            if progress is not None:
                progress(number - plan.first)
    shards = [
        *plan.shards,
        Shard(
            file=path.name,
            first=plan.first + done,
            pictures=count,
            size=path.stat().st_size,
            sha256=_sha256(path),
        ),
    ]
    plan = plan.model_copy(update={"shards": shards})
    return plan.model_copy(update={"finished": _is_finished(plan)})


def _is_finished(plan: Manifest) -> bool:
    return sum(shard.pictures for shard in plan.shards) >= plan.pictures


def _whole(there: Manifest, plan: Manifest, folder: Path) -> list[Shard]:
    """The shards up to the first that is damaged, gone, or not full though others are to follow."""
    found: list[Shard] = []
    for number, shard in enumerate(there.shards):
        path = folder / shard.file
        expected = (f"shard-{number:05d}.{plan.form}", plan.first + number * plan.shard_size)
        ends_it = shard.first + shard.pictures == plan.first + plan.pictures
        if (
            (shard.file, shard.first) != expected
            or not (shard.pictures == plan.shard_size or ends_it)
            or path.is_symlink()
            or not path.is_file()
            or path.stat().st_size != shard.size
            or _sha256(path) != shard.sha256
        ):
            break
        found.append(shard)
    return found


def _make(folder: Path) -> None:
    with atomic.explained(folder):
        folder.mkdir(parents=True, exist_ok=True)
        others = [each.name for each in folder.iterdir() if not each.name.startswith(".")]
    if others and FILE not in others and set(others) != {"run.lock"}:
        raise RunExists(
            "something else is where the shards should be",
            where=str(folder),
            remedy="Choose another place with --out, or a folder that is empty",
        )


def _group(groups: Sequence[str], asked: Mapping[str, Any], number: int) -> str:
    group = asked.get("group")
    if group is None:
        return groups[in_turn([number], len(groups))[0]] if groups else ""
    return group if isinstance(group, str) else "+".join(group)


def _as_json(run: Run, asked: Mapping[str, Any]) -> dict[str, Any]:
    """What decides over the pictures besides the seed, as JSON keeps it."""
    told: dict[str, Any] = {
        name: asked.get(name)
        for name in ("temperature", "group", "width", "height", "best_of")
        if asked.get(name) is not None
    }
    told = json.loads(json.dumps(told, default=lambda value: value.tolist()))  # NumPy's
    if (prime := asked.get("prime")) is not None:
        told["prime"] = _prime_digest(prime)
        told["prime_rows"] = asked.get("prime_rows", 5)
    sampler = run.sampler_at(asked.get("temperature"), asked.get("sampler"))
    told["sampler"] = type(sampler).__name__
    told["sampler_options"] = sampler.options.model_dump(mode="json")
    told["painted_by"] = run.recipe.model.name
    told["model_options"] = {
        name: value
        for name, value in run.resolved.options["model"].model_dump(mode="json").items()
        if name in run.resolved.classes["model"].painting_options
    }
    return told


def _prime_digest(prime: PictureLike) -> str:
    if isinstance(prime, np.ndarray):
        return hashlib.sha256(np.ascontiguousarray(prime).tobytes()).hexdigest()
    return _sha256(Path(prime))


def _digest_of(run: Run) -> str:
    """Of all files of the model and the tokenizer."""
    total = hashlib.sha256()
    for folder in (run.directory.model, run.directory.tokenizer):
        run.directory.check_whole(folder)
        for path in sorted(folder.iterdir()):
            total.update(f"{folder.name}/{path.name}:{_sha256(path)}\n".encode())
    return total.hexdigest()


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
