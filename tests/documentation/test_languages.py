"""Every block of code in the documentation says what it is, so that something tests it."""

from __future__ import annotations

import pytest
from pages import LANGUAGES, Block, blocks, pages

ALL = [block for page in pages() for block in blocks(page)]


@pytest.mark.parametrize("block", ALL, ids=str)
def test_a_block_is_tested_or_says_why_not(block: Block) -> None:
    if block.language == "python":
        assert block.reason == "" or len(block.reason.split()) > 2
    else:
        assert block.language in ("", *LANGUAGES)


def test_python_is_never_hidden_in_an_indented_block() -> None:
    hidden = [
        str(block)
        for block in ALL
        if not block.language and any(word in block.text for word in ("import ", "def ", "class "))
    ]
    assert hidden == []
