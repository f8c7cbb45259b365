import effect_references
import numpy as np
import pytest
import references
from backends import TENSORFLOW, compiled, gradient, tensorflow_only, to_numpy
from effect_streaming import hops_in_litert, in_blocks
from keras import ops
from tolerance import SUMS, assert_close

from ddsp_tf.processors import Reverb

SIZES = (1, 64, 130, 5, 300)


@pytest.fixture
def dry(rng):
    """Batch 3 of 500 samples."""
    return rng.uniform(-1.0, 1.0, (3, 500)).astype(np.float32)


def reverb_with(response):
    processor = Reverb(length=len(response))
    processor.build()
    processor.impulse_response.assign(response)
    return processor


def test_what_every_processor_does(run_processor_test, rng, dry):
    response = rng.normal(size=120) * np.exp(-np.arange(120) / 30.0)
    run_processor_test(reverb_with(response.astype(np.float32)), {"signal": dry})


def test_starts_as_identity(dry):
    assert_close(to_numpy(compiled(Reverb(length=300))(dry)), dry, SUMS)


@pytest.mark.parametrize("length", [2, 100, 700])
def test_a_known_response(rng, dry, length):
    response = rng.normal(size=length).astype(np.float32)
    taps = np.concatenate([[1.0], response[1:]])
    expected = references.convolved(dry, taps)[:, :500]
    ours = to_numpy(compiled(reverb_with(response))(dry))
    assert_close(ours, expected, SUMS)


def test_the_first_tap_is_ignored(rng, dry):
    response = rng.normal(size=50).astype(np.float32)
    ours = to_numpy(compiled(reverb_with(response))(dry))
    response[0] = 100.0
    np.testing.assert_array_equal(to_numpy(compiled(reverb_with(response))(dry)), ours)


def test_the_response_learns(dry):
    processor = Reverb(length=20)
    processor.build(dry.shape)
    processor.build()
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


def test_a_response_for_every_row(rng, dry):
    responses = rng.normal(size=(3, 120)).astype(np.float32) * 0.2
    processor = Reverb(length=120, learned=False)
    assert processor.weights == [] and processor.input_names == ("signal", "impulse_response")
    expected = effect_references.wet(dry, effect_references.with_direct_sound(responses))
    ours = to_numpy(compiled(processor)(dry, responses))
    assert_close(ours, expected)
    streamed = in_blocks(processor, dry, SIZES, impulse_response=responses)
    assert_close(streamed, expected)


def test_one_given_response_that_is_shorter(rng, dry):
    response = rng.normal(size=90).astype(np.float32) * 0.2
    processor = Reverb(length=120, learned=False)
    expected = effect_references.wet(dry, effect_references.with_direct_sound(response))
    ours = to_numpy(compiled(processor)(dry, response))
    assert_close(ours, expected)
    streamed = in_blocks(processor, dry, SIZES, impulse_response=response)
    assert_close(streamed, expected)


def test_a_given_response_instead_of_the_learned_one(rng, dry):
    response = rng.normal(size=50).astype(np.float32)
    ours = to_numpy(compiled(Reverb(length=50))(dry, response))
    np.testing.assert_array_equal(ours, to_numpy(compiled(reverb_with(response))(dry)))


def test_only_the_room(rng, dry):
    response = rng.normal(size=50).astype(np.float32) * 0.2
    processor = Reverb(length=50, learned=False, add_dry=False)
    expected = effect_references.wet(dry, effect_references.with_direct_sound(response, 0.0))
    ours = to_numpy(compiled(processor)(dry, response))
    assert_close(ours, expected)


def test_settings_written_before_responses_could_be_given(dry):
    processor = Reverb.from_config({"name": "room", "trainable": True, "length": 30})
    processor.build()
    assert processor.learned and processor.add_dry and processor.impulse_response.shape == (30,)


def test_gradients_of_a_given_response(rng, dry):
    responses = rng.normal(size=(3, 40)).astype(np.float32)
    listener = rng.normal(size=dry.shape).astype(np.float32)
    processor = Reverb(length=40, learned=False)
    ours = gradient(lambda r: ops.sum(processor(dry, r) * listener), responses)[0]

    def heard(response):
        wet = effect_references.wet(dry, effect_references.with_direct_sound(response))
        return np.sum(wet * listener)

    effect_references.check_slopes(ours, heard, responses, [(0, 0), (0, 1), (1, 20), (2, 39)])


def test_gradients_through_a_stream(rng, dry):
    response = rng.normal(size=80).astype(np.float32)
    listener = rng.normal(size=(3, 100)).astype(np.float32)
    processor = Reverb(length=80, learned=False)

    def heard(signal, taps):
        state, total = processor.initial_state(3), 0.0
        for start in (0, 50):
            controls = processor.get_controls(signal[:, start : start + 50], taps)
            block, state = processor.stream(state, **controls)
            total = total + ops.sum(block * listener[:, start : start + 50])
        return total

    ours = gradient(heard, dry[:, :100], response)
    whole = gradient(lambda s, r: ops.sum(processor(s, r) * listener), dry[:, :100], response)
    for streamed, expected in zip(ours, whole, strict=True):
        assert_close(streamed, expected, SUMS)


@tensorflow_only
def test_streams_with_builtin_operators_of_litert(rng, dry):
    processor = reverb_with((rng.normal(size=300) * 0.1).astype(np.float32))
    expected = to_numpy(processor(dry[:1, :192]))
    ours = hops_in_litert(processor, {"signal": dry[:1, :192]}, hop=64, samples=192)
    assert_close(ours, expected)


def test_a_missing_response(dry):
    with pytest.raises(ValueError, match="room: impulse_response was not given"):
        Reverb(length=30, learned=False, name="room")(dry)


def test_a_response_that_is_too_long(dry):
    with pytest.raises(
        ValueError, match="impulse_response has 31 taps; expected at most length=30"
    ):
        Reverb(length=30).get_controls(dry, np.ones(31, np.float32))


def test_a_stream_of_another_response(dry):
    processor = Reverb(length=30)
    with pytest.raises(
        ValueError, match="impulse_response has 20 taps; a stream expects length=30"
    ):
        processor.stream(processor.initial_state(3), dry, ops.ones((20,)))


def test_scaled_taps(rng, dry):
    response = rng.normal(size=50).astype(np.float32)
    scaled = Reverb(length=50, tap_scale=0.1)
    scaled.build()
    scaled.impulse_response.assign(10.0 * response)
    expected = to_numpy(compiled(reverb_with(response))(dry))
    assert_close(to_numpy(compiled(scaled)(dry)), expected)
    # A response that the caller gives is what it is.
    given = scaled.get_controls(dry, response)["impulse_response"]
    np.testing.assert_array_equal(to_numpy(given)[1:], response[1:])
    assert Reverb.from_config(scaled.get_config()).tap_scale == 0.1
    with pytest.raises(ValueError, match="tap_scale=0"):
        Reverb(tap_scale=0)
