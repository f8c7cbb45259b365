import effect_references
import numpy as np
import pytest
from backends import compiled, gradient, to_numpy
from effect_streaming import in_blocks
from keras import ops
from tolerance import SUMS, assert_close

from ddsp_tf.processors import ExpDecayReverb

LENGTH = 120
GAIN = np.float32([[-0.5], [0.0], [1.0]])
DECAY = np.float32([[0.0], [1.0], [3.0]])


@pytest.fixture
def dry(rng):
    """Batch 3 of 500 samples."""
    return rng.uniform(-1.0, 1.0, (3, 500)).astype(np.float32)


@pytest.fixture
def noise(rng):
    return rng.uniform(-1.0, 1.0, LENGTH).astype(np.float32)


def expected_wet(dry, gain, decay, noise):
    gain, decay = effect_references.exp_sigmoid(gain), 2.0 + np.exp(np.float64(decay))
    response = effect_references.decaying_noise(gain, decay, noise)
    return effect_references.wet(dry, effect_references.with_direct_sound(response))


def test_what_every_processor_does(run_processor_test, dry):
    run_processor_test(ExpDecayReverb(length=LENGTH), {"signal": dry})


def test_two_weights_that_begin_as_the_original(dry, noise):
    processor = ExpDecayReverb(length=LENGTH)
    processor.build()
    assert [weight.shape for weight in processor.weights] == [(1,), (1,)]
    controls = processor.get_controls(dry, noise=noise)
    assert controls["impulse_response"].shape == (LENGTH,)
    ours = to_numpy(compiled(lambda s: processor(s, noise=noise))(dry))
    expected = expected_wet(dry, [[2.0]], [[4.0]], noise)
    assert_close(ours, expected, SUMS)


def test_weights_without_scaling_begin_at_the_same_room(dry):
    scaled = ExpDecayReverb(length=LENGTH, scale=True).get_controls(dry)["impulse_response"]
    plain = ExpDecayReverb(length=LENGTH, scale=False).get_controls(dry)["impulse_response"]
    assert_close(to_numpy(plain), to_numpy(scaled))


def test_gain_and_decay_for_every_row(dry, noise):
    processor = ExpDecayReverb(length=LENGTH, learned=False)
    assert processor.weights == [] and processor.input_names == ("signal", "gain", "decay")
    expected = expected_wet(dry, GAIN, DECAY, noise)
    ours = to_numpy(compiled(processor)(dry, GAIN, DECAY, noise))
    assert_close(ours, expected, SUMS)
    given = {"gain": GAIN, "decay": DECAY, "noise": noise}
    streamed = in_blocks(processor, dry, (1, 64, 135, 300), **given)
    assert_close(streamed, expected, SUMS)


def test_a_seed_is_a_room(dry):
    def response(seed):
        processor = ExpDecayReverb(500, learned=False, scale=False, seed=seed)
        controls = processor.get_controls(dry, np.ones((1, 1)), np.zeros((1, 1)))
        return to_numpy(controls["impulse_response"])[0, 1:]

    np.testing.assert_array_equal(response(3), response(3))
    assert abs(np.corrcoef(response(3), response(4))[0, 1]) < 0.15
    assert response(3).std() == pytest.approx(3**-0.5, rel=0.1)


def test_only_the_room(dry, noise):
    processor = ExpDecayReverb(length=LENGTH, learned=False, add_dry=False)
    expected = expected_wet(dry, GAIN, DECAY, noise) - dry
    ours = to_numpy(compiled(processor)(dry, GAIN, DECAY, noise))
    assert_close(ours, expected, SUMS)


def test_gradients_by_finite_differences(rng, dry, noise):
    listener = rng.normal(size=dry.shape).astype(np.float32)
    processor = ExpDecayReverb(length=LENGTH, learned=False)
    ours = gradient(lambda g, d: ops.sum(processor(dry, g, d, noise) * listener), GAIN, DECAY)

    def heard(gain, decay):
        return np.sum(expected_wet(dry, gain, decay, noise) * listener)

    indices = [(0, 0), (1, 0), (2, 0)]
    effect_references.check_slopes(ours[0], lambda g: heard(g, DECAY), GAIN, indices)
    effect_references.check_slopes(ours[1], lambda d: heard(GAIN, d), DECAY, indices)


def test_gradients_at_extremes_are_finite(dry):
    processor = ExpDecayReverb(length=LENGTH, learned=False)
    extreme = np.float32([[-1e4], [0.0], [1e4]])
    for value in gradient(
        lambda s, g, d: ops.sum(processor(s, g, d) ** 2), np.zeros_like(dry), extreme, extreme
    ):
        assert np.all(np.isfinite(value))


def test_wrong_inputs(dry):
    with pytest.raises(ValueError, match="length=1; expected at least 2"):
        ExpDecayReverb(length=1)
    processor = ExpDecayReverb(length=LENGTH, learned=False, name="hall")
    with pytest.raises(ValueError, match="hall: decay was not given"):
        processor(dry, gain=GAIN)
    with pytest.raises(ValueError, match=r"hall: gain has shape \(3, 2\); expected \[batch, 1\]"):
        processor(dry, np.ones((3, 2), np.float32), DECAY)
    with pytest.raises(ValueError, match="hall: noise has 7 samples; expected length=120"):
        processor(dry, GAIN, DECAY, np.ones(7, np.float32))
