import numpy as np
from tolerance import assert_close

from ddsp_tf.dsp.mel import hz_to_mel, mel_matrix, mel_to_hz

RATE = 16000


def test_a_thousand_hertz_are_a_thousand_mels():
    assert abs(hz_to_mel(1000.0) - 1000.0) < 0.1
    assert hz_to_mel(0.0) == 0.0
    assert_close(mel_to_hz(hz_to_mel([20.0, 440.0, 8000.0])), [20.0, 440.0, 8000.0])


def test_bands_peak_at_equal_distances_in_mels():
    matrix = mel_matrix(RATE, 4096, 30, 20.0, 8000.0)
    peaks = hz_to_mel(np.argmax(matrix, axis=0) * RATE / 4096)
    half_a_bin = hz_to_mel(RATE / 8192)
    assert np.ptp(np.diff(peaks)) <= 4.0 * half_a_bin


def test_bands_add_up_between_the_outer_peaks():
    matrix = mel_matrix(RATE, 1024, 40, 20.0, 8000.0)
    assert_close(matrix.sum(axis=1)[8:480], 1.0)
