"""What a form names is found, and mistakes in it are told."""

import zipfile
from pathlib import Path

import pytest

from ddsp_tf import UserError
from ddsp_tf.app.notebook import choose_audio, choose_model, work_folder


@pytest.mark.parametrize("name", ["", " ", "..", "a/b", "a\\b"])
def test_names_that_are_no_folder_are_refused(name):
    with pytest.raises(UserError, match="expected a name for a folder"):
        work_folder(name)


def test_the_work_folder_is_here_or_on_drive(colab, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("ddsp_tf.app.notebook.choices._DRIVE", tmp_path / "drive")
    assert work_folder("violin") == tmp_path / "violin" and not colab.mounts
    assert work_folder("violin", on_drive=True) == tmp_path / "drive" / "MyDrive" / "violin"
    assert colab.mounts == [str(tmp_path / "drive")]


def test_without_colab_there_is_no_drive(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert work_folder("violin", on_drive=True) == tmp_path / "violin"
    assert "only on Colab" in capsys.readouterr().out


def test_audio_is_bundled_uploaded_or_at_a_path(colab, tmp_path):
    colab.uploads = {"a.wav": b"1", "b.wav": b"2"}
    assert [path.name for path in choose_audio("upload", tmp_path)] == ["a.wav", "b.wav"]
    assert choose_audio("bundled violin", tmp_path)[0].name == "violin.flac"
    assert choose_audio(f" {tmp_path} ", tmp_path) == [tmp_path]


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ("", "nothing: not found"),
        ("no_such.wav", "no_such.wav: not found; expected the path of audio"),
        ("bundled tuba", "no such bundled recording"),
        ("upload", "only Colab has a file dialog"),
        ("microphone", "record to a file and give its path"),
    ],
)
def test_audio_that_is_not_there_is_told(tmp_path, choice, message):
    with pytest.raises(UserError, match=message):
        choose_audio(choice, tmp_path)


def test_a_run_is_preferred_to_its_export_and_a_model_file(tmp_path):
    for name in ("v/run/run.json", "v/export/model.json", "v/other.keras"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert choose_model(str(tmp_path), tmp_path) == tmp_path / "v" / "run"
    (tmp_path / "v/run/run.json").unlink()
    assert choose_model(str(tmp_path), tmp_path) == tmp_path / "v" / "export"
    (tmp_path / "v/export/model.json").unlink()
    assert choose_model(str(tmp_path), tmp_path) == tmp_path / "v" / "other.keras"
    (tmp_path / "v/other.keras").unlink()
    with pytest.raises(UserError, match="no model in it"):
        choose_model(str(tmp_path), tmp_path)


def test_an_uploaded_archive_is_unpacked(colab, tmp_path):
    with zipfile.ZipFile(tmp_path / "sax.zip", "w") as file:
        file.writestr("sax/export/model.json", "{}")
    colab.uploads = {"sax.zip": (tmp_path / "sax.zip").read_bytes()}
    found = choose_model("upload", tmp_path / "models")
    assert found == tmp_path / "models" / "sax" / "sax" / "export"


def test_a_damaged_archive_is_told(tmp_path):
    path = tmp_path / "cut.zip"
    path.write_bytes(b"PK\x03\x04 cut")
    with pytest.raises(UserError, match=r"cut.zip: cannot be unpacked"):
        choose_model(str(path), tmp_path)


def test_the_bundled_model_can_be_played():
    from ddsp_tf import load_player, load_ranges

    folder = choose_model("bundled violin", Path("unused"))
    player, extractor = load_player(folder)
    assert (player.frame_rate, extractor.frame_rate) == (100, 100)
    assert 55 < load_ranges(folder)["f0_midi"]["p5"] < 60
    with pytest.raises(UserError, match="no such bundled model; there are violin"):
        choose_model("bundled tuba", Path("unused"))
