"""`pixelgen plugins check`: hold a plugin to its contracts, and say which it breaks."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Annotated, Any

import typer

COLOURS = {"passed": "green", "expected": "yellow", "failed": "red", "unexpected": "red"}


def check_plugin(
    name: Annotated[
        str, typer.Argument(help="A plugin's name, an entry point's or a distribution's.")
    ],
    kind: Annotated[
        str | None,
        typer.Option(
            metavar="tokenizer|model|sampler|source|executor|tracker|plugin",
            help="Only this kind; plugin: the entry point's module.",
        ),
    ] = None,
    option: Annotated[
        list[str] | None,
        typer.Option("-o", metavar="option=value", help="An option of the plugin."),
    ] = None,
    expect: Annotated[
        list[str] | None,
        typer.Option(metavar="check=reason", help="A check that fails, and why; strict."),
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    location: Annotated[str | None, typer.Option(help="Of a source's pictures.")] = None,
    import_limit: Annotated[
        float, typer.Option(min=0.1, metavar="SECONDS", help="For the plugin's import.")
    ] = 20.0,
    check_limit: Annotated[
        float, typer.Option(min=0.1, metavar="SECONDS", help="For each check.")
    ] = 300.0,
    as_json: Annotated[bool, typer.Option("--json", help="For scripts.")] = False,
) -> None:
    """Check that a plugin does what pixelgen relies on.

    The checks run in a process of their own. Exit code 0 if all pass, 1 if one fails, 2 if the
    plugin cannot be found or imported.
    """
    from rich.console import Console
    from rich.markup import escape

    from pixelgen.testing.process import check_in_process

    asked = {
        "name": name,
        "kind": kind,
        "options": _pairs(option or [], "-o", "hidden=8"),
        "expected": _pairs(expect or [], "--expect", "check_any_scan=it knows rows alone"),
        "device": device,
        "location": location,
    }
    console = Console(highlight=False)

    def show(outcome: dict[str, Any]) -> None:
        if as_json:
            return
        status = outcome["status"]
        console.print(
            f"[{COLOURS[status]}]{status:10}[/] {escape(outcome['check'])} "
            f"[dim]{escape(outcome['subject'].split(' (')[0])}[/]",
            soft_wrap=True,
        )
        for label, part in (
            ("what broke", "broke" if status == "failed" else "reason"),
            ("contract", "contract"),
            ("what to do", "remedy"),
        ):
            if outcome[part] and (status == "failed" or part == "reason"):
                console.print(f"           [dim]{label}:[/] {escape(outcome[part])}")

    outcomes = check_in_process(
        asked, import_limit=import_limit, check_limit=check_limit, ended=show
    )
    wrong = [each for each in outcomes if each["status"] in ("failed", "unexpected")]
    if as_json:
        typer.echo(json.dumps({"name": name, "ok": not wrong, "outcomes": outcomes}, indent=2))
    else:
        seconds = sum(outcome["seconds"] for outcome in outcomes)
        verdict = f"{len(wrong)} of {len(outcomes)} checks fail" if wrong else "all checks pass"
        console.print(f"{name}: {verdict} ({len(outcomes)} in {seconds:.1f} s)")
    if wrong:
        raise typer.Exit(1)


def _pairs(texts: Sequence[str], where: str, example: str) -> dict[str, str]:
    from pixelgen.errors import OptionError

    pairs = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not (name.strip() and equals):
            raise OptionError(
                f"{text!r} has no =", where=f"in {where}", remedy=f"For example: {where} {example}"
            )
        pairs[name.strip()] = value.strip()
    return pairs
