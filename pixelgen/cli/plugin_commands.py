"""Commands that plugins add: taken in when one is asked for that pixelgen itself does not have."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import typer
from typer.core import TyperGroup

from pixelgen.importing import keep_quiet
from pixelgen.plugins import Catalogue, catalogue
from pixelgen.registration import Origin, reason_of


class WithPlugins(TyperGroup):
    """The commands of pixelgen, and behind them those of plugins.

    No plugin is looked at while one of pixelgen's own commands is parsed, so that a broken plugin
    can be listed, checked and left out whatever it does.

    Attributes:
        added: the names of the commands that each plugin has added, once plugins were looked at.
    """

    _complete = False
    added: Mapping[Origin, Sequence[str]] = {}

    def list_commands(self, ctx: Any) -> list[str]:
        self._take_plugins_in()
        return super().list_commands(ctx)

    def get_command(self, ctx: Any, name: str) -> Any:
        command = super().get_command(ctx, name)
        if command is None:
            self._take_plugins_in()
            command = super().get_command(ctx, name)
        return command

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command that is asked for.

        Raises:
            PluginNotFound: there is none; what is wrong with any plugin may be why.
        """
        name = args[0]
        is_name = not (name.startswith("-") or ctx.resilient_parsing)
        if is_name and self.get_command(ctx, name) is None:
            raise catalogue().no_command(name, self.commands)
        return super().resolve_command(ctx, args)

    def _take_plugins_in(self) -> None:
        if not self._complete:
            self._complete = True
            each = commands_of_plugins(catalogue(), self.commands)
            self.added = {origin: list(commands) for origin, commands in each.items()}
            for commands in each.values():
                self.commands.update(commands)


def commands_of_plugins(
    found: Catalogue, taken: Mapping[str, object]
) -> dict[Origin, dict[str, Any]]:
    """Return the commands that each plugin adds, by name; what is wrong is kept as a problem.

    Args:
        found: the plugins.
        taken: names that none may claim.
    """
    commands: dict[Origin, dict[str, Any]] = {}
    owners: dict[str, Origin] = {}
    for origin in found.origins:
        commands[origin] = {}
        for name, command in commands_of(found, origin).items():
            if name in taken:
                found.report(origin, f"its command {name!r} is one of pixelgen's own")
            elif name in owners:
                found.report(origin, f"claims the command name {name!r} of plugin {owners[name]}")
            else:
                commands[origin][name], owners[name] = command, origin
    return commands


def commands_of(found: Catalogue, origin: Origin) -> dict[str, Any]:
    """Return the commands of one plugin, by name; one that cannot be made is kept as a problem."""
    app = typer.Typer(rich_markup_mode="rich", pretty_exceptions_enable=False)
    with keep_quiet() as printed:
        found.call_in(origin, "register_commands", app=app)
    if printed.beginning:
        found.report(
            origin, f"its hook register_commands prints {printed.beginning!r}, which is not shown"
        )
    commands: dict[str, Any] = {}
    each: Collection[Any]
    for listed in ("registered_commands", "registered_groups"):
        each = getattr(app, listed)
        for info in each:
            alone = typer.Typer(rich_markup_mode="rich", pretty_exceptions_enable=False)
            setattr(alone, listed, [info])
            try:
                made = typer.main.get_group(alone).commands
            except Exception as error:  # a parameter's type that typer does not know
                found.report(origin, f"a command of its cannot be made: {reason_of(error)}")
                continue
            commands.update(made)
    return commands
