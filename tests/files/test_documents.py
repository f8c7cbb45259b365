"""JSON files with every key and type checked."""

import dataclasses

import pytest

from ddsp_tf.errors import UserError
from ddsp_tf.files.documents import read_document


@dataclasses.dataclass(frozen=True)
class Piece:
    name: str
    notes: tuple[float, ...] = ()


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ('{"notes": []}', "name: Field required"),
        ('{"name": 3}', "name: Input should be a valid string"),
        ('{"name": "a", "notes": [1, "x"]}', "notes.1"),
        ('{"name": ', "EOF"),
        ("[" * 100000, "recursion"),
        ("[]", "should be an object"),
        ("", "EOF"),
    ],
)
def test_the_wrong_key_is_named(tmp_path, content, found):
    path = tmp_path / "piece.json"
    path.write_text(content)
    with pytest.raises(UserError) as error:
        read_document(path, Piece, "write it again")
    text = str(error.value)
    assert text.startswith(f"{path}: ") and text.endswith("write it again") and found in text
    assert "\n" not in text


def test_bytes_that_are_no_text_are_refused(tmp_path):
    path = tmp_path / "piece.json"
    path.write_bytes(b"\xff\xfe{}")
    with pytest.raises(UserError, match="write it again"):
        read_document(path, Piece, "write it again")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(UserError, match=r"none\.json: cannot be read \(No such file"):
        read_document(tmp_path / "none.json", Piece, "write it")
