"""`ddsp-tf play`: what it refuses, and the server."""

import hashlib
import os
import urllib.request
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from ddsp_tf.app.cli import main
from ddsp_tf.app.live_instruments import _facts, _name, instrument_of_export
from ddsp_tf.app.serving import serving
from ddsp_tf.errors import UserError
from ddsp_tf.files.export_description import FileRecord


def refused(*arguments):
    result = CliRunner().invoke(main, ["-v", "play", *map(str, arguments)])
    assert result.exit_code == 2, result.output
    (error,) = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    return error


def test_models_that_are_not_there(tmp_path):
    assert "no_such_run: not found" in refused("no_such_run", "--no-open")
    assert "bundled:oboe: no such bundled model" in refused("bundled:oboe", "--no-open")
    (tmp_path / "empty").mkdir()
    assert "no best.keras" in refused(tmp_path / "empty", "--no-open")


def test_nothing_of_the_users_is_replaced(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    assert "notes.txt: does not belong to a page" in refused("--out", tmp_path)
    assert "is not a page of ddsp-tf" in refused("--out", tmp_path / "notes.txt", "--single-file")
    assert (tmp_path / "notes.txt").read_text() == "mine"
    assert "--single-file needs --out" in refused("--single-file")
    for option in (("--port", "8000"), ("--no-open",)):
        words = refused("--out", tmp_path / "page", *option)
        assert f"{option[0]} does nothing with --out" in words
    assert "is neither a file nor a folder" in refused("--out", os.devnull, "--single-file")


def test_models_that_cannot_be_played_live():
    rates = SimpleNamespace(sample_rate=16000, frame_rate=100, hop=160, instruments=())
    with pytest.raises(UserError, match="my_run: plays f0_hz; expected f0_hz and loudness_db"):
        _facts(rates, ["f0_hz"], 160, None, "my_run")
    with pytest.raises(UserError, match="plays f0_hz, loudness_db, power_db"):
        _facts(rates, ["f0_hz", "loudness_db", "power_db"], 160, None, "my_run")
    several = SimpleNamespace(instruments=["cello", "sax"])
    with pytest.raises(UserError, match="my_run: plays cello, sax; a live page plays one"):
        _facts(several, ["f0_hz", "loudness_db"], 160, None, "my_run")
    facts = _facts(rates, ["f0_hz", "power_db"], 160, {"f0_midi": {"p5": 50.0, "p95": 60.0}}, "")
    assert facts["level"] == "power_db" and facts["pitchRange"] == [50.0, 60.0]


def test_an_export_of_several_instruments(tmp_path, monkeypatch):
    description = SimpleNamespace(instruments=["cello", "sax"])
    monkeypatch.setattr("ddsp_tf.files.export_description.read_description", lambda _: description)
    with pytest.raises(UserError, match=r"plays cello, sax; .* or export one with --instrument"):
        instrument_of_export(tmp_path, "both")


def test_files_of_an_export_are_compared_with_their_checksums(tmp_path, monkeypatch):
    content = b"TFL3 stream"
    record = FileRecord(len(content), hashlib.sha256(content).hexdigest())
    description = SimpleNamespace(
        instruments=[], features=["f0_hz", "loudness_db"], sample_rate=16000, frame_rate=100,
        hop=160, latency_samples=160, feature_ranges=None, mean_z=None, listen=None, files={},
    )  # fmt: skip
    monkeypatch.setattr("ddsp_tf.files.export_description.read_description", lambda _: description)
    with pytest.raises(UserError, match=r"has no stream\.tflite"):
        instrument_of_export(tmp_path, "reed")
    description.files = {"stream.tflite": record}
    with pytest.raises(UserError, match=r"stream\.tflite: missing; export"):
        instrument_of_export(tmp_path, "reed")
    (tmp_path / "stream.tflite").write_bytes(content)
    (tmp_path / "notes.txt").write_text("mine")
    assert instrument_of_export(tmp_path, "reed").streams == [content]
    (tmp_path / "stream.tflite").write_bytes(content[:-1])
    with pytest.raises(UserError, match=r"stream\.tflite: damaged or changed"):
        instrument_of_export(tmp_path, "reed")


@pytest.mark.parametrize(
    ("argument", "name"),
    [
        ("bundled:violin", "violin"),
        ("songs/oboe", "oboe"),
        ("songs/oboe/run", "oboe"),
        ("songs/oboe/run/best.keras", "oboe"),
        ("songs/oboe.keras", "oboe"),
    ],
)
def test_instruments_are_named_after_their_folders(argument, name):
    assert _name(argument) == name


def test_server_serves_a_folder_to_this_machine_alone(tmp_path):
    (tmp_path / "index.html").write_text("hello")
    with serving(tmp_path) as address:
        assert address.startswith("http://localhost:")
        with urllib.request.urlopen(address.replace("localhost", "127.0.0.1")) as answer:
            assert answer.read() == b"hello"
        port = int(address.rsplit(":", 1)[1].strip("/"))
        with (
            pytest.raises(UserError, match=f"port {port}: cannot be used"),
            serving(tmp_path, port),
        ):
            pass
    with serving(tmp_path, port) as again:
        assert again == address
