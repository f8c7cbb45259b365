"""The documentation builds as a site without a warning, and its API pages show what is public."""

import importlib.util
import re
import subprocess
import sys
import zlib

import pytest
from documents import ROOT

import ddsp_tf

DIRECTIVES = [
    pytest.param(name, id=name)
    for page in sorted((ROOT / "docs" / "api").glob("*.md"))
    for name in re.findall(r"^::: (\S+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
]


@pytest.mark.parametrize("name", DIRECTIVES)
def test_modules_on_the_api_pages_exist(name):
    assert importlib.util.find_spec(name)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    pytest.importorskip("mkdocs")
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.mark.slow
def test_every_public_name_has_its_place(site):
    inventory = (site / "objects.inv").read_bytes().split(b"\n", 4)[4]
    names = re.findall(r"^(ddsp_tf\.\S+) py:", zlib.decompress(inventory).decode(), re.MULTILINE)
    homes = {name.rpartition(".")[2] for name in names}
    assert [name for name in ddsp_tf.__all__ if name not in homes | {"__version__"}] == []


@pytest.mark.slow
def test_sections_of_a_layer_are_lists(site):
    page = (site / "docs" / "api" / "processors" / "index.html").read_text(encoding="utf-8")
    for title in ("Parameters", "Call arguments", "Returns", "Raises", "Example"):
        assert f">{title}:<" in page, title
    assert "admonition" not in page


@pytest.mark.slow
def test_a_link_out_of_docs_leads_to_a_page_of_the_site(site):
    page = (site / "docs" / "index.html").read_text(encoding="utf-8")
    assert 'href="../export/"' in page
    assert (site / "export" / "index.html").is_file()
