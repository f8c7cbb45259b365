"""The manifest comes back as it was, and says what is wrong."""

import json

import pytest

from ddsp_tf.data.manifest import Manifest, load_manifest
from ddsp_tf.data.recordings import Recording, Segment, SegmentFile
from ddsp_tf.errors import UserError
from ddsp_tf.version import __version__


@pytest.fixture
def manifest():
    file = SegmentFile(
        "train-00000.tfrecord", "b/ä.wav", "train", 10, "11", 0.9, (Segment(0, 100),)
    )
    recording = Recording(
        source="b/ä.wav",
        sha256="00",
        status="measured",
        key="22",
        seconds=0.5,
        kept_seconds=0.4,
        file_rate=44100,
        channels=2,
        flags=("mostly silent",),
        files=(file,),
    )
    return Manifest(
        schema_version=3,
        ddsp_tf_version=__version__,
        sample_rate=16000,
        frame_rate=250,
        hop=64,
        extractor={"pitch_tracker": {"name": "auto"}},
        rules={"silence": "trim"},
        seed=3,
        validation_share=0.1,
        segment_frames=5000,
        fingerprint="ff",
        recordings=(recording,),
        skipped=(Recording("c.wav", "", "skipped", "silent"),),
        statistics={"minutes": {"train": 1.0}},
    )


def test_round_trip(manifest, tmp_path):
    manifest.save(tmp_path)
    loaded = load_manifest(tmp_path)
    assert loaded == manifest
    assert loaded.folder == tmp_path
    assert loaded.ddsp_tf_version == __version__
    assert "folder" not in json.loads((tmp_path / "dataset.json").read_text())


def test_rates_of_both_sides_are_named(manifest):
    manifest.check_rates(16000, 250)
    with pytest.raises(UserError, match=r"sample_rate.*16000.*48000"):
        manifest.check_rates(48000, 250)
    with pytest.raises(UserError, match=r"frame_rate.*250.*50"):
        manifest.check_rates(16000, 50)


def test_splits_are_found_or_refused(manifest):
    assert manifest.has_split("train")
    assert not manifest.has_split("validation")
    assert [file.source for file in manifest.files_of("train")] == ["b/ä.wav"]
    with pytest.raises(UserError, match="validation split is empty"):
        manifest.files_of("validation")
    with pytest.raises(UserError, match=r"'valid'.*train, validation"):
        manifest.files_of("valid")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"schema_version": 2}, "schema_version is 2; this ddsp-tf reads 3"),
        ({"schema_version": None}, "schema_version"),
        ({"sample_rate": ...}, "sample_rate"),
        ({"sample_rate": "16000"}, "sample_rate"),
        ({"hop": 6.4}, "hop"),
        ({"recordings": 3}, "recordings"),
        ({"recordings": [{"source": "a"}]}, r"recordings\.0\.sha256"),
        ({"skipped": [{"source": "a", "sha256": "", "status": "lost"}]}, r"skipped\.0\.status"),
        ({"colour": "red"}, "colour"),
        ({"seed": 4}, "does not match its checksum"),
    ],
)
def test_other_contents_are_refused(manifest, tmp_path, change, message):
    manifest.save(tmp_path)
    content = {**json.loads((tmp_path / "dataset.json").read_text()), **change}
    content = {key: value for key, value in content.items() if value is not ...}
    (tmp_path / "dataset.json").write_text(json.dumps(content))
    with pytest.raises(UserError, match=rf"dataset\.json.*{message}") as caught:
        load_manifest(tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["../train.tfrecord", "/etc/passwd", "a/b.tfrecord", "x.npy"])
def test_no_file_outside_its_folder_is_read(manifest, tmp_path, name):
    manifest.save(tmp_path)
    content = json.loads((tmp_path / "dataset.json").read_text())
    content["recordings"][0]["files"][0]["name"] = name
    (tmp_path / "dataset.json").write_text(json.dumps(content))
    with pytest.raises(UserError, match=r"recordings\.0\.files\.0\.name"):
        load_manifest(tmp_path)


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"\xff\xfe\x00"])
def test_other_files_are_refused(tmp_path, content):
    (tmp_path / "dataset.json").write_bytes(content)
    with pytest.raises(UserError, match=r"dataset\.json"):
        load_manifest(tmp_path)


def test_other_folders_are_refused(tmp_path):
    with pytest.raises(UserError, match=r"has no dataset\.json"):
        load_manifest(tmp_path)
    with pytest.raises(UserError, match="no such folder"):
        load_manifest(tmp_path / "absent")
