"""What all pitch trackers share."""

import pickle
import subprocess
import sys

import numpy as np
import pytest
from crepe_files import weight_file
from pitch_signals import RICH, steady, tone
from tolerance import assert_close

from ddsp_tf.errors import UserError
from ddsp_tf.features.pitch import TRACKERS, fill_unvoiced, pitch_tracker, tracker_difference


def test_interpolation_is_in_log_frequency_within_a_semitone():
    high = 440.0 * 2 ** (0.8 / 12)
    f0_hz, f0_confidence = fill_unvoiced(
        np.arange(5.0),
        np.array([440.0, 440.0, 5.0, high, high]),
        np.array([1.0, 1.0, 0.2, 0.6, 0.6]),
        np.array([0.0, 1.0, 1.5, 2.0, 2.5, 3.0, 9.0]),
    )
    semitones = np.array([0, 0, 0.2, 0.4, 0.6, 0.8, 0.8])
    assert_close(f0_hz, 440.0 * 2 ** (semitones / 12))
    assert_close(f0_confidence, [1, 1, 0.6, 0.2, 0.4, 0.6, 0.6])


def test_wider_intervals_take_the_nearer_pitch():
    f0_hz, _ = fill_unvoiced(
        np.array([1.0, 2.0]), np.array([440.0, 470.0]), np.ones(2), np.linspace(0.0, 3.0, 31)
    )
    assert f0_hz.tolist() == [440.0] * 15 + [470.0] * 16


def test_answers_without_support_are_left_out():
    pitch_hz = np.array([440.0, 440, 880, 440, 440, 100, 100, 100])
    confidence = np.array([1.0, 1, 0.9, 1, 1, 0, 0.8, 0])
    f0_hz, f0_confidence = fill_unvoiced(np.arange(8.0), pitch_hz, confidence, np.arange(8.0))
    assert f0_hz.tolist() == [440.0] * 8
    assert f0_confidence.tolist() == [1, 1, 1, 1, 1, 0, 0, 0]


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("auto", {"lowest_hz": 55.0, "highest_hz": 990.0}),
        ("swift_f0", {"fmax_hz": 1000.0}),
        ("yin", {"lowest_hz": 55.0, "highest_hz": 990.0}),
    ],
)
def test_description_rebuilds_the_tracker(name, settings):
    made = pitch_tracker(name, **settings)
    description = made.describe()
    assert set(description) == {"name", "version", "settings"}
    assert description["name"] == name
    assert settings.items() <= description["settings"].items()
    again = pitch_tracker(description["name"], **description["settings"])
    assert again.describe() == description
    assert made.range_hz[1] == next(reversed(settings.values()))


@pytest.mark.parametrize("name", TRACKERS)
def test_unknown_trackers_and_settings_are_named(name):
    with pytest.raises(UserError, match=rf"'praat'.*{name}"):
        pitch_tracker("praat")
    with pytest.raises(UserError, match="voices"):
        pitch_tracker(name, voices=2)


def test_trackers_travel_to_other_processes(tmp_path):
    (tmp_path / "model-tiny.h5").write_bytes(weight_file())
    audio = tone(steady(220.0, 0.3), amplitudes=RICH).audio
    for tracker in (
        pitch_tracker("auto"),
        pitch_tracker("swift_f0", threads=1),
        pitch_tracker("yin"),
        pitch_tracker("crepe", capacity="tiny", weights=tmp_path / "model-tiny.h5"),
    ):
        here = tracker.track(audio, 16000, 160)
        content = pickle.dumps(tracker)
        assert len(content) < 2000
        there = pickle.loads(content)
        assert there.describe() == tracker.describe()
        np.testing.assert_allclose(there.track(audio, 16000, 160), here, rtol=1e-5)


def test_difference_names_both_trackers():
    taught = {"name": "swift_f0", "version": "0.3.0", "settings": {"fmin_hz": 50.0}}
    assert tracker_difference(taught, {**taught}) is None
    newer = tracker_difference(taught, {**taught, "version": "0.4.0"})
    assert "found swift_f0 0.4.0," in newer and "trained with swift_f0 0.3.0;" in newer
    other = tracker_difference(taught, {**taught, "settings": {"fmin_hz": 80.0}})
    assert "fmin_hz=80.0" in other and "fmin_hz=50.0" in other


def test_import_loads_neither_network_runtime_nor_keras():
    code = (
        "import ddsp_tf.features.extractor, ddsp_tf.features.auto_tracker, sys\n"
        "assert not {'onnxruntime', 'keras', 'tensorflow'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
