"""Loops over frames against numpy's cumulative products and sums, at every length and layout."""

import numpy as np
import pytest
from backends import compiled, tensorflow_only, to_numpy
from tolerance import assert_close

from ddsp_tf.models.frame_loop import frame_loop

# One; fewer and more than are written out in one turn; a prime; longer than a block for LiteRT.
LENGTHS = (1, 15, 16, 17, 33, 97, 100, 251, 260)


def values(frames):
    rng = np.random.default_rng(frames)
    shapes = ((frames, 2, 3), (frames, 2, 1), (2, 3))
    return [rng.uniform(0.5, 1.0, shape).astype(np.float32) for shape in shapes]


def decayed_sum(inputs, decays, start, reverse=False):
    def step(carried, frame):
        new = frame[1] * carried + frame[0]
        return new, new * 2.0

    return frame_loop(step, start, [inputs, decays], reverse)


def expected(inputs, decays, start, reverse=False):
    carried, outputs = np.float64(start), np.zeros(inputs.shape)
    for frame in range(len(inputs))[:: -1 if reverse else 1]:
        carried = decays[frame] * carried + inputs[frame]
        outputs[frame] = 2.0 * carried
    return carried, outputs


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("frames", LENGTHS)
def test_every_length_and_direction(frames, reverse):
    arguments = values(frames)
    found = compiled(lambda *tensors: decayed_sum(*tensors, reverse))(*arguments)
    for one, other in zip(found, expected(*arguments, reverse), strict=True):
        assert_close(to_numpy(one), other, relative=True)


@tensorflow_only
@pytest.mark.parametrize("frames", [0, *LENGTHS[1:4]])
def test_a_length_known_only_at_run_time(frames):
    import tensorflow as tf

    inputs, decays, start = values(max(frames, 1))
    inputs, decays = inputs[:frames], decays[:frames]
    specs = [tf.TensorSpec([None, 2, n], tf.float32) for n in (3, 1)]
    specs.append(tf.TensorSpec([2, 3], tf.float32))
    found = tf.function(decayed_sum, input_signature=specs)(inputs, decays, start)
    for one, other in zip(found, expected(inputs, decays, start), strict=True):
        assert_close(one, other, relative=True)
