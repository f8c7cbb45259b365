import numpy as np
import pytest
import soundfile

from ddsp_tf.app.recordings import NAMES, recording, resolve
from ddsp_tf.errors import UserError
from ddsp_tf.features.extractor import FeatureExtractor

LENGTHS = [("violin", 93), ("violin_unseen", 21), ("flute", 16)]


@pytest.mark.parametrize(("name", "seconds"), LENGTHS)
def test_recording_is_what_the_package_promises(name, seconds):
    audio, sample_rate = soundfile.read(recording(name))
    assert sample_rate == 16000 and audio.ndim == 1
    assert len(audio) / sample_rate == pytest.approx(seconds, abs=1.0)
    assert 0.3 < np.abs(audio).max() < 0.95


def test_violin_has_pitch_range_and_dynamics_to_learn_from():
    audio, _ = soundfile.read(recording("violin"), dtype="float32")
    curves = FeatureExtractor(16000, 100).extract(audio)
    voiced = curves["f0_confidence"] >= 0.5
    assert 0.8 < voiced.mean() < 0.97
    low, high = np.percentile(curves["f0_hz"][voiced], [2, 98])
    assert low < 230 and high > 1000
    quiet, loud = np.percentile(curves["power_db"][voiced], [5, 95])
    assert loud - quiet > 20


def test_names_resolve_and_unknown_ones_are_named():
    assert [resolve(f"bundled:{name}") for name in NAMES] == [recording(name) for name in NAMES]
    with pytest.raises(UserError, match=r"bundled:tuba.*violin"):
        resolve("bundled:tuba")


def test_notice_stands_beside_the_audio():
    notice = (recording("violin").parent / "NOTICE").read_text()
    assert "MIT" in notice and "Frank Wen" in notice
