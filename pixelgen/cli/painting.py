"""What `sample` and `complete` share: the options of painting, and the bar that shows it."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Protocol

import typer

from pixelgen.cli import complete
from pixelgen.errors import OptionError, did_you_mean
from pixelgen.names import readable

if TYPE_CHECKING:
    from pixelgen.executors.interface import Executor
    from pixelgen.run import Run
    from pixelgen.shards.manifest import Form

MOST_NAME = 100  # characters

Temperatures = Annotated[
    list[str] | None,
    typer.Option(
        metavar="T[,T…]",
        help="The article's «diversity»: lower is tamer. Several give a row each.",
    ),
]
Course = Annotated[
    str | None,
    typer.Option(
        metavar="T:T[:T…]",
        help="Temperatures along the picture, from its top to its bottom, such as 1.0:0.7.",
    ),
]
Seed = Annotated[int | None, typer.Option(min=0, help="The same seed gives the same pictures.")]
SamplerName = Annotated[
    str | None,
    typer.Option("--sampler", "-s", autocompletion=complete.samplers, help="Another sampler."),
]
Assignments = Annotated[
    list[str] | None,
    typer.Option(
        "-o",
        metavar="PLUGIN.OPTION=VALUE",
        help="Any option of the sampler, and of the model those that matter in painting alone, "
        "such as model.painting=bfloat16.",
    ),
]
Group = Annotated[
    str | None,
    typer.Option(
        metavar="NAME[:WEIGHT,NAME:WEIGHT…]",
        help="The sub-folder whose kind of picture to paint, or several mixed by weight, such as "
        "haystacks:0.7,lilies:0.3. If left out, they take turns.",
    ),
]
Width = Annotated[int | None, typer.Option(min=1, help="In pixels; the run's if left out.")]
Height = Annotated[int | None, typer.Option(min=1, help="In pixels; the run's if left out.")]
BestOf = Annotated[
    int,
    typer.Option(
        min=1, metavar="K", help="Of K tries, take the one that the model finds most probable."
    ),
]


class BeginBar(Protocol):
    """Begins a bar."""

    def __call__(self, words: str, in_pictures: bool = False) -> Callable[[int], None]: ...


def plugin_options(
    assignments: Sequence[str] | None, kinds: Sequence[str] = ("model", "sampler")
) -> dict[str, dict[str, Any] | None]:
    """Return the options of `-o` for each of the kinds.

    Raises:
        OptionError: there is another plugin's among them.
    """
    from pixelgen.cli.assignments import parse_assignments

    options = parse_assignments(assignments or [])
    if other := sorted(set(options) - set(kinds)):
        named = " and ".join([part for part in (", ".join(kinds[:-1]), kinds[-1]) if part])
        raise OptionError(
            f"only options of {named} can be changed now, not the {other[0]}'s",
            where="in -o",
            remedy="Train again with pixelgen run to change the others",
        )
    return {kind: options.get(kind) for kind in kinds}


def executor_named(name: str | None, options: dict[str, Any] | None) -> Executor | None:
    """Return the executor that `--executor` names, with its options of `-o`.

    Raises:
        OptionError: an option cannot be; or there are options and no name.
        PluginNotFound, PluginUnusable, PluginConflict: it cannot be had.
    """
    if name is None:
        if options:
            raise OptionError(
                "there are options of an executor, and none is named",
                where="in -o",
                remedy="Name it: --executor local",
            )
        return None
    from pixelgen.options import parse_options
    from pixelgen.plugins import catalogue

    loaded = catalogue().load("executor", name)
    made: Executor = loaded(parse_options(loaded.Options, options or {}, owner=f"executor {name}"))
    return made


def check_together(name: str, value: object, needed: str, other: object) -> None:
    """Raise `OptionError` if an option is given without the one that it belongs to."""
    if value is not None and other is None:
        raise OptionError(
            f"{name} {value} changes nothing without {needed}",
            where=f"in {name}",
            remedy=f"Give {needed} too, or leave {name} out",
        )


def parse_shards(text: str, temperatures: Sequence[float | None]) -> Form:
    """Return the form of `--shards`.

    Raises:
        OptionError: there is no such form; or there are several temperatures.
    """
    from pixelgen.shards.files import WRITERS

    if text not in WRITERS:
        raise OptionError(
            f"there are no shards of the form {text!r}",
            where="in --shards",
            remedy=f"{did_you_mean(text, WRITERS)}Known: {', '.join(WRITERS)}",
        )
    if len(temperatures) > 1:
        raise OptionError(
            f"shards are of one temperature, not of {len(temperatures)}",
            where="in --temperature",
            remedy="Paint into shards once for each, with a --out of its own",
        )
    return text


def parse_course(text: str | None, others: Sequence[str] | None) -> tuple[float, ...]:
    """Return the numbers of `--temperature-schedule 1.0:0.7`; none if it was not given.

    Raises:
        OptionError: they are no temperatures, or `--temperature` was given too.
    """
    from pixelgen.cli.assignments import parse_temperatures

    if text is None:
        return ()
    if others:
        raise OptionError(
            f"a picture cannot have a temperature, {others[0]}, and a course of them, {text}",
            where="in --temperature and --temperature-schedule",
            remedy="Leave one of them out",
        )
    return tuple(parse_temperatures(text.split(":"), "--temperature-schedule"))


def asked_temperatures(
    texts: Sequence[str] | None, course: Sequence[float], options: dict[str, Any] | None
) -> list[float | None]:
    """Return the temperatures to paint at, whether `--temperature` or `-o` gives them.

    Args:
        texts: of `--temperature`.
        course: of `--temperature-schedule`; the sampler is then at 1.
        options: of the sampler, of `-o`.

    Returns:
        One or more; `[None]` where the run's own is to be taken.

    Raises:
        OptionError: they are no temperatures, or are given twice.
    """
    from pixelgen.cli.assignments import parse_temperatures

    option = (options or {}).get("temperature")
    if option is not None and (texts or course):
        raise OptionError(
            "the temperature is given twice",
            where=f"in -o sampler.temperature={option} and --temperature"
            f"{'-schedule' if course else ''}",
            remedy="Leave one of them out",
        )
    if course:
        return [1.0]
    if option is not None:
        return [*parse_temperatures([str(option)], "-o sampler.temperature")]
    return [*parse_temperatures(texts or [])] or [None]


def differing(
    run: Run,
    chosen: Mapping[str, Mapping[str, Any] | None],
    *,
    model: str | None,
    sampler: str | None,
    temperature: str | float | None,
    best_of: int,
    group: str | None,
) -> dict[str, Any]:
    """Return what `sample` and `complete` share of the settings of `folder_name`."""
    return {
        "model": model,
        "sampler": None if sampler == run.recipe.sampler.name else sampler,
        **(chosen["sampler"] or {}),
        **(chosen["model"] or {}),
        "temperature": temperature if temperature is None else str(temperature).replace(":", "-"),
        "best_of": None if best_of == 1 else best_of,
        "group": group if group is None or group in run.groups else group.replace(":", "="),
    }


def named_apart(path: Path) -> str:
    """Return a file's name without its ending, told apart from files elsewhere of the same name."""
    return f"{readable(path.stem)}-{_digest(os.fsencode(path.resolve()))[:4]}"


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:8]


def folder_name(
    run: Run, width: int | None, height: int | None, settings: Mapping[str, Any]
) -> str:
    """Return what to call a folder of pictures that are not painted as the run painted its own.

    Args:
        run: whose size needs no name.
        width, height: that are asked for, in pixels.
        settings: what else sets the pictures apart; None is left out.

    Returns:
        Such as `300x75_best_of=8`; empty where nothing sets them apart.
    """
    usual = run.recipe.data.size
    size = (width or usual[0], height or usual[1])
    told = [] if size == usual else [f"{size[0]}x{size[1]}"]
    told += [f"{name}={value}" for name, value in settings.items() if value is not None]
    name = "_".join(told)
    plain = re.sub(r"[^\w.,=+-]+", "-", name)
    if plain == name and len(plain) <= MOST_NAME:
        return plain
    return f"{plain[: MOST_NAME - 9]}-{_digest(name.encode())}"


def parse_group(text: str | None, known: Sequence[str]) -> str | dict[str, float] | None:
    """Return the group, or the groups and their weights, of `haystacks:0.7,lilies:0.3`.

    A name that a run has is one, whatever stands in it; a group without a weight has 1.
    """
    if text is None or text in known:
        return text
    weights: dict[str, float] = {}
    for part in text.split(","):
        name, colon, weight = part.rpartition(":")
        try:
            weights[name if colon else part] = float(weight) if colon else 1.0
        except ValueError:
            weights[part] = 1.0
    return weights


@contextmanager
def painting_bar(
    run: Run, pictures: int, *, width: int | None, height: int | None, best_of: int
) -> Iterator[BeginBar]:
    """Show how far the painting is, where the error stream is a terminal.

    Yields:
        A function that begins a bar with these words, and returns what it is told progress by: a
        number of cells, or of pictures.
    """
    from rich.console import Console
    from rich.progress import Progress

    from pixelgen.request import framing_at

    rows, columns = framing_at(run, width, height).grid(run.tokenizer.token_shape)
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:

        def begin(words: str, in_pictures: bool = False) -> Callable[[int], None]:
            each = rows * columns * best_of
            task = progress.add_task(words, total=pictures * each)
            return lambda done: progress.update(task, completed=done * (each if in_pictures else 1))

        yield begin
