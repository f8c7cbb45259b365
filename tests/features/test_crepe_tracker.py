"""CREPE as a tracker: the published behaviour with official weights, and its workings without."""

import os
from pathlib import Path

import numpy as np
import pytest
from crepe_files import weight_file
from pitch_signals import RICH, cents_between, glide, sine_sweep, steady, tone

from ddsp_tf.errors import UserError
from ddsp_tf.features.crepe import pitch_of_activation
from ddsp_tf.features.crepe_tracker import CrepeTracker

# Official weights, model-tiny.h5 or .h5.bz2, are not part of the project: docs/features.md.
WEIGHTS = Path(os.environ.get("DDSP_TF_TEST_CREPE", "no weights"))


@pytest.fixture(scope="module")
def random_weights(tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "model-tiny.h5"
    path.write_bytes(weight_file())
    return path


@pytest.fixture(scope="module")
def official():
    if not WEIGHTS.exists():
        pytest.skip("needs official weights: DDSP_TF_TEST_CREPE=model-tiny.h5.bz2")
    return CrepeTracker("tiny", weights=WEIGHTS)


def test_sweep_is_heard_as_published(official):
    audio, hz = sine_sweep()
    centres = np.arange(0, audio.size + 1, 160)
    activation = official.activation(audio, centres)
    confidence, f0_hz = activation.max(axis=1), pitch_of_activation(activation)
    error = cents_between(f0_hz, hz(centres / 16000))
    assert np.sum(confidence > 0.5) == 275 and confidence.size == 276
    assert confidence.mean() == pytest.approx(0.84, abs=0.005)
    # The computed sweep and the recorded one, of which the numbers are, are up to 5 cents apart.
    assert np.median(error) == pytest.approx(4.1, abs=0.3)
    assert np.percentile(error, 95) == pytest.approx(12, abs=1.0)
    assert np.max(error) == pytest.approx(20, abs=2.0)
    published = np.array([225.24, 515.56, 1184.90])
    assert cents_between(f0_hz[[25, 125, 225]], published).max() < 5.3


@pytest.mark.parametrize(("sample_rate", "hop"), [(16000, 160), (44100, 147), (48000, 480)])
@pytest.mark.parametrize("viterbi", [False, True])
def test_glide_has_no_lag_at_any_rate(official, sample_rate, hop, viterbi):
    signal = tone(glide(200, 600, 1.0, sample_rate), sample_rate, RICH)
    tracker = CrepeTracker("tiny", viterbi, WEIGHTS) if viterbi else official
    f0_hz, confidence = tracker.track(signal.audio, sample_rate, hop)
    truth = signal.frames(hop)
    assert f0_hz.shape == confidence.shape == truth.shape
    assert f0_hz.dtype == confidence.dtype == np.float32
    inside = slice(truth.size // 10, -truth.size // 10)
    # The glide moves 1.9 cents a millisecond.
    assert abs(np.median(1200 * np.log2(f0_hz / truth)[inside])) < 8
    assert np.percentile(cents_between(f0_hz, truth)[inside], 95) < 30
    assert confidence[inside].min() > 0.5


def test_silence_has_no_confidence(official):
    audio = np.concatenate([np.zeros(8000), tone(steady(300.0, 0.5), amplitudes=RICH).audio])
    _, confidence = official.track(audio, 16000, 160)
    assert not confidence[:45].any()
    assert confidence[58:95].min() > 0.5
    f0_hz, confidence = official.track(np.zeros(1600), 16000, 160)
    assert not f0_hz.any() and not confidence.any()


def test_chunks_and_batches_do_not_matter(random_weights, monkeypatch, rng):
    audio = rng.normal(size=11025).astype(np.float32)
    tracker = CrepeTracker("tiny", weights=random_weights)
    once = tracker._track_chunk(audio, 11025, 110)
    monkeypatch.setattr("ddsp_tf.features.crepe_tracker._CHUNK_SECONDS", 0.3)
    small = CrepeTracker("tiny", weights=random_weights, batch_frames=7)
    heard = []
    monkeypatch.setattr(
        "ddsp_tf.features.crepe_tracker.fill_unvoiced", lambda _, *answers: heard.append(answers)
    )
    small.track(audio, 11025, 110)
    np.testing.assert_allclose(heard[0][0], once[0], rtol=1e-3)
    np.testing.assert_allclose(heard[0][1], once[1], atol=1e-4)


def test_version_tells_weights_apart(random_weights, tmp_path):
    (tmp_path / "other.h5").write_bytes(weight_file(seed=1))
    one = CrepeTracker("tiny", weights=random_weights).describe()
    other = CrepeTracker("tiny", weights=tmp_path / "other.h5").describe()
    assert one["settings"] == other["settings"] == {"capacity": "tiny", "viterbi": False}
    assert one["version"] != other["version"]


def test_bad_settings_are_named(tmp_path):
    with pytest.raises(UserError, match=r"'huge'.*tiny, small"):
        CrepeTracker("huge")
    with pytest.raises(UserError, match="batch_frames is 0"):
        CrepeTracker("tiny", batch_frames=0)
    with pytest.raises(UserError, match=r"none\.h5"):
        CrepeTracker("tiny", weights=tmp_path / "none.h5").track(np.zeros(1000), 16000, 160)
