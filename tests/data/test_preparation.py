"""Recordings to datasets: what is kept, split, skipped, replaced and refused."""

import errno
import json

import numpy as np
import pytest
import soundfile
import tensorflow as tf
from whole_files import whole_files

from ddsp_tf.data import preparation, working_folder
from ddsp_tf.data.manifest import load_manifest
from ddsp_tf.data.preparation import dataset_fingerprint, prepare_dataset
from ddsp_tf.errors import NoRoomError, UserError
from ddsp_tf.features.extractor import FEATURES, FeatureExtractor


@pytest.fixture
def out(tmp_path):
    return tmp_path / "made" / "dataset"


@pytest.mark.parametrize("seconds", [0.5, 3.777, 20.0, 20.02, 61.3])
def test_recording_comes_back_whole(record, extractor, out, seconds):
    path = record("a.wav", seconds)
    manifest = prepare_dataset(path, out, extractor=extractor, validation_share=0)
    (file,) = whole_files(manifest, "train")
    frames = int(seconds * 50)
    sound = soundfile.read(path, dtype="float32")[0]
    np.testing.assert_array_equal(file["audio"], sound[: frames * 320])
    expected = extractor.extract(sound)
    for name in FEATURES:
        np.testing.assert_array_equal(file[name], expected[name])
    assert manifest.files[0].frames == frames
    assert len(manifest.files[0].segments) == -(-frames // 1000)


def test_files_are_tfrecords_that_anyone_can_parse(record, extractor, out):
    manifest = prepare_dataset(record("a.wav", 45), out, extractor=extractor, validation_share=0)
    records = tf.data.TFRecordDataset([out / file.name for file in manifest.files])
    audio = []
    for number, serialized in enumerate(records.as_numpy_iterator()):
        features = tf.train.Example.FromString(serialized).features.feature
        assert features["source"].bytes_list.value == [b"a.wav"]
        assert features["start_frame"].int64_list.value == [750 * number]
        assert features["hop"].int64_list.value == [320]
        assert features["sample_rate"].int64_list.value == [16000]
        f0_hz = np.array(features["f0_hz"].float_list.value)
        np.testing.assert_array_equal(f0_hz, 100 + 750 * number + np.arange(750))
        audio.append(np.frombuffer(features["audio"].bytes_list.value[0], "<f4"))
    expected = soundfile.read(record("a.wav", 45), dtype="float32")[0]
    np.testing.assert_array_equal(np.concatenate(audio), expected)


def test_share_splits_by_file(record, extractor, out):
    for number in range(10):
        record(f"{number}.wav", 1, number)
    folder = record("x.wav", 1).parent
    first = prepare_dataset(folder, out, extractor=extractor, validation_share=0.3, seed=4)
    splits = {file.source: file.split for file in first.files}
    assert len(splits) == 11
    assert sum(split == "validation" for split in splits.values()) == 3
    again = prepare_dataset(folder, out, extractor=extractor, validation_share=0.3, seed=4)
    assert again == first
    other = prepare_dataset(folder, out, extractor=extractor, validation_share=0.3, seed=5)
    assert {file.source: file.split for file in other.files} != splits


def test_given_validation_files_are_the_validation_split(record, extractor, out):
    train = [record("a.wav", 1), record("b.wav", 1)]
    held_out = record("c.wav", 1)
    manifest = prepare_dataset(
        train, out, extractor=extractor, validation=[held_out], validation_share=0.5
    )
    splits = [(file.source, file.split) for file in manifest.files]
    assert splits == [("a.wav", "train"), ("b.wav", "train"), ("c.wav", "validation")]


@pytest.mark.parametrize("with_bad_ones", [False, True])
def test_single_usable_recording_is_split_in_time(record, extractor, out, with_bad_ones):
    path = record("a.wav", 30)
    if with_bad_ones:
        record("silent.wav", 1, gain=1e-5)
    manifest = prepare_dataset(path.parent, out, extractor=extractor, validation_share=0.2)
    ranges = [(file.split, file.segments[0].start_frame, file.frames) for file in manifest.files]
    assert ranges == [("train", 0, 1200), ("validation", 1200, 300)]
    (train,), (held_out,) = whole_files(out, "train"), whole_files(out, "validation")
    assert held_out["start_frame"] == 1200
    sound = soundfile.read(path, dtype="float32")[0]
    np.testing.assert_array_equal(np.r_[train["audio"], held_out["audio"]], sound)
    np.testing.assert_array_equal(held_out["f0_hz"], 1300 + np.arange(300))
    assert len(list(out.glob("*"))) == 3


def test_recording_too_short_to_divide_is_for_training(record, extractor, out):
    manifest = prepare_dataset(record("a.wav", 0.9), out, extractor=extractor)
    assert [file.split for file in manifest.files] == ["train"]
    with pytest.raises(UserError, match="validation split is empty"):
        manifest.files_of("validation")


def test_share_of_one_is_all_validation(record, extractor, out):
    manifest = prepare_dataset(record("a.wav", 2), out, extractor=extractor, validation_share=1)
    assert [file.split for file in manifest.files] == ["validation"]
    assert manifest.statistics["split"] == "validation"


def test_bad_recordings_are_skipped_with_reasons(record, extractor, out, tmp_path):
    folder = record("good.wav", 2, number=1).parent
    record("same.wav", 2, number=1)
    record("short.wav", 0.4)
    record("silent.wav", 2, gain=0.0009)
    record("pitchless.wav", 2, gain=0.005)
    (folder / "text.wav").write_text("not audio")
    (folder / "empty.flac").touch()
    soundfile.write(folder / "nan.wav", np.full(16000, np.nan), 16000, "FLOAT")
    manifest = prepare_dataset(folder, out, extractor=extractor, validation_share=0)
    assert [file.source for file in manifest.files] == ["good.wav"]
    reasons = {file.source: file.reason for file in manifest.skipped}
    expected = {
        "same.wav": "same content as good.wav",
        "short.wav": "lasts 0.4 s",
        "silent.wav": "too quiet: peaks at -61 dBFS",
        "pitchless.wav": "no pitch",
        "text.wav": "cannot be read as audio",
        "empty.flac": "the file is empty",
        "nan.wav": "NaN",
    }
    assert set(reasons) == set(expected)
    for source, reason in expected.items():
        assert reason in reasons[source]
        assert str(tmp_path) not in reasons[source]


def test_nothing_usable_is_an_error_with_reasons(record, extractor, out):
    bad = record("short.wav", 0.1)
    with pytest.raises(UserError, match=r"none of the 1 training .*short\.wav: lasts 0\.1 s"):
        prepare_dataset(bad, out, extractor=extractor)
    good = record("good.wav", 1)
    with pytest.raises(UserError, match="none of the 1 validation recordings"):
        prepare_dataset(good, out, extractor=extractor, validation=[bad])
    assert not list(out.parent.glob("*"))


@pytest.mark.parametrize("file_rate", [8000, 44100])
def test_other_rates_are_resampled(record, extractor, out, file_rate):
    path = record("a.wav", 2, sample_rate=file_rate)
    manifest = prepare_dataset(path, out, extractor=extractor, validation_share=0)
    assert manifest.files[0].frames == 100
    assert manifest.recordings[0].kept_seconds == 2.0


def test_progress_counts_recordings(record, extractor, out):
    record("a.wav", 1)
    folder = record("b.wav", 1).parent
    calls = []
    prepare_dataset(folder, out, extractor=extractor, on_progress=lambda *call: calls.append(call))
    assert calls[0][:2] == (0, 2)
    assert calls[-1][:2] == (2, 2)
    assert {name for _, _, name in calls[1:-1]} == {"a.wav", "b.wav"}
    shares = [share for share, _, _ in calls]
    assert shares == sorted(shares)
    assert len(set(shares)) >= 5


def test_only_a_dataset_is_replaced(record, extractor, out):
    path = record("a.wav", 2)
    out.mkdir(parents=True)
    prepare_dataset(path, out, extractor=extractor)
    (out / "notes.txt").write_text("mine")
    with pytest.raises(UserError, match=r"holds notes\.txt"):
        prepare_dataset(path, out, extractor=extractor)
    (out / "notes.txt").unlink()
    prepare_dataset(record("b.wav", 3), out, extractor=extractor)
    assert load_manifest(out).files[0].source == "b.wav"
    (out / "train-mine.tfrecord").touch()
    with pytest.raises(UserError, match=r"holds train-mine\.tfrecord"):
        prepare_dataset(path, out, extractor=extractor)
    (out / "train-mine.tfrecord").unlink()
    for foreign in (path, path.parent):
        with pytest.raises(UserError, match="dataset"):
            prepare_dataset(path, foreign, extractor=extractor)
    assert path.exists()


def test_full_disk_leaves_the_earlier_dataset(record, extractor, out, monkeypatch):
    before = prepare_dataset(record("a.wav", 2), out, extractor=extractor)

    # Written once: float WAV files carry the second in which they were made.
    second = record("b.wav", 2)

    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(preparation, "write_dataset", full)
    with pytest.raises(UserError, match=r"cannot be written \(No space left"):
        prepare_dataset(second, out, extractor=extractor)
    assert load_manifest(out) == before
    monkeypatch.undo()
    monkeypatch.setattr(working_folder, "measure", full)
    again = prepare_dataset(second, out, extractor=extractor)
    assert [entry.source for entry in again.recordings] == ["b.wav"]
    assert [entry.name for entry in out.parent.iterdir()] == [out.name]


def test_no_room_for_what_lies_inside_names_the_dataset(record, extractor, out, monkeypatch):
    def full(*_, **__):
        raise NoRoomError(out / "inside.json", "No space left on device")

    monkeypatch.setattr(preparation, "write_dataset", full)
    with pytest.raises(UserError) as caught:
        prepare_dataset(record("a.wav", 2), out, extractor=extractor)
    assert str(caught.value).startswith(f"{out}: cannot be written (No space left on device)")
    assert str(caught.value).endswith("1 measured recording is kept")


@pytest.mark.parametrize("name", ["train-00000.tfrecord", "dataset.json"])
def test_an_earlier_dataset_that_is_damaged_is_measured_again(record, extractor, out, name):
    folder = record("a.wav", 2).parent
    made = prepare_dataset(folder, out, extractor=extractor)
    intact = (out / name).read_bytes()
    (out / name).write_bytes(intact[:-9] + bytes([intact[-9] ^ 1]) + intact[-8:])
    assert prepare_dataset(folder, out, extractor=extractor) == made
    assert (out / name).read_bytes() == intact


@pytest.mark.parametrize("share", [-0.1, 1.5, float("nan")])
def test_impossible_shares_are_refused(record, extractor, out, share):
    with pytest.raises(UserError, match="validation_share"):
        prepare_dataset(record("a.wav", 2), out, extractor=extractor, validation_share=share)


def test_fingerprint_tells_whether_a_dataset_still_matches(record, extractor, out):
    folder = record("a.wav", 2).parent
    choice = {"extractor": extractor, "validation_share": 0.0, "seed": 1}
    made = prepare_dataset(folder, out, **choice).fingerprint
    assert dataset_fingerprint(folder, **choice) == made
    assert dataset_fingerprint(folder, **{**choice, "seed": 2}) != made
    assert dataset_fingerprint(folder, **{**choice, "validation_share": 0.5}) != made
    other = FeatureExtractor(16000, 100, extractor.tracker)
    assert dataset_fingerprint(folder, **{**choice, "extractor": other}) != made
    (folder / "a.wav").rename(folder / "renamed.wav")
    assert dataset_fingerprint(folder, **choice) == made
    record("b.wav", 2)
    assert dataset_fingerprint(folder, **choice) != made


def test_real_tracker_end_to_end(tmp_path, out):
    tone = 0.3 * np.sin(2 * np.pi * 330 / 22050 * np.arange(3 * 22050))
    soundfile.write(tmp_path / "tone.flac", np.stack([tone, tone], 1), 22050)
    manifest = prepare_dataset(tmp_path / "tone.flac", out, extractor=FeatureExtractor())
    assert manifest.statistics["f0_hz"]["mean"] == pytest.approx(330, rel=0.01)
    assert manifest.statistics["voiced_share"] > 0.9
    content = json.loads((out / "dataset.json").read_text())
    assert content["extractor"]["pitch_tracker"]["name"] == "auto"
    assert content["schema_version"] == 3
