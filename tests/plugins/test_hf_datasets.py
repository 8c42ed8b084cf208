"""`hf-datasets`: datasets made here, saved to disk and read as a folder of Parquet files."""

from __future__ import annotations

import contextlib
import io
import tempfile
from pathlib import Path

import numpy as np
import pytest
from encoded import learn_from, png

from pixelgen.errors import SourceError
from pixelgen.options import parse_options
from pixelgen.sources.interface import BadPicture, Picture
from pixelgen.testing import parametrize_with_checks

datasets = pytest.importorskip("datasets", reason="datasets is not installed")
from pixelgen_hf_datasets.dataset import HuggingFace  # noqa: E402

SIZE = (8, 8)
CELLS = [{"bytes": png(10 * number), "path": None} for number in range(6)]


def dataset(cells=CELLS, **columns):
    features = {
        "image": datasets.Image(),
        "label": datasets.ClassLabel(names=["lilies", "poppies"]),
    }
    values = {"image": cells, "label": [number % 2 for number in range(len(cells))], **columns}
    return datasets.Dataset.from_dict(values, datasets.Features(features))


def source(location: Path | str, *, seed: int = 1, **options) -> HuggingFace:
    parsed = parse_options(HuggingFace.Options, options, owner="source hf-datasets")
    return HuggingFace(parsed, str(location), seed=seed)


def found_in(location: Path | str, **options):
    return list(source(location, **options).pictures(SIZE))


KEPT = tempfile.TemporaryDirectory()
ROOT = Path(KEPT.name)
datasets.disable_progress_bars()
dataset().save_to_disk(ROOT / "saved")
datasets.DatasetDict({"train": dataset(), "test": dataset(CELLS[:2])}).save_to_disk(ROOT / "splits")
(ROOT / "tables").mkdir()
dataset().to_parquet(ROOT / "tables" / "train.parquet")


@pytest.fixture(autouse=True)
def _offline(tmp_path, monkeypatch):
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)


@parametrize_with_checks("hf-datasets", location=str(ROOT / "saved"))
def test_it_conforms(check):
    check()


@pytest.mark.parametrize("place", ["saved", "splits", "tables"])
def test_pictures_are_named_by_split_and_number(place):
    found = found_in(ROOT / place)
    assert [each.name for each in found] == [f"train-{number:08d}" for number in range(6)]
    assert isinstance(found[0], Picture)
    np.testing.assert_array_equal(found[0].pixels, np.full((9, 9, 3), (0, 100, 200), np.uint8))


def test_length_is_known_on_disk_and_not_of_a_stream():
    assert source(ROOT / "saved").length() == 6
    assert source(ROOT / "saved", limit=4).length() == 4
    assert source(ROOT / "tables").length() is None


def test_another_split():
    assert len(found_in(ROOT / "splits", split="test")) == 2


def test_groups_are_the_names_of_classes():
    found = found_in(ROOT / "saved", group="label")
    assert [each.group for each in found] == ["lilies", "poppies"] * 3


def test_mixing_is_by_the_seed_and_loses_nothing():
    def names(**options):
        return [each.name for each in found_in(ROOT / "tables", shuffle=4, **options)]

    assert names() == names()
    assert names() != names(seed=2)
    assert sorted(names()) == [f"train-{number:08d}" for number in range(6)]


def test_a_dataset_cannot_have_other_files_read(tmp_path):
    secret = tmp_path / "secret.png"
    secret.write_bytes(png(3))
    table = datasets.Dataset.from_dict(
        {"image": [{"bytes": None, "path": str(secret)}, {"bytes": b"", "path": None}]},
        datasets.Features(
            {"image": {"bytes": datasets.Value("binary"), "path": datasets.Value("string")}}
        ),
    ).cast_column("image", datasets.Image())
    (tmp_path / "tables").mkdir()
    import pyarrow.parquet as pq

    pq.write_table(table.data.table, tmp_path / "tables" / "train.parquet")
    outside, empty = found_in(tmp_path / "tables", column="image")
    assert isinstance(outside, BadPicture)
    assert "no file in the dataset" in outside.reason
    assert isinstance(empty, BadPicture)
    assert empty.reason == "the cell is empty"


def test_pictures_that_are_files_on_the_hub_are_fetched(monkeypatch):
    asked = []

    @contextlib.contextmanager
    def opened(path, mode):
        asked.append(path)
        if "gone" in path:
            raise OSError("no connection")
        yield io.BytesIO(png(7))

    monkeypatch.setattr("pixelgen_hf_datasets.dataset.fsspec.open", opened)
    made = source(ROOT / "saved")
    there, gone = (
        made._picture({"image": {"bytes": None, "path": path}}, "train-0", "image", None)
        for path in ("zip://a.png::hf://datasets/o/n/a.zip", "hf://datasets/o/n/gone.png")
    )
    assert there.data == png(7)
    assert isinstance(gone, BadPicture)
    assert "cannot be fetched: no connection" in gone.reason
    assert len(asked) == 2


@pytest.mark.parametrize(
    ("place", "options", "said"),
    [
        ("none", {}, "cannot be had"),
        ("splits", {"split": "tset"}, "no split 'tset'.*test"),
        ("saved", {"column": "imago"}, "no column 'imago'.*image"),
        ("saved", {"group": "class"}, "no column 'class'"),
    ],
)
def test_what_is_not_there_is_said(place, options, said):
    with pytest.raises(SourceError, match=f"(?s){said}"):
        found_in(ROOT / place, **options)


@pytest.mark.parametrize("column", ["number", "numbers"])
def test_a_column_of_something_else_is_said(tmp_path, column):
    columns = {"number": [1, 2], "numbers": [[1], [2]], "image": [png(1), png(2)]}
    datasets.Dataset.from_dict(columns).save_to_disk(tmp_path / "saved")
    with pytest.raises(SourceError, match=f"{column}' holds no pictures.*image"):
        found_in(tmp_path / "saved", column=column)
    assert len(found_in(tmp_path / "saved", column="image")) == 2


def test_a_dataset_without_pictures_is_said(tmp_path):
    datasets.Dataset.from_dict({"text": ["a"]}).save_to_disk(tmp_path / "saved")
    with pytest.raises(SourceError, match="no column holds pictures"):
        found_in(tmp_path / "saved")


def test_a_run_learns_from_a_dataset(tmp_path):
    run = learn_from("hf-datasets", str(ROOT / "saved"), tmp_path / "run")
    assert run.sample(1).shape == (1, 8, 8, 3)
    assert len(run.manifest["data"]["train"]) == 5
