"""Files into a notebook and out of it, on Colab and elsewhere."""

import zipfile
from pathlib import Path

import pytest

from ddsp_tf import UserError
from ddsp_tf.app.notebook import download, in_colab, upload


def test_colab_is_recognized(colab):
    assert in_colab()


def test_uploads_are_kept_in_the_folder_only(colab, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    # Colab writes a copy beside the notebook, too.
    Path("take 1.wav").write_bytes(b"sound")
    colab.uploads = {"take 1.wav": b"sound"}
    (path,) = upload(tmp_path / "recordings")
    assert path == tmp_path / "recordings" / "take 1.wav" and path.read_bytes() == b"sound"
    assert not Path("take 1.wav").exists()


def test_a_second_upload_replaces_nothing(colab, tmp_path):
    names = []
    for content in (b"one", b"two", b"one"):
        colab.uploads = {"../take.wav": content}
        (path,) = upload(tmp_path / "recordings")
        assert path.read_bytes() == content
        names.append(path.name)
    assert names == ["take.wav", "take_2.wav", "take.wav"]


def test_nothing_chosen_is_an_error(colab, tmp_path):
    with pytest.raises(UserError, match="no file was chosen"):
        upload(tmp_path / "recordings")
    assert not (tmp_path / "recordings").exists()


def test_a_folder_is_downloaded_as_a_zip_archive(colab, tmp_path, capsys):
    folder = tmp_path / "my violin"
    for name in ("export/model.json", "dataset/big.bin", "run/checkpoints/1"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    archive = download(folder, leave_out=["dataset", "checkpoints"])
    assert archive == tmp_path / "my violin.zip" and colab.downloads == [str(archive)]
    with zipfile.ZipFile(archive) as file:
        files = {name for name in file.namelist() if not name.endswith("/")}
    assert files == {"my violin/export/model.json"}
    assert "my violin.zip: 0.0 MB" in capsys.readouterr().out


def test_elsewhere_a_file_stays_where_it_is(tmp_path, capsys):
    path = tmp_path / "a.wav"
    path.write_bytes(bytes(200_000))
    assert download(path) == path
    assert capsys.readouterr().out == f"{path}: 0.2 MB\n"
    with pytest.raises(UserError, match="run the cells above first"):
        download(tmp_path / "b.wav")
