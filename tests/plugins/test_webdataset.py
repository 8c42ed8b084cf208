"""`webdataset`: tar shards, whole and damaged, in order and mixed."""

from __future__ import annotations

import io
import json
import tarfile
import tempfile
from pathlib import Path

import numpy as np
import pytest
from encoded import learn_from, png

from pixelgen.errors import OptionError, SourceError
from pixelgen.options import parse_options
from pixelgen.sources.interface import BadPicture, Picture
from pixelgen.testing import parametrize_with_checks

pytest.importorskip("webdataset", reason="webdataset is not installed")

from pixelgen_webdataset.shards import Shards

SIZE = (8, 8)


def write_shard(path: Path, members: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w") as archive:
        for name, data in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return path


def write_shards(folder: Path, shards: int = 2, pictures: int = 3) -> Path:
    for shard in range(shards):
        write_shard(
            folder / f"{shard:04d}.tar",
            {f"{n}.png": png(10 * (shard * pictures + n)) for n in range(pictures)},
        )
    return folder


def source(location: Path | str, *, seed: int = 1, **options) -> Shards:
    parsed = parse_options(Shards.Options, options, owner="source webdataset")
    return Shards(parsed, str(location), seed=seed)


def names(location: Path | str, **options) -> list[str]:
    return [each.name for each in source(location, **options).pictures(SIZE)]


# The kit's checks are made before any test has a folder of its own.
KEPT = tempfile.TemporaryDirectory()
SHARDS = write_shards(Path(KEPT.name))


@parametrize_with_checks("webdataset", location=str(SHARDS))
def test_it_conforms(check):
    check()


@pytest.mark.parametrize("place", ["{0000..0001}.tar", "*.tar", ""])
def test_a_range_a_pattern_and_a_folder_are_the_same(place):
    expected = [f"{shard:04d}.tar/{n}.png" for shard in range(2) for n in range(3)]
    assert names(f"{SHARDS}/{place}") == expected


def test_shards_of_one_name_are_told_apart_by_their_folders(tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        write_shards(tmp_path / folder, shards=1, pictures=1)
    assert names(f"{tmp_path}/{{a,b}}/0000.tar") == ["a/0000.tar/0.png", "b/0000.tar/0.png"]


def test_one_shard_alone():
    assert names(SHARDS / "0001.tar") == [f"0001.tar/{n}.png" for n in range(3)]


def test_pixels_are_those_of_the_member():
    first = next(source(SHARDS).pictures(SIZE))
    assert isinstance(first, Picture)
    np.testing.assert_array_equal(first.pixels, np.full((9, 9, 3), (0, 100, 200), np.uint8))


def test_mixing_is_by_the_seed_and_loses_nothing():
    first, again = names(SHARDS, shuffle=4), names(SHARDS, shuffle=4)
    other = names(SHARDS, shuffle=4, seed=2)
    assert first == again
    assert first != other
    assert sorted(first) == sorted(other) == sorted(names(SHARDS))


def test_a_limit_ends_it_early():
    assert len(names(SHARDS, limit=4)) == 4


def test_groups_come_from_a_member_or_a_field(tmp_path):
    shard = write_shard(
        tmp_path / "a.tar",
        {
            "0.png": png(1),
            "0.cls": b"7\n",
            "0.json": b'{"label": "lilies"}',
            "1.png": png(2),
            "1.json": json.dumps({"other": 1}).encode(),
        },
    )

    def groups(group):
        return [
            each.group if isinstance(each, Picture) else each.reason
            for each in source(shard, group=group).pictures(SIZE)
        ]

    assert groups("cls") == ["7", "its group cannot be read: it has no member .cls"]
    assert groups("json.label")[0] == "lilies"
    assert "no field 'label'" in groups("json.label")[1]


def test_only_the_ending_that_was_asked_for(tmp_path):
    shard = write_shard(tmp_path / "a.tar", {"0.mask.png": png(9), "0.PNG": png(1), "0.txt": b"x"})
    assert names(shard) == ["a.tar/0.png"]
    assert names(shard, pictures="mask.png") == ["a.tar/0.mask.png"]


def test_a_damaged_member_is_named_and_the_rest_is_read(tmp_path):
    shard = write_shard(tmp_path / "a.tar", {"0.png": png(1)[:40], "1.png": png(2)})
    bad, good = source(shard).pictures(SIZE)
    assert isinstance(bad, BadPicture)
    assert (bad.name, good.name) == ("a.tar/0.png", "a.tar/1.png")


def test_a_shard_that_is_cut_off_is_named_and_the_next_one_read(tmp_path):
    write_shards(tmp_path)
    whole = (tmp_path / "0000.tar").read_bytes()
    (tmp_path / "0000.tar").write_bytes(whole[: len(whole) // 4])
    found = list(source(tmp_path).pictures(SIZE))
    bad = [each for each in found if isinstance(each, BadPicture)]
    assert [each.name for each in bad] == ["0000.tar"]
    assert "cannot be read to its end" in bad[0].reason
    assert [each.name for each in found if each.name.startswith("0001.tar")] == [
        f"0001.tar/{n}.png" for n in range(3)
    ]


@pytest.mark.parametrize("damage", ["flipped", "at a member", "in a header", "in a picture"])
def test_a_shard_is_not_said_to_be_whole_where_a_header_is_damaged(tmp_path, damage):
    """What Python's `tarfile` takes for the end of the archive."""
    shard = write_shard(tmp_path / "a.tar", {f"{n}.png": png(n) for n in range(6)})
    data, header = bytearray(shard.read_bytes()), 3 * 1024  # of the fourth
    assert data[header : header + 5] == b"3.png"
    if damage == "flipped":
        data[header + 2] ^= 1
    else:
        del data[header + {"at a member": 0, "in a header": 100, "in a picture": 540}[damage] :]
    shard.write_bytes(data)
    found = list(source(shard).pictures(SIZE))
    assert [each.name for each in found] == [*(f"a.tar/{n}.png" for n in range(3)), "a.tar"]
    assert "cannot be read to its end" in found[-1].reason


def test_the_seed_decides_on_the_order_of_a_limited_number_and_not_on_which_they_are():
    first, other = (names(SHARDS, shuffle=4, limit=4, seed=seed) for seed in (1, 2))
    assert sorted(first) == sorted(other) == names(SHARDS, limit=4)
    assert first != other


def test_an_empty_shard_holds_nothing(tmp_path):
    write_shard(tmp_path / "a.tar", {})
    assert names(tmp_path) == []


def test_a_key_that_comes_twice_is_said(tmp_path):
    shard = write_shard(tmp_path / "a.tar", {"0.png": png(1), "1.png": png(2), "./0.txt": b""})
    with tarfile.open(shard, "a") as archive:
        member = tarfile.TarInfo("0.png")
        member.size = len(png(3))
        archive.addfile(member, io.BytesIO(png(3)))
    assert [type(each) for each in source(shard).pictures(SIZE)] == [Picture, Picture, BadPicture]


def test_pictures_with_dots_in_their_names_are_named_and_taken_when_asked_for(tmp_path):
    members = {f"IMG.000{n}.jpg": png(n) for n in range(3)} | {"a.txt": b"", "b.seg.png": png(1)}
    shard = write_shard(tmp_path / "a.tar", {**members, "c.png": png(2)})
    first, second, third = source(shard).pictures(SIZE)
    assert first.name == "a.tar/IMG.0000.jpg, and 2 more"
    assert "first dot" in first.reason and "source.pictures=0000.jpg" in first.reason
    assert second.name == "a.tar/b.seg.png"
    assert third.name == "a.tar/c.png"
    assert names(shard, pictures="seg.png") == ["a.tar/b.seg.png"]


def test_a_command_runs_only_where_that_is_allowed(monkeypatch):
    place = f"pipe:cat {SHARDS}/0000.tar"
    with pytest.raises(SourceError, match="would run a command"):
        source(place)
    monkeypatch.setenv("PIXELGEN_PIPES", "1")
    assert names(place) == [f"pipe/{n}.png" for n in range(3)]


def test_a_command_that_fails_is_said(monkeypatch):
    monkeypatch.setenv("PIXELGEN_PIPES", "1")
    found = list(source("pipe:exit 3").pictures(SIZE))
    assert [type(each) for each in found] == [BadPicture]


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("none.tar", "no file or folder"),
        ("*.tgz", "no file matches"),
        ("{0..9.tar", "is no range"),
        ("empty", "no file that ends"),
    ],
)
def test_what_is_not_there_is_said_at_once(tmp_path, place, said):
    (tmp_path / "empty").mkdir()
    with pytest.raises(SourceError, match=said):
        source(tmp_path / place)


def test_a_group_must_be_named():
    with pytest.raises(OptionError, match="names no group"):
        source(SHARDS, group="json")


def test_a_run_learns_from_shards(tmp_path):
    run = learn_from("webdataset", f"{SHARDS}/{{0000..0001}}.tar", tmp_path / "run")
    assert run.sample(1).shape == (1, 8, 8, 3)
    assert len(run.manifest["data"]["train"]) == 5


def test_a_place_is_needed():
    with pytest.raises(SourceError, match=r"no place of the pictures.*--source webdataset"):
        Shards(Shards.Options())
