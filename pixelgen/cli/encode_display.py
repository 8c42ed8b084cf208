"""What `pixelgen encode` shows: a bar a stage, and what came of it in the end."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, TaskID, TimeRemainingColumn

from pixelgen.token_store.encoding import Progress as Told
from pixelgen.token_store.manifest import TokenManifest, read_names

PLAIN_EVERY = 10.0  # seconds between lines, where there is no terminal
NAMED = 3


@contextmanager
def encoding_bar(console: Console) -> Iterator[Told]:
    """Show how far the encoding is; yields what is told a stage, the number done, and of how many.

    Where there is no terminal, it is a line now and then.
    """
    if not console.is_terminal:
        yield _Lines(console)
        return
    columns = (*Progress.get_default_columns()[:-1], MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bars:
        tasks: dict[str, TaskID] = {}

        def told(stage: str, done: int, total: int | None) -> None:
            if stage not in tasks:
                for task in tasks.values():
                    bars.remove_task(task)
                tasks.clear()
                tasks[stage] = bars.add_task(stage, total=total)
            bars.update(tasks[stage], completed=done)

        yield told


class _Lines:
    """A line a stage, and then one every few seconds."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._stage = ""
        self._last = 0.0

    def __call__(self, stage: str, done: int, total: int | None) -> None:
        now = time.monotonic()
        if stage == self._stage and now - self._last < PLAIN_EVERY:
            return
        of = f" of {total:,}" if total is not None else ""
        begins = stage != self._stage
        self._console.print(f"{stage} …" if begins else f"  {done:,}{of} pictures", soft_wrap=True)
        self._stage, self._last = stage, now


def summary(manifest: TokenManifest, folder: Path) -> Iterator[str]:
    """Yield what came of the encoding, in sentences."""
    assert manifest.held_out is not None
    files = [manifest.held_out, *manifest.shards]
    left_out = [read_names(folder, file) for file in files]
    for what, entries in (
        ("Left out, bad", [f"{name}: {why}" for part in left_out for name, why in part.bad]),
        (
            "Left out, exact duplicates",
            [f"{dropped} = {kept}" for part in left_out for dropped, kept in part.duplicates],
        ),
    ):
        if entries:
            more = len(entries) - NAMED
            named = "; ".join(entries[:NAMED]) + (f"; and {more:,} more" if more > 0 else "")
            yield f"{what} ({len(entries):,}): {named}"
    size = sum(file.size for file in files)
    variants = f", each with {manifest.variants} variants" if manifest.variants else ""
    yield (
        f"{manifest.pictures:,} pictures to learn{variants}, {manifest.held_out.pictures:,} held "
        f"out; {manifest.grid[1]}×{manifest.grid[0]} tokens of {manifest.vocab_size:,}; "
        f"{size / 1e6:,.1f} MB in {len(manifest.shards):,} shards"
    )
    yield f"Learn from them: pixelgen run {folder}"
