"""The tree is as docs/design.md describes it."""

import re
import subprocess

import pytest
from documents import ROOT, code_spans

DESIGN = ROOT / "docs" / "design.md"
MODULES = sorted((ROOT / "ddsp_tf").rglob("*.py"))
FOLDERS = {"benchmarks", "colab", "ddsp_tf", "docs", "export", "gin", "tests"}
# A function of tensors and the layer that calls it.
SAME_THING = {"wavetable"}
# Folders that our commands make, and those of an installed package.
MADE = {"checkpoints", "instruments", "logs", "renders", "saved_model", "vst"}
MADE |= {"shipped_configurations", "shipped_runners"}


def test_top_level_holds_these_folders():
    if not (ROOT / ".git").exists():
        pytest.skip("not a checkout")
    listing = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files"], capture_output=True, text=True, check=True
    )
    folders = {name.partition("/")[0] for name in listing.stdout.splitlines() if "/" in name}
    assert {name for name in folders if not name.startswith(".")} == FOLDERS


def test_no_two_modules_have_the_same_name():
    seen = {}
    for path in MODULES:
        name = path.stem.removesuffix("s")
        if path.stem not in {"__init__", "__main__"} | SAME_THING:
            assert name not in seen, f"{path} and {seen[name]}"
            seen[name] = path


def test_no_module_is_longer_than_300_lines():
    lengths = {path.name: len(path.read_text("utf-8").splitlines()) for path in MODULES}
    assert {name: length for name, length in lengths.items() if length > 300} == {}


def test_every_package_is_in_a_ring():
    text = DESIGN.read_text("utf-8")
    rings = text[text.index("## Three rings") : text.index("## Where to look")]
    for path in (ROOT / "ddsp_tf").iterdir():
        if (path / "__init__.py").exists():
            assert re.search(rf"\b{path.name}\b", rings), path


def test_files_that_the_design_names_exist():
    named = [span for span in code_spans(DESIGN) if re.fullmatch(r"[\w./-]+(\.py|/)", span)]
    ours = [span for span in named if MADE.isdisjoint(span.split("/"))]
    assert len(ours) > 20
    for span in ours:
        assert (ROOT / span).exists() or (ROOT / "ddsp_tf" / span).exists(), span
