"""Names that mean harm do none in a real browser."""

from __future__ import annotations

import pytest
from browser import find_browser, loaded

from pixelgen.comparison.page import render_page

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find_browser() is None, reason="no browser that runs without a screen"),
]
HARM = "document.title=1"


@pytest.fixture
def page(compared) -> str:
    """The page of a comparison whose names try to change its title."""
    page = render_page(compared)
    assert "alert(1)" in page and "alert(2)" in page
    return page.replace("alert(1)", HARM).replace("alert(2)", HARM)


def without_policy(page: str) -> str:
    """The page without its content-security policy, so that escaping alone protects it."""
    begin = page.index('<meta http-equiv="Content-Security-Policy"')
    return page[:begin] + page[page.index(">", begin) + 1 :]


def test_names_do_not_run(page, tmp_path):
    assert "<title>pixelgen compare</title>" in loaded(page, tmp_path)


def test_not_even_without_the_policy(page, tmp_path):
    assert "<title>pixelgen compare</title>" in loaded(without_policy(page), tmp_path)


def test_and_the_policy_stops_what_is_not_escaped(page, tmp_path):
    unescaped = page.replace("</body>", f"<script>{HARM}</script></body>")
    assert "<title>pixelgen compare</title>" in loaded(unescaped, tmp_path)
    # Were there neither, the browser would do it: or this file could not fail.
    assert "<title>1</title>" in loaded(without_policy(unescaped), tmp_path)
