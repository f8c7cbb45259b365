import keras
import numpy as np
import pytest
from backends import compiled, tensorflow_only, to_numpy
from small_models import make_decoder, randomize

from ddsp_tf.models import RnnDecoder
from ddsp_tf.models.rnn_decoder import DenseStack

SIZES = {"amplitudes": 1, "harmonic_distribution": 60, "noise_magnitudes": 65}


@pytest.fixture
def features(rng):
    """Scaled features, batch 2 of 12 frames."""
    return {
        name: rng.uniform(size=(2, 12, 1)).astype(np.float32) for name in ("f0_hz", "loudness_db")
    }


@pytest.fixture
def decoder():
    """A small one with random weights."""
    decoder = make_decoder(stack_layers=2)
    decoder.build()
    randomize(decoder)
    return decoder


@pytest.mark.parametrize(
    ("channels", "stack_layers", "parameters"), [(512, 3, 4_801_150), (256, 1, 1_873_278)]
)
def test_sizes_of_the_shipped_decoders(channels, stack_layers, parameters):
    decoder = RnnDecoder(SIZES, stack_channels=channels, stack_layers=stack_layers)
    decoder.build()
    assert decoder.count_params() == parameters


def expected_stack(stack, x):
    """Dense, layer normalization and leaky ReLU, in numpy."""
    weights = iter(stack.get_weights())
    for kernel, bias, scale, offset in zip(weights, weights, weights, weights, strict=True):
        x = x @ kernel + bias
        x = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5)
        x = x * scale + offset
        x = np.where(x > 0.0, x, 0.2 * x)
    return x


def test_dense_stack_is_its_formula(rng):
    stack = DenseStack(channels=6, n_layers=2)
    stack.build((None, None, 3))
    randomize(stack)
    x = rng.normal(size=(2, 5, 3)).astype(np.float32)
    np.testing.assert_allclose(to_numpy(compiled(stack)(x)), expected_stack(stack, x), atol=1e-4)
    assert stack.compute_output_shape((2, 5, 3)) == (2, 5, 6)


def test_outputs_have_their_names_and_sizes(decoder, features):
    outputs, state = compiled(decoder)(features)
    shapes = {name: tuple(value.shape) for name, value in outputs.items()}
    assert shapes == {
        "amplitudes": (2, 12, 1),
        "harmonic_distribution": (2, 12, 4),
        "noise_magnitudes": (2, 12, 9),
    }
    assert tuple(state.shape) == (2, 8)


def test_outputs_look_back_not_ahead(decoder, features):
    before, _ = compiled(decoder)(features)
    features["f0_hz"][:, 6:] += 1.0
    after, _ = compiled(decoder)(features)
    change = np.abs(to_numpy(after["amplitudes"]) - to_numpy(before["amplitudes"]))[:, :, 0]
    assert change[:, :6].max() < 1e-6 and change[:, 6:].min() > 1e-6


def test_blocks_with_the_state_handed_on_equal_the_whole(decoder, features):
    decode = compiled(decoder)
    whole, last = decode(features)
    state, blocks, start = decoder.initial_state(2), [], 0
    for size in (1, 4, 7):
        block = {name: value[:, start : start + size] for name, value in features.items()}
        outputs, state = decode(block, state)
        blocks.append(outputs)
        start += size
    for name, value in whole.items():
        joined = np.concatenate([to_numpy(block[name]) for block in blocks], axis=1)
        np.testing.assert_allclose(joined, to_numpy(value), atol=1e-5)
    np.testing.assert_allclose(to_numpy(state), to_numpy(last), atol=1e-5)


@tensorflow_only
def test_unknown_length(decoder, features):
    import tensorflow as tf

    signature = {name: tf.TensorSpec([None, None, 1]) for name in features}
    outputs, _ = tf.function(lambda x: decoder(x), input_signature=[signature])(features)
    expected, _ = decoder(features)
    for name, value in expected.items():
        np.testing.assert_allclose(to_numpy(outputs[name]), to_numpy(value), atol=1e-5)


def test_serialization(decoder, features):
    config = keras.saving.serialize_keras_object(decoder)
    copy = keras.saving.deserialize_keras_object(config)
    copy.set_weights(decoder.get_weights())
    assert copy.get_config() == decoder.get_config()
    ours, expected = (compiled(layer)(features)[0] for layer in (copy, decoder))
    for name, value in expected.items():
        np.testing.assert_allclose(to_numpy(ours[name]), to_numpy(value), atol=1e-6)


@pytest.mark.parametrize("wrong", [{"output_sizes": {}}, {"input_names": ()}])
def test_no_input_or_no_output(wrong):
    with pytest.raises(ValueError, match="expected at least one"):
        make_decoder(**wrong)


@pytest.mark.parametrize("wrong", [{"stack_channels": 0}, {"stack_layers": 0}])
def test_empty_stacks(wrong):
    with pytest.raises(ValueError, match="expected at least 1"):
        make_decoder(**wrong)
