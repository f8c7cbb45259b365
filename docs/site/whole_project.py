"""Adds every Markdown file of the project to the site, at its place in the tree.

Pages of `docs/` link to `../export/README.md` and to source files, because people read them in the
repository, too. MkDocs reads one folder only. This hook gives it the pages of the whole project and
the files that they link to, so the same links work in both places.
"""

import re
from pathlib import Path

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[2]
# The places of the pages: as in tests/documents.py, which checks what they hold.
PAGES = (
    "*.md",
    "docs/**/*.md",
    "export/*.md",
    "benchmarks/**/*.md",
    "colab/*.md",
    "tests/golden/*.md",
)
LINK = re.compile(r"\]\(([^)#\s]+)[^)]*\)")


def on_files(files: Files, config) -> Files:
    """Replaces the files of `docs/` by those of the project."""
    theme = [file for file in files if file.abs_src_path is None or not _is_ours(file)]
    pages = sorted({path for place in PAGES for path in ROOT.glob(place)})
    linked = {path for page in pages for path in _links(page)} - set(pages)
    linked.add(ROOT / "docs" / "site" / "style.css")
    chosen = [
        File.generated(config, path.relative_to(ROOT).as_posix(), abs_src_path=str(path))
        for path in [*pages, *sorted(linked)]
    ]
    return Files([*theme, *chosen])


def _is_ours(file: File) -> bool:
    return Path(file.abs_src_path).is_relative_to(ROOT / "docs")


def _links(page: Path) -> list[Path]:
    """Files of the project that a page links to; folders have no page of their own."""
    names = [name for name in LINK.findall(page.read_text(encoding="utf-8")) if ":" not in name]
    targets = [(page.parent / name).resolve() for name in names]
    return [path for path in targets if path.is_file() and path.is_relative_to(ROOT)]
