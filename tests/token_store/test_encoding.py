"""Encoding once: what is in the files, and that an interruption changes nothing."""

from __future__ import annotations

import itertools
import json
import shutil
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pixelgen.data.collection import collect
from pixelgen.errors import (
    NoPictures,
    OptionError,
    RunExists,
    RunInUse,
    SourceError,
    StorageError,
)
from pixelgen.executors.local import Local
from pixelgen.framing import framing_of
from pixelgen.runs.lock import locked
from pixelgen.sources.interface import BadPicture, itself
from pixelgen.token_store import encoding
from pixelgen.token_store.encoding import encode_pictures
from pixelgen.token_store.manifest import TokenManifest
from pixelgen.token_store.store import TokenStore
from pixelgen.tokenizers.numpy_kmeans import NumpyKMeans


@pytest.fixture
def resolved(quick):
    return quick(tokenizer={"name": "numpy-kmeans", "colors": 40})


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != "run.lock"
    }


def test_the_plain_tokens_are_those_of_the_pictures(resolved, tmp_path):
    encode_pictures(resolved, tmp_path / "t", shard_size=4)
    store = TokenStore(tmp_path / "t")
    pictures = {picture.name: picture for picture in resolved.collect().pictures}
    assert sorted(store.names.names) == sorted(pictures)
    plain = [framing_of(resolved.recipe).plain(pictures[n].pixels) for n in store.names.names]
    expected = store.tokenizer().encode(np.stack(plain))
    np.testing.assert_array_equal(store.tokens(range(8)), expected)
    np.testing.assert_array_equal(store.tokens([6, 0, 3]), expected[[6, 0, 3]])


def test_the_variants_are_those_of_the_epochs_of_that_number(resolved, tmp_path):
    encode_pictures(resolved, tmp_path / "t", variants=2, shard_size=4)
    store = TokenStore(tmp_path / "t")
    framing, pictures = framing_of(resolved.recipe), resolved.collect().pictures
    for place, name in enumerate(store.names.names[: store.learned]):
        number = next(n for n, each in enumerate(pictures) if each.name == name)
        varied = framing.varied(pictures[number].pixels, 1, number)
        expected = store.tokenizer().encode(varied[None])
        np.testing.assert_array_equal(store.tokens([place], variant=2), expected)
    assert [store.variant_of(epoch) for epoch in range(5)] == [1, 2, 1, 2, 1]


def test_held_out_pictures_are_apart_and_plain(resolved, tmp_path):
    encode_pictures(resolved, tmp_path / "t", variants=2)
    store = TokenStore(tmp_path / "t")
    assert (store.learned, len(store)) == (6, 8)
    held_out = [6, 7]
    np.testing.assert_array_equal(store.tokens(held_out, 0), store.tokens(held_out, 2))


def test_the_palette_knows_nothing_of_what_is_held_out(quick, folder, tmp_path):
    for number in range(8):  # a colour of its own in each
        Image.new("RGB", (12, 12), (30 * number, 0, 255 - 30 * number)).save(
            folder / f"picture-{number}.png"
        )
    resolved = quick(tokenizer={"name": "numpy-kmeans", "colors": 40})
    encode_pictures(resolved, tmp_path / "t")
    store = TokenStore(tmp_path / "t")
    assert store.manifest.vocab_size == store.learned == 6


def test_tokens_take_no_more_room_than_they_need(quick, tmp_path):
    for colors, dtype in ((27, "uint8"), (512, "uint16")):
        resolved = quick(tokenizer={"name": "rgb-grid", "colors": colors})
        assert encode_pictures(resolved, tmp_path / dtype).dtype == dtype


@pytest.mark.parametrize("kind", ["threads", "processes"])
def test_the_executor_changes_nothing(resolved, tmp_path, kind):
    serial = Local(Local.Options(kind="serial"))
    encode_pictures(resolved, tmp_path / "a", variants=1, executor=serial)
    other = Local(Local.Options(kind=kind, workers=2))
    encode_pictures(resolved, tmp_path / "b", variants=1, executor=other)
    assert contents(tmp_path / "a") == contents(tmp_path / "b")


def test_an_interruption_at_any_write_changes_nothing(resolved, tmp_path, monkeypatch):
    encode_pictures(resolved, tmp_path / "whole", shard_size=2, variants=1)
    expected = contents(tmp_path / "whole")
    assert {"shard-00000.npy", "shard-00002.json", "held-out.npy"} <= expected.keys()
    original = Path.replace
    for last in itertools.count():
        folder = tmp_path / f"after-{last}"
        done = 0

        def dies(path, target, last=last):
            nonlocal done
            if done == last:
                raise KeyboardInterrupt
            done += 1
            return original(path, target)

        monkeypatch.setattr(Path, "replace", dies)
        try:
            encode_pictures(resolved, folder, shard_size=2, variants=1)
        except KeyboardInterrupt:
            assert not list(folder.glob(".*.tmp"))
        else:
            break  # so many files are not written
        finally:
            monkeypatch.setattr(Path, "replace", original)
        encode_pictures(resolved, folder, shard_size=2, variants=1)
        assert contents(folder) == expected, last
    assert last > 10


def test_what_a_killed_process_had_begun_is_cleared_away(resolved, tmp_path):
    (tmp_path / "t").mkdir()
    half = tmp_path / "t" / ".shard-00000.npy.4711.tmp"
    half.write_bytes(b"half")
    encode_pictures(resolved, tmp_path / "t")
    assert not half.exists()


def test_what_is_whole_is_not_encoded_again(resolved, tmp_path, monkeypatch):
    encode_pictures(resolved, tmp_path / "t", shard_size=4)
    monkeypatch.setattr(encoding.Recording, "__call__", None)
    encode_pictures(resolved, tmp_path / "t", shard_size=4)


def test_at_most_one_shard_is_lost(resolved, tmp_path, monkeypatch):
    encode_pictures(resolved, tmp_path / "t", shard_size=2)
    manifest = json.loads((tmp_path / "t" / "tokens.json").read_text())
    (tmp_path / "t" / "shard-00002.npy").unlink()
    encoded = []
    original = encoding.Recording.__call__
    monkeypatch.setattr(
        encoding.Recording,
        "__call__",
        lambda self, items: encoded.extend(n for n, _ in items) or original(self, items),
    )
    serial = Local(Local.Options(kind="serial"))
    encode_pictures(resolved, tmp_path / "t", shard_size=2, executor=serial)
    assert min(encoded) >= manifest["shards"][1]["items"]
    assert json.loads((tmp_path / "t" / "tokens.json").read_text()) == manifest


@pytest.mark.parametrize(
    "harmed", ["shard-00001.npy", "shard-00001.json", "held-out.npy", "tokenizer/palette.png"]
)
def test_what_was_harmed_is_encoded_again(resolved, tmp_path, harmed):
    encode_pictures(resolved, tmp_path / "t", shard_size=2)
    expected = contents(tmp_path / "t")
    path = tmp_path / "t" / harmed
    if not path.exists():
        path = next((tmp_path / "t" / "tokenizer").glob("[!c]*"))
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    encode_pictures(resolved, tmp_path / "t", shard_size=2)
    assert contents(tmp_path / "t") == expected


def test_duplicates_are_dropped_wherever_the_first_one_is(quick, folder, tmp_path):
    for number in range(8):
        shutil.copy(folder / f"picture-{number}.png", folder / f"zz-copy-{number}.png")
    manifest = encode_pictures(quick(), tmp_path / "t", shard_size=3)
    names = TokenStore(tmp_path / "t").names
    assert manifest.pictures + manifest.held_out.pictures == 8
    assert len(names.duplicates) == 8
    for dropped, kept in names.duplicates:
        assert kept in names.names
        assert dropped[-5] == kept[-5]


def test_duplicates_are_found_after_an_interruption_too(quick, folder, tmp_path):
    for number in range(8):
        shutil.copy(folder / f"picture-{number}.png", folder / f"zz-copy-{number}.png")
    encode_pictures(quick(), tmp_path / "t", shard_size=3)
    expected = contents(tmp_path / "t")
    for shard in ("shard-00000.npy", "shard-00001.npy"):
        (tmp_path / "t" / shard).unlink()
        encode_pictures(quick(), tmp_path / "t", shard_size=3)
        assert contents(tmp_path / "t") == expected


def test_bad_pictures_are_named(quick, folder, tmp_path):
    (folder / "broken.png").write_bytes(b"no picture")
    encode_pictures(quick(data={"held_out": 0}), tmp_path / "t")
    ((name, reason),) = TokenStore(tmp_path / "t").names.bad
    assert name == "broken.png"
    assert "damaged" in reason


def test_not_one_good_picture_is_an_error(quick, tmp_path):
    folder = tmp_path / "bad"
    folder.mkdir()
    for number in range(4):
        (folder / f"{number}.png").write_bytes(b"no picture")
    resolved = quick(source={"name": "folder", "location": str(folder)})
    with pytest.raises(NoPictures, match=r"not one of \d pictures can be read"):
        encode_pictures(resolved, tmp_path / "t")


def test_only_some_pictures_make_the_palette(resolved, tmp_path, monkeypatch):
    seen = []
    original = NumpyKMeans.fit
    monkeypatch.setattr(
        NumpyKMeans,
        "fit",
        lambda self, images, *, seed=0: original(self, [seen.append(1) or i for i in images]),
    )
    encode_pictures(resolved, tmp_path / "t", palette_pictures=3)
    assert len(seen) == 3


def test_transparency_is_kept_where_the_source_keeps_it(quick, folder, tmp_path):
    pixels = np.full((12, 12, 4), 200, np.uint8)
    pixels[:6, :, 3] = 0
    Image.fromarray(pixels).save(folder / "picture-9.png")
    for alpha, channels in ((True, 4), (False, 3)):
        resolved = quick(
            source={"name": "folder", "location": str(folder), "alpha": alpha},
            tokenizer={"name": "numpy-kmeans", "colors": 30},
        )
        encode_pictures(resolved, tmp_path / str(channels))
        store = TokenStore(tmp_path / str(channels))
        assert store.tokenizer().decode(store.tokens([0])).shape[-1] == channels


def test_progress_is_told_stage_by_stage(resolved, tmp_path):
    told = []
    encode_pictures(resolved, tmp_path / "t", progress=lambda *each: told.append(each))
    assert [stage for stage, done, total in told if done == total] == [
        "Fitting the palette",
        "Encoding",
    ]


class TestRefused:
    @pytest.mark.parametrize(
        ("asked", "said"),
        [
            ({"variants": 1001}, "variants cannot be 1001"),
            ({"palette_pictures": 10**10}, "palette_pictures cannot be 10000000000"),
            ({"shard_size": 0}, "shard_size cannot be 0"),
        ],
    )
    def test_numbers_that_cannot_be_are_named(self, resolved, tmp_path, asked, said):
        with pytest.raises(OptionError, match=said):
            encode_pictures(resolved, tmp_path / "t", **asked)
        assert not (tmp_path / "t").exists()

    def test_variants_where_nothing_varies(self, quick, tmp_path):
        with pytest.raises(OptionError, match="would be 2 copies"):
            encode_pictures(quick(data={"augment": "none"}), tmp_path / "t", variants=2)
        assert not (tmp_path / "t").exists()

    @pytest.mark.parametrize(
        ("tables", "asked", "said"),
        [
            ({"data": {"size": 6}}, {}, r"data.size \[12, 12\], and not with \[6, 6\]"),
            ({"seed": 4}, {}, "seed 1, and not with 4"),
            ({"tokenizer": {"colors": 64}}, {}, "tokenizer.colors 27"),
            ({}, {"variants": 1}, "variants 0"),
        ],
    )
    def test_other_pictures_in_the_same_place(self, quick, tmp_path, tables, asked, said):
        encode_pictures(quick(), tmp_path / "t")
        before = contents(tmp_path / "t")
        with pytest.raises(StorageError, match=said):
            encode_pictures(quick(**tables), tmp_path / "t", **asked)
        assert contents(tmp_path / "t") == before

    def test_a_folder_of_something_else(self, quick, tmp_path):
        (tmp_path / "t").mkdir()
        (tmp_path / "t" / "novel.txt").touch()
        with pytest.raises(RunExists):
            encode_pictures(quick(), tmp_path / "t")

    def test_a_place_in_use(self, quick, tmp_path):
        (tmp_path / "t").mkdir()
        with locked(tmp_path / "t"), pytest.raises(RunInUse):
            encode_pictures(quick(), tmp_path / "t")


def test_a_source_of_unknown_length_is_counted_without_reading(quick, tmp_path, monkeypatch):
    resolved = quick()
    kind = resolved.classes["source"]
    monkeypatch.setattr(kind, "length", lambda self: None)
    manifest = encode_pictures(resolved, tmp_path / "t")
    assert manifest.items == 8
    assert TokenManifest.read(tmp_path / "t") == manifest


def test_reading_by_an_executor_finds_what_the_source_itself_finds(quick):
    source = quick().source()
    own = collect(source, (12, 12))
    spread = collect(source, (12, 12), executor=Local(Local.Options(kind="processes", workers=2)))
    assert own.fingerprint() == spread.fingerprint()


class BreaksOff:
    """A source that gives less in one pass, or from one on, as a network does.

    A shard of three pictures that breaks off is one bad picture, and the next shard follows.
    """

    def __init__(self, source, passes: int, *, for_good: bool = False, counted: bool = False):
        self.source, self.passes, self.for_good, self.counted = source, passes, for_good, counted
        self.count = 0

    def __getattr__(self, name: str):
        return getattr(self.source, name)

    def length(self):
        return None if self.counted else self.source.length()

    def unread(self, size):
        self.count += 1
        items = list(self.source.unread(size))
        if self.count == self.passes or (self.for_good and self.count > self.passes):
            items[1:4] = [partial(itself, BadPicture("a.tar", "it cannot be read to its end"))]
        return iter(items)


class TestASourceThatBreaksOff:
    def broken(self, resolved, monkeypatch, passes, **how):
        source = BreaksOff(resolved.source(), passes, **how)
        monkeypatch.setattr(type(resolved), "source", lambda self: source)

    @pytest.mark.parametrize("passes", [1, 2])
    def test_is_gone_on_with_as_if_it_had_not(self, resolved, tmp_path, monkeypatch, passes):
        """What came after the gap had the numbers of other pictures."""
        encode_pictures(resolved, tmp_path / "whole", shard_size=2)
        self.broken(resolved, monkeypatch, passes)
        with pytest.raises(
            SourceError, match="of 8 pictures that were counted, it gave 6"
        ) as caught:
            encode_pictures(resolved, tmp_path / "t", shard_size=2)
        assert "Give the same command again" in caught.value.remedy
        there = TokenManifest.read(tmp_path / "t")
        assert there is None or not there.finished
        monkeypatch.undo()
        encode_pictures(resolved, tmp_path / "t", shard_size=2)
        assert contents(tmp_path / "t") == contents(tmp_path / "whole")

    def test_while_it_is_counted_is_noticed_before_anything_is_chosen(
        self, resolved, tmp_path, monkeypatch
    ):
        self.broken(resolved, monkeypatch, 1, counted=True)
        with pytest.raises(SourceError, match="of 6 pictures that were counted, it gave 8"):
            encode_pictures(resolved, tmp_path / "t")
        assert TokenManifest.read(tmp_path / "t") is None

    def test_each_time_at_the_same_place_has_no_more(self, resolved, tmp_path, monkeypatch):
        """As a damaged file does, whose header tells of more."""
        self.broken(resolved, monkeypatch, 1, for_good=True)
        done = encode_pictures(resolved, tmp_path / "t", shard_size=3)
        assert done.finished
        assert done.gone_through == 6
        assert encode_pictures(resolved, tmp_path / "t", shard_size=3) == done

    def test_when_all_was_encoded_leaves_it_so(self, resolved, tmp_path, monkeypatch):
        done = encode_pictures(resolved, tmp_path / "t", shard_size=3)
        self.broken(resolved, monkeypatch, 1, for_good=True)
        assert encode_pictures(resolved, tmp_path / "t", shard_size=3) == done
        assert TokenManifest.read(tmp_path / "t").finished
