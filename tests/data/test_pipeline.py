"""Batches: complete, random, repeatable from any step, and right to the sample."""

import re
import shutil
import subprocess
import sys

import numpy as np
import pytest
import soundfile
import tensorflow as tf
from whole_files import whole_files

from ddsp_tf.data import random_clips
from ddsp_tf.data.pipeline import clips, training_batches, training_sources
from ddsp_tf.data.preparation import prepare_dataset
from ddsp_tf.errors import UserError
from ddsp_tf.features.loudness import FLOOR_DB

KEYS = ["audio", "f0_hz", "f0_confidence", "loudness_db", "power_db", "source", "start_frame"]


@pytest.fixture
def dataset(record, extractor, tmp_path):
    """Four recordings for training (one of two segments, one shorter than a clip), one held out."""
    train = [record(f"{k}.wav", seconds, k) for k, seconds in enumerate((21.0, 7.0, 5.5, 0.7))]
    held_out = [record("v.wav", 5.2, 9), record("w.wav", 0.6, 10)]
    return prepare_dataset(train, tmp_path / "dataset", extractor=extractor, validation=held_out)


def take(batches, count):
    return [
        {"audio": audio, **features, **(about[0] if about else {})}
        for features, audio, *about in batches.take(count).as_numpy_iterator()
    ]


def assert_equal(batches, others):
    assert len(batches) == len(others)
    for batch, other in zip(batches, others, strict=True):
        for key, values in batch.items():
            np.testing.assert_array_equal(values, other[key])


def test_batches_have_the_promised_keys_shapes_and_types(dataset):
    batches = training_batches(dataset, clip_frames=100, batch_size=3, seed=0, with_sources=True)
    (batch,) = take(batches, 1)
    assert list(batch) == KEYS
    assert batch["audio"].shape == (3, 32000)
    assert batch["f0_hz"].shape == (3, 100)
    assert batch["audio"].dtype == batch["power_db"].dtype == np.float32
    assert batch["start_frame"].dtype == np.int64
    features, audio, _ = batches.element_spec
    assert audio.shape == (3, 32000)
    assert all(spec.shape == (3, 100) for spec in features.values())


def test_features_are_chosen_by_name(dataset):
    sizes = {"clip_frames": 100, "batch_size": 3}
    names = ("loudness_db", "audio")
    for batches in (
        training_batches(dataset, **sizes, seed=0, features=names),
        clips(dataset, split="train", **sizes, features=names),
    ):
        features, audio = next(iter(batches))
        assert tuple(features) == names
        np.testing.assert_array_equal(features["audio"], audio)
    for features in (["loudness"], "f0"):
        with pytest.raises(UserError, match=r"feature .(loudness|f0).: unknown; expected .*f0_hz"):
            clips(dataset, split="train", **sizes, features=features)


@pytest.mark.parametrize("changes", [{}, {"varispeed": 2.0, "gain_db": 6.0}])
def test_parts_of_batches_make_the_batches(dataset, changes):
    settings = {"clip_frames": 100, "batch_size": 6, "seed": 5, "first_step": 3, **changes}
    whole = take(training_batches(dataset, **settings, with_sources=True), 4)
    parts = [
        take(training_batches(dataset, **settings, with_sources=True, part=part, parts=3), 4)
        for part in range(3)
    ]
    joined = [
        {key: np.concatenate([part[key] for part in step]) for key in KEYS}
        for step in zip(*parts, strict=True)
    ]
    assert_equal(joined, whole)


def test_parts_that_cannot_be_made_are_refused(dataset):
    settings = {"clip_frames": 100, "batch_size": 6, "seed": 5}
    with pytest.raises(UserError, match="batch_size 6: cannot be divided into 4 equal parts"):
        training_batches(dataset, **settings, part=0, parts=4)
    with pytest.raises(UserError, match="part is 2; expected a whole number from 0 to 1"):
        training_batches(dataset, **settings, part=2, parts=2)


def test_the_sources_of_a_batch_are_found(dataset):
    settings = {"clip_frames": 100, "batch_size": 4, "seed": 5}
    batches = training_batches(dataset, **settings, first_step=7, with_sources=True)
    for step, batch in enumerate(take(batches, 3), 7):
        expected = sorted({source.decode() for source in batch["source"]})
        assert training_sources(dataset, step, **settings) == expected


def test_any_step_can_be_the_first(dataset, monkeypatch):
    monkeypatch.setattr(random_clips, "_CLIPS_PER_EPOCH", 40)

    def batches(first_step, count, seed=5):
        made = training_batches(
            dataset.folder, clip_frames=100, batch_size=4, seed=seed, first_step=first_step
        )
        return take(made, count)

    whole = batches(0, 30)
    tf.random.set_seed(7)
    assert_equal(batches(0, 30), whole)
    for first in (1, 13, 29):
        assert_equal(batches(first, 30 - first), whole[first:])
    far = batches(10**9, 2)
    assert_equal(batches(10**9 + 1, 1), far[1:])
    assert not np.array_equal(batches(0, 1, seed=6)[0]["audio"], whole[0]["audio"])


def test_random_clips_are_true_to_the_recording(dataset, tmp_path):
    sounds = {
        path.name: soundfile.read(path, dtype="float32")[0]
        for path in (tmp_path / "audio").iterdir()
    }
    for batch in take(
        training_batches(dataset, clip_frames=100, batch_size=8, seed=1, with_sources=True), 20
    ):
        for row, source in enumerate(batch["source"]):
            start = int(batch["start_frame"][row])
            # The first recording has two segments of 525 frames.
            assert source != b"0.wav" or start // 525 == (start + 99) // 525
            sound = sounds[source.decode()][start * 320 : (start + 100) * 320]
            np.testing.assert_array_equal(batch["audio"][row][: sound.size], sound)
            assert not batch["audio"][row][sound.size :].any()
            valid = sound.size // 320
            f0_hz = 100 + start + np.minimum(np.arange(100), valid - 1)
            np.testing.assert_array_equal(batch["f0_hz"][row], f0_hz)
            assert np.all(batch["f0_confidence"][row] == (np.arange(100) < valid))
            assert np.all(batch["loudness_db"][row][valid:] == FLOOR_DB)
            assert np.all(batch["power_db"][row][valid:] == FLOOR_DB)


def test_clips_follow_each_other_and_pad_the_end(dataset):
    batches = take(clips(dataset, split="train", clip_frames=100, with_sources=True), 99)
    assert [*batches[0]] == [*KEYS, "valid_frames"]
    found = [
        (b["source"][0].decode(), int(b["start_frame"][0]), int(b["valid_frames"][0]))
        for b in batches
    ]
    expected = [("0.wav", 100 * k, 100) for k in range(10)] + [("0.wav", 1000, 50)]
    expected += [("1.wav", 0, 100), ("1.wav", 100, 100), ("1.wav", 200, 100), ("1.wav", 300, 50)]
    expected += [("2.wav", 0, 100), ("2.wav", 100, 100), ("2.wav", 200, 75), ("3.wav", 0, 35)]
    assert found == expected
    assert not batches[-1]["audio"][0, 35 * 320 :].any()
    assert batches[-1]["audio"][0, : 35 * 320].any()


def test_clips_leave_out_less_than_half_a_clip_and_batch_what_is_left(dataset):
    (batch,) = take(
        clips(dataset, split="validation", clip_frames=200, batch_size=16, with_sources=True), 2
    )
    assert batch["source"].tolist() == [b"v.wav", b"w.wav"]
    assert batch["valid_frames"].tolist() == [200, 30]
    batches = clips(dataset, split="train", clip_frames=100, batch_size=4)
    assert int(batches.cardinality()) == 5
    assert [batch["audio"].shape[0] for batch in take(batches, 9)] == [4, 4, 4, 4, 3]


@pytest.mark.parametrize("clip_frames", [1, 35, 400, 525, 700, 1050, 2000])
def test_clips_of_any_length_reach_across_segments(dataset, tmp_path, clip_frames):
    batches = clips(
        dataset, split="train", clip_frames=clip_frames, batch_size=16, with_sources=True
    )
    found = take(batches, 10**6)
    assert len(found) == int(batches.cardinality())
    sources, starts, valid = (
        np.concatenate([batch[key] for batch in found])
        for key in ("source", "start_frame", "valid_frames")
    )
    audio = np.concatenate([batch["audio"] for batch in found])
    f0_hz = np.concatenate([batch["f0_hz"] for batch in found])
    for source, frames in ((b"0.wav", 1050), (b"1.wav", 350), (b"2.wav", 275), (b"3.wav", 35)):
        sound = soundfile.read(tmp_path / "audio" / source.decode(), dtype="float32")[0]
        mine = np.flatnonzero(sources == source)
        whole, rest = divmod(frames, clip_frames)
        with_rest = rest > 0 and (whole == 0 or 2 * rest >= clip_frames)
        assert valid[mine].tolist() == [clip_frames] * whole + [rest] * with_rest
        for k, row in enumerate(mine):
            assert starts[row] == k * clip_frames
            piece = sound[starts[row] * 320 : (starts[row] + clip_frames) * 320]
            np.testing.assert_array_equal(audio[row][: piece.size], piece)
            assert not audio[row][piece.size :].any()
            held = np.minimum(np.arange(clip_frames), valid[row] - 1)
            np.testing.assert_array_equal(f0_hz[row], 100 + starts[row] + held)


def test_segments_join_to_the_recording(dataset, tmp_path):
    files = list(whole_files(dataset, "train"))
    assert [file["source"] for file in files] == ["0.wav", "1.wav", "2.wav", "3.wav"]
    sound = soundfile.read(tmp_path / "audio" / "0.wav", dtype="float32")[0]
    np.testing.assert_array_equal(files[0]["audio"], sound)
    np.testing.assert_array_equal(files[0]["f0_hz"], 100 + np.arange(1050))


def test_empty_splits_and_bad_sizes_are_refused(record, extractor, tmp_path):
    manifest = prepare_dataset(
        record("a.wav", 2), tmp_path / "d", extractor=extractor, validation_share=0
    )
    with pytest.raises(UserError, match="validation split is empty"):
        clips(manifest, split="validation", clip_frames=10)
    with pytest.raises(UserError, match="validation split is empty"):
        list(whole_files(manifest, "validation"))
    with pytest.raises(UserError, match="clip_frames is 0"):
        training_batches(manifest, clip_frames=0, batch_size=1, seed=0)
    with pytest.raises(
        UserError, match=r"clip_frames 501 \(10\.02 s\).* 100 frames \(2 s\).*train\.clip_seconds"
    ):
        training_batches(manifest, clip_frames=501, batch_size=1, seed=0)
    with pytest.raises(UserError, match="batch_size is 0"):
        clips(manifest, split="train", clip_frames=10, batch_size=0)
    with pytest.raises(UserError, match="first_step"):
        training_batches(manifest, clip_frames=9, batch_size=1, seed=0, first_step=-1)


def test_damaged_copies_are_refused(dataset, tmp_path):
    def copied():
        shutil.rmtree(tmp_path / "copy", ignore_errors=True)
        return shutil.copytree(dataset.folder, tmp_path / "copy")

    def opened(folder):
        return training_batches(folder, clip_frames=100, batch_size=1, seed=0)

    name = dataset.files[0].name
    folder = copied()
    take(opened(folder), 1)
    (folder / name).write_bytes((folder / name).read_bytes()[:-1])
    with pytest.raises(UserError, match=r"tfrecord: has \d+ bytes; expected \d+"):
        opened(folder)
    (folder / name).unlink()
    with pytest.raises(UserError, match=r"tfrecord: cannot be read \(No such file"):
        opened(folder)
    # A byte of the audio: nothing else in the dataset looks different.
    content = bytearray((dataset.folder / name).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / name).write_bytes(content)
    with pytest.raises(UserError, match=rf"{re.escape(name)}: is damaged"):
        opened(folder)


def test_interpreter_exits_while_batches_are_being_read(dataset):
    # Reading ahead in Python would hang here: its threads wait for an interpreter that is gone.
    code = (
        "from ddsp_tf.data.pipeline import clips, training_batches\n"
        f"batches = training_batches({str(dataset.folder)!r}, clip_frames=100, batch_size=16, "
        "seed=0)\n"
        "iterator = iter(batches)\n"
        "for _ in range(20): next(iterator)\n"
        f"others = iter(clips({str(dataset.folder)!r}, split='train', clip_frames=50))\n"
        "next(others)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60, stderr=subprocess.DEVNULL)
