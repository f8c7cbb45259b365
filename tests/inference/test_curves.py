"""Arrays that cannot be played are named; numbers that mean nothing are silent frames."""

import numpy as np
import pytest
from backends import tensorflow_only
from small_models import HOP, make_curves, make_model, make_model_with_timbre

from ddsp_tf.errors import UserError
from ddsp_tf.inference.curves import checked_numbers, checked_seed
from ddsp_tf.inference.rendering import render_stems, synthesize

FRAMES = 24


@pytest.fixture(scope="module")
def model():
    return make_model()


@pytest.fixture
def curves():
    curves = make_curves(1, FRAMES)
    return {name: curves[name][0] for name in ("f0_hz", "loudness_db")}


def play(model, curves, **options):
    return np.concatenate(list(synthesize(model, curves, **options)))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", ["f0_hz", "loudness_db"])
def test_a_bad_frame_is_silent_and_harms_no_other(model, curves, name, value):
    whole = play(model, curves)
    spoilt = {key: curve.copy() for key, curve in curves.items()}
    spoilt[name][-4:] = value
    played = play(model, spoilt)
    assert np.isfinite(played).all()
    # The frames before lead up to the first bad one.
    known = (FRAMES - 5) * HOP
    np.testing.assert_allclose(played[:known], whole[:known], atol=1e-5 * np.abs(whole).max())
    # Neither a tone nor noise: what is left is the room's.
    batch = {key: curve[None] for key, curve in spoilt.items()}
    stems = render_stems(model, batch)
    assert np.all(stems["dry"][0, -3 * HOP :] == 0.0) and np.any(stems["dry"][0, : -4 * HOP] != 0.0)


def test_pitch_that_cannot_sound_has_no_tone(model, curves):
    batch = {name: curve[None] for name, curve in curves.items()}
    for hz in (-440.0, 0.0, 8000.0, 1e30):
        batch["f0_hz"] = np.full((1, FRAMES), hz)
        assert np.all(render_stems(model, batch)["harmonic"] == 0.0), hz


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"loudness_db": np.zeros(FRAMES - 1)}, r"loudness_db has the shape \[23\], but f0_hz"),
        ({"f0_hz": np.zeros((1, FRAMES))}, r"f0_hz has the shape \[1, 24\]; expected \[frames\]"),
        ({"f0_hz": 440.0}, r"f0_hz has the shape \[\]; expected \[frames\]"),
        ({"f0_hz": ["a"] * FRAMES}, "f0_hz has the type <U1; expected real numbers"),
        ({"f0_hz": np.ones(FRAMES, complex)}, "f0_hz has the type complex128"),
        ({"f0_hz": np.ones(FRAMES, bool)}, "f0_hz has the type bool"),
        ({"f0_hz": [None] * FRAMES}, "f0_hz has the type object"),
        ({"f0_hz": [[1.0], [1.0, 2.0]]}, "f0_hz is not an array of numbers"),
        ({"f0_hz": np.zeros((0, 3))}, "f0_hz has no frames"),
    ],
)
def test_arrays_that_cannot_be_played_are_named(model, curves, change, message):
    with pytest.raises(UserError, match=message):
        play(model, {**curves, **change})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"seed": -1}, "seed is -1; expected a whole number from 0 to 4294967295"),
        ({"seed": 99999999999}, "seed is 99999999999"),
        ({"seed": 1.5}, r"seed is 1\.5"),
        ({"seed": None}, "seed is None"),
        ({"block_frames": 0}, "block_frames is 0"),
        ({"block_frames": 2.0}, r"block_frames is 2\.0"),
    ],
)
def test_options_out_of_range_are_named(model, curves, options, message):
    with pytest.raises(UserError, match=message):
        play(model, curves, **options)


def test_any_numbers_are_taken(model, curves):
    expected = play(model, {name: np.round(curve) for name, curve in curves.items()})
    for dtype in (np.int16, np.float64):
        given = {name: np.round(curve).astype(dtype) for name, curve in curves.items()}
        np.testing.assert_array_equal(play(model, given, seed=np.uint32(0)), expected)
    assert checked_seed(np.int64(3)) == 3
    assert np.isinf(checked_numbers("f0_hz", np.array([1e300]))).all()


def test_features_are_a_dictionary(model):
    with pytest.raises(UserError, match="features are a list"):
        play(model, [1, 2])


def test_clips_are_checked_too(model):
    batch = {name: curve for name, curve in make_curves(2, 5).items() if name != "noise"}
    with pytest.raises(UserError, match=r"expected \[batch, frames\]"):
        render_stems(model, {name: curve[0] for name, curve in batch.items()})
    with pytest.raises(UserError, match="lack 'loudness_db'"):
        render_stems(model, {"f0_hz": batch["f0_hz"]})
    batch["loudness_db"][0, 2] = np.nan
    assert all(np.isfinite(stem).all() for stem in render_stems(model, batch).values())
    timbre = make_model_with_timbre()
    with pytest.raises(UserError, match=r"audio has the shape \[2, 4\]; expected \[2, 320\]"):
        render_stems(timbre, {**batch, "audio": np.zeros((2, 4))})
    with pytest.raises(UserError, match=r"z has the shape \[2, 5, 3\]; expected \[2, 5, 2\] or"):
        render_stems(timbre, {**batch, "z": np.zeros((2, 5, 3))})
    batch["audio"] = np.full((2, 320), np.nan)
    assert np.isfinite(render_stems(timbre, batch)["reconstruction"]).all()


@tensorflow_only
def test_a_fresh_model_of_any_configuration_plays_at_once():
    from ddsp_tf.configuration.experiment import load_experiment

    model = load_experiment("autoencoder").model
    frames = np.zeros(2)
    assert (
        play(model, {"f0_hz": frames + 440.0, "loudness_db": frames - 20.0}).size == 2 * model.hop
    )
