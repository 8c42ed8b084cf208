"""A small comparison that the tests of this folder share."""

from __future__ import annotations

from pathlib import Path

import pytest
from comparison.small import matrix_of, paint_folder

from pixelgen.comparison.conduct import Comparison, compare
from pixelgen.comparison.report import write_reports


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return paint_folder(tmp_path_factory.mktemp("compared") / "pictures")


@pytest.fixture(scope="session")
def compared(pictures: Path) -> Comparison:
    """Two settings of two seeds each, run, measured and reported."""
    comparison = compare(matrix_of(pictures), pictures.parent / "comparison")
    assert comparison is not None
    write_reports(comparison)
    return comparison
