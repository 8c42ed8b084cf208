"""`pixelgen compare`: which tokenizer, model or setting is better for a given budget."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pixelgen.cli import complete
from pixelgen.cli.arguments import Device

if TYPE_CHECKING:
    from pixelgen.comparison.conduct import Comparison

COMPARED = "Compare"
PICTURES = "On"
BUDGET = "Each for how long"
RESULTS = Path("comparisons")


def compare(
    what: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="PICTURES|MATRIX.toml|RUN",
            help="A folder of pictures, a matrix in TOML, or both; or finished run directories.",
        ),
    ] = None,
    model: Annotated[
        list[str] | None,
        typer.Option(
            "--model",
            "-m",
            metavar="A,B,…",
            help="Models to compare.",
            autocompletion=complete.models,
            rich_help_panel=COMPARED,
        ),
    ] = None,
    quantizer: Annotated[
        list[str] | None,
        typer.Option(
            "--quantizer",
            "-q",
            "--tokenizer",
            metavar="A,B,…",
            help="Tokenizers to compare, each with each model.",
            autocompletion=complete.tokenizers,
            rich_help_panel=COMPARED,
        ),
    ] = None,
    vary: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KIND.OPTION=A,B,…",
            help="Values of any option to compare, such as model.hidden=256,512; repeatable.",
            rich_help_panel=COMPARED,
        ),
    ] = None,
    seeds: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="How many seeds to train each with; one alone tells nothing of luck.",
            rich_help_panel=COMPARED,
        ),
    ] = None,
    recipe: Annotated[
        str | None,
        typer.Option(
            "--recipe", "-r", help="What all have in common: a recipe.", rich_help_panel=PICTURES
        ),
    ] = None,
    option: Annotated[
        list[str] | None,
        typer.Option(
            "-o",
            metavar="KIND.OPTION=VALUE",
            help="An option that all have in common; repeatable.",
            rich_help_panel=PICTURES,
        ),
    ] = None,
    colors: Annotated[
        int | None, typer.Option(help="Size of every palette.", rich_help_panel=PICTURES)
    ] = None,
    size: Annotated[
        str | None,
        typer.Option(
            metavar="S|WxH", help="Size of the pictures in pixels.", rich_help_panel=PICTURES
        ),
    ] = None,
    minutes: Annotated[
        float | None,
        typer.Option(
            help="Minutes of training. One if no budget is given.", rich_help_panel=BUDGET
        ),
    ] = None,
    epochs: Annotated[
        int | None, typer.Option(help="Passes over the pictures.", rich_help_panel=BUDGET)
    ] = None,
    targets: Annotated[
        int | None, typer.Option(help="Tokens learned from.", rich_help_panel=BUDGET)
    ] = None,
    seed: Annotated[int | None, typer.Option(help="The first seed.")] = None,
    executor: Annotated[
        str | None,
        typer.Option(
            autocompletion=complete.executors,
            help="Whose workers carry the runs out, several at a time; -o executor.… are its "
            "options then, such as executor.workers=4 or, of ray, executor.cpus=8.",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Directory of the comparison; one under comparisons/ if left out."),
    ] = None,
    device: Device = None,
) -> None:
    """Compare models, tokenizers and settings under equal budgets, or runs that have finished.

    Every combination is trained for every seed, one run after another unless an executor is named,
    and measured on the same held-out pictures. The same command goes on with what was broken off,
    and a larger matrix in the same --out runs only what is new. The last line printed is the path
    of the HTML page.
    """
    from pixelgen.cli.assignments import check_agreement, parse_assignments, parse_size, tables
    from pixelgen.cli.compare_display import make_watcher
    from pixelgen.cli.interrupt import stop_on_signals
    from pixelgen.cli.painting import executor_named
    from pixelgen.cli.recipes import find_recipe
    from pixelgen.comparison.conduct import compare, compare_finished
    from pixelgen.comparison.matrix import Matrix
    from pixelgen.errors import OptionError
    from pixelgen.recipe import merge, read_toml

    pictures, file, runs = _sort_out(what or [])
    assigned = parse_assignments(option or [])
    spread = executor_named(executor, assigned.pop("executor", None)) if executor else None
    given = tables(
        source__location=pictures,
        tokenizer__colors=colors,
        data__size=None if size is None else list(parse_size(size)),
        seed=seed,
        device=device,
    )
    axes = {"model": _words(model), "tokenizer": _words(quantizer), **_varied(vary or [])}
    matrix = {path: values for path, values in axes.items() if values}
    budgets = {"minutes": minutes, "epochs": epochs, "targets": targets}
    budget = {unit: amount for unit, amount in budgets.items() if amount is not None}
    check_agreement(assigned, {**given, "training": budget})
    _check_not_varied(assigned, matrix)
    base = merge(read_toml(find_recipe(recipe)) if recipe else {}, assigned, given)
    watcher = make_watcher()
    if runs:
        if base or matrix or budget or seeds or spread:
            raise OptionError(
                "finished runs are compared as they are",
                where="in the options of pixelgen compare",
                remedy="Leave the other options out, or name a folder of pictures instead",
            )
        others = f"-and-{len(runs) - 1}-more" if len(runs) > 1 else ""
        place = out or RESULTS / f"{runs[0].resolve().name}{others}"
        with watcher:
            comparison = compare_finished(runs, place, watcher)
        _show(comparison)
        return
    tables_of_file = read_toml(file) if file else {}
    listed = tables_of_file.get("seeds")
    written = tables_of_file.get("base")
    places = {
        f"in --seed and in {file}": seed,
        f"under [base] and as seeds, in {file}": written.get("seed")
        if isinstance(written, dict)
        else None,
    }
    for where, one in places.items():
        if one is not None and seeds is None and isinstance(listed, list):
            raise OptionError(
                f"there is one seed, {one}, and a list of them, {listed}",
                where=where,
                remedy="Leave one of them out, or give --seeds",
            )
    values = _layered(tables_of_file, base, matrix, budget, seeds)
    parsed = Matrix.parse(values, where=str(file) if file else "pixelgen compare")
    with stop_on_signals() as stop, watcher:
        ranked = compare(parsed, out or _place(file, values), watcher, stop, spread)
    if ranked is None:
        typer.echo("Stopped. The same command goes on with it.", err=True)
        raise typer.Exit(stop.exit_code)
    _show(ranked)
    if stop.exit_code or ranked.failures:
        raise typer.Exit(stop.exit_code or 1)


def _sort_out(what: list[str]) -> tuple[str | None, Path | None, list[Path]]:
    """The folder of pictures, the matrix and the run directories among the arguments."""
    from pixelgen.errors import OptionError
    from pixelgen.untrusted import is_file

    found = [Path(each) for each in what if is_file(Path(each) / "run.json")]
    once: dict[Path, Path] = {}
    for path in found:
        once.setdefault(path.resolve(), path)
    runs = list(once.values())
    files = [Path(each) for each in what if each.endswith(".toml")]
    pictures = [each for each in what if Path(each) not in (*found, *files)]
    if (runs and (files or pictures)) or len(files) > 1 or len(pictures) > 1:
        kinds = [
            *(f"{each} is a run" for each in runs[:1]),
            *(f"{each} is a matrix" for each in files[:2]),
            *(f"{each} would be pictures" for each in pictures[:2]),
        ]
        raise OptionError(
            f"these do not go together: {', '.join(kinds)}",
            where="in the arguments of pixelgen compare",
            remedy="Give one folder of pictures, one TOML file or both; or runs that have finished",
        )
    return pictures[0] if pictures else None, files[0] if files else None, runs


def _words(given: list[str] | None) -> list[str]:
    return [word.strip() for text in given or [] for word in text.split(",") if word.strip()]


def _varied(assignments: list[str]) -> dict[str, list[Any]]:
    """`{path: values}` for texts such as `model.hidden=256,512`."""
    from pixelgen.errors import OptionError
    from pixelgen.options import parse_value

    axes: dict[str, list[Any]] = {}
    for assignment in assignments:
        path, equals, text = assignment.partition("=")
        listed = parse_value(f"[{text}]")  # TOML, or words
        values = listed if isinstance(listed, list) else [parse_value(w) for w in _words([text])]
        if not (equals and "." in path and values):
            raise OptionError(
                f"{assignment!r} is not of the form kind.option=value,value",
                where="in --vary",
                remedy="For example: --vary model.hidden=256,512",
            )
        axes.setdefault(path.strip(), []).extend(values)
    return axes


def _check_not_varied(
    assigned: Mapping[str, Mapping[str, Any]], matrix: Mapping[str, list[Any]]
) -> None:
    """Raise `OptionError` if what is compared is also given as the same for all."""
    from pixelgen.errors import OptionError

    for path, values in matrix.items():
        kind, _, option = path.partition(".")
        option = option or "name"
        value = assigned.get(kind, {}).get(option)
        if value is not None and values != [value]:
            listed = ", ".join(map(repr, values))
            raise OptionError(
                f"{value!r} for {kind}.{option} contradicts what is compared: {listed}",
                where=f"in -o {kind}.{option}",
                remedy="Leave it out",
            )


def _layered(
    file: dict[str, Any],
    base: dict[str, Any],
    matrix: dict[str, Any],
    budget: dict[str, Any],
    seeds: int | None,
) -> dict[str, Any]:
    """The file's tables with the command line's on top."""
    from pixelgen.cli.recipes import default_budget
    from pixelgen.recipe import BUDGETS, merge

    values = dict(file)
    written = file.get("base", {})
    values["base"] = merge(written, base) if isinstance(written, dict) else written
    if isinstance(file.get("matrix", {}), dict):
        values["matrix"] = {**file.get("matrix", {}), **matrix}
    training = values["base"].get("training") if isinstance(values["base"], dict) else None
    in_base = isinstance(training, dict) and BUDGETS & set(training)
    fallback = {} if in_base else default_budget().get("training", {})
    values["budget"] = budget or file.get("budget") or fallback
    if seeds is not None:
        values["seeds"] = seeds
    return values


def _place(file: Path | None, values: dict[str, Any]) -> Path:
    location = values["base"].get("source", {}).get("location")
    if file is not None:
        return RESULTS / file.stem
    return RESULTS / (Path(location).resolve().stem if location else "sample")


def _show(comparison: Comparison) -> None:
    """Write the reports; print the table, and the page's path last."""
    from rich.console import Console

    from pixelgen.cli.visible import echo, shown
    from pixelgen.comparison.report import write_reports
    from pixelgen.comparison.table import terminal_table

    page = write_reports(comparison)
    console = Console(highlight=False)
    console.print(terminal_table(comparison.ranking, console.width))
    notes = Console(stderr=True, highlight=False)
    for note in comparison.notes:
        notes.print(shown(note), style="dim", soft_wrap=True)
    for failure in comparison.failures:
        which = f"{failure.setting}, seed {failure.seed}: {failure.reason}"
        notes.print(f"[bold red]Failed:[/] {shown(which)}", soft_wrap=True)
    if comparison.stopped:
        notes.print("Stopped. The same command goes on with it.", soft_wrap=True)
    echo(page)
