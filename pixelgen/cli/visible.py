"""What may be printed of strangers' names: nothing in them steers a terminal."""

from __future__ import annotations

import os
import sys

import typer
from rich.markup import escape


def visible(text: str) -> str:
    """Return text with control characters written out, so that a name cannot steer a terminal.

    So are marks that reverse the direction of writing, and halves of characters; line ends stay.
    """
    return "".join(
        char if char.isprintable() or char == "\n" else char.encode("unicode_escape").decode()
        for char in text
    )


def shown(text: object) -> str:
    """Return text for rich's `print`: visible, on one line, and none of it taken for markup."""
    return escape(visible(str(text)).replace("\n", "\\n"))


def echo(text: object, *, nl: bool = True) -> None:
    """Print to the output stream: as it is for a program that reads it, visible for a person."""
    words = str(text)
    if sys.stdout.isatty():
        words = visible(words)
    try:
        words.encode()
    except UnicodeEncodeError:  # the bytes of a file's name that is no UTF-8
        typer.echo(os.fsencode(words), nl=nl)
    else:
        typer.echo(words, nl=nl)
