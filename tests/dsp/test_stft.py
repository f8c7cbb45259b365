import numpy as np
import pytest
import references
from backends import compiled, gradient, tensorflow_only, to_numpy, with_unknown_length
from keras import ops
from tolerance import SUMS, assert_close

from ddsp_tf.dsp.stft import log_magnitude, stft_magnitude


@pytest.mark.parametrize("samples", [1, 1000, 1024])
@pytest.mark.parametrize("fft_size", [4, 512])
def test_magnitude_equals_numpy(rng, samples, fft_size):
    audio = rng.uniform(-1.0, 1.0, (2, samples)).astype(np.float32)
    ours = to_numpy(compiled(lambda x: stft_magnitude(x, fft_size))(audio))
    assert ours.shape == (2, -(-samples * 4 // fft_size), fft_size // 2 + 1)
    expected = references.stft_magnitude(audio, fft_size)
    assert_close(ours, expected, SUMS, peak=max(expected.max(), 1.0))


def test_magnitude_of_silence_has_no_wild_gradient():
    (ours,) = gradient(lambda audio: ops.sum(stft_magnitude(audio, 64)), np.zeros((1, 200)))
    np.testing.assert_array_equal(ours, 0.0)


@tensorflow_only
def test_unknown_length(rng):
    audio = rng.uniform(-1.0, 1.0, (2, 333)).astype(np.float32)
    ours = with_unknown_length(lambda x: stft_magnitude(x, 64), audio)
    assert_close(ours, references.stft_magnitude(audio, 64), SUMS)


def test_log_has_a_floor_in_value_but_not_in_gradient():
    magnitude = np.array([0.0, 1e-8, 9e-6, 2e-5, 1.0, 50.0])
    expected = np.log(np.maximum(magnitude, 1e-5))
    assert_close(to_numpy(log_magnitude(magnitude)), expected)
    (ours,) = gradient(lambda x: ops.sum(log_magnitude(x)), magnitude)
    assert_close(ours, 1.0 / np.maximum(magnitude, 1e-5), relative=True)


def test_floor_of_log_is_the_callers():
    assert float(log_magnitude(0.0, floor=0.5)) == pytest.approx(np.log(0.5))
