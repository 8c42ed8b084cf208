"""`pixelgen plugins`: what is installed, what can be used here, and what each plugin takes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pixelgen.cli.plugin_check import check_plugin
from pixelgen.cli.plugin_new import new_plugin

if TYPE_CHECKING:
    from pixelgen.plugins import Catalogue
    from pixelgen.registration import Origin

app = typer.Typer(
    name="plugins",
    help="Show what is installed and what each plugin takes; write and check your own.",
    no_args_is_help=True,
)
app.command("check")(check_plugin)
app.command("new")(new_plugin)


@app.command("list")
def list_plugins(
    context: typer.Context,
    kind: Annotated[
        str | None,
        typer.Option(
            metavar="tokenizer|model|sampler|source|executor|tracker|plugin",
            help="Only this kind; plugin: what registers none of the others.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For scripts.")] = False,
) -> None:
    """List all plugins: whether each can be used here, and if not, why.

    One that adds commands or hears events, and nothing else, is of the kind plugin.

    Imports no plugin's implementation.
    """
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from pixelgen.hookspecs import REGISTERING_HOOKS
    from pixelgen.plugins import catalogue
    from pixelgen.registration import check_kind

    kinds = (*REGISTERING_HOOKS, "plugin")
    if kind is not None:
        check_kind(kind, kinds)
    found = catalogue()
    whole: Any = context.find_root()
    whole.command.list_commands(
        whole
    )  # takes plugins' commands in, and reports what is wrong there
    rows: list[dict[str, Any]] = [
        {
            "name": claim.name,
            "kind": claim.kind,
            "summary": claim.summary,
            "usable": not found.why_not(claim),
            "reason": found.why_not(claim),
            "distribution": claim.origin.distribution,
            "version": claim.origin.version,
            "origin": claim.origin.found,
        }
        for claims in found.registrations.values()
        for claim in claims
        if kind in (None, claim.kind)
    ]
    if kind in (None, "plugin"):
        rows += _without_names(found, whole.command.added)
    problems = [
        {
            "plugin": problem.origin.plugin,
            "distribution": problem.origin.distribution,
            "version": problem.origin.version,
            "reason": problem.reason,
        }
        for problem in found.problems
    ]
    if as_json:
        typer.echo(json.dumps({"plugins": rows, "problems": problems}, indent=2))
        return
    from pixelgen.cli.visible import shown as readable

    console = Console(highlight=False)
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for heading in ("kind", "name", "usable", "from", "what it is"):
        table.add_column(heading, no_wrap=heading in ("kind", "name", "usable"))
    last = ""
    for row in rows:
        shown = "[green]yes[/]" if row["usable"] else "[red]no[/]"
        origin = f"{row['distribution']} {row['version']}".strip()
        if row["origin"] == "built-in":
            origin = "built-in"
        what = readable(row["summary"])
        if not row["usable"]:
            what += f" [red]({readable(row['reason'])})[/]"
        first = row["kind"] if row["kind"] != last else ""
        table.add_row(first, escape(row["name"]), shown, escape(origin), what)
        last = row["kind"]
    console.print(table)
    for problem in found.problems:
        console.print(f"[red]Broken:[/] {readable(problem)}", soft_wrap=True)


def _without_names(
    found: Catalogue, added: Mapping[Origin, Sequence[str]]
) -> Iterator[dict[str, Any]]:
    """A row for each plugin that registers no name, with what it does instead."""
    named = {claim.origin for claims in found.registrations.values() for claim in claims}
    for origin in found.origins:
        parts = (("adds", added.get(origin, ())), ("hears", found.events_of(origin)))
        does = [f"{verb} {', '.join(what)}" for verb, what in parts if what]
        if does and origin not in named:
            yield {
                "name": origin.plugin,
                "kind": "plugin",
                "summary": "; ".join(does),
                "usable": True,
                "reason": "",
                "distribution": origin.distribution,
                "version": origin.version,
                "origin": origin.found,
            }


@app.command("show")
def show_plugin(
    name: Annotated[str, typer.Argument(help="The plugin's name, such as torch-lstm.")],
    as_json: Annotated[bool, typer.Option("--json", help="For scripts.")] = False,
) -> None:
    """Show what a plugin is and which options it takes."""
    import inspect

    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from pixelgen.errors import PluginNotFound, did_you_mean
    from pixelgen.hookspecs import REGISTERING_HOOKS
    from pixelgen.options import describe_options
    from pixelgen.plugins import catalogue

    found = catalogue()
    kinds = [kind for kind in REGISTERING_HOOKS if (kind, name) in found.registrations]
    if not kinds:
        known = sorted({known for _, known in found.registrations})
        raise PluginNotFound(
            f"no plugin is called {name!r}",
            where="among the installed plugins",
            remedy=f"{did_you_mean(name, known)}See: pixelgen plugins list",
        )
    shown: list[dict[str, Any]] = []
    for kind in kinds:
        registration = found.find(kind, name)
        loaded = registration.load()
        shown.append(
            {
                "name": name,
                "kind": kind,
                "summary": registration.summary,
                "distribution": registration.origin.distribution,
                "version": registration.origin.version,
                "class": registration.target,
                "description": inspect.cleandoc(loaded.__doc__ or ""),
                "options": [vars(option) for option in describe_options(loaded.Options)],
            }
        )
    if as_json:
        typer.echo(json.dumps(shown, indent=2, default=str))
        return
    console = Console(highlight=False)
    for plugin in shown:
        of = escape(f"{plugin['kind']} of {plugin['distribution']}")
        console.print(f"[bold]{escape(plugin['name'])}[/]: {of}")
        console.print(escape(plugin["description"] or plugin["summary"]) + "\n")
        table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
        for heading in ("option", "default", "allowed", "what it does"):
            table.add_column(heading, no_wrap=heading in ("option",))
        for option in plugin["options"]:
            allowed = " ".join(part for part in (option["type"], option["bounds"]) if part)
            default = "none" if option["default"] is None else repr(option["default"])
            cells = (option["name"], default, allowed, option["description"])
            table.add_row(*map(escape, cells))
        if plugin["options"]:
            console.print(table)
            example = plugin["options"][0]
            value = "none" if example["default"] is None else example["default"]
            of_tracker = plugin["kind"] == "tracker"
            owner = f"trackers.{plugin['name']}" if of_tracker else plugin["kind"]
            assignment = escape(f"{owner}.{example['name']}={value}")
            console.print(f"\nSet one with: -o {assignment}", style="dim")
        else:
            console.print("It takes no options.", style="dim")
