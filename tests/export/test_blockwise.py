import numpy as np
import pytest
import tensorflow as tf
from small_models import DECODERS, make_curves, make_model, make_model_with_timbre

from ddsp_tf.export import blockwise


@pytest.fixture(autouse=True)
def short_blocks(monkeypatch):
    monkeypatch.setattr(blockwise, "_BLOCK_FRAMES", 16)


def decode(model, features):
    """As in an exported graph, which knows neither batch size nor length."""
    specs = {
        name: tf.TensorSpec([None] * 2 + list(value.shape[2:]), tf.float32)
        for name, value in features.items()
    }
    graph = tf.function(lambda values: blockwise.decode_in_blocks(model, values), [specs])
    return graph({name: tf.constant(value) for name, value in features.items()})


def assert_equal(decoded, model, features):
    expected, _ = model.decode(features)
    assert set(decoded) == set(expected)
    for name, value in expected.items():
        np.testing.assert_allclose(decoded[name], value, atol=1e-5, err_msg=name)


@pytest.mark.parametrize("kind", DECODERS)
@pytest.mark.parametrize("frames", [1, 16, 40])
def test_blocks_equal_the_whole(kind, frames):
    model, features = make_model(kind), make_curves(2, frames)
    assert_equal(decode(model, features), model, features)


@pytest.mark.parametrize("z_frames", [1, 40])
def test_timbre_of_one_frame_and_of_all(z_frames, rng):
    model = make_model_with_timbre()
    curves = {name: value for name, value in make_curves(2, 40).items() if name != "noise"}
    features = {**curves, "z": rng.normal(size=(2, z_frames, 2)).astype(np.float32)}
    assert_equal(decode(model, features), model, features)
