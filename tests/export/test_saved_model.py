import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

from ddsp_tf.inference.model_files import load_model


@pytest.fixture(scope="module")
def model(tiny_run):
    return load_model(tiny_run)


@pytest.fixture(scope="module")
def loaded(tiny_export):
    return tf.saved_model.load(str(tiny_export / "saved_model"))


@pytest.fixture(scope="module")
def call(loaded):
    def call(signature, inputs, **more):
        inputs = {name: tf.constant(value) for name, value in {**inputs, **more}.items()}
        outputs = loaded.signatures[signature](**inputs)
        return {name: value.numpy() for name, value in outputs.items()}

    return call


def without_noise(features):
    return {name: value for name, value in features.items() if name != "noise"}


@pytest.mark.parametrize(("batch", "frames"), [(1, 1), (1, 333), (3, 40), (3, 32)])
def test_equals_keras_model_for_any_batch_and_length(model, call, make_features, batch, frames):
    features = make_features(batch, frames)
    played = call("synthesize_with_noise", features)["audio"]
    assert played.shape == (batch, frames * model.hop)
    np.testing.assert_allclose(played, model(features), atol=1e-4)


def test_noise_comes_from_its_seed(call, make_features):
    curves = without_noise(make_features(1, 50))
    one, again, two = (call("synthesize", curves, noise_seed=s)["audio"] for s in (1, 1, 2))
    np.testing.assert_array_equal(one, again)
    assert np.abs(one - two).max() > 1e-5


def test_stems_add_up(call, make_features):
    curves = without_noise(make_features(2, 30))
    stems = call("stems", curves, noise_seed=4)
    assert set(stems) == {"harmonic", "noise", "dry", "wet"}
    np.testing.assert_allclose(stems["harmonic"] + stems["noise"], stems["dry"], atol=1e-6)
    audio = call("synthesize", curves, noise_seed=4)["audio"]
    np.testing.assert_allclose(stems["wet"], audio, atol=1e-6)


def test_controls_are_physical(call, make_features):
    curves = without_noise(make_features(2, 30))
    curves["f0_hz"][:, :10] = 3000.0
    controls = call("controls", curves)
    assert controls["amplitudes"].shape == (2, 30, 1)
    assert controls["noise_magnitudes"].shape == (2, 30, 9)
    distribution = controls["harmonic_distribution"]
    np.testing.assert_allclose(distribution.sum(axis=-1), 1.0, atol=1e-5)
    assert np.all(distribution[:, :10, 2:] == 0.0)  # From 9000 Hz on.
    np.testing.assert_array_equal(controls["f0_hz"][:, :, 0], curves["f0_hz"])


def test_steps_of_any_length_equal_the_whole(model, call, make_features):
    features = make_features(2, 60)
    whole = call("synthesize_with_noise", features)["audio"]
    state = {f"state_{name.replace('/', '_')}": value for name, value in _zeros(model).items()}
    pieces, start = [], 0
    for frames in (1, 7, 30, 22):
        part = {name: value[:, start : start + frames] for name, value in features.items()}
        part["noise"] = features["noise"][:, start * model.hop : (start + frames) * model.hop]
        state = call("step", part, **state)
        pieces.append(state.pop("audio"))
        start += frames
    audio = np.concatenate(pieces, axis=1)[:, model.latency :]
    np.testing.assert_allclose(audio, whole[:, : audio.shape[1]], atol=1e-4)


def _zeros(model):
    return {
        name: np.zeros((2, int(np.prod(value.shape[1:]))), np.float32)
        for name, value in model.initial_state(2).items()
    }


def test_bad_numbers_are_harmless(call, make_features, spoil):
    features = make_features(2, 40)
    fine = call("synthesize_with_noise", features)["audio"]
    spoil(features)
    audio = call("synthesize_with_noise", features)["audio"]
    assert np.isfinite(audio).all() and np.abs(audio).max() < 2.0
    np.testing.assert_array_equal(audio[1], fine[1])
    stems = call("stems", without_noise(features), noise_seed=0)
    assert all(np.isfinite(stem).all() for stem in stems.values())


@pytest.mark.parametrize("value", [np.nan, np.inf, -1.0, 9000.0])
def test_frames_without_a_usable_pitch_have_no_tone(call, make_features, value):
    curves = without_noise(make_features(1, 20))
    curves["f0_hz"][:] = value
    stems = call("stems", curves, noise_seed=0)
    assert np.all(stems["harmonic"] == 0.0)
    if not np.isfinite(value):
        assert np.all(stems["noise"] == 0.0)


def test_state_of_garbage_is_harmless(model, call, make_features):
    state = {f"state_{name.replace('/', '_')}": value for name, value in _zeros(model).items()}
    state = {name: np.full_like(value, np.nan) for name, value in state.items()}
    outputs = call("step", make_features(2, 5), **state)
    assert all(np.isfinite(value).all() for value in outputs.values())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"f0_hz": np.ones(20, np.float32)}, "dimension"),
        ({"loudness_db": np.zeros((1, 19), np.float32)}, "differ in shape"),
        ({"noise": np.zeros((1, 20 * 160 - 1), np.float32)}, r"frames \* 160"),
        ({"f0_hz": np.ones((1, 20), np.float64)}, "float"),
    ],
    ids=["wrong rank", "other length", "noise too short", "wrong type"],
)
def test_wrong_shapes_are_errors(call, make_features, change, message):
    with pytest.raises((tf.errors.InvalidArgumentError, TypeError, ValueError), match=message):
        call("synthesize_with_noise", {**make_features(1, 20), **change})


def test_no_frames_is_an_error(call, make_features):
    with pytest.raises(tf.errors.InvalidArgumentError, match="no frames"):
        call("synthesize_with_noise", make_features(1, 0))


def test_wrong_state_size_is_an_error(model, call, make_features):
    state = {f"state_{name.replace('/', '_')}": value for name, value in _zeros(model).items()}
    state["state_decoder"] = np.zeros((2, 17), np.float32)
    with pytest.raises((tf.errors.InvalidArgumentError, TypeError, ValueError), match=r"16|17"):
        call("step", make_features(2, 5), **state)


def test_no_gradient_is_stored(tiny_export):
    # TensorFlow would store it as a function, or warn of its absence at every loading.
    saved = SavedModel()
    saved.ParseFromString((tiny_export / "saved_model" / "saved_model.pb").read_bytes())
    functions = saved.meta_graphs[0].graph_def.library.function
    nodes = [node for function in functions for node in function.node_def]
    assert len(nodes) > 100
    assert not [node.name for node in nodes if "_gradient_op_type" in node.attr]
