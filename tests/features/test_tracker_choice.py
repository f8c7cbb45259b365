"""A configuration chooses the pitch tracker and its settings."""

import pytest

from ddsp_tf.configuration.experiment import load_experiment, load_extractor
from ddsp_tf.errors import UserError


def chosen(*overrides):
    tracker = load_extractor("demo", overrides).tracker
    return tracker.name, tracker.settings


def test_tracker_by_name_by_settings_and_by_class():
    assert chosen() == chosen("FeatureExtractor.pitch_tracker='auto'")
    low = ("FeatureExtractor.pitch_tracker=@AutoTracker()", "AutoTracker.lowest_hz=50.0")
    assert chosen(*low) == ("auto", {"lowest_hz": 50.0, "highest_hz": 4200.0})
    assert chosen("FeatureExtractor.pitch_tracker='swift_f0'")[0] == "swift_f0"
    assert chosen("FeatureExtractor.pitch_tracker='yin'")[0] == "yin"
    written = "FeatureExtractor.pitch_tracker={'name': 'crepe', 'capacity': 'tiny'}"
    assert chosen(written) == ("crepe", {"capacity": "tiny", "viterbi": False})
    by_class = ("FeatureExtractor.pitch_tracker=@CrepeTracker()", "CrepeTracker.viterbi=True")
    assert chosen(*by_class) == ("crepe", {"capacity": "full", "viterbi": True})


def test_choice_is_in_the_text_of_the_experiment():
    overrides = ("FeatureExtractor.pitch_tracker=@YinTracker()", "YinTracker.lowest_hz=55.0")
    text = load_experiment("demo", overrides).text
    assert "FeatureExtractor.pitch_tracker = @YinTracker()" in text
    assert "YinTracker.lowest_hz = 55.0" in text


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("YinTracker.lowest_hz=55.0", r"YinTracker has settings but is not used.*@YinTracker\(\)"),
        ("FeatureExtractor.pitch_tracker='praat'", r"'praat'.*swift_f0"),
        ("FeatureExtractor.pitch_tracker={'name': 'yin', 'hop': 3}", "hop"),
        ("FeatureExtractor.pitch_tracker=@YinTracker", r"such as @YinTracker\(\)$"),
        ("YinTracker.lowest=3", r"lowest"),
    ],
)
def test_mistakes_are_named(override, message):
    with pytest.raises(UserError, match=message) as caught:
        load_extractor("demo", [override])
    assert "\n" not in str(caught.value)
