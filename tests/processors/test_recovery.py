"""Known controls found again by gradient descent through a synthesizer, without a network."""

import numpy as np
from backends import compiled, to_numpy
from descent import descend
from keras import ops
from references import zero_phase_response

from ddsp_tf.processors import FilteredNoise, Harmonic

FRAMES = 20


def largest_db(found, known):
    return np.abs(20.0 * np.log10(found / known)).max()


def test_harmonic_amplitudes_and_distribution(rng):
    harmonic = Harmonic(n_harmonics=8)
    f0_hz = np.float32(220.0 + 20.0 * np.sin(np.arange(FRAMES) / 3.0))[None, :, None]
    raw = [rng.normal(size=(1, FRAMES, size)).astype(np.float32) for size in (1, 8)]
    target = to_numpy(compiled(harmonic)(*raw, f0_hz))

    def controls(*raw):
        values = harmonic.get_controls(*raw, f0_hz)
        return [to_numpy(values[name]) for name in ("amplitudes", "harmonic_distribution")]

    def loss(amplitudes, distribution):
        return ops.mean(ops.square(harmonic(amplitudes, distribution, f0_hz) - target))

    known, start = controls(*raw), [np.zeros_like(value) for value in raw]
    found = controls(*descend(loss, start, steps=2000, rate=0.1))
    assert largest_db(controls(*start)[0], known[0]) > 6.0
    assert largest_db(found[0], known[0]) < 0.02
    assert np.abs(found[1] - known[1]).max() < 1e-3


def test_noise_magnitudes(rng):
    processor = FilteredNoise(n_bands=9, initial_bias=0.0)
    # A frame of noise does not excite every frequency; eight of them do.
    noise = rng.uniform(-1.0, 1.0, (8, FRAMES * 64)).astype(np.float32)
    raw = rng.normal(size=(1, FRAMES, 9)).astype(np.float32)

    def render(magnitudes):
        return processor(magnitudes + np.zeros((8, 1, 1), np.float32), noise)

    def response(magnitudes):
        # The window averages neighbouring bands, and what alternates from band to band is not
        # heard at all: what can be found again is the filter, not the numbers it is made of.
        gains = to_numpy(processor.get_controls(magnitudes)["noise_magnitudes"])
        return np.abs(np.fft.rfft(zero_phase_response(gains), 64))

    target = to_numpy(compiled(render)(raw))
    start = np.zeros_like(raw)
    (found,) = descend(
        lambda magnitudes: ops.mean(ops.square(render(magnitudes) - target)),
        [start],
        steps=2000,
        rate=0.1,
    )
    assert largest_db(response(start), response(raw)) > 6.0
    assert largest_db(response(found), response(raw)) < 0.05, largest_db(
        response(found), response(raw)
    )
