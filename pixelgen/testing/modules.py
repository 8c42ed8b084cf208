"""Checks of an entry point's module: how it imports, what it registers, its commands and events."""

from __future__ import annotations

import contextlib
import io
import json
import re
import subprocess
import sys
import tempfile
from functools import cache

from pixelgen import api_versions, importing
from pixelgen.hookspecs import EVENT_HOOKS, REGISTERING_HOOKS
from pixelgen.plugins import Catalogue
from pixelgen.registration import Origin
from pixelgen.testing.contract import Broken, check
from pixelgen.testing.global_state import unchanged
from pixelgen.testing.made_up_run import expect_heard_quietly, expect_no_problems
from pixelgen.testing.subject import Subject

GRACE = 10.0  # seconds for the interpreter and pixelgen's own imports, besides the plugin's
HEAVY = (
    "numpy",
    "PIL",
    "torch",
    "tensorflow",
    "keras",
    "cupy",
    "jax",
    "scipy",
    "sklearn",
    "pandas",
)
NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_PROBE = """
import io, json, sys, contextlib, time
sys.path[:0] = {path!r}
import pixelgen.plugins, pixelgen.hookspecs
before = set(sys.modules)
printed = io.StringIO()
began = time.perf_counter()
with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
    __import__({module!r})
seconds = time.perf_counter() - began
heavy = sorted(set({heavy!r}) & (set(sys.modules) - before))
sys.stdout.write(json.dumps([heavy, printed.getvalue(), seconds]))
"""


def alone(subject: Subject) -> tuple[Catalogue, Origin]:
    """Return a catalogue with this plugin and no other, and its origin there."""
    found = Catalogue()
    origin = subject.origin or Origin(subject.name, "no distribution", "", "registered in place")
    found.add(subject.given, origin)
    return found, origin


_LEFT_OUT = f", and every command leaves out what takes more than {importing.IMPORT_LIMIT:g} s"


@check("plugin")
def check_import_is_light(subject: Subject) -> None:
    """The module that the entry point names is imported by every command, so it imports nothing
    heavy (no NumPy, no framework), prints nothing, and comes back at once: what takes more than
    10 s is left out of every command.

    What to do: register classes by name, `"my_package.model:Model"`, in a module that imports
    `pixelgen` alone, and import all else inside of functions. Look at the package's `__init__`.
    """
    name = getattr(subject.given, "__name__", None)
    if not isinstance(name, str) or getattr(subject.given, "__file__", None) is None:
        return  # made on the spot, in a test
    heavy, printed, seconds = _imported(name, tuple(sys.path))
    if seconds > importing.IMPORT_LIMIT:
        raise Broken(f"importing {name} takes {seconds:.1f} s{_LEFT_OUT}")
    if heavy:
        raise Broken(f"importing {name} imports {', '.join(heavy)}")
    if printed:
        raise Broken(f"importing {name} prints {printed[:80]!r}")


@check("plugin")
def check_hooks_are_known(subject: Subject) -> None:
    """The module implements hooks of this pixelgen, and no others, each with arguments that the
    hook has; and it is written for versions that this pixelgen understands.

    What to do: compare the names with `pixelgen/hookspecs.py`, mark each with
    `@pixelgen.hookimpl`, and say in `PIXELGEN_API` what it was written for.
    """
    found, origin = alone(subject)
    if origin not in found.origins:
        raise Broken("; ".join(problem.reason for problem in found.problems))
    for kind, reason in api_versions.refusals(subject.given).items():
        if found.names(kind):
            raise Broken(reason)


@check("plugin")
def check_hooks_register_and_return_nothing(subject: Subject) -> None:
    """The `register_…` hooks call `register` with names of lower-case words joined by hyphens, each
    with a summary and a class that can be imported, raise nothing, print nothing, and return
    nothing. Called again they register the same.

    What to do: call `register("my-name", "my_package.module:Class", summary="…")`; return nothing.
    """
    with unchanged("registering"):
        found, origin = alone(subject)
        again, _ = alone(subject)
    expect_no_problems(found, "hook")
    if list(found.registrations) != list(again.registrations):
        raise Broken("called twice, the hooks register different names")
    for claims in found.registrations.values():
        for claim in claims:
            if not NAME.fullmatch(claim.name):
                raise Broken(f"the {claim.kind} name {claim.name!r} is not lower-case-and-hyphens")
            if not claim.summary.strip():
                raise Broken(f"the {claim.kind} {claim.name!r} has no summary")
            if not claim.unmet() and not claim.outdated:
                claim.load()
    registers = any(found.registrations) or _implements(found, origin, "register_commands")
    if not registers and not any(_implements(found, origin, event) for event in EVENT_HOOKS):
        hooks = ", ".join(REGISTERING_HOOKS.values())
        raise Broken(f"the plugin registers nothing, through none of {hooks}, and hears no event")


@check("plugin")
def check_names_are_free(subject: Subject) -> None:
    """No other plugin that is installed here, nor pixelgen itself, has one of its names.

    What to do: choose another name; the distribution's as a prefix is a safe one.
    """
    from pixelgen.plugins import catalogue

    found, origin = alone(subject)
    for kind, name in found.registrations:
        for claim in catalogue().registrations.get((kind, name), []):
            if (claim.origin.plugin, claim.origin.distribution) != (
                origin.plugin,
                origin.distribution,
            ):
                raise Broken(f"the {kind} name {name!r} is that of plugin {claim.origin}")


@check("plugin")
def check_commands_have_help(subject: Subject) -> None:
    """Each command that the plugin adds has a name that pixelgen does not have, a line of help, and
    answers `--help`.

    What to do: choose another name; give the function a docstring, and its parameters types that
    typer knows.
    """
    from pixelgen.cli import app
    from pixelgen.cli.plugin_commands import commands_of

    found, origin = alone(subject)
    commands = commands_of(found, origin)
    expect_no_problems(found, "command")
    own = {info.name for info in app.registered_commands}
    own |= {info.name for info in app.registered_groups}
    for name, command in commands.items():
        if name in own:
            raise Broken(f"the command {name!r} is one of pixelgen's own")
        if not (command.help or "").strip():
            raise Broken(f"the command {name!r} has no help")
        with contextlib.redirect_stdout(io.StringIO()) as said:
            try:
                command.main(["--help"], prog_name=f"pixelgen {name}")
            except SystemExit as leaving:
                if leaving.code:
                    raise Broken(f"`pixelgen {name} --help` leaves with {leaving.code}") from None
        if not said.getvalue().strip():
            raise Broken(f"`pixelgen {name} --help` says nothing")


@check("plugin")
def check_events_are_heard_quietly(subject: Subject) -> None:
    """The event hooks, called as in a run of two epochs in a temporary folder, raise, return and
    print nothing, and leave the run's own files and what they are given as they were.

    What to do: copy pictures before changing them, write files of other names, and catch what a
    server or a disk may raise; a run goes on without you if you do not.
    """
    found, _ = alone(subject)
    expect_heard_quietly(found)


def _implements(found: Catalogue, origin: Origin, hook: str) -> bool:
    implementations = getattr(found.hooks.hook, hook).get_hookimpls()
    return any(each.plugin_name == origin.plugin for each in implementations)


@cache
def _imported(module: str, path: tuple[str, ...]) -> tuple[list[str], str, float]:
    """What a module imports in a new interpreter that is heavy, what it prints, and its seconds."""
    limit = importing.IMPORT_LIMIT + GRACE
    probe = _PROBE.format(path=list(path), module=module, heavy=HEAVY)
    # Files and no pipes, which a process that the import left behind would hold open.
    with tempfile.TemporaryFile("w+") as told, tempfile.TemporaryFile("w+") as errors:
        command = [sys.executable, "-P", "-c", probe]
        try:
            done = subprocess.run(command, stdout=told, stderr=errors, timeout=limit, check=False)
        except subprocess.TimeoutExpired:
            raise Broken(f"importing {module} has not ended after {limit:g} s{_LEFT_OUT}") from None
        told.seek(0)
        errors.seek(0)
        if done.returncode:
            last = (errors.read().strip().splitlines() or ["no word"])[-1]
            raise Broken(f"importing {module} alone fails: {last}")
        answer = told.read()
    if not answer:
        raise Broken(f"importing {module} ends the process")
    heavy, printed, seconds = json.loads(answer)
    return heavy, printed, seconds
