"""The page of a run: one HTML file that loads nothing else, to be sent to a friend.

Pictures come first. Every word is escaped by the template, and the only script that the page may
run is its own, by its hash: a picture may be called anything.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

import jinja2
import numpy as np
from markupsafe import Markup

from pixelgen.errors import PluginNotFound, PluginUnusable
from pixelgen.evaluation.record import Evaluation
from pixelgen.names import readable
from pixelgen.recipe import PLUGIN_SECTIONS, PluginSection, Recipe
from pixelgen.report.baselines import read_baselines
from pixelgen.report.curves import curves_of, plot_curves, references_of
from pixelgen.report.encoding import address, addresses
from pixelgen.report.evolution import bits_of, chosen, title_of
from pixelgen.report.findings import Findings, findings_of
from pixelgen.report.keeping import kept_training_pictures
from pixelgen.report.swatches import swatches
from pixelgen.run import Run
from pixelgen.runs import atomic
from pixelgen.runs.directory import RunDirectory
from pixelgen.runs.manifest import filled
from pixelgen.runs.moments import read_moments
from pixelgen.runs.pictures import Painted, painted_in, read_png

# Characters of pictures, so that the whole stays below 3 MB.
PAINTED_ROOM, EVOLUTION_ROOM, TRAINING_ROOM, FINDINGS_ROOM = 1_100_000, 850_000, 420_000, 350_000
MOST_PAINTED, MOST_MOMENTS, MOST_TRAINING, MOST_NOTES = 64, 24, 60, 20
FOLDER = Path(__file__).parent / "html"

COMMAND = "pipe:"  # in the place of pictures, as WebDataset has it


@dataclass(frozen=True)
class Shown:
    """A picture on the page."""

    address: str
    words: str
    caption: str = ""


@dataclass
class Row:
    """Pictures that belong together, and what they have in common."""

    name: str
    pictures: list[Shown] = field(default_factory=list)


@dataclass(frozen=True)
class Frame:
    """One moment of the evolution."""

    title: str
    bits: str
    rows: list[Row]


def write_page(run: Run) -> Path:
    """Write `report.html` from what is in the run directory; return its path.

    Raises:
        RunUnreadable: something in the run directory is damaged.
        StorageError: the page cannot be written.
    """
    path = run.path / "report.html"
    atomic.write_text(path, render_page(run))
    return path


def render_page(run: Run) -> str:
    """Return the page as HTML."""
    recipe, manifest, metrics = run.recipe, filled(run.manifest), run.metrics
    width, height = recipe.data.size
    evaluation = Evaluation.read(run.path)
    if evaluation is not None and evaluation.ended != manifest["ended"]:
        evaluation = None  # the run has gone on since
    painted = painted_in(run.directory.samples, recipe.seed)
    baselines = read_baselines(run.directory)
    curves = curves_of(metrics)
    references = references_of(baselines, str(recipe.model.name))
    script = (FOLDER / "page.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")
    training = kept_training_pictures(run.directory, width)
    palette = _palette(run)
    shown_recipe = _portable(recipe)
    return (
        _environment()
        .get_template("page.html")
        .render(
            digest=digest,
            script=Markup(script),
            style=Markup((FOLDER / "page.css").read_text(encoding="utf-8")),
            name=readable(run.path.resolve().name),
            subject=_subject(recipe),
            manifest=manifest,
            learned=manifest["data"].get("learned") or len(manifest["data"]["train"]),
            recipe=recipe,
            recipe_text=shown_recipe,
            from_here=_is_place_here(recipe.source.location),
            recipe_address="data:text/plain;base64,"
            + base64.b64encode(shown_recipe.encode()).decode("ascii"),
            minutes=_spell(manifest["spent"]["seconds"] if manifest["spent"] else 0.0),
            size=(width, height),
            painted=_painted_rows(painted, evaluation, recipe),
            painted_total=len(painted),
            frames=_frames(run.directory),
            findings=findings_of(run.path, evaluation, FINDINGS_ROOM) if evaluation else Findings(),
            evaluation=evaluation,
            training=_training(training, manifest["data"]["train"]),
            palette=None if palette is None else address(swatches(palette)),
            colours=0 if palette is None else len(palette),
            hex_colours=[]
            if palette is None or len(palette) > 64
            else [f"#{bytes(colour[:3]).hex()}" for colour in palette.tolist()],
            curves=curves,
            references=references,
            plots=[
                Markup(plot_curves(curves, references, *size).svg())
                for size in ((1100, 420), (360, 300))
            ]
            if curves
            else [],
            speed=metrics[-1]["targets_per_second"] if metrics else None,
            notes=_notes(manifest),
            timings=_timings(manifest),
        )
    )


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["scale"] = scale_of
    return environment


def scale_of(side: int, wanted: int) -> int:
    """Return the whole number of screen pixels to a picture's pixel that comes near a width."""
    return max(1, round(wanted / side))


def _palette(run: Run) -> np.ndarray | None:
    """The run's colours; None where it has none, or where its tokenizer is not installed."""
    try:
        return run.tokenizer.palette
    except (PluginNotFound, PluginUnusable):
        return None


def _painted_rows(
    painted: Sequence[Painted], evaluation: Evaluation | None, recipe: Recipe
) -> list[Row]:
    """The painted pictures, a row a temperature, each with what was found of it."""
    verdicts, judged, since = {}, None, 0.0
    if evaluation is not None and (evaluation.seed, evaluation.sampler) == (
        recipe.seed,
        recipe.sampler.name,
    ):
        verdicts = {sample.index: sample.words for sample in evaluation.novelty.samples}
        judged = evaluation.temperature
        since = datetime.fromisoformat(evaluation.ended).timestamp()  # of these weights' training
    temperatures = list(dict.fromkeys(each.temperature for each in painted))
    rows = []
    for temperature in temperatures:
        some = [each for each in painted if each.temperature == temperature]
        some = some[: max(1, MOST_PAINTED // len(temperatures))]
        pixels = (read_png(each.path, remedy="Paint it again: pixelgen sample") for each in some)
        made = addresses(pixels, PAINTED_ROOM // len(temperatures))
        row = Row("" if temperature is None else f"temperature {temperature:g}")
        for each, holding in zip(some, made, strict=False):
            words = f"painted picture {each.index + 1} of seed {each.seed}"
            found = (recipe.temperatures[0] if temperature is None else temperature) == judged
            found = found and each.path.stat().st_mtime >= since
            verdict = verdicts.get(each.index, "") if found else ""
            row.pictures.append(Shown(holding, words, verdict))
        rows.append(row)
    return rows


def _frames(run: RunDirectory) -> list[Frame]:
    """The moments for the slider; as many as there is room for."""
    moments = read_moments(run)
    if moments is None or not moments.moments:
        return []
    first = moments.load(moments.moments[0])
    one = sum(len(address(picture)) for row in first for picture in row)
    count = max(2, min(MOST_MOMENTS, EVOLUTION_ROOM // max(one, 1)))
    shown = chosen(moments.moments, count)
    frames = []
    for moment in shown:
        rows = []
        loaded = moments.load(moment)
        for temperature, pictures in zip(moments.temperatures, loaded, strict=True):
            room = EVOLUTION_ROOM // (len(shown) * len(loaded))
            title = title_of(moment)
            made = addresses(pictures, room)
            rows.append(
                Row(
                    f"temperature {temperature:g}" if len(loaded) > 1 else "",
                    [Shown(each, f"picture {n + 1}, {title}") for n, each in enumerate(made)],
                )
            )
        frames.append(Frame(title_of(moment), bits_of(moment), rows))
    return frames


def _training(pictures: Sequence[np.ndarray], names: Sequence[str]) -> list[Shown]:
    made = addresses(pictures[:MOST_TRAINING], TRAINING_ROOM) if pictures else []
    return [Shown(each, name) for each, name in zip(made, names, strict=False)]


def _subject(recipe: Recipe) -> str:
    """The last part of where the pictures are, or the source's name: not where on this disk."""
    location = recipe.source.location
    return _shown(location) if location else f"the source {recipe.source.name}"


def _portable(recipe: Recipe) -> str:
    """The recipe as TOML, as it may be shown to others: files and folders by their names, and not
    where they lie on this machine; addresses without what signs somebody in; and no trackers and
    no executor, whose options are addresses and the like."""
    sections = {
        kind: getattr(recipe, kind).model_copy(
            update=_without_places(getattr(recipe, kind).model_dump())
        )
        for kind in PLUGIN_SECTIONS
        if kind != "executor"
    }
    return recipe.model_copy(
        update={**sections, "executor": PluginSection(), "trackers": {}}
    ).toml()


def _without_places(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_places(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_without_places(each) for each in value)
    return _shown(value) if isinstance(value, str) else value


def _shown(text: str) -> str:
    """A path's last part; an address without a user, a password or a query; other text as it is."""
    if text.startswith(COMMAND):  # whose words may hold anything
        return f"{COMMAND}…"
    if _is_place_here(text):
        return re.split(r"[/\\]", text.rstrip("/\\"))[-1]
    return "::".join(_without_secrets(part) for part in text.split("::"))


def _without_secrets(address: str) -> str:
    scheme, there, rest = address.partition("://")
    if not there:
        return address
    return f"{scheme}://{re.split('[?#]', rest.rpartition('@')[2])[0]}"


def _is_place_here(text: str | None) -> bool:
    """Whether it is a path on some machine: a run's recipe has those of what was there in full.

    What is no path there, such as OWNER/NAME of a dataset, has no more than two parts.
    """
    if text is None:
        return False
    absolute = PurePosixPath(text).is_absolute() or PureWindowsPath(text).is_absolute()
    deep = "://" not in text and text.count("/") > 1
    return absolute or deep or text.startswith(("~", "file:"))


def _notes(manifest: dict[str, Any]) -> list[str]:
    data = manifest["data"]
    notes = [*manifest["notes"]]
    notes += [f"Left out {bad['name']}: {bad['reason']}" for bad in data["bad"]]
    notes += [
        f"Left out {each['dropped']}: the same as {each['kept']}" for each in data["duplicates"]
    ]
    more = len(notes) - MOST_NOTES
    return [*notes[:MOST_NOTES], *([f"and {more} more in run.json"] if more > 0 else [])]


def _timings(manifest: dict[str, Any]) -> list[tuple[str, str]]:
    spent = manifest["spent"]
    known: list[tuple[str, str]] = []
    if manifest["started"]:
        began = datetime.fromisoformat(manifest["started"])
        known.append(("began", f"{began:%Y-%m-%d %H:%M} UTC"))
        if manifest["ended"] and "resumed" not in manifest:
            took = (datetime.fromisoformat(manifest["ended"]) - began).total_seconds()
            known.append(("until trained, with reading and measuring", _spell(took)))
    if spent:
        known.append(("training steps", _spell(spent["seconds"])))
        known.append(("epochs, steps", f"{spent['epochs']:,}, {spent['steps']:,}"))
    return known


def _spell(seconds: float) -> str:
    """Seconds as a person would say them."""
    if seconds < 90:
        return f"{seconds:.0f} second{'' if round(seconds) == 1 else 's'}"
    if seconds < 5400:
        return f"{seconds / 60:.0f} minutes"
    return f"{seconds / 3600:.1f} hours"
