import numpy as np
import pytest
import references
import synthesizer_references as expected
from backends import compiled, tensorflow_only, to_numpy, with_unknown_length
from references import cycle_distance
from tolerance import SUMS, assert_close

from ddsp_tf.dsp.framing import crossfade_weights
from ddsp_tf.dsp.oscillators import split_hz
from ddsp_tf.dsp.partials import detuning_hz, partial_phase, partial_sum

HOP, SAMPLE_RATE, FRAME_RATE = 64, 16000, 250
HOUR = 3600 * FRAME_RATE


def successors(frames):
    return np.concatenate([frames[:, 1:], frames[:, -1:]], axis=1)


def test_detuning_is_an_exact_product(rng):
    f0_hz = rng.uniform(50.0, 1000.0, (2, 9, 1)).astype(np.float32)
    shifts = rng.uniform(-0.5, 0.5, (2, 9, 8)).astype(np.float32)
    whole, rest = (np.float64(to_numpy(part)) for part in compiled(detuning_hz)(f0_hz, shifts))
    exact = np.float64(f0_hz) * np.arange(1, 9) * np.float64(shifts)
    assert np.array_equal(whole, np.round(whole)) and np.abs(rest).max() < 64.0
    assert np.abs(whole + rest - exact).max() < 1e-6
    # Rounded to one float32 it would be off by far more.
    assert np.abs(np.float32(exact) - exact).max() > 4e-5


def test_phase_of_an_hour_of_shifted_harmonics(rng):
    """The phase after an hour, in blocks as a stream has them, against exact frequencies."""
    f0_hz = np.full((1, 9000, 1), 3.0 * 441.37, np.float32)
    shifts = np.broadcast_to(rng.uniform(-0.1, 0.1, (1, 1, 6)).astype(np.float32), (1, 9000, 6))
    parts = compiled(detuning_hz)(f0_hz, shifts)
    step = compiled(lambda phase: partial_phase(parts, parts, HOP, SAMPLE_RATE, phase)[1])
    phase = np.zeros((1, 2, 6), np.float32)
    for _ in range(HOUR // 9000):
        phase = step(phase)
    units, rest = np.float64(to_numpy(phase))[0]
    exact = np.float64(f0_hz[0, 0]) * np.arange(1, 7) * np.float64(shifts[0, 0])
    assert cycle_distance(units / (2 * SAMPLE_RATE) + rest, 3600.0 * exact).max() < 0.005


def test_every_partial_has_the_phase_of_a_fundamental(rng):
    frequencies = rng.uniform(0.0, 3000.0, (2, 70, 3)).astype(np.float32)
    phase, final = compiled(lambda f, g: partial_phase(split_hz(f), split_hz(g), HOP, SAMPLE_RATE))(
        frequencies, successors(frequencies)
    )
    for k in range(3):
        exact = references.phase_after_frames(
            frequencies[:, :, k], successors(frequencies)[:, :, k], HOP, SAMPLE_RATE
        )
        assert cycle_distance(to_numpy(phase)[:, 1:, k], exact[:, :-1]).max() < 3e-6
        units, rest = np.float64(to_numpy(final))[:, :, k].T
        assert cycle_distance(units / (2 * SAMPLE_RATE) + rest, exact[:, -1]).max() < 3e-6


@pytest.mark.parametrize("interpolation", ["linear", "hann"])
def test_sum_of_partials(rng, interpolation):
    frequencies = rng.uniform(50.0, 4000.0, (2, 7, 3)).astype(np.float32)
    amplitudes = rng.normal(size=(2, 7, 3)).astype(np.float32)
    values = [frequencies, successors(frequencies), amplitudes, successors(amplitudes)]

    def render(f, g, a, b):
        phase, _ = partial_phase(split_hz(f), split_hz(g), HOP, SAMPLE_RATE)
        weights = crossfade_weights(HOP, interpolation)
        return partial_sum(phase, f, g, a, b, weights, SAMPLE_RATE)

    ours = to_numpy(compiled(render)(*values))
    exact = expected.partials(amplitudes, frequencies, interpolation=interpolation)
    assert_close(ours, exact, SUMS)


@tensorflow_only
def test_unknown_length(rng):
    frequencies = rng.uniform(0.0, 3000.0, (2, 70, 3)).astype(np.float32)

    def phase_of(f):
        return partial_phase(split_hz(f), split_hz(f), HOP, SAMPLE_RATE)[0]

    ours = with_unknown_length(phase_of, frequencies)
    assert cycle_distance(ours, to_numpy(phase_of(frequencies))).max() < 3e-6
