"""A new plugin's distribution: its names, its files, and where they go."""

from __future__ import annotations

import json
import keyword
import os
import re
import shutil
import tempfile
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path

import jinja2

from pixelgen.api_versions import API_VERSIONS
from pixelgen.errors import OptionError
from pixelgen.registration import check_kind

CORE = ">=0.1,<0.2"
TEMPLATES = Path(__file__).parent / "templates"
NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
LONGEST = 30
# What the modules that are written import: a class of this name would stand in its way.
_IMPORTED = (
    "Any Callable Field Future Image Item Iterable Iterator KeyError Mapping Painter "
    "PaletteTokenizer Path Register Result RunUnreadable Self ThreadPoolExecutor TokenizerError "
    "TypeVar"
)
IMPORTED = frozenset(_IMPORTED.split(" "))


@dataclass(frozen=True)
class Kind:
    """What is written for a kind of plugin.

    Attributes:
        article: how the README calls it.
        summary: what the plugin does, in a line.
        usage: a command that uses it.
        needs: its distribution's requirements besides the core's.
    """

    article: str
    summary: str
    usage: str
    needs: tuple[str, ...] = ()


KINDS = {
    "tokenizer": Kind(
        "A tokenizer",
        "one colour for each band of brightness",
        "pixelgen run paintings/ --quantizer {name}",
        ("numpy>=2.0", "pydantic>=2.9"),
    ),
    "model": Kind(
        "A model",
        "counts which token follows which",
        "pixelgen run paintings/ --model {name}",
        ("numpy>=2.0", "pydantic>=2.9", "safetensors>=0.5"),
    ),
    "sampler": Kind(
        "A sampler",
        "draws from the tokens that are likely enough",
        "pixelgen run paintings/ --sampler {name}",
        ("pydantic>=2.9",),
    ),
    "source": Kind(
        "A source",
        "checkerboards of two colours",
        "pixelgen run --source {name}",
        ("numpy>=2.0", "pydantic>=2.9"),
    ),
    "executor": Kind(
        "An executor",
        "spreads work over a few threads",
        "pixelgen run paintings/ -o executor.name={name}",
        ("pydantic>=2.9",),
    ),
    "tracker": Kind(
        "A tracker",
        "keeps the course of a run as a picture of bars",
        "pixelgen run paintings/ --track {name}",
        ("pillow>=10", "pydantic>=2.9"),
    ),
    "command": Kind(
        "A command",
        "tells which epoch of a run was the best",
        "pixelgen {name} runs/paintings-1",
        ("typer>=0.15",),
    ),
    "events": Kind(
        "A listener",
        "keeps the course of a run as a CSV file",
        "pixelgen run paintings/",
    ),
}


def write_distribution(name: str, kind: str, into: Path, author: str) -> Path:
    """Write the distribution `pixelgen-NAME`, all of it or nothing, and return its folder.

    Args:
        name: lower-case words joined by hyphens.
        kind: one of `KINDS`.
        into: the folder that it is put into; made if it is not there.
        author: for the licence and the metadata.

    Raises:
        OptionError: the kind is unknown, the name cannot be one, or the folder exists.
    """
    check_kind(kind, KINDS)
    _check_name(name)
    target = into / f"pixelgen-{name}"
    if os.path.lexists(target):
        raise OptionError(
            f"{target.name} is there already",
            where=str(target),
            remedy="Nothing is overwritten: choose another name or another folder, with --into",
        )
    files = _files(name, kind, author)
    try:
        into.mkdir(parents=True, exist_ok=True)
        unfinished = Path(tempfile.mkdtemp(prefix=f".pixelgen-{name}-", dir=into))
    except OSError as error:
        raise OptionError(f"cannot write there: {error}", where=str(into)) from error
    try:
        for path, text in files.items():
            (unfinished / path).parent.mkdir(parents=True, exist_ok=True)
            (unfinished / path).write_text(text, encoding="utf-8")
        unfinished.chmod(0o755)
        unfinished.rename(target)
    except OSError as error:
        raise OptionError(f"cannot write there: {error}", where=str(target)) from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return target


def class_name(name: str) -> str:
    """Return the name of a plugin's class: `SpotLight` for `spot-light`."""
    return "".join(word.capitalize() for word in name.split("-"))


def _check_name(name: str) -> None:
    wrong = ""
    if not NAME.fullmatch(name):
        wrong = "it is not made of lower-case words joined by hyphens"
    elif name.startswith("pixelgen"):
        wrong = "the distribution is called pixelgen-NAME, so the name need not say it"
    elif len(name) > LONGEST:
        wrong = f"it has {len(name)} characters, more than {LONGEST}"
    elif keyword.iskeyword(class_name(name)) or class_name(name) in IMPORTED:
        wrong = f"its class would be called {class_name(name)}, which means something else"
    if wrong:
        raise OptionError(
            f"the name cannot be {name!r}: {wrong}",
            where="in NAME",
            remedy="Choose one such as spotlight or soft-light",
        )


def _files(name: str, kind: str, author: str) -> dict[str, str]:
    """The text of every file, by its path in the distribution."""
    package = f"pixelgen_{name.replace('-', '_')}"
    chosen = KINDS[kind]
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
    )
    # TOML knows JSON's escapes but for those of letters beyond 16 bits.
    environment.filters["quoted"] = partial(json.dumps, ensure_ascii=False)

    def render(template: str) -> str:
        return environment.get_template(template).render(
            {
                "name": name,
                "package": package,
                "class": class_name(name),
                "kind": kind,
                "article": chosen.article,
                "summary": chosen.summary,
                "usage": chosen.usage.format(name=name),
                "needs": chosen.needs,
                "author": author,
                "year": date.today().year,
                "core": CORE,
                "api": API_VERSIONS,
            }
        )

    registers = kind in API_VERSIONS
    files = {
        path: render(f"common/{path}.jinja")
        for path in ("pyproject.toml", "README.md", "LICENSE", ".gitignore")
    }
    files[".github/workflows/ci.yml"] = render("common/.github/workflows/ci.yml.jinja")
    files[f"{package}/__init__.py"] = f'"""{chosen.article} for pixelgen: {chosen.summary}."""\n'
    files[f"{package}/py.typed"] = ""
    files[f"{package}/plugin.py"] = render(
        "registering.py.jinja" if registers else f"kinds/{kind}.plugin.py.jinja"
    )
    files[f"{package}/{kind}.py"] = render(f"kinds/{kind}.py.jinja")
    files[f"tests/test_{name.replace('-', '_')}.py"] = render(f"kinds/{kind}.test.py.jinja")
    return files
