import re

import pytest

from ddsp_tf.app.pages.templates import write_page

CONTENT = {
    "facts": {},
    "histograms": "data:,",
    "recordings": [],
    "splits": {},
    "skipped": [],
    "excerpts": [],
}


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (
            "</title><script>alert(1)</script>",
            "&lt;/title&gt;&lt;script&gt;alert(1)&lt;/script&gt;",
        ),
        ('" onerror="alert(1)', "&#34; onerror=&#34;alert(1)"),
        ("{{ 7 * 7 }}", "{{ 7 * 7 }}"),
        ("take\n1.wav", r"take\n1.wav"),
        ("vaw.\u202e.wav", r"vaw.\u202e.wav"),
        (b"caf\xe9.wav".decode("utf-8", "surrogateescape"), r"caf\xe9.wav"),
    ],
    ids=["element", "attribute", "template", "line break", "right to left", "not UTF-8"],
)
def test_names_are_data(tmp_path, name, shown):
    path = tmp_path / "page.html"
    excerpt = {"name": name, "span": "", "flags": [name], "picture": "data:,"}
    skipped = [{"source": name, "reason": name}]
    write_page(
        path,
        "dataset.html.j2",
        title=name,
        **{**CONTENT, "excerpts": [excerpt], "skipped": skipped},
    )
    html = path.read_text(encoding="utf-8")
    assert "<script" not in html and 'onerror="' not in html
    assert re.search("<title>Dataset: (.*)</title>", html)[1] == shown
    assert html.count(shown) == 7
