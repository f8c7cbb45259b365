"""The network of CREPE against plain numpy, and how its answers are read."""

import keras
import numpy as np
import pytest
from tolerance import SUMS, assert_close

from ddsp_tf.features.crepe import (
    BIN_CENTS,
    CAPACITIES,
    crepe_network,
    normalized_frames,
    pitch_of_activation,
)


def convolved(x, kernel, bias, stride):
    """Convolution as TensorFlow pads it: the odd zero on the right."""
    width = kernel.shape[0]
    samples = -(-x.shape[0] // stride)
    padding = max((samples - 1) * stride + width - x.shape[0], 0)
    x = np.pad(x, ((padding // 2, padding - padding // 2), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(x, width, axis=0)[::stride]
    return np.einsum("tcw,wco->to", windows, kernel, optimize=True) + bias


def in_numpy(network, frame):
    """What the paper says that the network does to one frame, in float64."""
    x = frame[:, None].astype(np.float64)
    for number in range(1, 7):
        kernel, bias = network.get_layer(f"conv{number}").get_weights()
        gamma, beta, mean, variance = network.get_layer(f"conv{number}-BN").get_weights()
        x = np.maximum(convolved(x, kernel, bias, 4 if number == 1 else 1), 0)
        x = gamma * (x - mean) / np.sqrt(variance + 0.001) + beta
        x = x.reshape(-1, 2, x.shape[1]).max(axis=1)
    kernel, bias = network.get_layer("classifier").get_weights()
    return 1 / (1 + np.exp(-(x.reshape(-1) @ kernel + bias)))


def test_network_equals_numpy(rng):
    keras.utils.set_random_seed(0)
    network = crepe_network("tiny")
    for number in range(1, 7):
        normalization = network.get_layer(f"conv{number}-BN")
        normalization.set_weights([rng.uniform(0.5, 1.5, w.shape) for w in normalization.weights])
    frames = normalized_frames(rng.normal(size=4000), np.array([0, 1500, 4000]))
    answer = network.predict_on_batch(frames)
    assert answer.shape == (3, 360)
    for frame, ours in zip(frames, answer, strict=True):
        expected = in_numpy(network, frame)
        assert expected.std() > 0.01
        assert_close(ours, expected, SUMS)


@pytest.mark.parametrize(("capacity", "parameters"), [("tiny", 487_096), ("full", 22_244_328)])
def test_sizes_are_the_published_ones(capacity, parameters):
    assert crepe_network(capacity).count_params() == parameters


def test_capacities_multiply_the_filters():
    for capacity, times in CAPACITIES.items():
        network = crepe_network(capacity)
        filters = [network.get_layer(f"conv{number}").filters for number in range(1, 7)]
        assert filters == [times * smallest for smallest in (32, 4, 4, 4, 8, 16)]


def test_frames_are_centred_and_normalized():
    audio = np.zeros(4000)
    audio[2000] = 1.0
    frames = normalized_frames(audio, np.array([0, 2000, 4000]))
    assert frames.shape == (3, 1024)
    assert np.argmax(frames[1]) == 512
    assert_close(frames[1].mean(), 0, peak=1.0)
    assert_close(frames[1].std(), 1)
    assert not frames[[0, 2]].any()


def bump(cents, width=25.0):
    return np.exp(-0.5 * np.square((BIN_CENTS - np.asarray(cents)[:, None]) / width))


def test_pitch_is_the_weighted_mean_around_the_best_bin():
    hz = np.array([40.0, 123.4, 440.0, 1900.0])
    np.testing.assert_allclose(
        pitch_of_activation(bump(1200 * np.log2(hz / 10))), hz, rtol=0.5 * np.log(2) / 1200
    )
    ends = np.zeros((2, 360))
    ends[0, 0] = ends[1, 359] = 1.0
    np.testing.assert_allclose(
        pitch_of_activation(ends), 10 * 2 ** (BIN_CENTS[[0, 359]] / 1200), rtol=1e-9
    )
    assert np.isfinite(pitch_of_activation(np.zeros((2, 360)))).all()


def test_likeliest_path_ignores_lone_outliers_and_follows_steps():
    cents = np.full(60, 5000.0)
    cents[30:] = 6200.0
    truth = 10 * 2 ** (cents / 1200)
    outliers = cents.copy()
    outliers[[10, 45]] += 1200
    # The true pitch stays as the second best.
    activation = bump(outliers) + 0.3 * bump(cents)
    plain = pitch_of_activation(activation)
    smooth = pitch_of_activation(activation, viterbi=True)
    assert np.count_nonzero(np.abs(np.log2(plain / truth)) > 0.5) == 2
    away = np.abs(np.arange(60) - 30) > 6
    np.testing.assert_allclose(smooth[away], truth[away], rtol=1e-3)
    assert pitch_of_activation(np.zeros((0, 360)), viterbi=True).shape == (0,)
