"""`parquet`: columns of pictures, a few rows at a time."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pytest
from encoded import learn_from, png

from pixelgen.errors import SourceError
from pixelgen.options import parse_options
from pixelgen.sources.interface import BadPicture, Picture
from pixelgen.testing import parametrize_with_checks

pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
import pyarrow.parquet as pq  # noqa: E402
from pixelgen_parquet import tables  # noqa: E402
from pixelgen_parquet.tables import Tables  # noqa: E402

SIZE = (8, 8)


def write_table(path: Path, columns: dict[str, list], **options) -> Path:
    pq.write_table(pa.table(columns), path, **options)
    return path


def write_tables(folder: Path, files: int = 2, rows: int = 3) -> Path:
    for number in range(files):
        pictures = [png(10 * (number * rows + row)) for row in range(rows)]
        write_table(folder / f"part-{number}.parquet", {"image": pictures})
    return folder


def source(location: Path | str, *, seed: int = 1, **options) -> Tables:
    parsed = parse_options(Tables.Options, options, owner="source parquet")
    return Tables(parsed, str(location), seed=seed)


def names(location: Path | str, **options) -> list[str]:
    return [each.name for each in source(location, **options).pictures(SIZE)]


KEPT = tempfile.TemporaryDirectory()
FILES = write_tables(Path(KEPT.name))
IN_ORDER = [f"part-{file}.parquet:{row}" for file in range(2) for row in range(3)]


@parametrize_with_checks("parquet", location=str(FILES))
def test_it_conforms(check):
    check()


@pytest.mark.parametrize("place", ["", "part-*.parquet"])
def test_files_and_rows_are_in_order(place):
    assert names(f"{FILES}/{place}") == IN_ORDER
    assert source(f"{FILES}/{place}").length() == 6


def test_pixels_are_those_of_the_cell():
    first = next(source(FILES).pictures(SIZE))
    assert isinstance(first, Picture)
    np.testing.assert_array_equal(first.pixels, np.full((9, 9, 3), (0, 100, 200), np.uint8))


def test_cells_as_hugging_face_writes_them(tmp_path):
    cells = [{"bytes": png(1), "path": "a.png"}, {"bytes": None, "path": "b.png"}]
    good, bad = source(write_table(tmp_path / "a.parquet", {"image": cells})).pictures(SIZE)
    assert isinstance(good, Picture)
    assert isinstance(bad, BadPicture)
    assert bad.reason == "the cell names a file, b.png, and does not hold it"


def test_groups_and_names_come_from_columns(tmp_path):
    path = write_table(
        tmp_path / "a.parquet",
        {"picture": [png(1), png(2), png(3)], "label": [4, None, 5], "title": ["x", "y", "x"]},
    )
    found = list(source(path, column="picture", group="label", title="title").pictures(SIZE))
    assert [(each.name, each.group) for each in found[:2]] == [("x", "4"), ("y", "")]
    assert isinstance(found[2], BadPicture)
    assert "name is taken" in found[2].reason


def test_a_bad_row_takes_no_name_away(tmp_path):
    path = write_table(
        tmp_path / "a.parquet", {"image": [None, png(1), png(2)], "title": ["a", "a", "b"]}
    )
    found = list(source(path, title="title").pictures(SIZE))
    assert [type(each) for each in found] == [BadPicture, Picture, Picture]
    assert [each.name for each in found] == ["a", "a", "b"]


def test_mixing_is_by_the_seed_and_loses_nothing():
    first, again = names(FILES, shuffle=4), names(FILES, shuffle=4)
    assert first == again
    assert first != names(FILES, shuffle=4, seed=2)
    assert sorted(first) == IN_ORDER


def test_a_limit_ends_it_early():
    assert len(names(FILES, limit=4)) == source(FILES, limit=4).length() == 4


def test_a_few_rows_are_read_at_a_time(tmp_path, monkeypatch):
    monkeypatch.setattr(tables, "ROWS_AT_ONCE", 2)
    path = write_table(tmp_path / "a.parquet", {"image": [png(n) for n in range(7)]})
    assert names(path) == [f"a.parquet:{row}" for row in range(7)]


def test_a_file_that_is_cut_off_is_named_and_the_next_one_read(tmp_path):
    write_tables(tmp_path)
    whole = (tmp_path / "part-1.parquet").read_bytes()
    (tmp_path / "part-1.parquet").write_bytes(whole[: len(whole) // 2])
    found = list(source(tmp_path).pictures(SIZE))
    assert [each.name for each in found[:3]] == IN_ORDER[:3]
    assert isinstance(found[3], BadPicture)
    assert "part-1.parquet" in found[3].name


def test_pages_that_are_damaged_are_named(tmp_path):
    write_tables(tmp_path, files=1, rows=40)
    path = tmp_path / "part-0.parquet"
    data = bytearray(path.read_bytes())
    data[4:200] = b"\0" * 196
    path.write_bytes(bytes(data))
    found = list(source(tmp_path).pictures(SIZE))
    assert isinstance(found[-1], BadPicture)
    assert "cannot be read on" in found[-1].reason


@pytest.mark.parametrize(
    ("columns", "options", "said"),
    [
        ({"imago": [b""]}, {}, "no column 'image'.*imago"),
        ({"image": [1]}, {}, "holds int64"),
        ({"image": [b""]}, {"group": "label"}, "no column 'label'"),
    ],
)
def test_columns_that_will_not_do_are_said_at_once(tmp_path, columns, options, said):
    path = write_table(tmp_path / "a.parquet", columns)
    with pytest.raises(SourceError, match=f"(?s){said}"):
        source(path, **options)


def test_what_is_no_table_is_said_at_once(tmp_path):
    (tmp_path / "a.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(SourceError, match="no Parquet file"):
        source(tmp_path)


def test_a_run_learns_from_tables(tmp_path):
    run = learn_from("parquet", str(FILES), tmp_path / "run")
    assert run.sample(1).shape == (1, 8, 8, 3)
    assert len(run.manifest["data"]["train"]) == 5
