"""An `Autoencoder` does what Keras users expect of a model."""

import keras
import numpy as np
import pytest
from backends import tensorflow_only
from small_models import HOP, make_curves, make_model, make_model_with_timbre

from ddsp_tf.losses import MultiScaleSpectralLoss
from ddsp_tf.metrics import LevelDifference, LoudnessDistance
from ddsp_tf.models import Autoencoder


@pytest.fixture(scope="module")
def model():
    model = make_model()
    metrics = [LoudnessDistance(), LevelDifference()]
    model.compile("adam", MultiScaleSpectralLoss((512, 64)), metrics=metrics)
    return model


@pytest.fixture(scope="module")
def clips():
    """Features, with and without noise, and recordings."""
    curves = make_curves(3, 20)
    features = {name: curves[name] for name in ("f0_hz", "loudness_db")}
    return features, curves, np.float32(0.1 * curves["noise"])


def play(model, curves):
    return keras.ops.convert_to_numpy(model(curves))


def test_fits_evaluates_predicts_and_comes_back_compiled(model, clips, tmp_path):
    features, curves, audio = clips
    history = model.fit(features, audio, batch_size=2, verbose=0).history
    numbers = model.evaluate(curves, audio, batch_size=2, verbose=0, return_dict=True)
    assert set(history) == set(numbers) == {"loss", "loudness_distance_db", "level_difference_db"}
    assert model.predict(features, batch_size=2, verbose=0).shape == (3, 20 * HOP)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    same = again.evaluate(curves, audio, batch_size=2, verbose=0, return_dict=True)
    assert same == pytest.approx(numbers, rel=1e-4)


def test_a_clone_plays_the_same(model, clips):
    clone = keras.models.clone_model(model)
    clone.set_weights(model.get_weights())
    np.testing.assert_array_equal(play(clone, clips[1]), play(model, clips[1]))


@pytest.mark.parametrize("make", [make_model, make_model_with_timbre])
def test_summary_shows_all_shapes(make):
    model, lines = make(), []
    model.summary(print_fn=lambda text, **_: lines.append(text))
    text = "\n".join(lines)
    assert "Output Shape" in text and "?" not in text and "(None, None)" in text


def test_shapes_and_functional_models(model, clips):
    shapes = {"f0_hz": (None, 50), "loudness_db": (None, 50)}
    assert model.compute_output_shape(shapes) == (None, 50 * HOP)
    shapes = dict.fromkeys(shapes, (2, None))
    assert model.compute_output_shape(shapes) == (2, None)
    inputs = {name: keras.Input((20,), name=name) for name in model.feature_names}
    functional = keras.Model(inputs, model(inputs))
    assert functional.output_shape == (None, 20 * HOP)
    assert functional.predict(clips[0], verbose=0).shape == (3, 20 * HOP)


@tensorflow_only
@pytest.mark.parametrize("make", [make_model, make_model_with_timbre])
def test_exports_any_length_of_a_fresh_model(make, clips, tmp_path):
    import tensorflow as tf

    make().export(tmp_path / "exported", verbose=False)
    exported = tf.saved_model.load(tmp_path / "exported")
    for frames in (20, 7):
        features = {name: values[:, :frames] for name, values in clips[0].items()}
        assert exported.serve(features).shape == (3, frames * HOP)


def test_jitter_moves_what_the_decoder_sees_in_training_alone(model, clips, tmp_path):
    jittered = Autoencoder.from_config({**model.get_config(), "pitch_jitter": 1.0})
    jittered.set_weights(model.get_weights())
    curves = clips[1]
    np.testing.assert_array_equal(play(jittered, curves), play(model, curves))
    plain, _ = model.decode(curves)
    heard = []
    decode = jittered.decode
    object.__setattr__(
        jittered, "decode", lambda *a, **options: heard.append(options) or decode(*a, **options)
    )
    jittered(curves, training=True)
    shift = np.ravel(keras.ops.convert_to_numpy(heard[0]["pitch_shift"]))
    assert shift.shape == (3,) and len(set(shift.tolist())) == 3 and np.abs(shift).max() <= 1.0
    shifted, _ = model.decode({**curves, "f0_hz": curves["f0_hz"] * 2.0 ** (shift[:, None] / 12.0)})
    ours, _ = decode(curves, pitch_shift=heard[0]["pitch_shift"])
    name = "harmonic_distribution"
    np.testing.assert_allclose(ours[name], shifted[name], atol=1e-4)
    assert np.abs(np.subtract(ours[name], plain[name])).max() > 1e-4
    np.testing.assert_array_equal(ours["f0_hz"][:, :, 0], curves["f0_hz"])


def test_a_timbre_plays_before_anything_is_built(clips):
    again = Autoencoder(
        **{
            name: keras.saving.deserialize_keras_object(value) if isinstance(value, dict) else value
            for name, value in make_model_with_timbre().get_config().items()
        }
    )
    assert not again.built
    assert set(again.render(clips[1])[0]) == {"harmonic", "filtered_noise", "dry", "reverb"}
