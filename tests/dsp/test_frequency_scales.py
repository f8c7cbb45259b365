import numpy as np
import pytest
from backends import gradient, to_numpy
from keras import ops
from tolerance import assert_close

from ddsp_tf.dsp.frequency_scales import frequencies_sigmoid, frequencies_softmax, unit_to_hz


@pytest.mark.parametrize("depth", [1, 3])
def test_sigmoid_equals_the_original(golden, depth):
    arrays, _ = golden("core_scaling")
    ours = frequencies_sigmoid(arrays["in_freqs"], depth=depth)
    expected = arrays[f"frequencies_sigmoid_depth_{depth}__out"]
    assert_close(to_numpy(ours), expected, relative=True)


def test_softmax_equals_the_original(golden):
    arrays, _ = golden("core_scaling")
    ours = frequencies_softmax(arrays["in_freqs"], depth=4)
    expected = arrays["frequencies_softmax_depth_4__out"]
    assert_close(to_numpy(ours), expected, relative=True)


@pytest.mark.parametrize("depth", [1, 2, 5])
def test_sigmoid_reaches_from_end_to_end_and_rises(depth):
    raw = np.linspace(-40.0, 40.0, 101).astype(np.float32)
    hz = to_numpy(frequencies_sigmoid(np.repeat(raw, depth).reshape(1, -1, depth), depth, 50, 6000))
    assert np.all(np.diff(hz[0, :, 0]) >= -1e-2)
    # The top is that of the coarsest range, to which the finer ones add.
    assert hz[0, -1, 0] == pytest.approx(6000.0 if depth == 1 else 5950.0, rel=1e-4)
    # Each finer range has a floor of MIDI note 0.
    assert hz[0, 0, 0] == pytest.approx(50.0 + (depth - 1) * 8.1758, rel=1e-4)


@pytest.mark.parametrize("bin_", [0, 3, 7])
def test_softmax_of_a_certain_bin_is_its_pitch(bin_):
    raw = np.zeros((1, 1, 8), np.float32)
    raw[..., bin_] = 100.0
    hz = float(to_numpy(frequencies_softmax(raw, 8, 100.0, 1600.0))[0, 0, 0])
    assert hz == pytest.approx(100.0 * 16.0 ** (bin_ / 7.0), rel=1e-5)


@pytest.mark.parametrize("scale", [frequencies_sigmoid, frequencies_softmax])
@pytest.mark.parametrize("value", [-1e4, 0.0, 1e4])
def test_gradients_are_finite(scale, value):
    raw = np.full((1, 2, 6), value, np.float32)
    (slope,) = gradient(lambda x: ops.sum(scale(x, 3, 20.0, 8000.0)), raw)
    assert np.all(np.isfinite(slope))


def test_equal_steps_of_pitch():
    hz = to_numpy(unit_to_hz(np.float32([0.0, 0.25, 0.5, 1.0]), 55.0, 880.0))
    assert_close(hz, [55.0, 110.0, 220.0, 880.0], relative=True)


def test_channels_that_the_depth_does_not_divide():
    with pytest.raises(ValueError, match="depth=3 does not divide 7 channels"):
        frequencies_sigmoid(np.zeros((1, 1, 7), np.float32), depth=3)
