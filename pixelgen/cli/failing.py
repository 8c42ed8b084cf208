"""How a command fails: three parts on the error stream, exit code 2, and no traceback."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape

from pixelgen.cli.visible import visible as visible


class Debug:
    """Whether tracebacks are shown."""

    on = False


@contextmanager
def explain() -> Iterator[None]:
    """Turn a `PixelgenError` into what was wrong, where, and what to do."""
    from pixelgen.errors import PixelgenError

    try:
        yield
    except PixelgenError as error:
        if Debug.on:
            raise
        console = Console(stderr=True, highlight=False)
        console.print(f"[bold red]Error:[/] {_sentence(error.what)}", soft_wrap=True)
        if error.where:
            console.print(f"[dim]Where:[/] {_indented(error.where)}", soft_wrap=True)
        if error.remedy:
            console.print(f"[green]What to do:[/] {_sentence(error.remedy)}", soft_wrap=True)
        sys.exit(2)
    except MemoryError as error:
        if Debug.on:
            raise
        console = Console(stderr=True, highlight=False)
        console.print(f"[bold red]Error:[/] Memory does not suffice: {_indented(str(error))}")
        console.print(
            "[green]What to do:[/] Lower what takes it: --size, --colors, -o model.hidden, "
            "-o model.batch, -o source.max_pixels",
            soft_wrap=True,
        )
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:  # as in `pixelgen plugins list | head`
        sys.stderr.close()
        sys.exit(141)


def _sentence(text: str) -> str:
    return _indented(text[:1].upper() + text[1:])


def _indented(text: str) -> str:
    """Text whose further lines cannot be taken for another of the three parts."""
    return escape(visible(text).replace("\n", "\n    "))
