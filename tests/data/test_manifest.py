"""The manifest comes back as it was, and says what is wrong."""

import json

import pytest

from ddsp_tf.data.manifest import (
    Manifest,
    Recording,
    Shard,
    SkippedFile,
    SourceFile,
    load_manifest,
)
from ddsp_tf.errors import UserError
from ddsp_tf.version import __version__


@pytest.fixture
def manifest():
    return Manifest(
        sample_rate=16000,
        frame_rate=250,
        hop=64,
        extractor={"pitch_tracker": {"name": "swift_f0"}},
        seed=3,
        validation_share=0.1,
        rules={"silence": "trim"},
        segment_frames=5000,
        shards=(Shard("train-00000-of-00001.tfrecord", "train", 1, 10, "11"),),
        files=(SourceFile("b/ä.wav", "00", "train", 0, 100, 0.4, 0.9),),
        recordings=(
            Recording(
                source="b/ä.wav",
                sha256="00",
                seconds=0.5,
                kept_seconds=0.4,
                file_rate=44100,
                channels=2,
                gain_db=-1.5,
                peak_db=-3.0,
                mono_loss_db=0.1,
                clipped_share=0.0,
                silent_share=0.2,
                voiced_share=0.9,
                confidence=0.95,
                unperiodic_share=0.01,
                f0_low_hz=200.0,
                f0_high_hz=400.0,
                flags=("mostly silent",),
            ),
        ),
        skipped=(SkippedFile("c.wav", "silent"),),
        statistics={"minutes": {"train": 1.0}},
        fingerprint="ff",
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
        ({"schema_version": 1}, "schema_version is 1; this ddsp-tf reads 2"),
        ({"schema_version": None}, "schema_version is None"),
        ({"sample_rate": ...}, "sample_rate"),
        ({"files": [{"source": "a"}]}, "missing"),
        ({"files": 3}, "not iterable"),
        ({"recordings": [{"source": "a"}]}, "flags"),
        ({"colour": "red"}, "'colour'"),
    ],
)
def test_other_contents_are_refused(manifest, tmp_path, change, message):
    manifest.save(tmp_path)
    content = {**json.loads((tmp_path / "dataset.json").read_text()), **change}
    content = {key: value for key, value in content.items() if value is not ...}
    (tmp_path / "dataset.json").write_text(json.dumps(content))
    with pytest.raises(UserError, match=rf"dataset\.json.*{message}"):
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
