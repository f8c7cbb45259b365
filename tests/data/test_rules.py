"""What is cut away, and what is turned up."""

import numpy as np
import pytest
import soundfile
from whole_files import whole_files

from ddsp_tf.data.preparation import prepare_dataset
from ddsp_tf.data.rules import PreparationRules
from ddsp_tf.errors import UserError

LOUD, SILENT = -20.0, -80.0


def levels(*seconds):
    """Power of silence and sound in turn, 100 frames a second."""
    parts = [np.full(round(100 * s), LOUD if k % 2 else SILENT) for k, s in enumerate(seconds)]
    return np.concatenate(parts)


@pytest.mark.parametrize(
    ("seconds", "trimmed", "skipped"),
    [
        ((0, 3), [(0, 300)], [(0, 300)]),
        ((2, 3), [(175, 500)], [(175, 500)]),
        ((0.99, 3), [(0, 399)], [(0, 399)]),
        ((1, 3), [(75, 400)], [(75, 400)]),
        ((0, 3, 2), [(0, 325)], [(0, 325)]),
        ((2, 3, 1, 3, 2), [(175, 925)], [(175, 525), (575, 925)]),
        ((0, 3, 0.99, 3), [(0, 699)], [(0, 699)]),
        ((0, 3, 5, 0.1, 5, 3), [(0, 1610)], [(0, 325), (775, 835), (1285, 1610)]),
        ((5, 0.005), [(475, 500)], [(475, 500)]),
        ((5,), [], []),
    ],
)
def test_pauses_are_cut_by_the_stated_rule(seconds, trimmed, skipped):
    power_db = levels(*seconds)
    minimum = 50
    for name, expected in (
        ("keep", [(0, power_db.size)]),
        ("trim", trimmed),
        ("skip", skipped),
    ):
        expected = [kept for kept in expected if kept[1] - kept[0] >= minimum]
        assert PreparationRules(name).kept(power_db, 100) == expected


def test_no_segment_reaches_across_skipped_silence(tmp_path, extractor, rng):
    sound = rng.uniform(-0.5, 0.5, [4, 16000 * 2]).astype(np.float32)
    sound[[0, 2]] *= 0.0002
    soundfile.write(tmp_path / "a.wav", sound.ravel(), 16000, "FLOAT")
    made = prepare_dataset(
        tmp_path / "a.wav",
        tmp_path / "d",
        extractor=extractor,
        validation_share=0,
        rules=PreparationRules("skip"),
    )
    pieces = whole_files(made, "train")
    starts = [piece["start_frame"] for piece in pieces]
    assert len(starts) == len(made.files[0].segments) == 2
    assert made.recordings[0].seconds == 8.0
    assert made.recordings[0].kept_seconds == pytest.approx(4.75, abs=0.15)
    assert made.recordings[0].silent_share == pytest.approx(0.5, abs=0.03)
    for piece in pieces:
        first = piece["start_frame"] * 320
        np.testing.assert_array_equal(
            piece["audio"], sound.ravel()[first : first + piece["audio"].size]
        )
        # The counting tracker numbers frames, so these are the frames they were.
        np.testing.assert_array_equal(
            piece["f0_hz"], 100 + piece["start_frame"] + np.arange(piece["f0_hz"].size)
        )


@pytest.mark.parametrize(("rule", "level"), [("peak", 1 / 10 ** (1 / 20)), ("rms", 0.1)])
def test_levels_are_normalized_once_for_a_recording(tmp_path, extractor, rng, rule, level):
    sound = np.r_[rng.uniform(-0.01, 0.01, 32000), np.zeros(16000)].astype(np.float32)
    soundfile.write(tmp_path / "a.wav", sound, 16000, "FLOAT")
    made = prepare_dataset(
        tmp_path / "a.wav",
        tmp_path / "d",
        extractor=extractor,
        validation_share=0,
        rules=PreparationRules("keep", normalize=rule),
    )
    (piece,) = whole_files(made, "train")
    loud = piece["audio"][:32000]
    found = np.abs(loud).max() if rule == "peak" else np.sqrt(np.mean(loud**2))
    assert found == pytest.approx(level, rel=2e-3)
    gain = 10 ** (made.recordings[0].gain_db / 20)
    np.testing.assert_allclose(piece["audio"], sound * gain, rtol=1e-6)


def test_rms_never_clips():
    # An RMS of -40 dB under a peak of 1: nothing may be turned up.
    assert PreparationRules(normalize="rms").gain_db(1.0, np.full(9, 1e-4)) == -1.0


@pytest.mark.parametrize(
    "wrong",
    [
        {"silence": "cut"},
        {"normalize": "lufs"},
        {"channel": "both"},
        {"silence_db": 3},
        {"silence_db": -90},
    ],
)
def test_wrong_rules_are_refused(wrong):
    with pytest.raises(UserError, match=next(iter(wrong))):
        PreparationRules(**wrong)
