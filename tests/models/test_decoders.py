"""What holds for every decoder."""

import keras
import numpy as np
import pytest
from backends import TENSORFLOW, compiled, tensorflow_only, to_numpy
from keras import ops
from small_models import DECODERS, OUTPUT_SIZES, make_decoder, randomize
from tolerance import assert_close

FRAMES = 25


@pytest.fixture(params=DECODERS)
def decoder(request):
    """A small one with random weights, and a z."""
    decoder = make_decoder(request.param, input_names=("f0_hz", "z"), input_sizes={"z": 2})
    decoder.build()
    randomize(decoder)
    return decoder


@pytest.fixture
def features(rng):
    """Scaled features, batch 2."""
    return {
        "f0_hz": rng.uniform(size=(2, FRAMES, 1)).astype(np.float32),
        "z": rng.normal(size=(2, FRAMES, 2)).astype(np.float32),
    }


def amplitudes(decoder, features):
    return to_numpy(compiled(decoder)(features)[0]["amplitudes"])[:, :, 0]


def test_outputs_and_state_have_their_sizes(decoder, features):
    outputs, state = compiled(decoder)(features)
    assert {name: tuple(value.shape) for name, value in outputs.items()} == {
        name: (2, FRAMES, size) for name, size in OUTPUT_SIZES.items()
    }
    assert tuple(state.shape) == tuple(decoder.initial_state(2).shape) == (2, decoder.state_size)
    assert not to_numpy(decoder.initial_state(2)).any()
    assert decoder.input_sizes == {"f0_hz": 1, "z": 2}


@tensorflow_only
@pytest.mark.parametrize("name", DECODERS)
def test_xla_may_compile_it_on_a_gpu(name, monkeypatch):
    monkeypatch.setattr("keras.src.backend.cudnn_ok", lambda *args, **kwargs: True)
    decoder = make_decoder(name)
    assert all(layer.supports_jit for layer in decoder._flatten_layers())


def test_looks_back_not_ahead(decoder, features):
    before = amplitudes(decoder, features)
    for name in features:
        changed = {key: value.copy() for key, value in features.items()}
        changed[name][:, 10:11] += 1.0
        change = np.abs(amplitudes(decoder, changed) - before)
        assert change[:, :10].max() < 1e-6
        assert change[:, 10].min() > 1e-5 and change[:, 11].min() > 1e-6


@pytest.mark.parametrize("sizes", [(1, 4, 20), (13, 1, 11)])
def test_blocks_with_the_state_handed_on_equal_the_whole(decoder, features, sizes):
    decode = compiled(decoder)
    whole, last = decode(features)
    state, blocks, start = decoder.initial_state(2), [], 0
    for size in sizes:
        block = {name: value[:, start : start + size] for name, value in features.items()}
        outputs, state = decode(block, state)
        blocks.append(outputs)
        start += size
    for name, value in whole.items():
        joined = np.concatenate([to_numpy(block[name]) for block in blocks], axis=1)
        assert_close(joined, to_numpy(value))
    assert_close(to_numpy(state), to_numpy(last))


@tensorflow_only
def test_unknown_batch_and_length(decoder, features):
    import tensorflow as tf

    signature = {name: tf.TensorSpec([None, None, decoder.input_sizes[name]]) for name in features}
    state = tf.TensorSpec([None, decoder.state_size])
    graph = tf.function(
        lambda features, state: decoder(features, state), input_signature=[signature, state]
    )
    state = np.float32(np.random.default_rng(1).normal(size=(2, decoder.state_size)))
    ours, expected = (function(features, state) for function in (graph, decoder))
    for one, other in zip(tf.nest.flatten(ours), tf.nest.flatten(expected), strict=True):
        assert_close(to_numpy(one), to_numpy(other))


def loss_and_gradients(decoder, features):
    def loss():
        outputs, _ = decoder(features)
        return sum(ops.sum(ops.square(ops.cast(value, "float32"))) for value in outputs.values())

    variables = decoder.trainable_variables
    if TENSORFLOW:
        import tensorflow as tf

        with tf.GradientTape() as tape:
            value = loss()
        gradients = tape.gradient(value, [variable.value for variable in variables])
        return float(value), [to_numpy(gradient) for gradient in gradients]
    import jax

    def stateless(weights):
        with keras.StatelessScope(zip(variables, weights, strict=True)):
            return loss()

    weights = [variable.value for variable in variables]
    value, gradients = jax.jit(jax.value_and_grad(stateless))(weights)
    return float(value), [to_numpy(gradient) for gradient in gradients]


def test_gradient_reaches_every_weight(decoder, features):
    _, gradients = loss_and_gradients(decoder, features)
    for variable, gradient in zip(decoder.trainable_variables, gradients, strict=True):
        assert np.isfinite(gradient).all() and gradient.any(), variable.path


@pytest.mark.parametrize("kind", DECODERS)
@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision(kind, policy, features):
    before = keras.config.dtype_policy()
    plain, mixed = make_decoder(kind, input_names=("f0_hz",)), None
    try:
        keras.config.set_dtype_policy(policy)
        mixed = make_decoder(kind, input_names=("f0_hz",))
    finally:
        keras.config.set_dtype_policy(before)
    for decoder in (plain, mixed):
        decoder.build()
        randomize(decoder)
    outputs, state = compiled(mixed)(features)
    assert keras.backend.standardize_dtype(state.dtype) == "float32"
    halves = to_numpy(ops.cast(outputs["amplitudes"], "float32"))[:, :, 0]
    assert 0.0 < np.abs(halves - amplitudes(plain, features)).max() < 0.1
    value, gradients = loss_and_gradients(mixed, features)
    assert np.isfinite(value) and all(np.isfinite(gradient).all() for gradient in gradients)


def test_serialization(decoder, features):
    config = keras.saving.serialize_keras_object(decoder)
    copy = keras.saving.deserialize_keras_object(config)
    copy.build()
    copy.set_weights(decoder.get_weights())
    assert copy.get_config() == decoder.get_config()
    assert_close(amplitudes(copy, features), amplitudes(decoder, features))


@pytest.mark.parametrize("kind", DECODERS)
@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"output_sizes": {}}, "expected at least one"),
        ({"input_names": ()}, "expected at least one"),
        ({"input_sizes": {"z": 3}}, r"input_sizes\['z'\]: the inputs are"),
        ({"stack_channels": 0}, "expected at least 1"),
        ({"stack_layers": 0}, "expected at least 1"),
    ],
)
def test_mistakes(kind, wrong, message):
    with pytest.raises(ValueError, match=message):
        make_decoder(kind, **wrong)
