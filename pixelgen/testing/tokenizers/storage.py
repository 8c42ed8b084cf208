"""Checks of a tokenizer's files."""

from __future__ import annotations

import numpy as np

from pixelgen.testing.arrays import expect_equal
from pixelgen.testing.contract import Broken, check
from pixelgen.testing.files import expect_allowed_files, expect_damage_is_refused, folder
from pixelgen.testing.pictures import toy_pictures
from pixelgen.testing.subject import Subject
from pixelgen.testing.tokenizers.workbench import fitted, side, tokens_of


@check("tokenizer")
def check_saved_tokenizer_is_the_same(subject: Subject) -> None:
    """`load` returns a tokenizer with the vocabulary, the palette and the token shape of the one
    that was saved; it encodes and decodes the same, and can be saved again.

    What to do: write everything that `encode` and `decode` look at, the options too.
    """
    tokenizer = fitted(subject)
    pictures = toy_pictures(2, side(tokenizer), seed=3)
    with folder() as first, folder() as second:
        tokenizer.save(first)
        subject.type.load(first, device=subject.device).save(second)
        again = subject.type.load(second, device=subject.device)
    for name in ("vocab_size", "token_shape"):
        was, became = getattr(tokenizer, name), getattr(again, name)
        if was != became:
            raise Broken(f"{name} was {was} and is loaded as {became}")
    if (tokenizer.palette is None) != (again.palette is None):
        raise Broken("the palette is lost, or gained, by saving")
    if tokenizer.palette is not None:
        expect_equal(again.palette, tokenizer.palette, "the palette, loaded and saved")
    tokens = tokens_of(tokenizer, pictures)
    expect_equal(tokens_of(again, pictures), tokens, "tokens, encoded after loading and before")
    every = np.arange(tokenizer.vocab_size, dtype=np.int32)[None, None, :]
    expect_equal(again.decode(every), tokenizer.decode(every), "decoded after loading and before")


@check("tokenizer")
def check_files_are_safe(subject: Subject) -> None:
    """`save` writes JSON, TOML, safetensors and PNG files into the folder that it is given, and no
    others: nothing is ever unpickled.

    What to do: `safetensors.numpy.save_file` for arrays, `json` for the rest.
    """
    with folder() as directory:
        fitted(subject).save(directory)
        expect_allowed_files(directory)


@check("tokenizer")
def check_damaged_files_are_refused(subject: Subject) -> None:
    """`load` raises `RunUnreadable`, or another `PixelgenError`, where a file is missing, empty or
    cut short.

    What to do: catch `OSError`, `ValueError`, `KeyError`, `SafetensorError` …, and raise
    `RunUnreadable` from them.
    """
    with folder() as directory:
        fitted(subject).save(directory)
        expect_damage_is_refused(
            directory, lambda path: subject.type.load(path, device=subject.device)
        )
