"""Shards: what is in them, and that an interruption changes nothing."""

from __future__ import annotations

import io
import json
import shutil
import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pixelgen import api
from pixelgen.errors import (
    OptionError,
    RunExists,
    RunInUse,
    RunUnreadable,
    SourceError,
    StorageError,
)
from pixelgen.executors.local import Local
from pixelgen.runs import atomic
from pixelgen.runs.lock import locked
from pixelgen.shards import files, painting
from pixelgen.shards.manifest import Manifest
from pixelgen.shards.painting import paint_shards

FORMS = ["tar", "parquet"]


@pytest.fixture
def run(quick, tmp_path):
    return api.start(quick(), tmp_path / "run").run


@pytest.fixture(autouse=True)
def _pyarrow(request):
    if "parquet" in request.node.name:
        pytest.importorskip("pyarrow", reason="pyarrow is not installed")


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "run.lock"}


def members(shard: Path) -> dict[str, bytes]:
    with tarfile.open(shard) as archive:
        return {each.name: archive.extractfile(each).read() for each in archive}


def test_a_tar_shard_holds_the_pictures_that_sample_paints(run, tmp_path):
    manifest = Manifest.read(paint_shards(run, tmp_path / "s", 5, shard_size=2, seed=3).parent)
    assert [shard.pictures for shard in manifest.shards] == [2, 2, 1]
    assert manifest.finished
    expected = run.sample(5, seed=3)
    found = {}
    for shard in manifest.shards:
        found |= members(tmp_path / "s" / shard.file)
    assert list(found) == [f"{n:08d}.{end}" for n in range(5) for end in ("png", "json")]
    for number, pixels in enumerate(expected):
        stored = np.asarray(Image.open(io.BytesIO(found[f"{number:08d}.png"])))
        np.testing.assert_array_equal(stored, pixels)
        about = json.loads(found[f"{number:08d}.json"])
        assert about == {"number": number, "seed": 3, "group": ""}


def test_a_parquet_shard_holds_them_too(run, tmp_path, monkeypatch):
    monkeypatch.setattr(files.ParquetWriter, "ROWS_AT_ONCE", 2)
    paint_shards(run, tmp_path / "s", 3, form="parquet", seed=3, first=7)
    import pyarrow.parquet as pq

    rows = pq.read_table(tmp_path / "s" / "shard-00000.parquet").to_pylist()
    assert [(row["number"], row["seed"], row["group"]) for row in rows] == [
        (number, 3, "") for number in (7, 8, 9)
    ]
    for row, pixels in zip(rows, run.sample(3, seed=3, first=7), strict=True):
        stored = np.asarray(Image.open(io.BytesIO(row["image"]["bytes"])))
        np.testing.assert_array_equal(stored, pixels)


@pytest.mark.parametrize("form", FORMS)
def test_an_interruption_at_any_shard_changes_nothing(run, tmp_path, monkeypatch, form):
    paint_shards(run, tmp_path / "whole", 7, form=form, shard_size=2)
    expected = contents(tmp_path / "whole")
    real = painting.png_bytes
    for picture in range(7):
        left = [picture]

        def stops(pixels, left=left):
            if not left[0]:
                raise KeyboardInterrupt
            left[0] -= 1
            return real(pixels)

        folder = tmp_path / f"stopped-{picture}"
        monkeypatch.setattr(painting, "png_bytes", stops)
        with pytest.raises(KeyboardInterrupt):
            paint_shards(run, folder, 7, form=form, shard_size=2)
        assert not list(folder.glob(".*.tmp"))
        assert len(Manifest.read(folder).shards) == picture // 2
        monkeypatch.setattr(painting, "png_bytes", real)
        paint_shards(run, folder, 7, form=form, shard_size=2)
        assert contents(folder) == expected


def test_what_a_killed_process_had_begun_is_cleared_away(run, tmp_path):
    paint_shards(run, tmp_path / "s", 2)
    (tmp_path / "s" / ".shard-00001.tar.4711.tmp").write_bytes(b"half")
    paint_shards(run, tmp_path / "s", 2)
    assert sorted(contents(tmp_path / "s")) == ["manifest.json", "shard-00000.tar"]


def test_what_is_whole_is_not_painted_again(run, tmp_path, monkeypatch):
    paint_shards(run, tmp_path / "s", 4, shard_size=2)
    monkeypatch.setattr(painting, "png_bytes", None)
    paint_shards(run, tmp_path / "s", 4, shard_size=2)


@pytest.mark.parametrize("harm", ["gone", "shorter", "other bytes", "a link"])
def test_a_shard_that_was_harmed_is_painted_again(run, tmp_path, harm):
    folder = tmp_path / "s"
    paint_shards(run, folder, 4, shard_size=2)
    expected, shard = contents(folder), folder / "shard-00001.tar"
    data = shard.read_bytes()
    shard.unlink()
    if harm == "shorter":
        shard.write_bytes(data[:-1])
    elif harm == "other bytes":
        shard.write_bytes(data[:600] + b"x" + data[601:])
    elif harm == "a link":
        shutil.copy(folder / "shard-00000.tar", tmp_path / "elsewhere")
        shard.symlink_to(tmp_path / "elsewhere")
    paint_shards(run, folder, 4, shard_size=2)
    assert contents(folder) == expected
    assert not shard.is_symlink()


def test_more_pictures_are_added(run, tmp_path):
    paint_shards(run, tmp_path / "few", 3, shard_size=2)
    paint_shards(run, tmp_path / "few", 6, shard_size=2)
    paint_shards(run, tmp_path / "many", 6, shard_size=2)
    assert contents(tmp_path / "few") == contents(tmp_path / "many")


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"seed": 8}, "seed 1, and now with 8"),
        ({"shard_size": 3}, "shard_size 2, and now with 3"),
        ({"temperature": 0.5}, "sampler_options|temperature None, and now with 0.5"),
        ({"pictures": 2}, "to be 4 pictures there, not 2"),
        ({"width": 12}, "width None, and now with 12"),
    ],
)
def test_shards_of_something_else_are_left_alone(run, tmp_path, changed, said):
    asked = {"pictures": 4, "shard_size": 2, "seed": 1}
    paint_shards(run, tmp_path / "s", **asked)
    before = contents(tmp_path / "s")
    with pytest.raises(StorageError, match=said):
        paint_shards(run, tmp_path / "s", **{**asked, **changed})
    assert contents(tmp_path / "s") == before


def test_another_model_is_said(run, quick, tmp_path):
    paint_shards(run, tmp_path / "s", 1)
    other = api.start(quick(model={"name": "markov", "order": 1}), tmp_path / "other").run
    with pytest.raises(StorageError, match=r"another model|painted with"):
        paint_shards(other, tmp_path / "s", 1)


def test_workers_paint_the_same_shards(run, tmp_path):
    paint_shards(run, tmp_path / "here", 5, shard_size=3)
    executor = Local(Local.Options(kind="serial"))
    paint_shards(run, tmp_path / "there", 5, shard_size=3, executor=executor)
    assert contents(tmp_path / "here") == contents(tmp_path / "there")


def test_progress_counts_pictures(run, tmp_path):
    told = []
    paint_shards(run, tmp_path / "s", 5, shard_size=2, progress=told.append)
    assert told == [2, 4, 5]


def test_a_folder_of_something_else_is_left_alone(run, tmp_path):
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / "letter.txt").write_text("dear")
    with pytest.raises(RunExists, match="something else"):
        paint_shards(run, tmp_path / "s", 1)


def test_two_at_once_are_refused(run, tmp_path):
    (tmp_path / "s").mkdir()
    with locked(tmp_path / "s"), pytest.raises(RunInUse):
        paint_shards(run, tmp_path / "s", 1)


def test_a_full_disk_leaves_whole_shards_and_an_explanation(run, tmp_path, monkeypatch):
    real = atomic.sync_directory
    monkeypatch.setattr(atomic.os, "fsync", _full)
    with pytest.raises(StorageError, match="No space left"):
        paint_shards(run, tmp_path / "s", 3, shard_size=2)
    monkeypatch.undo()
    assert real is atomic.sync_directory
    assert not list((tmp_path / "s").glob("shard-*"))


def _full(descriptor):
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize(
    "damage",
    [
        b"{",
        b"[]",
        b'{"schema_version": 99}',
        b'{"schema_version": 1}',
        b'{"run": 3}',
        b'{"shards": [{"file": "../../x.tar"}]}',
    ],
)
def test_a_manifest_that_is_not_one_is_refused(run, tmp_path, damage):
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / "manifest.json").write_bytes(damage)
    with pytest.raises(RunUnreadable):
        paint_shards(run, tmp_path / "s", 1)


def test_names_in_a_manifest_cannot_lead_out(run, tmp_path):
    path = paint_shards(run, tmp_path / "s", 1)
    document = json.loads(path.read_text())
    document["shards"][0]["file"] = "shard-00000.tar/../../x.tar"
    path.write_text(json.dumps(document))
    with pytest.raises(RunUnreadable, match=r"shards\.0\.file"):
        paint_shards(run, tmp_path / "s", 1)


def test_parquet_needs_pyarrow(run, tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(OptionError, match="pip install pyarrow"):
        paint_shards(run, tmp_path / "s", 1, form="parquet")
    assert not (tmp_path / "s").exists()


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"shard_size": 0}, "shard_size cannot be 0"),
        ({"shard_size": 10**9 + 1}, "shard_size cannot be 1000000001"),
        ({"first": -1}, "first cannot be -1"),
        ({"seed": 2**63}, f"seed cannot be {2**63}"),
        ({"seed": -3}, "seed cannot be -3"),
        ({"pictures": 10**9 + 1}, "pictures cannot be 1000000001"),
    ],
)
def test_numbers_that_cannot_be_are_named(run, tmp_path, asked, said):
    with pytest.raises(OptionError, match=said):
        paint_shards(run, tmp_path / "s", **{"pictures": 1, **asked})
    assert not (tmp_path / "s").exists()


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        ({"group": "lillies"}, OptionError),
        ({"prime": "no such.png"}, SourceError),
        ({"prime": np.zeros((12, 12, 3), np.uint8), "prime_rows": 500}, OptionError),
        ({"width": 10**6}, OptionError),
        ({"temperature": (1.0, -1.0)}, OptionError),
    ],
)
def test_what_cannot_be_leaves_nothing_in_the_way_of_the_next_try(run, tmp_path, asked, error):
    with pytest.raises(error):
        paint_shards(run, tmp_path / "s", 2, **asked)
    assert not (tmp_path / "s").exists()


@pytest.mark.parametrize("executor", [None, Local(Local.Options(kind="serial"))])
def test_a_run_that_has_no_model_yet_says_so(run, tmp_path, executor):
    shutil.rmtree(run.directory.model)
    with pytest.raises(RunUnreadable, match="the run has no model"):
        paint_shards(run, tmp_path / "s", 2, executor=executor)
    with pytest.raises(RunUnreadable, match="the run has no model"):
        type(run)(run.path).sample(2, executor=executor)


def test_a_folder_of_something_else_is_left_as_it_is(run, tmp_path):
    folder = tmp_path / "theirs"
    (folder / ".mine.1.tmp").mkdir(parents=True)
    (folder / "manifest.json").write_text('{"name": "an extension"}')
    (folder / ".shard-00000.tar.old").write_text("kept")
    before = sorted(folder.rglob("*"))
    with pytest.raises(RunUnreadable, match="manifest is damaged"):
        paint_shards(run, folder, 2)
    assert sorted({*folder.rglob("*")} - {folder / "run.lock"}) == before


def test_what_goes_wrong_in_painting_is_not_said_to_be_the_disks_fault(run, tmp_path, monkeypatch):
    def failing(*_, **__):
        raise ConnectionResetError("a worker's socket")
        yield

    monkeypatch.setattr(type(run), "sample_in_parts", failing)
    with pytest.raises(ConnectionResetError):
        paint_shards(run, tmp_path / "s", 2)
    assert not list((tmp_path / "s").glob(".shard-*"))


def test_numpys_numbers_are_kept_in_the_manifest(run, tmp_path):
    asked = {
        "temperature": [np.float32(1), np.float32(0.5)],
        "width": np.int64(14),
        "best_of": np.int32(2),
    }
    path = paint_shards(run, tmp_path / "s", np.int64(2), seed=np.int64(3), **asked)
    manifest = Manifest.read(path.parent)
    assert manifest.finished
    assert (manifest.seed, manifest.asked["temperature"]) == (3, [1.0, 0.5])
    assert paint_shards(run, tmp_path / "s", 2, seed=3, **{**asked, "temperature": (1, 0.5)})


def test_shards_in_use_are_not_said_to_be_a_run(run, tmp_path):
    folder = tmp_path / "s"
    folder.mkdir()
    with locked(folder), pytest.raises(RunInUse) as caught:
        paint_shards(run, folder, 2)
    assert "folder of shards is in use" in caught.value.what
    assert "resume" not in caught.value.remedy
