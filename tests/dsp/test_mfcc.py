import numpy as np
import pytest
from backends import compiled, tensorflow_only, to_numpy, with_unknown_length
from tolerance import SUMS, assert_close

from ddsp_tf.dsp.mfcc import dct_matrix, mfcc

RATE = 16000


def triangle(hz, low, top, high):
    if low < hz <= top:
        return (hz - low) / (top - low)
    return (high - hz) / (high - top) if top < hz < high else 0.0


def expected_mfcc(audio, rate, hop, n_coefficients, n_mels, fft_size, low_hz, high_hz):
    """From the definitions, frame by frame, in float64."""
    low, high = (2595.0 * np.log10(1.0 + hz / 700.0) for hz in (low_hz, high_hz))
    mels = [low + (high - low) * n / (n_mels + 1) for n in range(n_mels + 2)]
    corners = [700.0 * (10.0 ** (mel / 2595.0) - 1.0) for mel in mels]
    padded = np.concatenate([np.zeros(fft_size), np.float64(audio), np.zeros(fft_size)])
    window = 0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(fft_size) / fft_size)
    frames = []
    for frame in range(len(audio) // hop):
        start = fft_size + frame * hop - fft_size // 2
        magnitude = np.abs(np.fft.rfft(window * padded[start : start + fft_size]))
        logs = []
        for band in range(n_mels):
            energy = sum(
                magnitude[k] * triangle(k * rate / fft_size, *corners[band : band + 3])
                for k in range(fft_size // 2 + 1)
            )
            logs.append(np.log(energy + 1e-5))
        coefficients = []
        for order in range(n_coefficients):
            waves = np.cos(np.pi * order * (np.arange(n_mels) + 0.5) / n_mels)
            coefficients.append(np.dot(logs, waves) / np.linalg.norm(waves))
        frames.append(coefficients)
    return np.array(frames)


@pytest.mark.parametrize(
    ("rate", "hop", "samples", "fft_size", "high_hz"),
    [(16000, 64, 700, 256, 8000.0), (16000, 512, 2000, 1024, 6000.0), (44100, 441, 1323, 512, 8e3)],
)
def test_equals_the_definition(rng, rate, hop, samples, fft_size, high_hz):
    audio = rng.normal(0.0, 0.1, (2, samples)).astype(np.float32)
    options = {"n_coefficients": 7, "n_mels": 16, "fft_size": fft_size}
    options |= {"low_hz": 20.0, "high_hz": high_hz}
    ours = to_numpy(compiled(lambda x: mfcc(x, rate, hop, **options))(audio))
    assert ours.shape == (2, samples // hop, 7)
    expected = [expected_mfcc(clip, rate, hop, *options.values()) for clip in audio]
    assert_close(ours, expected, SUMS)


def test_frames_are_centred():
    # A click excites the frames whose windows reach it, most the one whose centre it is.
    audio = np.zeros((1, 64 * 40), np.float32)
    audio[0, 64 * 20] = 1.0
    level = to_numpy(mfcc(audio, RATE, 64, n_coefficients=1, n_mels=20, fft_size=512))[0, :, 0]
    np.testing.assert_allclose(level[20 - 5 : 21], level[20:26][::-1], atol=1e-3)
    assert level.argmax() == 20
    silent = level <= level.min() + 1e-6
    assert not silent[17:24].any() and silent[:16].all() and silent[25:].all()


def test_gain_moves_only_the_level(rng):
    audio = rng.normal(0.0, 0.2, (1, 4000)).astype(np.float32)
    quiet, loud = (to_numpy(mfcc(gain * audio, RATE, 500))[0, 1:-1] for gain in (1.0, 2.0))
    np.testing.assert_allclose(loud[:, 0] - quiet[:, 0], np.sqrt(80) * np.log(2.0), atol=1e-3)
    np.testing.assert_allclose(loud[:, 1:], quiet[:, 1:], atol=1e-3)


@tensorflow_only
def test_unknown_length(rng):
    audio = rng.normal(0.0, 0.1, (2, 1000)).astype(np.float32)
    unknown = with_unknown_length(lambda x: mfcc(x, RATE, 64), audio)
    assert_close(unknown, to_numpy(mfcc(audio, RATE, 64)))
    # Less than a hop has no frame.
    assert with_unknown_length(lambda x: mfcc(x, RATE, 64), audio[:, :63]).shape == (2, 0, 30)


def test_transform_is_orthonormal():
    matrix = np.float64(dct_matrix(12, 12))
    assert_close(matrix.T @ matrix, np.eye(12))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_coefficients": 81}, "n_coefficients=81; expected 1 to n_mels=80"),
        ({"n_coefficients": 0}, "n_coefficients=0"),
        ({"fft_size": 256}, "n_mels=80 bands are too narrow for fft_size=256 at 16000 Hz"),
    ],
)
def test_mistakes(options, message):
    with pytest.raises(ValueError, match=message):
        mfcc(np.zeros((1, 1000), np.float32), RATE, 64, **options)
