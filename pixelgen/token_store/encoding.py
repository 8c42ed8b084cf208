"""Encoding pictures once, shard by shard, by the workers of an executor.

The source is gone through three times at most, unless it breaks off: to count it, where it does not
know its length; to read the pictures that the palette is learned from and those that are held out,
chosen by seed; and to encode. Whatever the number of pictures, those of a few tasks are in memory
at a time.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import chain, islice
from pathlib import Path
from typing import TypeVar

import numpy as np

from pixelgen.bounds import check_bounds
from pixelgen.data.collection import held_out_count, no_pictures
from pixelgen.errors import OptionError, RunExists, SourceError
from pixelgen.executors.interface import Executor
from pixelgen.framing import framing_of
from pixelgen.randomness import generator_for
from pixelgen.resolving import Resolved
from pixelgen.runs import atomic, checksums
from pixelgen.runs.lock import locked
from pixelgen.sources.interface import BadPicture, Picture, Source, Unread, itself
from pixelgen.token_store.known import Known
from pixelgen.token_store.manifest import (
    FILE,
    HELD_OUT,
    MOST,
    MOST_VARIANTS,
    TOKENIZER,
    TokenFile,
    TokenManifest,
    read_names,
)
from pixelgen.token_store.recording import Recording, read_as
from pixelgen.token_store.settling import deciding_tables
from pixelgen.token_store.writing import Gathering, header_of, is_whole
from pixelgen.tokenizers.interface import Tokenizer

PICTURES_A_TASK = 64  # bounds what is in memory; fewer cost more on the way to a worker
SHARD_SIZE = 4096
PALETTE_PICTURES = 2000  # 11 million pixels at 75×75: more hardly move a palette

Item = TypeVar("Item")
Progress = Callable[[str, int, int | None], None]


def encode_pictures(
    resolved: Resolved,
    folder: Path,
    *,
    variants: int = 0,
    shard_size: int = SHARD_SIZE,
    palette_pictures: int = PALETTE_PICTURES,
    executor: Executor | None = None,
    progress: Progress = lambda stage, done, total: None,
) -> TokenManifest:
    """Encode a source's pictures into a folder of tokens that `pixelgen run` can learn from.

    Interrupted at any instant, the same call goes on after the last whole shard, and what comes of
    it is the same to the byte, whatever the executor.

    Args:
        resolved: a recipe, of which the seed, source, data, tokenizer and executor matter.
        folder: where the tokens go; made if missing.
        variants: how many varied copies of each picture to encode besides the plain one.
        shard_size: pictures in a shard.
        palette_pictures: at most how many pictures the tokenizer is fitted on.
        executor: in place of the recipe's.
        progress: told a stage, how many pictures of it are done, and of how many.

    Returns:
        What `tokens.json` says.

    Raises:
        NoPictures: there are none to learn from.
        OptionError: something asked cannot be.
        StorageError: the folder cannot be written to, or holds pictures encoded otherwise.
        RunExists: something else is in the folder.
        RunInUse: another process is encoding into it.
        SourceError: the source broke off; the same call goes on when it is whole.
    """
    if variants and not resolved.recipe.data.augment:
        raise OptionError(
            f"{variants} variants of each picture would be {variants} copies",
            where="in the number of variants, with augment = none",
            remedy="Leave the variants out, or name what varies: --augment flips,crops,colours",
        )
    check_bounds("variants", variants, 0, MOST_VARIANTS)
    check_bounds("palette_pictures", palette_pictures, 1, MOST)
    check_bounds("shard_size", shard_size, 1, MOST)
    source = resolved.source()
    _make(folder)
    with locked(folder, what="folder of tokens", then="give the same command again, with --out"):
        encoding = _Encoding(resolved, source, folder, executor or resolved.executor(), progress)
        plan = TokenManifest(
            recipe=deciding_tables(resolved.recipe),
            variants=variants,
            palette_pictures=palette_pictures,
            shard_size=shard_size,
            items=encoding.count(),
        )
        return encoding.carry_out(plan)


@dataclass(eq=False)
class _Encoding:
    """One call of `encode_pictures`."""

    resolved: Resolved
    source: Source
    folder: Path
    executor: Executor
    progress: Progress

    def __post_init__(self) -> None:
        self._seen = 0  # items of the source in the pass under way
        self.framing = framing_of(self.resolved.recipe)
        self.channels = 4 if getattr(self.resolved.options["source"], "alpha", False) else 3

    def carry_out(self, plan: TokenManifest) -> TokenManifest:
        """Do what of the plan is not done yet."""
        there = TokenManifest.read(self.folder)
        if there is not None:
            plan.check_same(there, self.folder)
        atomic.recover(self.folder, _is_ours)  # what a process that was killed had begun
        measured, fitted_on = self._chosen(plan)
        if there is None or self._is_damaged(there):
            plan = self._begin(plan, measured, fitted_on)
            plan.write(self.folder)
        else:
            plan = there.model_copy(update={"shards": list(self._whole(there)), "finished": False})
            if there.finished and plan.shards == there.shards and plan.gone_through == plan.items:
                return there
        begun = plan
        try:
            for plan in self._with_further_shards(begun, measured):
                plan.write(self.folder)
        except SourceError:
            begun.write(self.folder)  # what came after the break may have others' numbers
            raise
        if not plan.pictures:
            bad = (entry for file in plan.shards for entry in read_names(self.folder, file).bad)
            raise no_pictures(self.source, [BadPicture(*entry) for entry in bad])
        plan = plan.model_copy(update={"finished": True})
        plan.write(self.folder)
        return plan

    # -- what is decided before the first shard -------------------------------------------------

    def count(self) -> int:
        """Return how many items the source has, good and bad; without reading them."""
        length = self.source.length()
        if length is not None:
            return length
        count = 0
        for _ in self._unread():
            count += 1
            self.progress("Counting", count, None)
        return count

    def _chosen(self, plan: TokenManifest) -> tuple[set[int], set[int]]:
        """The numbers of the items that are held out, and of those that the palette is of."""
        recipe = self.resolved.recipe
        order = np.arange(plan.items)
        np.random.RandomState(recipe.data.split_seed).shuffle(order)
        learned = plan.items - held_out_count(recipe.data.held_out, plan.items)
        generator = generator_for(recipe.seed, "palette pictures")
        most = min(plan.palette_pictures, learned)
        fitted_on = generator.choice(np.sort(order[:learned]), most, replace=False)
        return set(order[learned:].tolist()), set(fitted_on.tolist())

    def _begin(self, plan: TokenManifest, measured: set[int], fitted_on: set[int]) -> TokenManifest:
        """Fit the tokenizer, and encode what is held out."""
        chosen = measured | fitted_on
        items = ((number, item) for number, item in self._numbered() if number in chosen)
        kept: list[tuple[int, Picture]] = []
        bad: list[BadPicture] = []

        def to_fit() -> Iterator[np.ndarray]:
            found = self.executor.map(partial(_read_numbered, self.channels), items)
            for done, (number, each) in enumerate(found, start=1):
                self.progress("Fitting the palette", done, len(chosen))
                if isinstance(each, BadPicture):
                    bad.append(each)
                elif number in measured:
                    kept.append((number, each))
                else:
                    yield self.framing.plain(each.pixels)

        pictures = to_fit()
        first = next(pictures, None)
        if first is None:
            raise no_pictures(self.source, bad)
        tokenizer: Tokenizer = self.resolved.classes["tokenizer"](
            self.resolved.options["tokenizer"], device=self.resolved.recipe.device
        )
        grid = self.framing.grid(tokenizer.token_shape)
        tokenizer.fit(chain([first], pictures), seed=self.resolved.recipe.seed)
        deque(pictures, maxlen=0)  # not every tokenizer looks at them, and some are held out
        self._check_whole(plan)
        vocab_size = tokenizer.vocab_size
        dtype = next(d for d in ("uint8", "uint16", "int32") if vocab_size - 1 <= np.iinfo(d).max)
        atomic.write_directory(self.folder / TOKENIZER, partial(_save, tokenizer))
        record = Recording(self.framing, tokenizer, self.channels, 0, dtype)
        settled = {"grid": grid, "dtype": dtype, "vocab_size": vocab_size}
        tasks = in_tasks((number, partial(itself, picture)) for number, picture in kept)
        known = Known(lambda file: [])
        with closing(Gathering(self.folder, HELD_OUT, (1, *grid), dtype, known)) as held_out:
            for task in tasks:
                for _, each in record(task):
                    held_out.add(each)
            return plan.model_copy(update={**settled, "held_out": held_out.end(0)})

    def _is_damaged(self, there: TokenManifest) -> bool:
        """Whether what every shard rests on must be made again."""
        return (
            there.held_out is None
            or not self._is_whole(there, there.held_out)
            or checksums.damage(self.folder / TOKENIZER) is not None
        )

    def _whole(self, there: TokenManifest) -> Iterator[TokenFile]:
        """The shards up to the first that is damaged or gone."""
        for number, shard in enumerate(there.shards):
            if shard.file != _shard_name(number) or not self._is_whole(there, shard):
                return
            yield shard

    def _is_whole(self, there: TokenManifest, file: TokenFile) -> bool:
        return is_whole(self.folder, file, header_of(there.shape_of(file), np.dtype(there.dtype)))

    # -- shard by shard -------------------------------------------------------------------------

    def _with_further_shards(
        self, plan: TokenManifest, measured: set[int]
    ) -> Iterator[TokenManifest]:
        """Yield the manifest after each further shard."""
        assert plan.held_out is not None
        tokenizer = self.resolved.classes["tokenizer"].load(
            self.folder / TOKENIZER, device=self.resolved.recipe.device
        )
        record = Recording(self.framing, tokenizer, self.channels, plan.variants, plan.dtype)
        files = [plan.held_out, *plan.shards]
        names_of = lru_cache(maxsize=4)(lambda file: read_names(self.folder, files[file]).names)
        known = Known(names_of)
        for file in files:
            known.end_file(read_names(self.folder, file).digests)
        begin = plan.gone_through
        items = islice(self._numbered(), begin, None)
        to_encode = ((number, item) for number, item in items if number not in measured)
        shape = (1 + plan.variants, *plan.grid)

        def begun() -> Gathering:
            return Gathering(self.folder, _shard_name(len(files) - 1), shape, plan.dtype, known)

        def ended(items: int) -> TokenManifest:
            files.append(shard.end(items))
            return plan.model_copy(update={"shards": files[1:]})

        shard = begun()
        try:
            for results in self.executor.map(record, in_tasks(to_encode)):
                for number, each in results:
                    shard.add(each)
                    if len(shard) == plan.shard_size:
                        yield ended(number + 1)
                        shard = begun()
                self.progress("Encoding", results[-1][0] + 1, plan.items)
            self._check_whole(plan)
            if not shard.is_empty:
                yield ended(self._seen)
            elif len(files) > 1 and files[-1].items != self._seen:
                files[-1] = files[-1].model_copy(update={"items": self._seen})  # others' at the end
                yield plan.model_copy(update={"shards": files[1:]})
        finally:
            shard.close()

    def _numbered(self) -> Iterator[tuple[int, Unread]]:
        """The items and their numbers, from the first; how many there were is in `_seen`."""
        self._seen = 0
        for number, item in enumerate(self._unread()):
            self._seen = number + 1
            yield number, item

    def _check_whole(self, plan: TokenManifest) -> None:
        """Raise `SourceError` if the pass that has ended had not as many items as were counted.

        A file that is damaged for good gives as few each time: those are then all.
        """
        seen = self._seen
        if seen == plan.items or (seen < plan.items and sum(1 for _ in self._unread()) == seen):
            return
        raise SourceError(
            f"the source broke off: of {plan.items:,} pictures that were counted, it gave {seen:,}",
            where=self.resolved.recipe.source.location or str(self.resolved.recipe.source.name),
            remedy="Give the same command again when all can be reached; if they are others now, "
            "with another --out",
        )

    def _unread(self) -> Iterator[Unread]:
        return self.source.unread(self.resolved.recipe.data.size)


def in_tasks(items: Iterable[Item], size: int = PICTURES_A_TASK) -> Iterator[list[Item]]:
    """Yield lists of so many items, the last of what is left."""
    remaining = iter(items)
    while task := list(islice(remaining, size)):
        yield task


def _read_numbered(channels: int, item: tuple[int, Unread]) -> tuple[int, Picture | BadPicture]:
    return item[0], read_as(item[1], channels)


def _save(tokenizer: Tokenizer, directory: Path) -> None:
    tokenizer.save(directory)
    checksums.seal(directory)


def _shard_name(number: int) -> str:
    return f"shard-{number:05d}.npy"


def _is_ours(name: str) -> bool:
    return name in (FILE, TOKENIZER) or name.startswith(("shard-", "held-out"))


def _make(folder: Path) -> None:
    with atomic.explained(folder):
        folder.mkdir(parents=True, exist_ok=True)
        others = {each.name for each in folder.iterdir() if not each.name.startswith(".")}
    if FILE not in others and others - {"run.lock", TOKENIZER, HELD_OUT, "held-out.json"}:
        raise RunExists(
            "something else is where the tokens should be",
            where=str(folder),
            remedy="Choose another place with --out, or a folder that is empty",
        )
