"""Advice on the number of harmonics, for low and for high instruments."""

import json

import numpy as np
import pytest
import soundfile

from ddsp_tf.configuration.experiment import load_extractor
from ddsp_tf.data.preparation import prepare_dataset
from ddsp_tf.training.harmonic_range import harmonics_advice, harmonics_for
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
    [(16000, 4186.0, "1 harmonic lies"), (16000, 3000.0, "2 harmonics"), (48000, 4186.0, None)],
)
def test_high_notes_want_a_higher_rate(rate, high_hz, fitting):
    advice = harmonics_advice(60, rate, {"p5": 600.0, "p95": high_hz})
    assert advice is None if fitting is None else fitting in advice


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
    assert [text for text in heard if "n_harmonics=145 reaches 6.0 kHz" in text] == heard[:1]
    statistics = json.loads((tmp_path / "run" / "run.json").read_text())["feature_statistics"]
    assert statistics["f0_hz"]["mean"] == pytest.approx(41.2, rel=0.01)
