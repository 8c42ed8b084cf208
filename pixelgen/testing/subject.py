"""What is tested: a plugin's class under a name, or an entry point's module."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from pixelgen.errors import PluginNotFound, did_you_mean
from pixelgen.options import parse_options
from pixelgen.plugins import Catalogue, catalogue
from pixelgen.registration import Origin, Registration, check_kind, interface_of
from pixelgen.testing.contract import KINDS


@dataclass(frozen=True, eq=False)
class Subject:
    """A plugin under test.

    Attributes:
        kind: tokenizer, model, sampler, source, executor or tracker; `plugin` for an entry point's
            module.
        name: as registered; of a class that is not, its own name.
        options: the plugin's options during the checks, as in a recipe.
        device: where a tokenizer or a model is made.
        location: of a source's pictures; where it needs one, the kit gives it a folder of its own.
        registration: None for a class that was handed over.
        origin: of a module.
        given: the class that was handed over, or the module.
    """

    kind: str
    name: str
    options: Mapping[str, Any] = field(default_factory=dict)
    device: str = "auto"
    location: str | None = None
    registration: Registration | None = None
    origin: Origin | None = None
    given: Any = None

    def __str__(self) -> str:
        if self.registration is not None:
            return f"{self.kind} {self.name!r} ({self.registration.target})"
        return f"{self.kind} {self.name!r}"

    @cached_property
    def type(self) -> Any:
        """The plugin's class.

        Raises:
            PluginUnusable: it cannot be imported.
        """
        return self.registration.load() if self.registration is not None else self.given

    def parsed(self, **more: Any) -> Any:
        """Return the plugin's options, checked, with some set on top.

        Raises:
            OptionError: they are not allowed.
        """
        values = {**self.options, **more}
        return parse_options(self.type.Options, values, owner=f"{self.kind} {self.name}")


def subjects_of(
    what: str | type[Any],
    *,
    kind: str | None = None,
    options: Mapping[str, Any] | None = None,
    device: str = "auto",
    location: str | None = None,
    plugins: Catalogue | None = None,
) -> list[Subject]:
    """Return what a name stands for, the module that registers it first.

    Args:
        what: a class; or a registered name, such as `torch-lstm`; or the name of an entry point or
            of a distribution, which stands for all that it registers.
        kind: only this kind.
        options: the plugin's, by name.
        device: where it is made.
        location: of a source's pictures.
        plugins: where names are looked up.

    Raises:
        OptionError: there is no such kind.
        PluginNotFound: nothing has this name.
    """
    if kind is not None:
        check_kind(kind, KINDS, where="in --kind, or kind")
    details: dict[str, Any] = {
        "options": dict(options or {}),
        "device": device,
        "location": location,
    }
    if isinstance(what, type):
        return [Subject(kind or _kind_of(what), what.__name__, given=what, **details)]
    found = catalogue() if plugins is None else plugins
    claims = [claim for each in found.registrations.values() for claim in each]
    owned = [claim for claim in claims if what in (claim.origin.plugin, claim.origin.distribution)]
    chosen = [claim for claim in claims if claim.name == what] or owned
    origins = [origin for origin in found.origins if what in (origin.plugin, origin.distribution)]
    origins += [claim.origin for claim in chosen if claim.origin.found != "built-in"]
    subjects = [
        Subject("plugin", origin.plugin, origin=origin, given=found.module(origin))
        for origin in dict.fromkeys(origins)
    ]
    subjects += [Subject(claim.kind, claim.name, registration=claim, **details) for claim in chosen]
    subjects = [subject for subject in subjects if kind in (None, subject.kind)]
    if not subjects:
        known = dict.fromkeys(
            [claim.name for claim in claims] + [origin.plugin for origin in found.origins]
        )
        failed = "".join(
            f"; {problem}"
            for problem in found.problems
            if what in (problem.origin.plugin, problem.origin.distribution)
        )
        raise PluginNotFound(
            f"no {kind or 'plugin'} is called {what!r}{failed}",
            where="among the installed plugins",
            remedy=f"{did_you_mean(what, known)}Install it first, with: pip install -e . ; see: "
            "pixelgen plugins list",
        )
    return subjects


def _kind_of(given: type[Any]) -> str:
    for kind in KINDS[1:]:
        if issubclass(given, interface_of(kind)):
            return kind
    raise PluginNotFound(
        f"{given.__name__} is no kind of plugin",
        where=f"{given.__module__}.{given.__qualname__}",
        remedy="Derive it from pixelgen.Tokenizer, Model, Sampler, Source, Executor or Tracker",
    )
