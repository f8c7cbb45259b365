"""Advice on harmonics and loudness, for low and for high instruments."""

import json

import numpy as np
import pytest
import soundfile

from ddsp_tf.configuration.experiment import load_extractor
from ddsp_tf.data.preparation import prepare_dataset
from ddsp_tf.features.loudness import loudness_db
from ddsp_tf.training.pitch_range import harmonics_advice, harmonics_for, loudness_advice
from ddsp_tf.training.run import train_run


@pytest.mark.parametrize("rate", [16000, 48000])
@pytest.mark.parametrize("low_hz", [27.5, 41.2, 58.0, 139.0, 700.0])
def test_what_is_advised_needs_no_further_advice(low_hz, rate):
    pitch = {"p5": low_hz, "p95": 2.0 * low_hz}
    needed = harmonics_for(low_hz, rate)
    assert needed * low_hz <= 6000.0 < (needed + 1) * low_hz
    assert harmonics_advice(needed, rate, pitch) is None
    advice = harmonics_advice(needed // 2, rate, pitch)
    assert f"n_harmonics={needed}" in advice and "\n" not in advice


@pytest.mark.parametrize(
    ("rate", "high_hz", "fitting"),
    [(16000, 4186.0, "1 harmonic fits"), (16000, 3000.0, "2 harmonics"), (48000, 4186.0, None)],
)
def test_high_notes_want_a_higher_rate(rate, high_hz, fitting):
    advice = harmonics_advice(60, rate, {"p5": 600.0, "p95": high_hz})
    assert advice is None if fitting is None else fitting in advice


@pytest.mark.parametrize("low_hz", [27.5, 41.2, 55.0])
def test_loudness_is_even_in_the_windows_that_are_advised(low_hz):
    phase = low_hz / 16000 * np.arange(16000)
    pulses = sum(np.sin(2 * np.pi * k * phase) / k for k in range(1, int(7900 / low_hz)))
    pitch = {"p5": low_hz, "p95": 2.0 * low_hz}
    needed = int(loudness_advice(512, 16000, pitch).rpartition("=")[2])
    assert loudness_advice(needed, 16000, pitch) is None
    swings = [
        np.ptp(loudness_db(pulses.astype(np.float32), 16000, 64, size)[50:-50])
        for size in (512, needed)
    ]
    assert swings[0] > 3.0
    assert swings[1] < 1.0


@pytest.mark.slow
def test_training_says_it_once(tmp_path):
    time = np.arange(3 * 16000) / 16000
    bass = sum(np.sin(2 * np.pi * 41.2 * k * time) / k for k in range(1, 60))
    soundfile.write(tmp_path / "bass.wav", 0.2 * bass, 16000)
    extractor = load_extractor("demo")
    prepare_dataset(tmp_path / "bass.wav", tmp_path / "data", extractor=extractor)
    small = [
        f"train.{name}={value}"
        for name, value in (("steps", 1), ("batch_size", 1), ("clip_seconds", 0.5))
    ]
    heard = []
    train_run("demo", tmp_path / "data", tmp_path / "run", overrides=small, on_warning=heard.append)
    assert len(heard) == 2
    assert "n_harmonics=145 reaches 6.0 kHz" in heard[0]
    assert "FeatureExtractor.loudness_fft_size=1024" in heard[1]
    statistics = json.loads((tmp_path / "run" / "run.json").read_text())["feature_statistics"]
    assert statistics["f0_hz"]["mean"] == pytest.approx(41.2, rel=0.01)
