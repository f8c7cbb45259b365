"""Names of any kind become text that every output accepts."""

import json
import os

import pytest

from ddsp_tf.files.names import below_here, printable, spreadsheet_text


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


def test_paths_below_the_working_folder_are_shorter(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = f"{tmp_path}/a.wav: as {tmp_path.parent}/b.wav"
    assert below_here(text) == f"a.wav: as {tmp_path.parent}/b.wav"
    assert below_here(f"{tmp_path}s/mnt{tmp_path}/a.wav") == f"{tmp_path}s/mnt{tmp_path}/a.wav"
    monkeypatch.chdir("/")
    assert below_here(text) == text
    monkeypatch.setattr(os, "getcwd", lambda: (_ for _ in ()).throw(FileNotFoundError()))
    assert below_here(text) == text


@pytest.mark.parametrize("start", ["=", "+", "-", "@"])
def test_formulas_are_text(start):
    assert spreadsheet_text(f"{start}cmd|'/c calc'!A0.wav") == f"'{start}cmd|'/c calc'!A0.wav"
    assert spreadsheet_text("\t=1") == r"\t=1"
