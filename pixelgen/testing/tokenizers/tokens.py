"""Checks of what tokens mean: encoding, decoding, and fitting."""

from __future__ import annotations

import numpy as np

from pixelgen.errors import TokenizerError
from pixelgen.testing.arrays import expect_array, expect_equal
from pixelgen.testing.contract import Broken, check
from pixelgen.testing.global_state import unchanged
from pixelgen.testing.pictures import distinct_pictures, toy_pictures
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
def check_encode_gives_tokens(subject: Subject) -> None:
    """`encode` of pictures of one size returns (N, gh, gw) int32, each in [0, vocab_size), with one
    token for each `token_shape` of pixels.

    What to do: return `tokens.astype(np.int32)`, with height before width, and have `token_shape`
    and `vocab_size` tell what `encode` does.
    """
    tokenizer = fitted(subject)
    shape = tokenizer.token_shape
    if not (len(shape) == 2 and all(isinstance(length, int) and length >= 1 for length in shape)):
        raise Broken(f"token_shape is {shape!r}, not the height and width of a token in pixels")
    if not isinstance(tokenizer.vocab_size, int) or tokenizer.vocab_size < 1:
        raise Broken(f"vocab_size is {tokenizer.vocab_size!r}, not a whole number from 1")
    height, width = side(tokenizer)
    tokens_of(tokenizer, toy_pictures(2, (height, width)))
    tokens_of(tokenizer, toy_pictures(2, (height, 2 * width)))


@check("tokenizer")
def check_decode_gives_pictures(subject: Subject) -> None:
    """`decode` of tokens (N, gh, gw) returns pictures (N, H, W, 3 or 4) uint8, for every token of
    the vocabulary.

    What to do: clip to 0–255, round, and convert with `astype(np.uint8)`.
    """
    tokenizer = fitted(subject)
    every = np.arange(tokenizer.vocab_size, dtype=np.int32)
    pictures_of(tokenizer, every[None, None, :])
    pictures_of(tokenizer, some_tokens(tokenizer))


@check("tokenizer")
def check_round_trip(subject: Subject) -> None:
    """A decoded picture that is encoded and decoded again is the same picture: nothing more is
    lost the second time.

    What to do: `encode` must choose, for a picture made of decoded tokens, tokens that decode to
    it. Look at the order of rows and columns, and at rounding.
    """
    tokenizer = fitted(subject)
    pictures = pictures_of(tokenizer, some_tokens(tokenizer))
    again = pictures_of(tokenizer, tokens_of(tokenizer, pictures))
    expect_equal(again, pictures, "decode(encode(pictures)) of decoded pictures")


@check("tokenizer")
def check_encode_is_like_the_picture(subject: Subject) -> None:
    """A picture that was fitted on comes back, encoded and decoded, more like itself than like
    another: in mean squared error.

    What to do: look at how `encode` chooses; channels in another order show here, too.
    """
    pictures = distinct_pictures(side(fitted(subject), 8))
    tokenizer = fitted(subject, pictures)
    back = pictures_of(tokenizer, tokens_of(tokenizer, pictures))[..., :3].astype(float)
    for number, picture in enumerate(pictures):
        errors = [float(((picture.astype(float) - other) ** 2).mean()) for other in back]
        if int(np.argmin(errors)) != number:
            raise Broken(
                f"picture {number} comes back with an error of {errors[number]:.1f}, and picture "
                f"{int(np.argmin(errors))} is nearer to it with {min(errors):.1f}"
            )


@check("tokenizer")
def check_each_picture_is_encoded_alone(subject: Subject) -> None:
    """A picture's tokens, and tokens' picture, do not depend on what else is in the call.

    What to do: take no means, no minima and no random numbers over the batch.
    """
    tokenizer = fitted(subject)
    pictures = toy_pictures(3, side(tokenizer), seed=4)
    together = tokens_of(tokenizer, pictures)
    alone = np.concatenate([tokens_of(tokenizer, [picture]) for picture in pictures])
    expect_equal(alone, together, "pictures encoded one by one and together")
    stacked = tokens_of(tokenizer, np.stack(pictures))  # type: ignore[arg-type]
    expect_equal(stacked, together, "pictures given as an array and as a list")
    decoded = pictures_of(tokenizer, together)
    single = np.concatenate([pictures_of(tokenizer, each[None]) for each in together])
    expect_equal(single, decoded, "tokens decoded one by one and together")


@check("tokenizer")
def check_fit_is_deterministic(subject: Subject) -> None:
    """The same pictures and the same seed give the same vocabulary, whatever was fitted before.

    What to do: draw random numbers from `pixelgen.randomness.generator_for(seed, "purpose")` alone,
    and keep nothing from an earlier `fit`.
    """
    pictures = toy_pictures(3, side(fitted(subject)))
    first = new(subject).fit(pictures, seed=7)
    again = fitted(subject, toy_pictures(2, side(first), seed=8)).fit(pictures, seed=7)
    if first.vocab_size != again.vocab_size:
        raise Broken(f"vocab_size is {first.vocab_size} and {again.vocab_size}")
    every = np.arange(first.vocab_size, dtype=np.int32)[None, None, :]
    expect_equal(first.decode(every), again.decode(every), "what the tokens of two fits decode to")
    expect_equal(
        tokens_of(first, pictures), tokens_of(again, pictures), "the tokens that two fits encode"
    )


@check("tokenizer")
def check_fit_returns_self(subject: Subject) -> None:
    """`fit` returns the tokenizer itself, takes pictures of different sizes from any iterable, and
    goes through them once.

    What to do: end with `return self`; make a list of the pictures if you need them twice.
    """
    tokenizer = new(subject)
    height, width = side(fitted(subject))
    sizes = [(height, width), (3 * height, width), (height, 2 * width)]
    pictures = (toy_pictures(1, size)[0] for size in sizes)
    if tokenizer.fit(pictures, seed=1) is not tokenizer:
        raise Broken("fit does not return self")
    tokens_of(tokenizer, toy_pictures(1, (height, width)))


@check("tokenizer")
def check_partial_fit_is_like_fit(subject: Subject) -> None:
    """After any number of calls of `partial_fit` the vocabulary is what one `fit` on all the
    pictures would have learned; or `partial_fit` raises `TokenizerError`, as the interface's does.

    What to do: keep sums and counts rather than results; or do not override `partial_fit`.
    """
    pictures = toy_pictures(4, side(fitted(subject)))
    parts = new(subject)
    try:
        if parts.partial_fit(pictures[:1], seed=3) is not parts:
            raise Broken("partial_fit does not return self")
    except TokenizerError:
        return
    parts.partial_fit(pictures[1:], seed=3)
    whole = new(subject).fit(pictures, seed=3)
    if parts.vocab_size != whole.vocab_size:
        raise Broken(f"vocab_size is {parts.vocab_size} in parts and {whole.vocab_size} at once")
    every = np.arange(whole.vocab_size, dtype=np.int32)[None, None, :]
    expect_equal(parts.decode(every), whole.decode(every), "tokens learned in parts and at once")


@check("tokenizer")
def check_palette_is_what_tokens_decode_to(subject: Subject) -> None:
    """`palette` is None, or (vocab_size, 3 or 4) uint8 with the colour that each token decodes to,
    for a tokenizer whose tokens are single pixels.

    What to do: return the very array that `decode` looks up; None if a token is not one colour.
    """
    tokenizer = fitted(subject)
    if tokenizer.palette is None:
        return
    palette = expect_array(
        tokenizer.palette, "palette", shape=(tokenizer.vocab_size, None), dtype=np.uint8
    )
    if tokenizer.token_shape != (1, 1):
        raise Broken(f"there is a palette, but a token is {tokenizer.token_shape} pixels")
    every = np.arange(tokenizer.vocab_size, dtype=np.int32)[None, None, :]
    expect_equal(palette, pictures_of(tokenizer, every)[0, 0], "the palette and the decoded tokens")


@check("tokenizer")
def check_no_side_effects(subject: Subject) -> None:
    """Fitting, encoding and decoding print nothing, change no state that the process shares, such
    as global random numbers, and do not write into the arrays that they are given.

    What to do: use a generator of your own; copy an array before changing it; say what the user
    should know in `self.notes`.
    """
    with unchanged("a tokenizer"):
        tokenizer = fitted(subject)
        pictures = toy_pictures(2, side(tokenizer))
        tokens = tokens_of(tokenizer, pictures)
        pictures_of(tokenizer, tokens)
        writable = [picture.copy() for picture in toy_pictures()]
        new(subject).fit(writable, seed=1)
        own = np.stack([picture.copy() for picture in pictures])
        tokenizer.encode(own)
        numbers = tokens.copy()
        tokenizer.decode(numbers)
    expect_equal(numbers, tokens, "tokens before and after decode")
    expect_equal(own, np.stack(pictures), "pictures before and after encode")
    for given, before in zip(writable, toy_pictures(), strict=True):
        expect_equal(given, before, "pictures before and after fit")
