"""A model with level matching, and one that mishears the pitch."""

import numpy as np
import pytest
from backends import compiled, to_numpy
from small_models import HOP, make_curves, make_decoder, make_group, randomize
from tolerance import SUMS, assert_close

from ddsp_tf.features.loudness import loudness_db
from ddsp_tf.inference.model_files import load_model, save_model
from ddsp_tf.models import Autoencoder, LevelMatching
from ddsp_tf.processors import Add, FilteredNoise, Harmonic, ProcessorGroup

FRAMES = 60


@pytest.fixture
def model():
    """Random weights, no room."""
    group = ProcessorGroup(
        [
            (Harmonic(n_harmonics=4), ["amplitudes", "harmonic_distribution", "f0_hz"]),
            (FilteredNoise(n_bands=9), ["noise_magnitudes"]),
            (Add(name="dry"), ["harmonic", "filtered_noise"]),
        ]
    )
    model = Autoencoder(make_decoder(), group, level_matching=LevelMatching())
    model.build()
    randomize(model)
    return model


def play(model, curves):
    return to_numpy(compiled(lambda features: model(features))(curves))


def test_plays_as_loud_as_requested(model):
    curves = make_curves(2, FRAMES)
    for level in (-60.0, -10.0):
        curves["loudness_db"] = np.full((2, FRAMES), level, np.float32)
        for sound in play(model, curves):
            measured = loudness_db(sound, 16000, HOP)[8:-8]
            assert np.abs(measured - level).max() < 1.5 and abs(measured.mean() - level) < 0.3


def test_streaming_equals_the_whole(model):
    curves = make_curves(1, FRAMES)
    whole = play(model, curves)
    step = compiled(lambda features, state: model.stream(features, state))
    state, parts = model.initial_state(1), []
    for start in range(0, FRAMES, 20):
        block = {name: curves[name][:, start : start + 20] for name in ("f0_hz", "loudness_db")}
        block["noise"] = curves["noise"][:, start * HOP : (start + 20) * HOP]
        audio, state = step(block, state)
        parts.append(to_numpy(audio))
    streamed = np.concatenate(parts, axis=1)[:, model.latency :]
    assert_close(streamed, whole[:, : -model.latency], SUMS)


def test_a_saved_model_plays_the_same(model, tmp_path):
    curves = make_curves(1, FRAMES)
    save_model(model, tmp_path / "best.keras")
    loaded = load_model(tmp_path / "best.keras")
    assert loaded.get_config() == model.get_config()
    assert_close(play(loaded, curves), play(model, curves))


def test_a_shift_for_the_decoder_leaves_the_played_pitch_alone(model):
    curves = make_curves(2, FRAMES)
    shift = np.array([[0.0], [12.0]], np.float32)
    shifted = compiled(lambda features, shift: model.decode(features, pitch_shift=shift))
    inputs, _ = shifted(curves, shift)
    octave = {**curves, "f0_hz": curves["f0_hz"] * 2.0 ** (shift / 12.0)}
    moved, _ = compiled(model.decode)(octave)
    np.testing.assert_array_equal(to_numpy(inputs["f0_hz"])[:, :, 0], curves["f0_hz"])
    name = "harmonic_distribution"
    assert_close(to_numpy(inputs[name]), to_numpy(moved[name]), SUMS)


def test_needs_a_level_among_the_features():
    decoder = make_decoder(input_names=("f0_hz",))
    with pytest.raises(ValueError, match="needs a decoder input loudness_db or power_db"):
        Autoencoder(decoder, make_group(), level_matching=LevelMatching())
