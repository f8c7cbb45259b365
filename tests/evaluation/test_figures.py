"""Tests of the pictures: what is drawn where, and that odd sounds do not break them."""

import io
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from ddsp_tf.evaluation import charts, figures, style

RATE = 16000
BLUE = (0x56, 0xC2, 0xFF)
AMBER = (0xF5, 0xB6, 0x42)


def pixels(png: bytes) -> np.ndarray:
    image = Image.open(io.BytesIO(png))
    assert image.format == "PNG"
    return np.asarray(image.convert("RGB"), np.int32)


def columns_of(picture: np.ndarray, colour) -> np.ndarray:
    """Columns with the colour, as shares of the time axis."""
    hits = np.nonzero((np.abs(picture - np.array(colour)).sum(axis=-1) < 30).any(axis=0))[0]
    share = (hits + 0.5) / picture.shape[1]
    return (share - style.AXES_LEFT) / (style.AXES_RIGHT - style.AXES_LEFT)


def curve(f0_hz, loudness_db=-20.0, confidence=1.0):
    f0_hz = np.asarray(f0_hz, np.float64)
    return {
        "f0_hz": f0_hz,
        "f0_confidence": np.full(f0_hz.shape, confidence),
        "loudness_db": np.full(f0_hz.shape, loudness_db),
    }


@pytest.mark.parametrize("rate", [8000, 16000, 48000])
@pytest.mark.parametrize("hz", [250.0, 2000.0])
def test_a_sine_stands_at_its_mel(rate, hz):
    sine = np.sin(2 * np.pi * hz * np.arange(rate) / rate)
    levels = figures.spectrogram_levels_db(sine, rate)[:, 10:-10].mean(axis=1)
    row = (levels.argmax() + 0.5) / len(levels)
    mel = np.log10(1 + hz / 700) / np.log10(1 + rate / 2 / 700)
    assert row == pytest.approx(mel, abs=1.5 / len(levels))


def test_levels_of_a_sine():
    # 250 Hz is the middle of bin 16, in rows that are two bins wide or less.
    sine = np.sin(2 * np.pi * 250.0 * np.arange(RATE) / RATE)
    for amplitude, expected in ((1.0, 0.0), (0.1, -20.0)):
        levels = figures.spectrogram_levels_db(amplitude * sine, RATE)[:, 10:-10]
        assert levels.max() == pytest.approx(expected, abs=2.5)


def test_no_row_of_a_flat_spectrum_is_empty():
    click = np.zeros(RATE)
    click[RATE // 2] = 1.0
    levels = figures.spectrogram_levels_db(click, RATE).max(axis=1)
    np.testing.assert_allclose(levels, levels[0], atol=1e-6)


def test_a_click_stands_where_a_playhead_would():
    click = np.zeros(4 * RATE)
    click[RATE] = 1.0
    picture = pixels(figures.spectrogram_png(click, RATE))
    brightness = picture[20:-20].sum(axis=(0, 2)).astype(float)
    inside = slice(round(0.08 * picture.shape[1]), round(0.98 * picture.shape[1]))
    bright = np.nonzero(brightness[inside] > 0.8 * brightness[inside].max())[0] + inside.start
    share = ((bright.mean() + 0.5) / picture.shape[1] - style.AXES_LEFT) / (
        style.AXES_RIGHT - style.AXES_LEFT
    )
    assert share == pytest.approx(0.25, abs=0.01)


def test_a_common_top_makes_the_quiet_stem_darker(rng):
    noise = 0.1 * rng.standard_normal(RATE)
    alone = pixels(figures.spectrogram_png(noise, RATE))
    beside_a_louder = pixels(figures.spectrogram_png(noise, RATE, top_db=0.0))
    assert beside_a_louder.mean() < 0.8 * alone.mean()


def test_a_shorter_stem_leaves_its_end_dark(rng):
    noise = rng.standard_normal(RATE)
    picture = pixels(figures.spectrogram_png(noise, RATE, duration=2.0))
    middle = slice(picture.shape[0] // 3, 2 * picture.shape[0] // 3)
    width = picture.shape[1]
    assert picture[middle, int(0.2 * width) : int(0.4 * width)].mean() > 100
    assert picture[middle, int(0.6 * width) : int(0.9 * width)].max() < 40


@pytest.mark.parametrize("samples", [1, 100, RATE])
def test_silence_of_any_length_is_drawn(samples):
    picture = pixels(figures.spectrogram_png(np.zeros(samples, np.float32), RATE))
    height, width = picture.shape[:2]
    assert picture[height // 3 : height // 2, width // 3 : width // 2].max() < 40


def test_spectrograms_on_the_same_axes_are_those_drawn_alone(rng):
    sounds = [rng.standard_normal(samples) for samples in (RATE, RATE // 2, RATE)]
    together = figures.spectrogram_pngs(sounds, RATE, top_db=0.0, duration=1.0)
    for sound, picture in zip(sounds, together, strict=True):
        assert picture == figures.spectrogram_png(sound, RATE, top_db=0.0, duration=1.0)


def test_a_spectrogram_is_small(rng):
    # White noise is the worst case.
    assert len(figures.spectrogram_png(rng.standard_normal(4 * RATE), RATE)) < 90_000


def test_pitch_is_broken_where_there_is_none():
    f0_hz = np.full(1000, 440.0)
    f0_hz[250:750] = 0.0
    silent = np.full(1000, np.nan)
    features = {"target": {**curve(f0_hz), "loudness_db": silent}}
    picture = pixels(figures.feature_curves_png(features, 250))
    # Below the legend.
    shares = columns_of(picture[45:], AMBER)
    assert ((shares < 0.255) | (shares > 0.745)).all()
    assert (shares < 0.2).any() and (shares > 0.8).any()


def test_equal_curves_are_both_seen():
    features = {"target": curve(np.full(500, 440.0)), "reconstruction": curve(np.full(500, 440.0))}
    picture = pixels(figures.feature_curves_png(features, 250))[45:]
    for colour in (AMBER, BLUE):
        assert len(columns_of(picture, colour)) > 0.9 * 0.92 * picture.shape[1]


def test_unsure_pitch_is_fainter():
    sure = pixels(figures.feature_curves_png({"target": curve(np.full(500, 440.0))}, 250))
    unsure = curve(np.full(500, 440.0), confidence=0.5)
    unsure = pixels(figures.feature_curves_png({"target": unsure}, 250))
    top = slice(45, 200)
    assert len(columns_of(sure[top], AMBER)) > 1000
    assert len(columns_of(unsure[top], AMBER)) == 0


@pytest.mark.parametrize(
    "features",
    [
        curve(np.zeros(10), -80.0),
        curve(np.full(10, np.nan), np.nan, np.nan),
        curve(np.full(10, 440.0), -np.inf),
        curve([20.0, 20000.0]),
        curve([440.0]),
    ],
    ids=["silent", "nan", "minus infinity", "ten octaves", "one frame"],
)
def test_odd_features_are_drawn(features):
    assert pixels(figures.feature_curves_png({"target": features}, 250)).shape[2] == 3


def test_features_of_different_lengths_share_the_time_axis():
    features = {"target": curve(np.full(1000, 440.0)), "reconstruction": curve(np.full(500, 440.0))}
    picture = pixels(figures.feature_curves_png(features, 250))[45:]
    assert columns_of(picture, BLUE).max() == pytest.approx(0.5, abs=0.01)


def test_validation_is_drawn_over_training():
    steps, values = np.arange(10), np.linspace(9.0, 5.0, 10)
    one = pixels(charts.loss_curves_png({"loss": (steps, values)}))
    assert len(columns_of(one, AMBER)) and not len(columns_of(one, BLUE))
    for name in ("val_loss", "validation_loss"):
        log = {"loss": (steps, values), name: (steps, values + 1.0)}
        both = pixels(charts.loss_curves_png(log))
        assert both.shape == one.shape
        assert len(columns_of(both, AMBER)) and len(columns_of(both, BLUE))
    three = {name: (steps, values) for name in ("loss", "magnitude", "log_magnitude")}
    assert pixels(charts.loss_curves_png(three)).shape[0] == 2 * one.shape[0]


def test_points_that_are_not_finite_are_left_out():
    assert charts.loss_curves_png({"loss": ([1, 2], [np.nan, np.inf])}) is None
    assert charts.loss_curves_png({"loss": ([], [])}) is None
    assert charts.loss_curves_png({}) is None
    pixels(charts.loss_curves_png({"loss": ([1, 2, 3], [9.0, np.nan, 5.0])}))


def test_pyplot_and_its_global_state_stay_out():
    code = "import ddsp_tf.evaluation.figures, sys; sys.exit('matplotlib.pyplot' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
