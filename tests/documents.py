"""What the Markdown files of the project hold: links, headings, code, commands."""

import dataclasses
import itertools
import re
import shlex
from pathlib import Path

from markdown_it import MarkdownIt

ROOT = Path(__file__).parents[1]
PLACES = (
    "*.md",
    "docs/**/*.md",
    "export/*.md",
    "benchmarks/*.md",
    "colab/*.md",
    "benchmarks/ladder/*.md",
    "tests/golden/*.md",
)
PAGES = sorted({path for place in PLACES for path in ROOT.glob(place)})
_MARKDOWN = MarkdownIt("commonmark").enable("table")


@dataclasses.dataclass(frozen=True)
class Code:
    """A block of code: where it is, its language ("" if indented: commands) and text."""

    page: Path
    line: int
    language: str
    text: str

    def __str__(self):
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def code_blocks(page: Path) -> list[Code]:
    """All blocks of a page."""
    return [
        Code(page, token.map[0] + 1, token.info.strip(), token.content)
        for token in _tokens(page)
        if token.type in ("code_block", "fence")
    ]


def links(page: Path) -> list[str]:
    """Targets of links and pictures."""
    found = []
    for token in _inline(page):
        if token.type == "link_open":
            found.append(token.attrs["href"])
        elif token.type == "image":
            found.append(token.attrs["src"])
    return found


def anchors(page: Path) -> set[str]:
    """Names of the headings, as the places that show Markdown make them."""
    seen: dict[str, int] = {}
    tokens = _tokens(page)
    for token, inline in itertools.pairwise(tokens):
        if token.type == "heading_open":
            text = "".join(child.content for child in inline.children)
            slug = re.sub(r"[^\w\- ]", "", text.strip().lower()).replace(" ", "-")
            number = seen.get(slug, 0)
            seen[slug] = number + 1
            if number:
                seen[f"{slug}-{number}"] = 1
    return set(seen)


def code_spans(page: Path) -> list[str]:
    """Code within text and tables."""
    return [token.content for token in _inline(page) if token.type == "code_inline"]


def commands(code: Code) -> list[list[str]]:
    """The commands of an indented block as words, comments left out."""
    text = re.sub(r"\\\n\s*", " ", code.text)
    lines = [shlex.split(line, comments=True) for line in text.splitlines()]
    return [words for words in lines if words]


def _tokens(page):
    return _MARKDOWN.parse(page.read_text(encoding="utf-8"))


def _inline(page):
    tokens = _tokens(page)
    return [child for token in tokens if token.type == "inline" for child in token.children]
