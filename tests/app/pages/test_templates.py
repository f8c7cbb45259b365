import re

import pytest

from ddsp_tf.app.pages.templates import write_page

SETTINGS = {
    "facts": {},
    "histograms": "data:,",
    "recordings": [],
    "splits": {},
    "skipped": [],
    "excerpts": [],
}


@pytest.mark.parametrize(
    "name",
    ["</script><script>alert(1)</script>", '" onerror="alert(1)', "{{ 7 * 7 }}", "a\u202eb.wav"],
)
def test_names_never_become_html(tmp_path, name):
    path = tmp_path / "page.html"
    write_page(path, "dataset.html.j2", title=name, **SETTINGS)
    html = path.read_text(encoding="utf-8")
    assert "<script" not in html and 'onerror="' not in html
    title = re.search("<title>Dataset: (.*)</title>", html)[1]
    assert "&lt;" in title or "&#34;" in title or title == name


def test_a_name_that_is_not_utf_8_is_shown_with_a_replacement(tmp_path):
    path = tmp_path / "page.html"
    write_page(
        path, "dataset.html.j2", title=b"caf\xe9.wav".decode("utf-8", "surrogateescape"), **SETTINGS
    )
    assert "caf\N{REPLACEMENT CHARACTER}.wav" in path.read_text(encoding="utf-8")
