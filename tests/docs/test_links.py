"""Every link in the documentation has a target."""

import subprocess
from urllib.parse import unquote

import pytest
from documents import PAGES, ROOT, anchors, links


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    for link in links(page):
        if link.startswith(("https://", "mailto:")):
            continue
        assert not link.startswith("http:"), f"{link}: expected https"
        name, _, anchor = unquote(link).partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target.exists(), f"{link}: no {target}"
        assert target.is_relative_to(ROOT), f"{link}: outside of the project"
        # Anchors of API pages are made by the site, which test_site.py builds.
        if anchor and target.parent.name != "api":
            assert anchor in anchors(target), f"{link}: {sorted(anchors(target))}"


def test_linked_files_are_in_version_control():
    if not (ROOT / ".git").exists():
        pytest.skip("not a checkout")
    listing = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", "--cached", "--others", "--exclude-standard"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    known = {ROOT / name for name in listing.stdout.splitlines()}
    for page in PAGES:
        for link in links(page):
            target = (page.parent / link.partition("#")[0]).resolve()
            if not link.startswith(("https:", "mailto:", "#")) and target.is_file():
                assert target in known, f"{page}: {link} is ignored by git"


def test_every_page_of_docs_can_be_found_from_the_index():
    index = ROOT / "docs" / "README.md"
    reached, waiting = set(), [index]
    while waiting:
        page = waiting.pop()
        if page in reached or page.suffix != ".md":
            continue
        reached.add(page)
        names = {link.partition("#")[0] for link in links(page) if "://" not in link}
        waiting += [(page.parent / name).resolve() for name in names if name]
    assert {page for page in PAGES if "docs" in page.parts} <= reached
