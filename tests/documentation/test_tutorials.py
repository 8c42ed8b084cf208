"""The tutorials, gone through as written: in a new environment, with the wheel of the core.

Blocks are taken in their order. One with a title is written to the file that it names; shell is
run, a block in one go, in the page's folder; Python without a title is run as a script; and text
after shell is what the shell printed, with `...` for what differs from run to run.
"""

from __future__ import annotations

import doctest
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from new_environment import ROOT, NewEnvironment
from pages import TUTORIALS, Block, blocks

pytestmark = pytest.mark.slow

PLACEHOLDER = "http://localhost:8000/wall"  # an address that stands for the reader's own
EXAMPLE = ROOT / "examples" / "third-party-plugin"
MADE = {"__pycache__", "pytest_cache", "mypy_cache", "ruff_cache"}  # by running
ELLIPSIS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


class Wall(HTTPServer):
    """A server at this machine that keeps what it is sent."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Receiver)
        self.received: list[tuple[str, bytes]] = []

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/wall"


class Receiver(BaseHTTPRequestHandler):
    server: Wall

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.received.append((self.headers["Content-Type"], body))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def wall() -> Iterator[Wall]:
    with Wall() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def go_through(page: Path, environment: NewEnvironment, folder: Path, wall: str = "") -> None:
    printed = ""
    for block in blocks(page):
        if block.title:
            write(block, folder)
        elif block.language == "sh":
            script = block.text.replace(PLACEHOLDER, wall or PLACEHOLDER)
            done = environment.run("bash", "-euo", "pipefail", "-c", script, cwd=folder)
            printed = done.stdout + done.stderr
        elif block.language == "python":
            environment.run("python", "-c", block.text, cwd=folder)
        elif block.language == "text":
            shown = doctest.OutputChecker().check_output(block.text, printed, ELLIPSIS)
            assert shown, f"{block}: what was printed is\n{printed}"


def write(block: Block, folder: Path) -> None:
    """Write a block to its file, whose folder is there already."""
    assert (folder / block.title).parent.is_dir(), f"{block}: nothing has made the folder yet"
    (folder / block.title).write_text(block.text, encoding="utf-8")


def files_of(folder: Path) -> dict[str, str]:
    """The text of each file that was written, by its path; of any year."""
    return {
        str(path.relative_to(folder)): re.sub(r"\b20\d\d\b", "YEAR", path.read_text("utf-8"))
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not MADE & {part.strip(".") for part in path.parts}
    }


def code_of(page: Path) -> str:
    """The first file that a page has its reader write."""
    return next(block.text for block in blocks(page) if block.title)


def lines_of(code: str) -> int:
    return sum(1 for line in code.splitlines() if line.strip())


@pytest.mark.parametrize("name", ["model", "tokenizer"])
def test_a_tutorial_works_as_written(name: str, author: NewEnvironment, tmp_path: Path) -> None:
    go_through(TUTORIALS / f"{name}.md", author, tmp_path)


def test_the_first_tutorial_works_and_walks_to_the_example(
    author: NewEnvironment, tmp_path: Path
) -> None:
    go_through(TUTORIALS / "first-sampler.md", author, tmp_path)
    assert files_of(tmp_path / "pixelgen-epsilon") == files_of(EXAMPLE)


def test_the_tutorial_of_events_sends_pictures(
    author: NewEnvironment, tmp_path: Path, wall: Wall
) -> None:
    go_through(TUTORIALS / "events.md", author, tmp_path, wall.address)
    assert wall.received
    for kind, body in wall.received:
        assert kind == "image/png"
        assert body.startswith(b"\x89PNG")


def test_the_first_sampler_has_at_most_15_lines() -> None:
    assert lines_of(code_of(TUTORIALS / "first-sampler.md")) <= 15


def test_the_model_has_at_most_60_lines() -> None:
    assert lines_of(code_of(TUTORIALS / "model.md")) <= 60
