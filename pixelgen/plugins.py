"""The plugin catalogue: what is installed, what can be used here, and what is broken and why.

Plugins register names; nothing that a name stands for is imported before somebody uses it. One
plugin's failure is recorded as a `Problem` and never reaches another plugin or command.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import inspect
import os
import warnings
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import pluggy

from pixelgen import __version__, hookspecs
from pixelgen.api_versions import refusals
from pixelgen.errors import (
    PluginConflict,
    PluginNotFound,
    did_you_mean,
    nearest_names,
)
from pixelgen.hookspecs import EVENT_HOOKS, PROJECT, REGISTERING_HOOKS
from pixelgen.importing import keep_quiet, within_limit
from pixelgen.registration import (
    Origin,
    Problem,
    Registration,
    has_cuda_device,
    is_installed,
    reason_of,
)

ENTRY_POINT_GROUP = "pixelgen"
CORE_DISTRIBUTION = "pixelgen-core"
LIMIT_VARIABLE = "PIXELGEN_PLUGINS"

# Where no name is given, the first of these that is installed and usable is taken.
PREFERRED = {
    "tokenizer": ("cupy-kmeans", "numpy-kmeans", "rgb-grid"),
    "model": ("torch-lstm", "keras-lstm", "numpy-lstm", "markov"),
    "sampler": ("multinomial",),
    "source": ("folder", "sample"),
    "executor": ("local",),
}

# Of these kinds a preferred name that two plugins claim is an error, as where it is named: the next
# best would do something else, such as `top-k` for `multinomial`, and nobody is told which it is.
NEVER_PASSED_OVER = ("sampler", "source", "executor")

# Plugins that are not installed but known: what to tell somebody who asks for one.
KNOWN_ELSEWHERE = {
    ("model", "torch-lstm"): "pixelgen-torch",
    ("model", "torch-mlp"): "pixelgen-torch",
    ("model", "torch-gpt"): "pixelgen-torch",
    ("model", "keras-lstm"): "pixelgen-keras",
    ("tokenizer", "cupy-kmeans"): "pixelgen-cupy",
    ("tracker", "tensorboard"): "pixelgen-tensorboard",
    ("executor", "ray"): "pixelgen-ray",
    ("source", "webdataset"): "pixelgen-webdataset",
    ("source", "parquet"): "pixelgen-parquet",
    ("source", "hf-datasets"): "pixelgen-hf-datasets",
}


@dataclass
class Catalogue:
    """All plugins, in the order in which they were found.

    `registrations` maps a kind and a name to every registration that claims it: more than one is
    a conflict, reported to whoever uses the name.
    """

    hooks: pluggy.PluginManager = field(default_factory=lambda: pluggy.PluginManager(PROJECT))
    registrations: dict[tuple[str, str], list[Registration]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    _origins: dict[str, Origin] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.hooks.add_hookspecs(hookspecs)

    # -- finding plugins ---------------------------------------------------------------------

    def add(self, module: Any, origin: Origin) -> None:
        """Take a plugin's module in: check its hooks, then let it register its names."""
        outdated: dict[str, str] = {}
        try:
            outdated = refusals(module)
            mistake = (
                self._taken(module, origin)
                or outdated.get("hooks", "")
                or self._mistaken_hooks(module)
            )
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # a module may answer for its attributes itself
            mistake = f"its hooks cannot be looked at: {reason_of(error)}"
        if mistake:
            self.problems.append(Problem(origin, mistake))
            return
        try:
            with warnings.catch_warnings(record=True) as deprecations:
                warnings.simplefilter("always")
                self.hooks.register(module, name=origin.plugin)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # a hook with arguments that it is never given
            if self.hooks.get_plugin(origin.plugin) is module:
                self.hooks.unregister(module)
            self.problems.append(Problem(origin, reason_of(error)))
            return
        self.problems.extend(Problem(origin, str(each.message)) for each in deprecations)
        self._origins[origin.plugin] = origin
        for kind, hook_name in REGISTERING_HOOKS.items():
            register = self._registrar(kind, origin, outdated.get(kind, ""))
            with keep_quiet() as printed:
                self._call(hook_name, {"register": register}, only=origin.plugin)
            if printed.beginning:
                said = f"its hook {hook_name} prints {printed.beginning!r}, which is not shown"
                self.problems.append(Problem(origin, said))

    def add_entry_points(self, limit: Collection[str] | None = None) -> None:
        """Take in installed distributions' entry points.

        Args:
            limit: names of entry points or distributions; all of them if None.
        """
        unused = set(limit or ())
        for entry in sorted(
            importlib.metadata.entry_points(group=ENTRY_POINT_GROUP), key=lambda entry: entry.name
        ):
            distribution = entry.dist.name if entry.dist else "an unknown distribution"
            version = entry.dist.version if entry.dist else ""
            origin = Origin(entry.name, distribution, version, "entry point")
            if limit is not None and not {entry.name, distribution} & set(limit):
                continue
            unused -= {entry.name, distribution}
            with keep_quiet() as printed:
                try:
                    module = within_limit(entry.load)
                except KeyboardInterrupt:
                    raise
                except BaseException as error:  # such as a panic of an extension in Rust
                    self.problems.append(Problem(origin, f"its import fails: {reason_of(error)}"))
                    continue
            if printed.beginning:
                said = f"its import prints {printed.beginning!r}, which is not shown"
                self.problems.append(Problem(origin, said))
            self.add(module, origin)
        for name in sorted(unused):
            origin = Origin(name, "no installed distribution", "", "entry point")
            self.problems.append(Problem(origin, f"{LIMIT_VARIABLE} names it; it is not installed"))

    @property
    def origins(self) -> list[Origin]:
        """Return where each plugin that was taken in comes from, in their order."""
        return list(self._origins.values())

    def module(self, origin: Origin) -> Any:
        """Return the module of a plugin that was taken in."""
        return self.hooks.get_plugin(origin.plugin)

    def remove(self, origin: Origin) -> None:
        """Forget the plugin that was added with this very origin, and all that it registered."""
        if self._origins.get(origin.plugin) is origin:
            del self._origins[origin.plugin]
            self.hooks.unregister(name=origin.plugin)
        self.problems = [problem for problem in self.problems if problem.origin is not origin]
        for key, claims in list(self.registrations.items()):
            kept = [claim for claim in claims if claim.origin is not origin]
            if kept:
                self.registrations[key] = kept
            else:
                del self.registrations[key]

    # -- looking plugins up ------------------------------------------------------------------

    def names(self, kind: str) -> list[str]:
        """Return the registered names of a kind, in the order of registration."""
        return [name for known_kind, name in self.registrations if known_kind == kind]

    def find(self, kind: str, name: str) -> Registration:
        """Return the one registration of this name.

        Raises:
            PluginNotFound: nothing has this name; the nearest names and what to install are said.
            PluginConflict: two plugins claim it; both are named.
        """
        claims = self.registrations.get((kind, name), [])
        if len(claims) > 1:
            both = " and ".join(f"plugin {claim.origin}" for claim in claims)
            raise PluginConflict(
                f"{kind} {name!r} is claimed by {both}",
                where="among the installed plugins",
                remedy="Uninstall one of them, or load only the other: "
                f"{LIMIT_VARIABLE}={claims[0].origin.plugin}",
            )
        if claims:
            return claims[0]
        if (kind, name) in KNOWN_ELSEWHERE:
            remedy = f"It comes with: pip install {KNOWN_ELSEWHERE[kind, name]}"
        else:
            known = ", ".join(self.names(kind)) or "none"
            elsewhere = [word for known_kind, word in KNOWN_ELSEWHERE if known_kind == kind]
            near = did_you_mean(name, dict.fromkeys([*self.names(kind), *elsewhere]))
            remedy = f"{near}Known {kind}s: {known}"
        raise PluginNotFound(
            f"no {kind} is called {name!r}{self._failed()}",
            where=f"among the installed plugins{self._limited()}",
            remedy=remedy,
        )

    def no_command(self, name: str, known: Iterable[str]) -> PluginNotFound:
        """Return the error for a command that neither pixelgen nor a plugin has; raises nothing."""
        return PluginNotFound(
            f"no command is called {name!r}{self._failed()}",
            where=f"among pixelgen's and the installed plugins'{self._limited()}",
            remedy=f"{did_you_mean(name, known)}See: pixelgen --help",
        )

    def load(self, kind: str, name: str) -> type[Any]:
        """Import and return the class of this name; raises as `find` and `Registration.load`."""
        return self.find(kind, name).load()

    def best(self, kind: str, broken: Mapping[str, str] | None = None) -> tuple[str, str]:
        """Return the name to use where none was given, and why it and no better one.

        Args:
            kind: of plugin.
            broken: names to pass over, with a sentence that says why.

        Raises:
            PluginNotFound: no plugin of this kind is usable.
            PluginConflict: two plugins claim the preferred sampler, source or executor.
        """
        passed_over: list[str] = []
        for name in dict.fromkeys([*PREFERRED[kind], *self.names(kind)]):
            claims = self.registrations.get((kind, name), [])
            if len(claims) > 1 and kind in NEVER_PASSED_OVER and name in PREFERRED[kind]:
                self.find(kind, name)
            if claims:
                if broken and name in broken:
                    passed_over.append(broken[name])
                    continue
                reason = self.why_not(claims[0]) or self._not_best(claims[0])
                if not reason:
                    why = "the best that is installed"
                    return name, f"{why}; {'; '.join(passed_over)}" if passed_over else why
                passed_over.append(f"{name}: {reason}")
            elif (kind, name) in KNOWN_ELSEWHERE:
                passed_over.append(f"{name} comes with {KNOWN_ELSEWHERE[kind, name]}")
        raise PluginNotFound(
            f"no {kind} can be used here",
            where="; ".join(passed_over),
            remedy="See: pixelgen plugins list",
        )

    def why_not(self, registration: Registration) -> str:
        """Return why a registration cannot be used here, or an empty string; imports nothing."""
        if len(self.registrations[registration.kind, registration.name]) > 1:
            return "its name is claimed by two plugins"
        if registration.outdated:
            return registration.outdated
        missing = registration.unmet()
        return f"needs {', '.join(missing)}, which is not installed" if missing else ""

    def _not_best(self, registration: Registration) -> str:
        """A GPU's quantizer is the best one only where there is a GPU."""
        if registration.name != "cupy-kmeans":
            return ""
        if not has_cuda_device():
            return "there is no GPU"
        return "" if is_installed("cupy") else "CuPy is not installed"

    def _failed(self) -> str:
        return "".join(f"; {problem}" for problem in self.problems)

    def _limited(self) -> str:
        limit = os.environ.get(LIMIT_VARIABLE)
        return f", limited by {LIMIT_VARIABLE}={limit}" if limit is not None else ""

    # -- events and commands -----------------------------------------------------------------

    def announce(self, event: str, **arguments: Any) -> list[Problem]:
        """Call an event hook in every plugin; return the problems of those that raised."""
        return self._call(event, arguments)

    def call_in(self, origin: Origin, hook_name: str, **arguments: Any) -> list[Problem]:
        """Call a hook in one plugin; return its problems."""
        return self._call(hook_name, arguments, only=origin.plugin)

    def events_of(self, origin: Origin) -> list[str]:
        """Return the names of the event hooks that a plugin implements, as a run calls them."""
        callers = self.hooks.get_hookcallers(self.module(origin)) or ()
        heard = {caller.name for caller in callers}
        return [event for event in EVENT_HOOKS if event in heard]

    def report(self, origin: Origin, reason: str) -> None:
        """Keep a problem of a plugin for `pixelgen plugins list`, once however often it is said."""
        problem = Problem(origin, reason)
        if problem not in self.problems:
            self.problems.append(problem)

    def _call(
        self, hook_name: str, arguments: dict[str, Any], only: str | None = None
    ) -> list[Problem]:
        # Not through pluggy's own call: there the first implementation that raises stops the rest,
        # and an argument that an implementation gives a default is never passed.
        problems = []
        implementations = getattr(self.hooks.hook, hook_name).get_hookimpls()
        implementations = sorted(implementations, key=lambda each: each.trylast - each.tryfirst)
        for implementation in implementations:
            if only is not None and implementation.plugin_name != only:
                continue
            given = {name: arguments[name] for name in implementation.argnames}
            given |= {
                name: arguments[name] for name in implementation.kwargnames if name in arguments
            }
            reason = ""
            try:
                returned = implementation.function(**given)
            except KeyboardInterrupt:
                raise
            except BaseException as error:
                reason = f"fails: {reason_of(error)}"
            else:
                if returned is not None:
                    reason = f"returns {type(returned).__name__}, and hooks return nothing"
            if reason:
                origin = self._origins[implementation.plugin_name]
                problems.append(Problem(origin, f"its hook {hook_name} {reason}"))
        self.problems.extend(problem for problem in problems if problem not in self.problems)
        return problems

    def _registrar(self, kind: str, origin: Origin, outdated: str) -> hookspecs.Register:
        def register(
            name: str, target: str, *, summary: str = "", needs: Sequence[str] = ()
        ) -> None:
            if not isinstance(target, str) or not all(target.partition(":")):
                raise TypeError(f"the target of {name!r} must be 'module:Class', not {target!r}")
            for what, text in (("name", name), ("summary", summary)):
                if not isinstance(text, str):
                    raise TypeError(f"the {what} of a {kind} must be text, not {text!r}")
            if isinstance(needs, str):  # a sequence of letters, but not what was meant
                needs = (needs,)
            if not all(isinstance(need, str) for need in needs):
                raise TypeError(
                    f"the needs of {name!r} must be importable modules, such as sklearn, "
                    f"not {needs!r}"
                )
            claims = self.registrations.setdefault((kind, name), [])
            for claim in claims:
                if claim.origin is origin:
                    raise ValueError(
                        f"{kind} {name!r} is registered twice, as {claim.target} and as {target}"
                    )
            claims.append(Registration(kind, name, target, summary, tuple(needs), origin, outdated))
            if len(claims) > 1:
                others = " and ".join(f"plugin {claim.origin}" for claim in claims[:-1])
                self.problems.append(
                    Problem(origin, f"claims the {kind} name {name!r} of {others}")
                )

        return register

    def _taken(self, module: Any, origin: Origin) -> str:
        """Why this plugin cannot be loaded beside the others, or an empty string."""
        if origin.plugin in self._origins:
            return f"its name is taken by plugin {self._origins[origin.plugin]}"
        name = self.hooks.get_name(module)
        return f"it is already loaded as plugin {self._origins[name]}" if name else ""

    def _mistaken_hooks(self, module: Any) -> str:
        """pluggy's `check_pending` and more, for one plugin, so that the others stay loaded."""
        known = [name for name in dir(self.hooks.hook) if not name.startswith("_")]
        found = 0
        for attribute in dir(module):
            options = self.hooks.parse_hookimpl_opts(module, attribute)
            if options is None:
                if attribute in known and inspect.isroutine(getattr(module, attribute)):
                    return f"its {attribute!r} lacks the decorator @pixelgen.hookimpl"
                continue
            name = options.get("specname") or attribute
            if name not in known and not options.get("optionalhook"):
                near = nearest_names(name, known)
                meant = f"; did you mean {' or '.join(near)}?" if near else ""
                return f"it implements {name!r}, which is no hook of pixelgen{meant}"
            if options.get("wrapper") or options.get("hookwrapper"):
                return f"its {name!r} wraps other plugins' hooks, which pixelgen does not call"
            found += 1
        if not found:
            return (
                f"it is {type(module).__name__} {module!r:.60} and implements no hook of pixelgen"
            )
        return ""


@cache
def catalogue() -> Catalogue:
    """Return the catalogue of this process: the built-ins, then what is installed.

    The environment variable `PIXELGEN_PLUGINS` limits what is loaded beyond the built-ins: `none`,
    or the names of entry points or distributions, separated by commas.
    """
    from pixelgen import builtin

    found = Catalogue()
    found.add(builtin, Origin("builtin", CORE_DISTRIBUTION, __version__, "built-in"))
    limit = os.environ.get(LIMIT_VARIABLE)
    names = None if limit is None else {name.strip() for name in limit.split(",")} - {"", "none"}
    found.add_entry_points(names)
    return found


@contextmanager
def registered(module: Any, name: str = "test-plugin") -> Iterator[Catalogue]:
    """Take a plugin in for the length of a `with` block; for tests and notebooks."""
    found = catalogue()
    origin = Origin(name, "this process", "", "registered in place")
    found.add(module, origin)
    try:
        yield found
    finally:
        found.remove(origin)
