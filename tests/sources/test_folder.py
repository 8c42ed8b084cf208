import os
import pickle
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pixelgen.data.collection import collect
from pixelgen.data.reading import read_picture
from pixelgen.errors import NoPictures, OptionError, SourceError
from pixelgen.options import parse_options
from pixelgen.plugins import catalogue
from pixelgen.sources.folder import FEW_FILES, Folder
from pixelgen.sources.interface import BadPicture

SIZE = (8, 8)


def folder(path: Path | str | None, **options) -> Folder:
    location = None if path is None else str(path)
    return Folder(parse_options(Folder.Options, options, owner="source folder"), location)


def names(path: Path, **options) -> list[str]:
    return [found.name for found in folder(path, **options).pictures(SIZE)]


def bad(path: Path, **options) -> dict[str, str]:
    found = folder(path, **options).pictures(SIZE)
    return {each.name: each.reason for each in found if isinstance(each, BadPicture)}


def paint(path: Path, colour: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (9, 9), (colour, 100, 200)).save(path)
    return path


@pytest.fixture
def pictures(tmp_path):
    """A folder with two pictures in it and two below."""
    for number, name in enumerate(["b.png", "a.png", "cats/c.png", "cats/old/d.png"]):
        paint(tmp_path / "pictures" / name, number)
    return tmp_path / "pictures"


def test_it_is_registered_and_needs_a_location():
    assert catalogue().load("source", "folder") is Folder
    assert Folder.needs_location


def test_pictures_come_in_order_of_name_and_again(pictures):
    source = folder(pictures)
    assert [found.name for found in source.pictures(SIZE)] == ["a.png", "b.png"]
    assert [found.name for found in source.pictures(SIZE)] == ["a.png", "b.png"]
    assert source.length() == 2


def test_recursive_takes_sub_folders_and_groups_by_the_first_of_them(pictures):
    found = list(folder(pictures, recursive=True).pictures(SIZE))
    assert [(each.name, each.group) for each in found] == [
        ("a.png", ""),
        ("b.png", ""),
        ("cats/c.png", "cats"),
        ("cats/old/d.png", "cats"),
    ]


def test_names_are_sorted_as_whole_paths(tmp_path):
    for name in ("a/x.png", "a.png", "a-b.png", "B.png"):
        paint(tmp_path / name)
    assert names(tmp_path, recursive=True) == sorted(["a/x.png", "a.png", "a-b.png", "B.png"])


def test_other_files_and_hidden_ones_are_passed_over(pictures):
    (pictures / "notes.txt").write_text("painted in Giverny")
    (pictures / "no-extension").write_bytes(b"\0")
    paint(pictures / ".hidden.png")
    paint(pictures / ".cache" / "x.png")
    (pictures / "._a.png").write_bytes(b"resource fork")
    assert names(pictures, recursive=True) == ["a.png", "b.png", "cats/c.png", "cats/old/d.png"]


def test_extensions_are_taken_in_any_case(tmp_path):
    paint(tmp_path / "A.PNG")
    paint(tmp_path / "b.Jpeg")
    assert names(tmp_path) == ["A.PNG", "b.Jpeg"]


def test_a_bad_file_is_named_and_the_others_are_read(pictures):
    (pictures / "torn.jpg").write_bytes(paint(pictures / "whole.jpg").read_bytes()[:300])
    (pictures / "empty.png").touch()
    (pictures / "folder.png").mkdir()
    collection = collect(folder(pictures), SIZE)
    assert [each.name for each in collection.bad] == ["empty.png", "torn.jpg"]
    assert [each.name for each in collection.pictures] == ["a.png", "b.png", "whole.jpg"]


def test_only_bad_files_are_an_error_that_says_why(tmp_path):
    (tmp_path / "a.png").write_text("no picture")
    with pytest.raises(NoPictures, match=r"a\.png: it is damaged"):
        collect(folder(tmp_path), SIZE)


def test_many_files_are_read_by_threads_in_the_same_order(tmp_path):
    count = FEW_FILES + 8
    for number in range(count):
        paint(tmp_path / f"{number:03d}.png", number)
    found = list(folder(tmp_path).pictures(SIZE))
    assert [int(each.pixels[0, 0, 0]) for each in found] == list(range(count))


def test_one_picture_file_is_a_source_whatever_it_is_called(pictures):
    source = folder(pictures / "a.png")
    (found,) = source.pictures(SIZE)
    assert (found.name, found.group, source.length()) == ("a.png", "", 1)
    (pictures / "a.png").rename(pictures / "cover")
    assert names(pictures / "cover") == ["cover"]


def test_alpha_is_kept_when_asked(tmp_path):
    Image.new("RGBA", (4, 4), (0, 0, 0, 0)).save(tmp_path / "a.png")
    (flat,), (kept,) = (folder(tmp_path, alpha=alpha).pictures(SIZE) for alpha in (False, True))
    assert (flat.pixels == 255).all()
    assert flat.pixels.shape == (4, 4, 3)
    assert kept.pixels.shape == (4, 4, 4)


def test_a_picture_with_too_many_pixels_is_bad(pictures):
    assert "9×9 pixels" in bad(pictures, max_pixels=80)["a.png"]
    assert not bad(pictures, max_pixels=81)
    with pytest.raises(OptionError, match="'max_pixels'"):
        folder(pictures, max_pixels=10**9)


def test_links_that_stay_in_the_folder_are_followed(pictures):
    (pictures / "link.png").symlink_to("cats/c.png")
    assert names(pictures) == ["a.png", "b.png", "link.png"]
    assert not bad(pictures)


def test_links_out_of_the_folder_are_named_and_followed_only_when_asked(pictures):
    paint(pictures.parent / "elsewhere" / "e.png")
    (pictures / "link.png").symlink_to("../elsewhere/e.png")
    (pictures / "more").symlink_to("../elsewhere")
    assert list(bad(pictures, recursive=True)) == ["link.png", "more"]
    assert "follow_links=true" in bad(pictures)["link.png"]
    followed = list(folder(pictures, recursive=True, follow_links=True).pictures(SIZE))
    assert [(each.name, each.group) for each in followed] == [
        ("a.png", ""),
        ("b.png", ""),
        ("cats/c.png", "cats"),
        ("cats/old/d.png", "cats"),
        ("link.png", ""),
        ("more/e.png", "more"),
    ]


def test_links_that_run_in_circles_end(pictures):
    (pictures / "cats" / "again").symlink_to("..")
    (pictures / "self.png").symlink_to("self.png")
    found = names(pictures, recursive=True, follow_links=True)
    assert found == ["a.png", "b.png", "cats/c.png", "cats/old/d.png", "self.png"]


def test_a_link_to_nothing_and_a_pipe_are_bad(pictures):
    (pictures / "link.png").symlink_to("gone.png")
    os.mkfifo(pictures / "pipe.png")
    assert bad(pictures) == {
        "link.png": "it is a link to nothing",
        "pipe.png": "it is no regular file",
    }


@pytest.mark.skipif(sys.platform != "linux", reason="names are text on this system")
def test_a_name_that_is_not_text_can_still_be_written(tmp_path):
    paint(tmp_path / "a.png")
    os.rename(tmp_path / "a.png", os.fsencode(tmp_path) + b"/caf\xe9.png")  # noqa: PTH104
    assert names(tmp_path) == ["caf\\xe9.png"]


def test_a_sub_folder_that_cannot_be_read_is_named(pictures, monkeypatch):
    refuse(monkeypatch, "iterdir", pictures / "cats")
    assert bad(pictures, recursive=True) == {"cats": "the folder cannot be read: not for you"}


def test_an_entry_that_cannot_be_reached_is_named(pictures, monkeypatch):
    refuse(monkeypatch, "is_dir", pictures / "b.png")
    assert bad(pictures) == {"b.png": "it cannot be reached: not for you"}


def test_a_folder_that_cannot_be_read_is_an_error(pictures, monkeypatch):
    refuse(monkeypatch, "iterdir", pictures)
    with pytest.raises(SourceError, match=r"pictures' cannot be read: not for you.*Check who"):
        folder(pictures)


def refuse(monkeypatch, method: str, refused: Path) -> None:
    """Make a method of one path raise; tests may run as root, whom no permission stops."""
    original = getattr(Path, method)

    def refusing(path: Path):
        if path == refused:
            raise PermissionError(13, "not for you")
        return original(path)

    monkeypatch.setattr(Path, method, refusing)


def test_a_folder_that_is_not_there_is_an_error_that_names_the_nearest(pictures):
    with pytest.raises(SourceError, match=r"no folder or picture 'pictuers'.*Did you mean 'pict"):
        folder(pictures.parent / "pictuers")
    with pytest.raises(SourceError, match=r"no folder 'pictuers'.*Did you mean 'pictures'"):
        folder(pictures.parent / "pictuers" / "cats")
    with pytest.raises(SourceError, match=r"'aa\.png'.*Did you mean 'a\.png'"):
        folder(pictures / "aa.png")


def test_what_is_neither_a_folder_nor_a_file_is_an_error(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(SourceError, match="neither a folder nor a picture"):
        folder(tmp_path / "pipe")


@pytest.mark.parametrize("location", [None, ""])
def test_no_location_is_an_error(location):
    with pytest.raises(SourceError, match="no folder was given"):
        folder(location)


def test_a_folder_without_pictures_is_an_error_that_says_what_to_do(tmp_path):
    with pytest.raises(NoPictures, match=r"not one picture.*Pictures are files.*\.png"):
        collect(folder(tmp_path), SIZE)
    paint(tmp_path / "below" / "a.png")
    with pytest.raises(NoPictures, match=r"1 sub-folders.*source\.recursive=true"):
        collect(folder(tmp_path), SIZE)


def test_a_tilde_is_the_home_folder(pictures, monkeypatch):
    monkeypatch.setenv("HOME", str(pictures.parent))
    assert names(Path("~/pictures")) == ["a.png", "b.png"]


def test_reading_can_be_handed_to_other_processes():
    assert pickle.loads(pickle.dumps(partial(read_picture, size=SIZE))).func is read_picture


def test_reading_writes_nothing_and_keeps_no_file_open(pictures):
    before = sorted(path.name for path in pictures.rglob("*"))
    held = len(list(Path("/proc/self/fd").iterdir())) if Path("/proc/self/fd").exists() else 0
    pixels = [found.pixels for found in folder(pictures).pictures(SIZE)]
    assert sorted(path.name for path in pictures.rglob("*")) == before
    if held:
        assert len(list(Path("/proc/self/fd").iterdir())) == held
    assert all(isinstance(each, np.ndarray) for each in pixels)


@pytest.mark.parametrize(("name", "source"), [("a.tar", "webdataset"), ("a.parquet", "parquet")])
def test_a_folder_of_shards_is_told_from_an_empty_one(tmp_path, name, source):
    (tmp_path / name).touch()
    with pytest.raises(NoPictures, match=f"--source {source}"):
        list(folder(tmp_path).pictures(SIZE))
