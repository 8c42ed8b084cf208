"""Write all generated pages and pictures, or check that they are current."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from docs.generate import (
    command_line,
    conformance,
    contexts,
    plugin_options,
    recipe_tables,
    scans,
    schedules,
)

DOCS = Path(__file__).parents[1]

GENERATED: dict[str, Callable[[], str]] = {
    "reference/command-line.md": command_line.page,
    "conformance.md": conformance.page,
    "reference/options.md": plugin_options.page,
    "reference/recipe.md": recipe_tables.page,
    "pictures/scans.svg": scans.picture,
    "pictures/contexts.svg": contexts.picture,
    "pictures/schedules.svg": schedules.picture,
}


def stale() -> list[str]:
    """Return which files are not what the code makes of them now."""
    return [
        name
        for name, make in GENERATED.items()
        if not (DOCS / name).is_file() or (DOCS / name).read_text(encoding="utf-8") != make()
    ]


def write() -> list[str]:
    """Write the files that are not current; return which."""
    changed = stale()
    for name in changed:
        (DOCS / name).parent.mkdir(exist_ok=True)
        (DOCS / name).write_text(GENERATED[name](), encoding="utf-8")
    return changed


def main(arguments: list[str]) -> int:
    if arguments not in ([], ["--check"]):
        print(__doc__, "\n\n    python -m docs.generate [--check]", file=sys.stderr)
        return 2
    if not arguments:
        for name in write():
            print(f"wrote docs/{name}")
        return 0
    old = stale()
    for name in old:
        print(f"docs/{name} is not what the code makes; run: python -m docs.generate")
    return 1 if old else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
