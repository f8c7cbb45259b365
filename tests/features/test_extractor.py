"""The extractor puts features side by side and can be rebuilt from its description."""

import json

import numpy as np
import pytest

from ddsp_tf.errors import UserError
from ddsp_tf.features.auto_tracker import AutoTracker
from ddsp_tf.features.extractor import FEATURES, FeatureExtractor
from ddsp_tf.features.pitch import PitchTracker


class FixedTracker(PitchTracker):
    """Answers 200 Hz without listening."""

    name = "fixed"
    version = "1"

    def track(self, audio, sample_rate, hop):
        """Gives 200 Hz everywhere."""
        frames = audio.size // hop
        return np.full(frames, 200, np.float32), np.ones(frames, np.float32)


@pytest.mark.parametrize(("sample_rate", "frame_rate"), [(16000, 250), (48000, 250), (44100, 100)])
@pytest.mark.parametrize("extra", [0, 1])
def test_features_have_one_value_per_frame(sample_rate, frame_rate, extra):
    extractor = FeatureExtractor(sample_rate, frame_rate)
    audio = 0.3 * np.sin(2 * np.pi * 300 / sample_rate * np.arange(sample_rate + extra))
    features = extractor.extract(audio)
    assert tuple(features) == FEATURES
    for values in features.values():
        assert values.shape == (frame_rate,)
        assert values.dtype == np.float32
    middle = frame_rate // 2
    assert features["f0_hz"][middle] == pytest.approx(300, rel=0.01)
    assert features["power_db"][middle] == pytest.approx(10 * np.log10(0.045), abs=0.3)


def test_description_is_json_and_rebuilds_the_extractor():
    extractor = FeatureExtractor(
        48000, 125, AutoTracker(lowest_hz=100.0), loudness_fft_size=2048, power_frame_size=4096
    )
    description = json.loads(json.dumps(extractor.describe()))
    assert description["hop"] == 384
    assert FeatureExtractor.from_description(description).describe() == description
    assert FeatureExtractor().describe() != description


def test_pitch_is_refined_by_default():
    audio = 0.3 * np.sin(2 * np.pi * 201 / 16000 * np.arange(16000))
    refined, plain = (
        FeatureExtractor(16000, 250, FixedTracker(), refine_f0=r) for r in (True, False)
    )
    assert refined.extract(audio)["f0_hz"][125] == pytest.approx(201, abs=0.01)
    assert plain.extract(audio)["f0_hz"][125] == 200
    for extractor in (refined, plain):
        description = {**extractor.describe(), "pitch_tracker": {"name": "yin", "settings": {}}}
        again = FeatureExtractor.from_description(description)
        assert again.refine_f0 is extractor.refine_f0


@pytest.mark.parametrize(
    ("given", "lowest_hz"), [("yin", 30.0), ({"name": "yin", "lowest_hz": 40.0}, 40.0)]
)
def test_trackers_are_given_by_name_or_with_settings(given, lowest_hz):
    extractor = FeatureExtractor(pitch_tracker=given)
    assert extractor.describe()["pitch_tracker"]["settings"]["lowest_hz"] == lowest_hz
    assert FeatureExtractor.from_description(extractor.describe()).describe() == (
        extractor.describe()
    )


def test_another_version_of_the_tracker_is_reported():
    description = FeatureExtractor(pitch_tracker="yin").describe()
    assert FeatureExtractor(pitch_tracker="yin").tracker_change() is None
    assert FeatureExtractor.from_description(description).tracker_change() is None
    description["pitch_tracker"]["version"] = "0"
    change = FeatureExtractor.from_description(description).tracker_change()
    assert "yin 1" in change and "yin 0" in change


def test_any_tracker_can_be_given():
    features = FeatureExtractor(pitch_tracker=FixedTracker()).extract(np.zeros(6400))
    assert np.all(features["f0_hz"] == 200)


@pytest.mark.parametrize(("sample_rate", "frame_rate"), [(44100, 250), (100, 250)])
def test_rates_that_do_not_divide_are_both_named(sample_rate, frame_rate):
    with pytest.raises(UserError, match=rf"frame_rate={frame_rate} .*sample_rate={sample_rate}"):
        FeatureExtractor(sample_rate, frame_rate)


@pytest.mark.parametrize(
    ("audio", "message"),
    [
        (np.zeros([2, 16000]), r"\(2, 16000\)"),
        (np.zeros(63), "63 samples: expected at least a frame, 64 samples"),
        (np.full(16000, np.nan), "NaN"),
        (np.zeros(16000, np.int16), "int16; expected floats in -1..1; divide by 32768"),
        (np.zeros(16000, bool), "audio holds bool"),
        (np.full(16000, 20000.0), "peaks at 20000; expected samples in -1..1"),
    ],
)
def test_bad_audio_is_refused(audio, message):
    with pytest.raises(UserError, match=message):
        FeatureExtractor().extract(audio)


def test_bad_settings_are_named():
    with pytest.raises(UserError, match=r"loudness_fft_size is 1\.5"):
        FeatureExtractor(loudness_fft_size=1.5)
    with pytest.raises(UserError, match="power_frame_size is 0"):
        FeatureExtractor(power_frame_size=0)
    with pytest.raises(UserError, match="refine_f0 'no': expected True or False"):
        FeatureExtractor(refine_f0="no")
    with pytest.raises(UserError, match="'praat'"):
        FeatureExtractor(pitch_tracker="praat")
    for wrong in ({"lowest_hz": 40.0}, None, 3):
        with pytest.raises(UserError, match="name and settings"):
            FeatureExtractor(pitch_tracker=wrong)
    with pytest.raises(UserError, match="lacks 'sample_rate'"):
        FeatureExtractor.from_description({"pitch_tracker": {"name": "swift_f0", "settings": {}}})
