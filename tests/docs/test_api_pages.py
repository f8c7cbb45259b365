"""docs/api says what the docstrings say."""

import sys

import pytest
from documents import ROOT

pytest.importorskip("griffe")


@pytest.fixture(scope="module")
def make_api():
    sys.path.insert(0, str(ROOT / "docs"))
    try:
        import make_api

        yield make_api
    finally:
        sys.path.remove(str(ROOT / "docs"))


@pytest.fixture(scope="module")
def pages(make_api):
    return make_api.make_pages()


def test_pages_are_current(make_api, pages):
    assert {path.name for path in make_api.FOLDER.iterdir()} == set(pages)
    for name, text in pages.items():
        current = (make_api.FOLDER / name).read_text(encoding="utf-8")
        assert current == text, f"docs/api/{name} is out of date; run `make api`"


def test_a_page_shows_all_that_a_docstring_says(pages):
    page = pages["processors.md"].partition("## Harmonic\n")[2].partition("## FilteredNoise\n")[0]
    for text in (
        "ddsp_tf.Harmonic(",
        "n_harmonics",
        "interpolation",
        "[batch, frames, n_harmonics] raw; only if `inharmonic`",
        "**Returns** Audio [batch, frames * hop].",
        "- `ValueError`: If rates do not divide",
        ">>> audio.shape",
        "### Harmonic.get_controls",
        "- `initial_state(batch_size)`: Silence at phase 0.",
    ):
        assert text in page, text


def test_a_forgotten_name_is_an_error(make_api, monkeypatch):
    pages = {name: page for name, page in make_api.PAGES.items() if name != "losses"}
    monkeypatch.setattr(make_api, "PAGES", pages)
    with pytest.raises(ValueError, match="MultiScaleSpectralLoss"):
        make_api.make_pages()
