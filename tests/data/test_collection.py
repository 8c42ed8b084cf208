import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from pixelgen.data.collection import Collection, collect
from pixelgen.errors import NoPictures, OptionError
from pixelgen.options import Options
from pixelgen.sources.interface import BadPicture, Picture, Source

SIZE = (8, 8)


class Given(Source):
    """A source of exactly the pictures that it is given."""

    def __init__(self, *found, location=None):
        super().__init__(Options(), location)
        self.found = found

    def pictures(self, size):
        yield from self.found


def noise(seed: int, height: int = 8, width: int = 8, channels: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, channels), np.uint8)


def opaque(pixels: np.ndarray) -> np.ndarray:
    return np.concatenate([pixels, np.full_like(pixels[..., :1], 255)], axis=-1)


def numbered(count: int) -> Collection:
    return Collection(
        [Picture(f"{number:05d}", np.zeros((1, 1, 3), np.uint8)) for number in range(count)]
    )


def test_good_and_bad_pictures_are_told_apart_and_keep_their_order():
    bad = BadPicture("b", "torn")
    collection = collect(Given(Picture("c", noise(1)), bad, Picture("a", noise(2))), SIZE)
    assert [picture.name for picture in collection.pictures] == ["c", "a"]
    assert collection.bad == [bad]
    assert collection.channels == 3


def test_of_equal_pictures_the_first_is_kept():
    collection = collect(
        Given(Picture("b", noise(1)), Picture("a", noise(1)), Picture("c", opaque(noise(1)))), SIZE
    )
    assert [picture.name for picture in collection.pictures] == ["b"]
    assert collection.duplicates == [("a", "b"), ("c", "b")]


def test_of_two_pictures_of_one_name_the_second_is_bad():
    collection = collect(Given(Picture("a", noise(1)), Picture("a", noise(2))), SIZE)
    assert [picture.name for picture in collection.pictures] == ["a"]
    assert collection.bad == [BadPicture("a", "another of its source has this name")]


def test_pictures_with_equal_bytes_but_another_shape_are_not_duplicates():
    tall, wide = np.zeros((4, 2, 3), np.uint8), np.zeros((2, 4, 3), np.uint8)
    assert collect(Given(Picture("a", tall), Picture("b", wide)), SIZE).duplicates == []


def test_pictures_that_differ_only_in_hidden_colours_are_duplicates():
    first, second = opaque(noise(1)), opaque(noise(1))
    first[:3, :, 3] = second[:3, :, 3] = 0
    second[:3, :, :3] = 77
    collection = collect(Given(Picture("a", first), Picture("b", second)), SIZE)
    assert collection.duplicates == [("b", "a")]
    assert (collection.pictures[0].pixels[:3] == 0).all()


def test_alpha_that_hides_nothing_is_dropped():
    collection = collect(Given(Picture("a", opaque(noise(1))), Picture("b", noise(2))), SIZE)
    assert collection.channels == 3
    assert (collection.pictures[0].pixels == noise(1)).all()


def test_one_transparent_picture_gives_alpha_to_all():
    sprite = opaque(noise(1))
    sprite[0, 0, 3] = 128
    collection = collect(Given(Picture("a", sprite), Picture("b", noise(2))), SIZE)
    assert collection.channels == 4
    assert (collection.pictures[0].pixels == sprite).all()
    assert (collection.pictures[1].pixels == opaque(noise(2))).all()


def test_large_pictures_are_shrunk_and_small_ones_stay_crisp():
    collection = collect(
        Given(Picture("large", noise(1, 100, 200)), Picture("small", noise(2, 15, 15))), SIZE
    )
    large, small = collection.pictures
    assert large.pixels.shape == (16, 32, 3)
    assert (small.pixels == noise(2, 15, 15)).all()


@pytest.mark.parametrize(
    "pixels",
    [
        np.zeros((4, 4), np.uint8),
        np.zeros((4, 4, 2), np.uint8),
        np.zeros((4, 4, 3), np.float32),
        np.zeros((0, 4, 3), np.uint8),
    ],
)
def test_what_is_no_picture_is_bad_whatever_its_source_says(pixels):
    collection = collect(Given(Picture("good", noise(1)), Picture("odd", pixels)), SIZE)
    assert [bad.name for bad in collection.bad] == ["odd"]
    assert len(collection.pictures) == 1


def test_no_readable_picture_is_an_error_that_says_why_for_the_first_few():
    bad = [BadPicture(f"{name}.png", f"torn {name}") for name in "abcde"]
    with pytest.raises(NoPictures, match=r"not one of 5 .*in here.*c\.png: torn c; and 2 more"):
        collect(Given(*bad, location="here"), SIZE)
    with pytest.raises(NoPictures, match=r"the picture is bad.*a\.png: torn a"):
        collect(Given(bad[0]), SIZE)


def test_an_empty_source_is_an_error():
    with pytest.raises(NoPictures, match=r"not one picture.*Given"):
        collect(Given(), SIZE)


def test_progress_counts_every_picture_good_or_bad():
    counts: list[int] = []
    found = Picture("a", noise(1)), BadPicture("b", "torn"), Picture("c", noise(1))
    collect(Given(*found), SIZE, progress=counts.append)
    assert counts == [1, 2, 3]


def test_groups_are_sorted_and_distinct():
    pictures = [Picture(str(i), noise(i), group) for i, group in enumerate(["b", "a", "b", ""])]
    assert Collection(pictures).groups == ["", "a", "b"]


def test_the_fingerprint_follows_names_groups_and_pixels():
    fingerprints = {
        Collection(pictures).fingerprint()
        for pictures in (
            [Picture("a", noise(1)), Picture("b", noise(2))],
            [Picture("b", noise(2)), Picture("a", noise(1))],
            [Picture("a", noise(1)), Picture("c", noise(2))],
            [Picture("a", noise(1)), Picture("b", noise(2), "group")],
            [Picture("a", noise(1)), Picture("b", noise(3))],
            [Picture("a", noise(1).reshape(4, 16, 3)), Picture("b", noise(2))],
        )
    }
    assert len(fingerprints) == 6
    again = Collection([Picture("a", noise(1)), Picture("b", noise(2))]).fingerprint()
    assert again in fingerprints
    assert len(again) == 64


@given(st.integers(1, 3000), st.floats(0, 1, exclude_max=True), st.integers(0, 2**32 - 1))
def test_a_split_divides_the_pictures_and_leaves_some_to_learn(count, share, seed):
    split = numbered(count).split(share, seed)
    assert sorted(split.train + split.held_out) == list(range(count))
    assert split.train
    assert len(split.held_out) <= 256
    if count < 3 or share == 0:
        assert not split.held_out
    else:
        assert split.held_out


@given(st.integers(1, 60), st.data())
def test_a_count_is_held_out_exactly(count, data):
    held_out = data.draw(st.integers(0, count - 1))
    assert len(numbered(count).split(held_out).held_out) == held_out


def test_a_split_depends_on_the_names_and_not_on_the_order_of_the_source():
    forwards = numbered(20)
    backwards = Collection(forwards.pictures[::-1])
    names = [
        [collection.pictures[index].name for index in collection.split().held_out]
        for collection in (forwards, backwards)
    ]
    assert names[0] == names[1]
    assert len(names[0]) == 3


def test_another_split_seed_gives_another_split():
    assert numbered(40).split(split_seed=1) != numbered(40).split(split_seed=2)
    assert numbered(40).split() == numbered(40).split(split_seed=1)


@pytest.mark.parametrize("held_out", [-1, 5, 6, -0.1, 1.0, 1.5, float("nan")])
def test_holding_out_too_many_is_an_error(held_out):
    with pytest.raises(OptionError, match="cannot be held out"):
        numbered(5).split(held_out)


def test_the_monet_set_splits_into_the_37_and_7_of_the_benchmarks():
    if "PIXELGEN_TEST_DATA" not in os.environ:
        pytest.skip("PIXELGEN_TEST_DATA does not say where the paintings are")
    from pixelgen.sources.folder import Folder

    folder = Path(os.environ["PIXELGEN_TEST_DATA"]) / "monet"
    collection = collect(Folder(Folder.Options(), str(folder)), (75, 75))
    assert not collection.bad
    assert ("images (4).jpg", "images (3).jpg") in collection.duplicates
    assert len(collection.duplicates) == 5

    # The same, derived from the files' bytes.
    distinct: dict[bytes, str] = {}
    for path in sorted(folder.iterdir(), key=lambda path: path.name):
        distinct.setdefault(path.read_bytes(), path.name)
    names = list(distinct.values())
    assert [picture.name for picture in collection.pictures] == names
    np.random.RandomState(1).shuffle(names)
    split = collection.split()
    assert [collection.pictures[index].name for index in split.train] == names[:37]
    assert [collection.pictures[index].name for index in split.held_out] == names[37:]

    with Image.open(folder / names[0]) as image:
        assert (collection.pictures[split.train[0]].pixels == np.asarray(image)).all()
