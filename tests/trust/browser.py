"""A real browser, to see what a page does and not only what it says."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def find_browser() -> str | None:
    """Return the path of a browser that can be run without a screen, if there is one."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


def loaded(page: str, folder: Path) -> str:
    """Return the document, as HTML, that a browser makes of a page once its scripts have run."""
    path = folder / "page.html"
    path.write_text(page, encoding="utf-8", errors="surrogatepass")
    browser = find_browser()
    assert browser is not None
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=2000"]
    profile = f"--user-data-dir={folder / 'profile'}"
    done = subprocess.run(
        [browser, *options, profile, "--dump-dom", path.as_uri()],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    return done.stdout
