"""Bits per pixel: every cell is measured once, and nats become bits of pixels."""

from __future__ import annotations

import math

import numpy as np
import pytest

from pixelgen.data.batches import Cutter
from pixelgen.data.scans import make_scan
from pixelgen.data.segments import SCANS, Segments
from pixelgen.evaluation.bits import bits_per_pixel, nats_by_cell

pytestmark = pytest.mark.usefixtures("small_pyramids")


class CellsNumber:
    """A model whose loss at a cell is that cell's number and its token's."""

    def nll(self, batch):
        return (batch.positions * 100 + batch.targets).astype(np.float32)


@pytest.mark.parametrize("memory", ["none", "row", "picture"])
@pytest.mark.parametrize("scan", SCANS)
def test_nats_stand_at_their_picture_and_cell(scan, memory):
    made = make_scan(scan, (4, 6))
    cutter = Cutter(made, Segments(memory=memory, chunk=7), made.offsets("near"), 50)
    canvases = np.random.default_rng(0).integers(0, 50, (3, 24), dtype=np.int32)
    nats = nats_by_cell(CellsNumber(), cutter, canvases, np.zeros(3, np.int32))
    np.testing.assert_array_equal(nats, np.arange(24) * 100 + canvases)


def test_a_nat_is_more_than_a_bit_and_a_token_may_be_many_pixels():
    assert bits_per_pixel(math.log(1000), (1, 1)) == pytest.approx(math.log2(1000))
    assert bits_per_pixel(math.log(2), (4, 2)) == pytest.approx(1 / 8)
