import numpy as np
import pytest
from backends import compiled, gradient, tensorflow_only, to_numpy, with_unknown_length
from keras import ops
from tolerance import SUMS, assert_close

from ddsp_tf.models.linear_recurrence import linear_recurrence


def solved(decay, inputs, state):
    """The recurrence, one frame after the other, in float64."""
    h, frames = np.float64(state), []
    for frame in range(inputs.shape[1]):
        h = np.float64(decay[:, frame]) * h + inputs[:, frame]
        frames.append(h)
    return np.stack(frames, axis=1)


def draw(rng, frames, lowest=0.0, channels=3):
    decay = rng.uniform(lowest, 1.0, (2, frames, channels))
    inputs = rng.normal(size=(2, frames, channels))
    return [np.float32(value) for value in (decay, inputs, rng.normal(size=(2, channels)))]


# Within a block, at its end, one frame more, whole blocks of blocks, and neither.
@pytest.mark.parametrize("frames", [1, 2, 10, 11, 100, 237])
def test_equals_the_loop(rng, frames):
    arguments = draw(rng, frames)
    h = to_numpy(compiled(linear_recurrence)(*arguments))
    assert_close(h, solved(*arguments))


@tensorflow_only
@pytest.mark.parametrize("frames", [1, 10, 11, 237])
def test_unknown_length(rng, frames):
    decay, inputs, state = draw(rng, frames)

    def function(decay, inputs, state):
        return linear_recurrence(decay, inputs, state[:, 0])

    h = with_unknown_length(function, decay, inputs, state[:, None])
    assert_close(h, solved(decay, inputs, state))


def test_neither_forgets_nor_overflows(rng):
    # Decays at the ends of their range, where a solution by dividing products would fail.
    decay, inputs, state = draw(rng, 3000, lowest=0.999)
    decay[:, ::7], decay[:, 1000:1500] = 1.0, 0.0
    h = to_numpy(compiled(linear_recurrence)(decay, inputs, state))
    assert_close(h, solved(decay, inputs, state), SUMS)
    np.testing.assert_array_equal(h[:, 1000:1500], inputs[:, 1000:1500])


def test_gradients(rng):
    decay, inputs, state = draw(rng, 53)
    weight = rng.normal(size=inputs.shape)
    gradients = gradient(
        lambda *arguments: ops.sum(linear_recurrence(*arguments) * np.float32(weight)),
        decay,
        inputs,
        state,
    )
    # What reaches h of a frame: its own weight, and what reached the next one, decayed.
    reached, by_inputs = np.zeros(state.shape), np.zeros(inputs.shape)
    for frame in reversed(range(inputs.shape[1])):
        reached = weight[:, frame] + reached
        by_inputs[:, frame] = reached
        reached = reached * decay[:, frame]
    before = np.concatenate([state[:, None], solved(decay, inputs, state)[:, :-1]], axis=1)
    for ours, expected in zip(gradients, (by_inputs * before, by_inputs, reached), strict=True):
        assert_close(ours, expected)
