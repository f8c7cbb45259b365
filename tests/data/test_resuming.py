"""Interrupted work resumes, and its result equals that of uninterrupted work."""

import json
import os
import signal
import subprocess
import sys
import time

import counting_tracker
import numpy as np
import pytest
import soundfile
from whole_files import whole_files

from ddsp_tf.data import measuring, working_folder
from ddsp_tf.data.preparation import prepare_dataset
from ddsp_tf.data.rules import PreparationRules
from ddsp_tf.errors import UserError
from ddsp_tf.features.extractor import FeatureExtractor

SLOW = """
import sys, time
sys.path[:0] = sys.argv[3:]
from counting_tracker import CountingTracker
from ddsp_tf.data.preparation import prepare_dataset
from ddsp_tf.features.extractor import FeatureExtractor

class Slow(CountingTracker):
    def track(self, *arguments):
        time.sleep(0.15)
        return super().track(*arguments)

extractor = FeatureExtractor(16000, 50, Slow(), refine_f0=False)
prepare_dataset(sys.argv[1], sys.argv[2], extractor=extractor, jobs=2, validation_share=0.3)
"""


def finished_in(work):
    """Number of finished results; temporary files begin with a dot."""
    return len(list(work.glob("[!.]*.json")))


def content(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.fixture
def measured(monkeypatch):
    """Names of the recordings measured."""
    names = []

    def counted(recording, *arguments):
        names.append(recording.source)
        return measuring.measure(recording, *arguments)

    monkeypatch.setattr(working_folder, "measure", counted)
    return names


@pytest.fixture
def folder(record):
    for number in range(12):
        record(f"{number}.wav", 1.0 + 0.1 * number, number)
    record("short.wav", 0.1)
    return record("x.wav", 2).parent


@pytest.mark.slow
def test_killed_work_resumes_to_the_same_bytes(folder, tmp_path, extractor, measured):
    tests = os.path.dirname(counting_tracker.__file__)
    process = subprocess.Popen(
        [sys.executable, "-c", SLOW, str(folder), str(tmp_path / "killed"), tests]
    )
    work = tmp_path / ".killed.preparing"
    deadline = time.monotonic() + 60
    while finished_in(work) < 4 and time.monotonic() < deadline:
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    finished = finished_in(work)
    assert 4 <= finished < 13
    assert not (tmp_path / "killed").exists()
    choice = {"extractor": extractor, "validation_share": 0.3}
    prepare_dataset(folder, tmp_path / "killed", **choice)
    assert len(measured) == 14 - finished
    prepare_dataset(folder, tmp_path / "whole", **choice, jobs=1)
    assert content(tmp_path / "killed") == content(tmp_path / "whole")
    assert not list(tmp_path.glob(".*"))


def test_half_written_results_are_measured_again(folder, tmp_path, extractor, measured):
    prepare_dataset(folder, tmp_path / "whole", extractor=extractor)
    work = tmp_path / ".d.preparing"
    work.mkdir()
    todo = []

    def keep(recordings, *arguments):
        todo.extend(recordings)
        working_folder.measure_in_threads(recordings, *arguments, jobs=1)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare_dataset(folder, tmp_path / "d", extractor=extractor, measurer=keep)
    jsons = sorted(work.glob("*.json"))
    records = sorted(work.glob("*.tfrecord"))
    assert (len(jsons), len(records)) == (14, 13)
    records[0].write_bytes(records[0].read_bytes()[:-1])
    records[1].unlink()
    broken = next(path for path in jsons if path.stem not in (records[0].stem, records[1].stem))
    broken.write_text(broken.read_text()[:20])
    (work / f".{todo[0].key}.77.staged").write_bytes(b"half")
    (work / "dataset").mkdir()
    measured.clear()
    prepare_dataset(folder, tmp_path / "d", extractor=extractor)
    assert len(measured) == 3
    assert content(tmp_path / "d") == content(tmp_path / "whole")


@pytest.mark.parametrize("jobs", [1, 2, 5])
def test_number_of_jobs_changes_nothing(folder, tmp_path, extractor, jobs):
    for name, number in (("one", 1), ("many", jobs)):
        prepare_dataset(folder, tmp_path / name, extractor=extractor, jobs=number)
    assert content(tmp_path / "one") == content(tmp_path / "many")


@pytest.mark.parametrize("silence", ["trim", "skip"])
def test_only_new_recordings_are_measured(folder, record, tmp_path, extractor, measured, silence):
    choice = {"extractor": extractor, "rules": PreparationRules(silence)}
    prepare_dataset(folder, tmp_path / "d", **choice)
    measured.clear()
    record("later.wav", 3)
    (folder / "3.wav").unlink()
    prepare_dataset(folder, tmp_path / "d", **choice, seed=5, validation_share=0.4)
    assert measured == ["later.wav"]
    prepare_dataset(folder, tmp_path / "new", **choice, seed=5, validation_share=0.4)
    assert content(tmp_path / "d") == content(tmp_path / "new")


def test_a_recording_that_was_divided_is_taken_over_whole(record, tmp_path, extractor, measured):
    path = record("a.wav", 50)
    prepare_dataset(path, tmp_path / "d", extractor=extractor, validation_share=0.2)
    record("b.wav", 2)
    prepare_dataset(path.parent, tmp_path / "d", extractor=extractor)
    assert measured == ["a.wav", "b.wav"]
    prepare_dataset(path.parent, tmp_path / "new", extractor=extractor)
    assert content(tmp_path / "d") == content(tmp_path / "new")


def test_other_settings_or_damage_take_nothing_over(folder, tmp_path, extractor, measured):
    prepare_dataset(folder, tmp_path / "d", extractor=extractor)
    for change in (
        {"extractor": FeatureExtractor(16000, 100, extractor.tracker)},
        {"rules": PreparationRules(normalize="peak")},
        {"fresh": True},
    ):
        measured.clear()
        prepare_dataset(folder, tmp_path / "d", **{"extractor": extractor, **change})
        assert len(measured) == 14
    manifest = json.loads((tmp_path / "d" / "dataset.json").read_text())
    damaged = tmp_path / "d" / manifest["recordings"][0]["files"][0]["name"]
    bytes_ = bytearray(damaged.read_bytes())
    bytes_[1000] ^= 1
    damaged.write_bytes(bytes_)
    measured.clear()
    prepare_dataset(folder, tmp_path / "d", extractor=extractor)
    assert 0 < len(measured) < 14


@pytest.mark.parametrize(
    ("finished", "kept"),
    [
        (0, "nothing had been measured yet"),
        (1, "1 measured recording is kept"),
        (3, "3 measured recordings are kept"),
    ],
)
def test_one_failure_ends_the_others_and_keeps_what_is_finished(
    folder, tmp_path, extractor, monkeypatch, finished, kept
):
    done = []

    def measure(recording, *arguments):
        if len(done) == finished:
            raise OSError(28, "No space left on device")
        done.append(recording.source)
        return measuring.measure(recording, *arguments)

    monkeypatch.setattr(working_folder, "measure", measure)
    advice = rf"No space left on device\).*run the same command again: {kept}$"
    with pytest.raises(UserError, match=advice):
        prepare_dataset(folder, tmp_path / "d", extractor=extractor, jobs=1)
    assert len(list((tmp_path / ".d.preparing").glob("*.json"))) == finished
    assert not (tmp_path / "d").exists()


def test_long_recordings_are_measured_in_sections(record, tmp_path, extractor, monkeypatch):
    """Nothing is given more of a recording at once than a section and its context."""
    path = record("a.wav", 30)
    longest = []
    track = extractor.tracker.track

    def seen(audio, sample_rate, hop):
        longest.append(audio.size / sample_rate)
        f0_hz, confidence = track(audio, sample_rate, hop)
        return 0 * f0_hz + 440, confidence

    monkeypatch.setattr(extractor.tracker, "track", seen)
    whole = prepare_dataset(path, tmp_path / "whole", extractor=extractor)
    assert longest == [30.0]
    monkeypatch.setattr(measuring, "SECTION_SECONDS", 4.0)
    monkeypatch.setattr(measuring, "CONTEXT_SECONDS", 1.0)
    parts = prepare_dataset(path, tmp_path / "parts", extractor=extractor)
    assert len(longest) == 1 + 8
    assert max(longest[1:]) < 6.0
    assert content(whole.folder) == content(parts.folder)


def test_a_section_without_pitch_holds_its_neighbours(extractor, tmp_path, record, monkeypatch):
    path = record("a.wav", 12)

    def track(audio, sample_rate, hop):
        frames = audio.size // hop
        voiced = bool(np.abs(audio).max() > 0.1)
        return np.full(frames, 300.0 * voiced, "f"), np.full(frames, float(voiced), "f")

    sound = soundfile.read(path)[0]
    sound[: 16000 * 4] *= 0.01
    sound[16000 * 8 :] *= 0.01
    soundfile.write(path, sound, 16000)
    monkeypatch.setattr(extractor.tracker, "track", track)
    monkeypatch.setattr(measuring, "SECTION_SECONDS", 4.0)
    monkeypatch.setattr(measuring, "CONTEXT_SECONDS", 0.0)
    made = prepare_dataset(path, tmp_path / "d", extractor=extractor, validation_share=0)
    (piece,) = whole_files(made, "train")
    np.testing.assert_array_equal(piece["f0_hz"], 300.0)
    np.testing.assert_array_equal(piece["f0_confidence"], np.repeat([0.0, 1.0, 0.0], 200))
