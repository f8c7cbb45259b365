"""Known controls found again by gradient descent through a synthesizer, without a network."""

import keras
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


def test_frequency_response(rng):
    harmonic = Harmonic(n_harmonics=12, response_points=17)
    harmonic.build()
    # A glide brings some harmonic to every point's neighbourhood.
    f0_hz = np.float32(np.linspace(300.0, 700.0, 3 * FRAMES))[None, :, None]
    raw = [rng.normal(size=(1, 1, size)).astype(np.float32) for size in (1, 12)]
    raw = [np.repeat(value, f0_hz.shape[1], axis=1) for value in raw]
    known = np.cumsum(rng.normal(scale=0.3, size=17)).astype(np.float32)

    def render(response):
        with keras.StatelessScope([(harmonic.response, ops.convert_to_tensor(response))]):
            return harmonic(*raw, f0_hz)

    target = to_numpy(render(known))
    (found,) = descend(
        lambda response: ops.mean(ops.square(render(response) - target)),
        [np.zeros_like(known)],
        steps=1000,
        rate=0.05,
    )
    # The amplitude is the whole tone's, so the response counts up to a constant; and no harmonic
    # lies near 0 Hz.
    difference_db = 20.0 * (found - known)[1:]
    assert np.ptp(20.0 * known[1:]) > 10.0
    assert np.ptp(difference_db) < 0.05


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
