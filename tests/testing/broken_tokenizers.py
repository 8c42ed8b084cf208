"""Ways to break a tokenizer, and the checks of the kit that each is caught by."""

from __future__ import annotations

import itertools
import pickle
from pathlib import Path
from typing import Any

import numpy as np
from mutation import Mistakes
from pydantic import Field

import pixelgen
from pixelgen.errors import TokenizerError
from pixelgen.tokenizers.palette_tokenizer import PaletteTokenizer


class Sound(PaletteTokenizer):
    """The most frequent colours, by brightness; each pixel becomes the nearest of them."""

    kind = "sound"

    class Options(pixelgen.Options):
        colors: int = Field(8, ge=1, le=4096, description="of the palette, at most")

    def fit(self, images, *, seed=0):
        pixels = [np.asarray(image)[..., :3].reshape(-1, 3) for image in images]
        if not pixels:
            raise TokenizerError("no pictures to learn from", where="fit")
        colours = np.unique(np.concatenate(pixels), axis=0)
        order = np.argsort(colours @ np.array([3, 6, 1]), kind="stable")
        chosen = np.linspace(0, len(order) - 1, min(self.options.colors, len(order))).astype(int)
        self.set_palette(np.unique(colours[order[chosen]], axis=0))
        return self


def encoding(change: Any) -> dict[str, Any]:
    """`encode` with its tokens changed: by the tokenizer, the tokens, and the pictures."""
    return {"encode": lambda self, images: change(self, Sound.encode(self, images), images)}


def decoding(change: Any) -> dict[str, Any]:
    """`decode` with its pictures changed: by the tokenizer, the pictures, and the tokens."""
    return {"decode": lambda self, tokens: change(self, Sound.decode(self, tokens), tokens)}


def fitting(change: Any) -> dict[str, Any]:
    """`fit` with something done afterwards: by the tokenizer and the seed."""

    def fit(self, images, *, seed=0):
        Sound.fit(self, images, seed=seed)
        return change(self, seed)

    return {"fit": fit}


FITS = itertools.count(1)


def turned_further(self, seed):
    """The same colours in an order of this fit's own, as an unseeded shuffle would give: by a
    count, so that two fits in a row differ for certain and no colour is drawn that others miss."""
    self.set_palette(np.roll(self.palette, next(FITS), axis=0))
    return self


def global_numbers(self, seed):
    np.random.random()
    return self


def twice(self, images, *, seed=0):
    first = sum(1 for _ in images)
    assert first
    return Sound.fit(self, images, seed=seed)


def nothing_learned(self, images, *, seed=0):
    pictures = list(images)
    if pictures:
        return Sound.fit(self, pictures, seed=seed)
    raise ValueError("need at least one array to concatenate")


def last_part(self, images, *, seed=0):
    return Sound.fit(self, images, seed=seed)


def several(self, images, *, seed=0):
    Sound.fit(self, images, seed=seed)
    if len(self.palette) < 3:
        raise ValueError("too few colours")
    return self


def no_alpha(self, images):
    assert all(np.asarray(image).shape[-1] == 3 for image in images)
    return Sound.encode(self, images)


def large(self, images):
    assert np.asarray(images[0]).shape[0] > 1
    return Sound.encode(self, images)


def by_the_median(self, images):
    tokens = Sound.encode(self, images)
    middle = int(np.median(tokens))
    return np.where(tokens == middle, self.vocab_size - 1, tokens).astype(np.int32)


def writing(self, images):
    if isinstance(images, np.ndarray) and images.flags.writeable:
        images[0, 0, 0] = 0
    return Sound.encode(self, images)


def other_palette(self):
    return PaletteTokenizer.palette.fget(self)[::-1]  # type: ignore[attr-defined]


def pickled(self, directory: Path) -> None:
    Sound.save(self, directory)
    (directory / "more.pickle").write_bytes(pickle.dumps(1))


def another(self, directory: Path) -> None:
    kept, palette = Sound.palette.fget(self), Sound.palette.fget(self).copy()  # type: ignore[attr-defined]
    palette[0] += 1
    self.set_palette(palette)
    Sound.save(self, directory)
    self.set_palette(kept)


def trusting(cls, directory: Path, *, device: str = "auto"):
    try:
        return Sound.load.__func__(cls, directory, device=device)  # type: ignore[attr-defined]
    except pixelgen.PixelgenError as error:
        raise KeyError("palette") from error


def squares(self, pictures, tokens):
    """Rows and columns in the wrong order, where it cannot be seen by the shape."""
    same = pictures.shape[1] == pictures.shape[2]
    return np.ascontiguousarray(pictures.swapaxes(1, 2)) if same else pictures


def upside_down(self, images):
    return np.ascontiguousarray(Sound.encode(self, images)[:, ::-1])


def rolled(self, pictures, tokens):
    return np.roll(pictures, 1, axis=2)


MISTAKES = Mistakes("tokenizer", Sound)
MISTAKES.add(
    "no argument for the seed",
    "alpha_is_taken class_is_complete damaged_files_are_refused decode_gives_pictures "
    "each_picture_is_encoded_alone encode_gives_tokens encode_is_like_the_picture "
    "files_are_safe fit_is_deterministic fit_returns_self no_side_effects "
    "nothing_to_learn_from_is_said order_of_rows_and_columns palette_is_what_tokens_decode_to "
    "partial_fit_is_like_fit pictures_of_one_colour pictures_of_one_token round_trip "
    "saved_tokenizer_is_the_same",
    fit=lambda self, images: Sound.fit(self, images),
)
MISTAKES.add(
    "tokens of 64 bits",
    "alpha_is_taken each_picture_is_encoded_alone encode_gives_tokens "
    "encode_is_like_the_picture fit_is_deterministic fit_returns_self no_side_effects "
    "order_of_rows_and_columns pictures_of_one_colour pictures_of_one_token round_trip "
    "saved_tokenizer_is_the_same",
    **encoding(lambda self, tokens, _: tokens.astype(np.int64)),
)
MISTAKES.add(
    "pictures of floats",
    "alpha_is_taken decode_gives_pictures each_picture_is_encoded_alone "
    "encode_is_like_the_picture no_side_effects order_of_rows_and_columns "
    "palette_is_what_tokens_decode_to pictures_of_one_colour pictures_of_one_token round_trip",
    **decoding(lambda self, found, _: found / 255),
)
MISTAKES.add(
    "another token",
    "encode_is_like_the_picture round_trip",
    **encoding(lambda self, tokens, _: (tokens + 1) % self.vocab_size),
)
MISTAKES.add(
    "channels turned round",
    "encode_is_like_the_picture palette_is_what_tokens_decode_to round_trip",
    **decoding(lambda self, found, _: found[..., ::-1]),
)
MISTAKES.add(
    "by the median of the batch", "each_picture_is_encoded_alone round_trip", encode=by_the_median
)
MISTAKES.add("another order at each fit", "fit_is_deterministic", **fitting(turned_further))
MISTAKES.add("global random numbers", "no_side_effects", **fitting(global_numbers))
MISTAKES.add(
    "fit returns nothing",
    "alpha_is_taken damaged_files_are_refused decode_gives_pictures "
    "each_picture_is_encoded_alone encode_gives_tokens encode_is_like_the_picture "
    "files_are_safe fit_is_deterministic fit_returns_self no_side_effects "
    "order_of_rows_and_columns palette_is_what_tokens_decode_to partial_fit_is_like_fit "
    "pictures_of_one_colour pictures_of_one_token round_trip saved_tokenizer_is_the_same",
    **fitting(lambda self, seed: None),
)
MISTAKES.add(
    "pictures gone through twice", "fit_returns_self nothing_to_learn_from_is_said", fit=twice
)
MISTAKES.add("the last part alone", "partial_fit_is_like_fit", partial_fit=last_part)
MISTAKES.add("another palette", "palette_is_what_tokens_decode_to", palette=property(other_palette))
MISTAKES.add(
    "writing into the pictures", "each_picture_is_encoded_alone no_side_effects", encode=writing
)
MISTAKES.add("three colours at least", "pictures_of_one_colour pictures_of_one_token", fit=several)
MISTAKES.add("pictures of one token refused", "pictures_of_one_token", encode=large)
MISTAKES.add("alpha refused", "alpha_is_taken", encode=no_alpha)
MISTAKES.add(
    "an error that is not pixelgen's", "nothing_to_learn_from_is_said", fit=nothing_learned
)
MISTAKES.add("rows for columns", "order_of_rows_and_columns round_trip", **decoding(squares))
MISTAKES.add(
    "the bottom row first",
    "order_of_rows_and_columns",
    encode=upside_down,
    **decoding(lambda self, found, _: found[:, ::-1]),
)
MISTAKES.add(
    "columns moved on",
    "order_of_rows_and_columns palette_is_what_tokens_decode_to round_trip",
    **decoding(rolled),
)
MISTAKES.add("something else saved", "saved_tokenizer_is_the_same", save=another)
MISTAKES.add("a pickle saved", "damaged_files_are_refused files_are_safe", save=pickled)
MISTAKES.add("damage not said", "damaged_files_are_refused", load=classmethod(trusting))
