"""Checks of tokenizers at the edges: one colour, one token, alpha, nothing at all."""

from __future__ import annotations

import numpy as np

from pixelgen.errors import PixelgenError
from pixelgen.testing.contract import Broken, check
from pixelgen.testing.pictures import one_colour, toy_pictures
from pixelgen.testing.subject import Subject
from pixelgen.testing.tokenizers.workbench import (
    fitted,
    new,
    pictures_of,
    side,
    some_tokens,
    tokens_of,
)


@check("tokenizer")
def check_pictures_of_one_colour(subject: Subject) -> None:
    """Pictures of a single colour, from which a vocabulary of one token may be learned, are
    fitted, encoded and decoded like others; and so are pictures of two colours.

    What to do: learn fewer tokens than asked for where there are fewer, and say so in `notes`.
    """
    size = side(fitted(subject))
    for colours in ([(200, 40, 90)], [(0, 0, 0), (255, 255, 255)]):
        pictures = [one_colour(size, colour) for colour in colours]
        tokenizer = fitted(subject, pictures)
        tokens = tokens_of(tokenizer, pictures)
        pictures_of(tokenizer, tokens)
        pictures_of(tokenizer, some_tokens(tokenizer))


@check("tokenizer")
def check_pictures_of_one_token(subject: Subject) -> None:
    """A picture no larger than one token is a grid of 1×1, fitted, encoded and decoded like others.

    What to do: do not take the size of a picture for more than it is; count with `shape`.
    """
    size = side(fitted(subject), 1)
    pictures = toy_pictures(2, size)
    tokenizer = fitted(subject, pictures)
    tokens = tokens_of(tokenizer, pictures)
    if tokens.shape != (2, 1, 1):
        raise Broken(f"pictures of one token are encoded as {tokens.shape}, not (2, 1, 1)")
    pictures_of(tokenizer, tokens)


@check("tokenizer")
def check_alpha_is_taken(subject: Subject) -> None:
    """Pictures with alpha, (H, W, 4), are fitted and encoded too, by a tokenizer that was fitted on
    pictures with alpha and by one that was not.

    What to do: keep the fourth channel, or lay the picture on white first.
    """
    size = side(fitted(subject))
    seen_through = toy_pictures(2, size, channels=4)
    for tokenizer in (fitted(subject, seen_through), fitted(subject)):
        pictures_of(tokenizer, tokens_of(tokenizer, seen_through))
        tokens_of(tokenizer, toy_pictures(2, size))


@check("tokenizer")
def check_nothing_to_learn_from_is_said(subject: Subject) -> None:
    """`fit` without any picture raises `TokenizerError`; a tokenizer that learns nothing from
    pictures may do without them.

    What to do: raise `TokenizerError("no pictures to learn from", where=…, remedy=…)`.
    """
    tokenizer = new(subject)
    try:
        tokenizer.fit([], seed=1)
    except PixelgenError:
        return
    tokens_of(tokenizer, toy_pictures(1, side(tokenizer)))


@check("tokenizer")
def check_order_of_rows_and_columns(subject: Subject) -> None:
    """A picture's top is the first row of its grid, and its left the first column: a half picture
    has the half grid.

    What to do: reshape to (height, width) in this order; do not transpose.
    """
    tokenizer = fitted(subject)
    height, width = side(tokenizer, 4)
    picture = pictures_of(tokenizer, some_tokens(tokenizer, 1, 4))[0]  # of many colours
    tokens = tokens_of(tokenizer, [picture])[0]
    whole = pictures_of(tokenizer, tokens[None])[0]
    for name, part, grid in (
        ("top", np.s_[: height // 2], np.s_[:2]),
        ("left", np.s_[:, : width // 2], np.s_[:, :2]),
    ):
        half = pictures_of(tokenizer, np.ascontiguousarray(tokens[grid])[None])[0]
        if not np.array_equal(half, whole[part]):
            raise Broken(f"the {name} half of the tokens does not decode to the picture's {name}")
