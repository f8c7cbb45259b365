"""What a form names is found; mistakes and hostile archives are one line."""

import random
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
def test_missing_audio_is_reported(tmp_path, choice, message):
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


def test_a_second_archive_of_the_same_name_gets_its_own_folder(colab, tmp_path):
    for content in ("{}", "[]"):
        with zipfile.ZipFile(tmp_path / "sax.zip", "w") as file:
            file.writestr("model.json", content)
        colab.uploads = {"sax.zip": (tmp_path / "sax.zip").read_bytes()}
        found = choose_model("upload", tmp_path / "models")
        assert (found / "model.json").read_text() == content
    names = sorted(path.name for path in (tmp_path / "models").iterdir())
    assert names == ["sax", "sax.zip", "sax_2", "sax_2.zip"]


@pytest.mark.parametrize("name", ["...zip", "..zip", " .zip", "a.zip"])
def test_an_archive_stays_in_a_folder_of_its_own(name, tmp_path):
    work = tmp_path / "work"
    work.mkdir()
    with zipfile.ZipFile(work / name, "w") as file:
        file.writestr("run/run.json", "{}")
    found = choose_model(str(work / name), work / "models")
    assert found.is_relative_to(work / "models") and len(list((work / "models").iterdir())) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["work"]
    assert sorted(path.name for path in work.iterdir()) == sorted([name, "models"])


def archive_of(path, *names, encrypted=False, link=False):
    with zipfile.ZipFile(path, "w") as file:
        for name in names:
            info = zipfile.ZipInfo(name)
            info.external_attr = 0o120777 << 16 if link else 0
            file.writestr(info, "/etc/passwd")
    content = bytearray(path.read_bytes())
    if encrypted:
        content[6] |= 1
        content[content.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("names", "options", "message"),
    [
        (["../run.json"], {}, r"\.\./run\.json leads out of the archive"),
        (["a/../../run.json"], {}, "leads out of the archive"),
        (["/run.json"], {}, "leads out of the archive"),
        (["C:/run.json"], {}, "leads out of the archive"),
        (["..\\run.json"], {}, "leads out of the archive"),
        ([""], {}, "a file without a name"),
        (["run.json"], {"link": True}, "is a link"),
        (["run.json"], {"encrypted": True}, "is encrypted"),
    ],
)
def test_an_archive_that_reaches_out_is_refused(names, options, message, tmp_path):
    path = archive_of(tmp_path / "model.zip", "good.txt", *names, **options)
    with pytest.raises(UserError, match=message):
        choose_model(str(path), tmp_path / "models")
    assert not (tmp_path / "models").exists()


def test_an_archive_that_inflates_is_refused_before_it_is_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr("ddsp_tf.app.notebook.archives._MOST_BYTES", 1 << 20)
    path = tmp_path / "model.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("run.json", bytes(1 << 21))
    with pytest.raises(UserError, match=r"model\.zip: unpacks to more than"):
        choose_model(str(path), tmp_path / "models")
    monkeypatch.setattr("ddsp_tf.app.notebook.archives._MOST_FILES", 2)
    archive_of(path, "a", "b", "c")
    with pytest.raises(UserError, match="more than 2 files"):
        choose_model(str(path), tmp_path / "models")


def test_damaged_archives_are_one_line_and_leave_nothing(tmp_path):
    whole = tmp_path / "whole.zip"
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as file:
        for number in range(5):
            file.writestr(f"run/{number}.txt", "some text " * 100)
        file.writestr("run/run.json", "{}")
    content, generator, refused = whole.read_bytes(), random.Random(1), 0
    for _ in range(200):
        damaged = bytearray(content)
        for _ in range(generator.randint(1, 6)):
            damaged[generator.randrange(len(damaged))] = generator.randrange(256)
        path = tmp_path / "cut.zip"
        path.write_bytes(damaged[: generator.randint(len(damaged) // 2, len(damaged))])
        try:
            choose_model(str(path), tmp_path / "models")
        except UserError as error:
            refused += 1
            assert "\n" not in str(error)
        for left in tmp_path.glob("models/.*"):
            pytest.fail(f"{left} was left")
    assert refused > 150


def test_the_bundled_model_can_be_played():
    from ddsp_tf import load_player, load_ranges

    folder = choose_model("bundled violin", Path("unused"))
    player, extractor = load_player(folder)
    assert (player.frame_rate, extractor.frame_rate) == (250, 250)
    assert 54.5 < load_ranges(folder)["f0_midi"]["p5"] < 55.5  # G3.
    with pytest.raises(UserError, match="no such bundled model; there are alto_sax"):
        choose_model("bundled kazoo", Path("unused"))
