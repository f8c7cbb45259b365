import numpy as np
import pytest
import references
from backends import compiled, gradient, tensorflow_only, to_numpy, with_unknown_length
from keras import ops
from tolerance import assert_close

from ddsp_tf.dsp.noise_filter import (
    filter_block,
    filter_frames,
    impulse_response,
    response_radius,
)


@pytest.mark.parametrize("case", ["window_0", "two_dim", "flat"])
def test_response_equals_the_original(golden, case):
    arrays, cases = golden("core_frequency_impulse_response")
    magnitudes = arrays[cases[case]["inputs"]["magnitudes"]]
    ours = to_numpy(impulse_response(magnitudes))
    assert ours.shape[-1] == 129
    assert_close(ours[..., :128], arrays[f"{case}__out"])


@pytest.mark.parametrize("n_bands", [2, 3, 9, 65])
def test_response_is_symmetric_and_that_of_the_reference(rng, n_bands):
    magnitudes = rng.uniform(0.0, 2.0, (3, 4, n_bands)).astype(np.float32)
    ours = to_numpy(impulse_response(magnitudes))
    assert ours.shape == (3, 4, 2 * response_radius(n_bands) + 1)
    assert_close(ours, ours[..., ::-1])
    assert_close(ours, references.zero_phase_response(magnitudes))


@pytest.mark.parametrize(
    ("n_bands", "hop", "frames"), [(65, 64, 5), (9, 64, 3), (65, 16, 12), (2, 5, 4), (10, 7, 1)]
)
def test_frames_are_convolved_with_their_own_response(rng, n_bands, hop, frames):
    signal = rng.uniform(-1.0, 1.0, (2, frames * hop)).astype(np.float32)
    magnitudes = rng.uniform(0.0, 2.0, (2, frames, n_bands)).astype(np.float32)
    ours = to_numpy(compiled(lambda s, m: filter_frames(s, m, hop))(signal, magnitudes))
    expected = references.filtered_frames(signal, magnitudes, hop)
    assert ours.shape == (2, frames * hop + 2 * response_radius(n_bands))
    assert_close(ours, expected)


def test_an_impulse_is_not_delayed(rng):
    signal = np.zeros((1, 256), np.float32)
    signal[0, 100] = 1.0
    magnitudes = rng.uniform(0.0, 1.0, (1, 4, 17)).astype(np.float32)
    ours = to_numpy(filter_frames(signal, magnitudes, 64))[0, 16:-16]
    assert_close(ours[100:140], ours[100:60:-1])
    assert np.argmax(np.abs(ours)) == 100


def test_flat_magnitudes_change_nothing(rng):
    signal = rng.uniform(-1.0, 1.0, (1, 320)).astype(np.float32)
    ours = to_numpy(filter_frames(signal, np.ones((1, 5, 65), np.float32), 64))[0, 64:-64]
    assert_close(ours, signal[0])


def test_magnitudes_shape_the_spectrum_of_noise(rng):
    frames, hop, gains = 2500, 64, np.zeros(65, np.float32)
    gains[20:29] = 0.5
    noise = rng.uniform(-1.0, 1.0, (1, frames * hop)).astype(np.float32)
    filtered = compiled(lambda n, m: filter_frames(n, m, hop))(
        noise, np.broadcast_to(gains, (1, frames, 65))
    )

    def power(signal):
        blocks = signal[: signal.size // 512 * 512].reshape(-1, 512) * np.hanning(512)
        return np.mean(np.abs(np.fft.rfft(blocks)) ** 2, axis=0)

    gain_db = 10.0 * np.log10(power(to_numpy(filtered)[0]) / power(noise[0]))
    # Bands are 4 bins wide; the window reaches one band to each side.
    inside, outside = gain_db[21 * 4 : 27 * 4 + 1], np.r_[gain_db[: 18 * 4], gain_db[31 * 4 :]]
    assert np.abs(inside - 20.0 * np.log10(0.5)).max() < 1.0
    assert outside.max() < -40.0


@tensorflow_only
def test_unknown_length(rng):
    signal = rng.uniform(-1.0, 1.0, (2, 80)).astype(np.float32)
    magnitudes = rng.uniform(0.0, 2.0, (2, 5, 9)).astype(np.float32)
    ours = with_unknown_length(lambda s, m: filter_frames(s, m, 16), signal, magnitudes)
    assert_close(ours, to_numpy(filter_frames(signal, magnitudes, 16)))


def test_gradient_of_magnitudes_by_linearity(rng):
    signal = rng.uniform(-1.0, 1.0, (1, 32)).astype(np.float32)
    magnitudes = rng.uniform(0.5, 2.0, (1, 2, 5)).astype(np.float32)
    listener = rng.normal(size=(1, 40)).astype(np.float32)
    (ours,) = gradient(lambda m: ops.sum(filter_frames(signal, m, 16) * listener), magnitudes)
    units = np.eye(10).reshape(10, 1, 2, 5)
    expected = [np.sum(references.filtered_frames(signal, u, 16) * listener) for u in units]
    assert_close(ours.ravel(), expected)


def test_blocks_join_without_a_seam(rng):
    signal = rng.normal(size=(2, 12 * 16)).astype(np.float32)
    magnitudes = rng.uniform(0.0, 2.0, (2, 12, 9)).astype(np.float32)
    expected = references.filtered_frames(signal, magnitudes, 16)[:, 8:-8]
    state, blocks = {"tail": np.zeros((2, 16)), "gate": np.zeros((2, 8))}, []
    state = {name: ops.convert_to_tensor(value, "float32") for name, value in state.items()}
    for start, end in ((0, 1), (1, 3), (3, 12)):
        block, state = filter_block(
            signal[:, start * 16 : end * 16], magnitudes[:, start:end], 16, state
        )
        blocks.append(to_numpy(block))
    streamed = np.concatenate(blocks, axis=1)
    np.testing.assert_array_equal(streamed[:, :8], 0.0)
    assert_close(streamed[:, 8:], expected[:, :-8])
