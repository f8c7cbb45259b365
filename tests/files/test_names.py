"""Names of any kind become text that every output accepts."""

import json

import pytest

from ddsp_tf.files.names import printable, spreadsheet_text


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Größe 日本 🎷.wav", "Größe 日本 🎷.wav"),
        ("a\udcff.wav", r"a\xff.wav"),
        ("a\ud800.wav", r"a\ud800.wav"),
        ("line\nbreak\t.wav", r"line\nbreak\t.wav"),
        ("\x1b[31mred", r"\x1b[31mred"),
        ("\u202egpj.wav", r"\u202egpj.wav"),
        ("a\u2028b", r"a\u2028b"),
    ],
)
def test_names_are_one_line_in_any_encoding(name, expected):
    assert printable(name) == expected
    assert json.loads(json.dumps(printable(name)).encode("utf-8")) == expected


@pytest.mark.parametrize("start", ["=", "+", "-", "@"])
def test_formulas_are_text(start):
    assert spreadsheet_text(f"{start}cmd|'/c calc'!A0.wav") == f"'{start}cmd|'/c calc'!A0.wav"
    assert spreadsheet_text("\t=1") == r"\t=1"
