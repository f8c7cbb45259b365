"""Checksums are those of the bytes."""

import hashlib

import pytest

from ddsp_tf.errors import UserError
from ddsp_tf.files.checksum import file_sha256


def test_sha256_is_that_of_the_bytes(tmp_path):
    content = bytes(range(256)) * 5000
    (tmp_path / "x").write_bytes(content)
    assert file_sha256(tmp_path / "x") == hashlib.sha256(content).hexdigest()
    with pytest.raises(UserError, match="absent"):
        file_sha256(tmp_path / "absent")
