import math

import pytest

from ddsp_tf.evaluation.wording import wording


@pytest.mark.parametrize(
    ("name", "value", "label", "text"),
    [
        ("spectral_loss", 5.4482, "Spectral loss", "5.45"),
        ("loudness_l1_db", 1.548, "Loudness error", "1.55 dB"),
        ("f0_l1_semitones", 0.0312, "Pitch error", "0.031 semitones"),
        ("f0_outlier_share", 0.0021, "Pitch outliers", "0.2 %"),
        ("f0_within_50_cents", 1.0, "Pitch accuracy", "100.0 %"),
        ("log_magnitude_64", 0.75, "Log magnitude 64", "0.750"),
    ],
)
def test_values_are_written_with_their_units(name, value, label, text):
    assert wording(name).label == label
    assert wording(name).text(value) == text


@pytest.mark.parametrize("value", [None, math.nan, math.inf])
def test_missing_values_are_not_measured(value):
    assert wording("f0_l1_semitones").text(value) == "not measured"
