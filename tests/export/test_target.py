"""An export removes nothing of the user's and replaces its own files."""

import json
import shutil

import pytest

from ddsp_tf.errors import UserError
from ddsp_tf.export.target import check_target


@pytest.fixture
def export(tiny_export, tmp_path):
    return shutil.copytree(tiny_export, tmp_path / "export")


def test_exports_and_empty_folders_are_replaced(export, tmp_path):
    check_target(export)
    (export / ".DS_Store").touch()
    (export / "saved_model" / "assets").mkdir(exist_ok=True)
    check_target(export)
    (tmp_path / "empty").mkdir()
    check_target(tmp_path / "empty")
    check_target(tmp_path / "missing")


@pytest.mark.parametrize("name", ["notes.txt", "saved_model/mine.wav", ".hidden", "deep/er/a"])
def test_a_users_file_in_an_export_is_named(export, name):
    (export / name).parent.mkdir(parents=True, exist_ok=True)
    (export / name).write_text("mine")
    with pytest.raises(UserError, match=rf"{name}: does not belong to the export; move it"):
        check_target(export)
    assert (export / name).read_text() == "mine"


def test_a_changed_file_and_a_link_are_named(export, tmp_path):
    room = export / "ir.wav"
    content = room.read_bytes()
    room.write_bytes(content[:-4] + b"mine")
    with pytest.raises(UserError, match=r"ir\.wav: was changed since"):
        check_target(export)
    room.unlink()
    (tmp_path / "elsewhere.wav").write_bytes(content)
    room.symlink_to(tmp_path / "elsewhere.wav")
    with pytest.raises(UserError, match=r"ir\.wav: was changed since"):
        check_target(export)


def test_a_removed_file_is_written_again(export):
    (export / "ir.wav").unlink()
    check_target(export)


@pytest.mark.parametrize(
    "content",
    [
        {"format": "graph-model", "weightsManifest": [], "modelTopology": {}},
        ["not", "ours"],
        {"schema_version": 2},
    ],
    ids=["TensorFlow.js", "list", "another program's schema"],
)
def test_another_programs_model_json_is_not_replaced(tmp_path, content):
    (tmp_path / "model.json").write_text(json.dumps(content))
    with pytest.raises(UserError, match=r"model\.json does not describe an export of ddsp-tf"):
        check_target(tmp_path)


@pytest.mark.parametrize("damage", ["cut", "lost", "other version"])
def test_a_damaged_export_can_be_written_again_but_not_a_users_file(export, damage):
    description = export / "model.json"
    if damage == "cut":
        description.write_text(description.read_text()[:100])
    elif damage == "lost":
        description.unlink()
    else:
        content = json.loads(description.read_text())
        description.write_text(json.dumps({**content, "schema_version": 1}))
    check_target(export)
    (export / "song.wav").touch()
    with pytest.raises(UserError, match=r"not an export \(it contains song\.wav\)"):
        check_target(export)


def test_a_page_is_part_of_a_damaged_export(export):
    (export / "page").mkdir()
    for name in ("page.html", "page/index.html", "page/1_reed.tflite.gz"):
        (export / name).write_text("page")
    (export / "model.json").unlink()
    check_target(export)
    (export / "page" / "notes.txt").write_text("mine")
    with pytest.raises(UserError, match=r"contains page/notes\.txt"):
        check_target(export)


def test_files_are_no_folders(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="is a file"):
        check_target(tmp_path / "file")
    (tmp_path / "broken").symlink_to(tmp_path / "nowhere")
    with pytest.raises(UserError, match="is a file"):
        check_target(tmp_path / "broken")
