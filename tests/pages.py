"""The documentation's pages, and the blocks of code in them.

A fenced block is known by its language. What else a test must know stands in front of it in a
comment: `<!-- given: PYTHON -->` is run before the block, to make what a reader has by then;
`<!-- as it is: REASON -->` says why a block cannot be run.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt

ROOT = Path(__file__).parents[1]
COMMENT = re.compile(r"<!-- (given|as it is): (.+?)\s*-->", re.DOTALL)
TITLE = re.compile(r'title="([^"]+)"')
TUTORIALS = ROOT / "docs" / "plugins"  # run as written, in an environment of their own
LANGUAGES = ("python", "sh", "toml", "text", "json")


@dataclass(frozen=True)
class Block:
    """A block of code.

    Attributes:
        page: its file.
        line: of the page, from 1.
        language: as written; empty for an indented block.
        title: the file that it is shown as, or an empty string.
        text: the code.
        given: Python that is run before it, or an empty string.
        reason: why it cannot be run, or an empty string.
    """

    page: Path
    line: int
    language: str
    title: str
    text: str
    given: str
    reason: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def pages() -> list[Path]:
    """Every page that a reader of this repository is given."""
    folders = ("docs", "examples", "plugins")
    found = [page for folder in folders for page in (ROOT / folder).rglob("*.md")]
    kept = [page for page in found if not {".venv", "build", "dist"} & set(page.parts)]
    return [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(kept)]


def blocks(page: Path) -> list[Block]:
    """Return the blocks of a page, in their order."""
    return list(_blocks(page))


def _blocks(page: Path) -> Iterator[Block]:
    comments: dict[str, str] = {}
    for token in MarkdownIt().parse(page.read_text(encoding="utf-8")):
        if token.type == "html_block":
            comments = dict(COMMENT.findall(token.content))
        elif token.type in ("fence", "code_block"):
            assert token.map is not None
            language, _, rest = token.info.partition(" ")
            title = TITLE.search(rest)
            yield Block(
                page,
                token.map[0] + 1,
                language,
                title.group(1) if title else "",
                token.content,
                comments.get("given", ""),
                comments.get("as it is", ""),
            )
            comments = {}


def inline_code(page: Path) -> list[str]:
    """Return what is set as code within the sentences and tables of a page."""
    parsed = MarkdownIt().enable("table").parse(page.read_text(encoding="utf-8"))
    inside = (child for token in parsed for child in token.children or ())
    return [" ".join(child.content.split()) for child in inside if child.type == "code_inline"]
