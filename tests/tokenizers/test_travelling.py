"""A fitted tokenizer goes to other processes, which encode as this one does."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from pixelgen.plugins import catalogue
from pixelgen.testing.pictures import toy_pictures

NAMES = sorted(
    name
    for name in catalogue().names("tokenizer")
    if not catalogue().find("tokenizer", name).unmet()
)


@pytest.mark.parametrize("name", NAMES)
def test_a_copy_in_another_process_encodes_the_same(name):
    loaded = catalogue().load("tokenizer", name)
    pictures = toy_pictures(3, (16, 16))
    tokenizer = loaded(loaded.Options()).fit(pictures, seed=1)
    pixels = np.stack(pictures)
    before = pickle.loads(pickle.dumps(tokenizer))  # as made, and after its tables were
    expected = tokenizer.encode(pixels)
    for copy in (before, pickle.loads(pickle.dumps(tokenizer))):
        np.testing.assert_array_equal(copy.encode(pixels), expected)
