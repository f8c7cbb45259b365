import numpy as np
import pytest
import references
from backends import TENSORFLOW, compiled, to_numpy
from keras import ops

from ddsp_tf.processors import Reverb


@pytest.fixture
def dry(rng):
    """Batch 3 of 500 samples."""
    return rng.uniform(-1.0, 1.0, (3, 500)).astype(np.float32)


def reverb_with(response):
    processor = Reverb(length=len(response))
    processor.impulse_response.assign(response)
    return processor


def test_what_every_processor_does(run_processor_test, rng, dry):
    response = rng.normal(size=120) * np.exp(-np.arange(120) / 30.0)
    run_processor_test(reverb_with(response.astype(np.float32)), {"signal": dry})


def test_starts_as_identity(dry):
    np.testing.assert_allclose(to_numpy(compiled(Reverb(length=300))(dry)), dry, atol=1e-4)


@pytest.mark.parametrize("length", [2, 100, 700])
def test_a_known_response(rng, dry, length):
    response = rng.normal(size=length).astype(np.float32)
    taps = np.concatenate([[1.0], response[1:]])
    expected = references.convolved(dry, taps)[:, :500]
    ours = to_numpy(compiled(reverb_with(response))(dry))
    np.testing.assert_allclose(ours, expected, atol=1e-4)


def test_the_first_tap_is_ignored(rng, dry):
    response = rng.normal(size=50).astype(np.float32)
    ours = to_numpy(compiled(reverb_with(response))(dry))
    response[0] = 100.0
    np.testing.assert_array_equal(to_numpy(compiled(reverb_with(response))(dry)), ours)


def test_the_response_learns(dry):
    processor = Reverb(length=20)
    processor.build(dry.shape)
    assert [tuple(weight.shape) for weight in processor.trainable_weights] == [(20,)]

    def heard(signal):
        return ops.sum(signal[:, 10:] * dry[:, :-10])

    # Sound wanted ten samples late asks for the tenth tap, as strongly as it sounds.
    if TENSORFLOW:
        import tensorflow as tf

        with tf.GradientTape() as tape:
            value = heard(processor(dry))
        ours = to_numpy(tape.gradient(value, processor.impulse_response.value))
    else:
        import jax

        def of_weights(weights):
            return heard(processor.stateless_call([weights], [], dry)[0])

        ours = to_numpy(jax.jit(jax.grad(of_weights))(processor.impulse_response.value))
    expected = np.sum(dry[:, :-10].astype(np.float64) ** 2)
    assert ours[0] == 0.0 and np.argmax(ours) == 10
    assert ours[10] == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("length", [0, 1])
def test_wrong_settings(length):
    with pytest.raises(ValueError, match=f"length={length}; expected at least 2"):
        Reverb(length=length)
