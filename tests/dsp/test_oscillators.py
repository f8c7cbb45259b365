import numpy as np
import pytest
import references
from backends import compiled, gradient, tensorflow_only, to_numpy, with_unknown_length
from keras import ops
from references import cycle_distance
from tolerance import SUMS, assert_close

from ddsp_tf.dsp.framing import crossfade_weights
from ddsp_tf.dsp.oscillators import (
    factored_harmonic_sum,
    frame_phase,
    fused_harmonic_sum,
    harmonic_sum,
    sample_phase,
)

HOP, SAMPLE_RATE, FRAME_RATE = 64, 16000, 250
HOUR = 3600 * FRAME_RATE


def glide(f0_hz):
    """Frequencies and their successors, [1, frames] each."""
    f0_hz = np.float32(f0_hz)[None]
    return f0_hz, np.concatenate([f0_hz[:, 1:], f0_hz[:, -1:]], axis=1)


def vibrato(frames):
    time = np.arange(frames) / FRAME_RATE
    return 440.0 * 2.0 ** (np.sin(2 * np.pi * 5.5 * time) / 24.0)


def phases_of(f0_hz, next_f0_hz, initial_phase=None):
    """Phase before each frame and after the last, [batch, frames + 1]."""
    before, after = compiled(lambda *f: frame_phase(*f, HOP, SAMPLE_RATE, initial_phase))(
        f0_hz, next_f0_hz
    )
    return np.concatenate([to_numpy(before), to_numpy(after)], axis=1)


@pytest.mark.parametrize(
    ("f0_hz", "limit"),
    [
        (np.full(HOUR, 440.0), 1e-6),
        (np.full(HOUR, 7919.0), 1e-6),
        (np.full(HOUR, 441.37), 1e-3),
        (vibrato(HOUR), 1e-4),
    ],
    ids=["440 Hz", "7919 Hz", "441.37 Hz", "vibrato"],
)
def test_phase_of_an_hour(f0_hz, limit):
    frequencies = glide(f0_hz)
    expected = references.phase_after_frames(*frequencies, HOP, SAMPLE_RATE)
    phases = phases_of(*frequencies)
    assert phases.shape == (1, HOUR + 1) and phases[0, 0] == 0.0
    assert np.all((phases >= 0.0) & (phases <= 1.0))
    assert cycle_distance(phases[:, 1:], expected).max() < limit
    # What drifts, drifts slowly: no jump from one frame to the next.
    advance = cycle_distance(np.diff(phases[:, 1:]), np.diff(expected))
    assert advance.max() < 5e-6


@pytest.mark.parametrize("sample_rate", [8000, 44100, 96000, 192000])
def test_other_rates(rng, sample_rate):
    hop = sample_rate // 100
    frequencies = glide(rng.uniform(1.0, 4000.0, 3000))
    before, after = compiled(lambda *f: frame_phase(*f, hop, sample_rate))(*frequencies)
    phases = np.concatenate([to_numpy(before), to_numpy(after)], axis=1)
    expected = references.phase_after_frames(*frequencies, hop, sample_rate)
    assert cycle_distance(phases[:, 1:], expected).max() < 3e-5


@pytest.mark.parametrize("frames", [1, 31, 32, 33, 1024, 1025])
def test_lengths_around_the_blocks_of_the_sum(frames):
    frequencies = glide(vibrato(frames))
    expected = references.phase_after_frames(*frequencies, HOP, SAMPLE_RATE)
    assert cycle_distance(phases_of(*frequencies)[:, 1:], expected).max() < 1e-5


@pytest.mark.parametrize("length", [1, 7, 250])
def test_chunks_with_carried_phase_equal_the_whole(length):
    here, there = glide(vibrato(500))
    here, there = here[:, : 2 * length], there[:, : 2 * length]
    render = compiled(lambda *given: frame_phase(*given[:2], HOP, SAMPLE_RATE, *given[2:]))
    whole, last = render(here, there)
    phase = np.zeros((1, 1), np.float32)
    for start in (0, length):
        part = slice(start, start + length)
        before, phase = render(here[:, part], there[:, part], phase)
        assert cycle_distance(to_numpy(before), to_numpy(whole)[:, part]).max() < 1e-6
    assert cycle_distance(to_numpy(phase), to_numpy(last)).max() < 1e-6


@tensorflow_only
@pytest.mark.parametrize("frames", [1, 500, 40000])
def test_unknown_length(frames):
    frequencies = glide(vibrato(frames))
    before, after = with_unknown_length(lambda *f: frame_phase(*f, HOP, SAMPLE_RATE), *frequencies)
    phases = phases_of(*frequencies)
    assert before.shape == (1, frames)
    assert cycle_distance(np.concatenate([before, after], axis=1), phases).max() < 1e-5


def test_phase_of_samples_is_a_running_sum():
    f0_hz = np.array([200.0, 500.0, 300.5, 300.5])
    frequencies = glide(f0_hz)
    before, _ = frame_phase(*frequencies, HOP, SAMPLE_RATE)
    ours = to_numpy(sample_phase(before, *frequencies, HOP, SAMPLE_RATE))
    expected = np.cumsum(references.samples_of(f0_hz[None], HOP), axis=1) / SAMPLE_RATE
    assert ours.shape == (1, 4, HOP)
    assert cycle_distance(ours.reshape(1, -1), expected).max() < 1e-6


FORMS = [harmonic_sum, fused_harmonic_sum, factored_harmonic_sum]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("interpolation", ["linear", "hann"])
@pytest.mark.parametrize("n_harmonics", [1, 2, 7, 60, 101])
def test_sum_of_harmonics_is_a_loop(rng, form, interpolation, n_harmonics):
    phase = rng.uniform(0.0, 3.0, (2, 3, 5)).astype(np.float32)
    here, there = rng.normal(size=(2, 2, 3, n_harmonics)).astype(np.float32)
    weights = crossfade_weights(5, interpolation)
    expected = 0.0
    for k in range(n_harmonics):
        amplitude = here[:, :, None, k] * (1 - weights) + there[:, :, None, k] * weights
        expected = expected + amplitude * np.sin(2 * np.pi * (k + 1) * np.float64(phase))
    ours = to_numpy(compiled(form)(phase, here, there, weights))
    # A phase of three cycles is off by an epsilon, of which harmonic k makes k times as much.
    assert_close(ours, expected.reshape(2, 15), 2.0 * np.pi * 3.0 * n_harmonics + SUMS)


def test_both_forms_of_the_sum_have_the_same_gradients(rng):
    phase = rng.uniform(0.0, 1.0, (2, 3, 5)).astype(np.float32)
    here, there = rng.normal(size=(2, 2, 3, 60)).astype(np.float32)
    weights, listener = crossfade_weights(5), rng.normal(size=(2, 15)).astype(np.float32)
    fused, factored = (
        gradient(lambda *x, form=form: ops.sum(form(*x, weights) * listener), phase, here, there)
        for form in FORMS[1:]
    )
    for one, other in zip(fused, factored, strict=True):
        assert_close(other, one, SUMS)


@tensorflow_only
@pytest.mark.parametrize("form", FORMS[1:])
def test_sums_of_unknown_length(rng, form):
    phase = rng.uniform(0.0, 1.0, (2, 3, 5)).astype(np.float32)
    here, there = rng.normal(size=(2, 2, 3, 7)).astype(np.float32)
    ours = with_unknown_length(lambda *x: form(*x, crossfade_weights(5)), phase, here, there)
    expected = to_numpy(form(phase, here, there, crossfade_weights(5)))
    assert_close(ours, expected)


def test_gradient_of_f0_by_finite_differences(rng):
    f0_hz = rng.uniform(200.0, 300.0, (1, 5))
    harmonics = rng.uniform(0.2, 1.0, (1, 5, 3))
    listener = rng.normal(size=5 * HOP)

    def heard(f0_hz):
        # A frame more, so that the last one is a successor, too.
        here, there = f0_hz, ops.concatenate([f0_hz[:, 1:], f0_hz[:, -1:]], axis=1)
        before, _ = frame_phase(here, there, HOP, SAMPLE_RATE)
        phase = sample_phase(before, here, there, HOP, SAMPLE_RATE)
        amplitudes = np.float32(harmonics)
        later = np.concatenate([amplitudes[:, 1:], amplitudes[:, -1:]], axis=1)
        signal = harmonic_sum(phase, amplitudes, later, crossfade_weights(HOP))
        return ops.sum(signal * np.float32(listener))

    def expected(f0_hz):
        return np.sum(references.harmonic_signal(harmonics, f0_hz, HOP, SAMPLE_RATE) * listener)

    (ours,) = gradient(heard, f0_hz)
    steps = 1e-4 * np.eye(5)[:, None, :]
    differences = [(expected(f0_hz + step) - expected(f0_hz - step)) / 2e-4 for step in steps]
    np.testing.assert_allclose(ours[0], differences, rtol=1e-3, atol=1e-3)


def tone_snr_db(signal, first_sample):
    """Purity of a second of a 440 Hz sine of amplitude 1, whatever its phase."""
    angle = 2.0 * np.pi * 440.0 * (first_sample + 1 + np.arange(signal.size)) / SAMPLE_RATE
    offset = np.arctan2(np.mean(signal * np.cos(angle)), np.mean(signal * np.sin(angle)))
    return references.snr_db(signal, np.sin(angle + offset)), offset


def test_a_tone_is_as_pure_after_an_hour_as_at_its_start():
    f0_hz = np.full((1, HOUR), 440.0, np.float32)
    before = phases_of(f0_hz, f0_hz)[:, :-1]
    one = np.ones((1, FRAME_RATE, 1), np.float32)
    levels = []
    for first in (0, HOUR - FRAME_RATE):
        second = slice(first, first + FRAME_RATE)
        f = f0_hz[:, second]
        phase = sample_phase(before[:, second], f, f, HOP, SAMPLE_RATE)
        signal = to_numpy(harmonic_sum(phase, one, one, crossfade_weights(HOP)))[0]
        level, offset = tone_snr_db(np.float64(signal), first * HOP)
        assert abs(offset) < 1e-4
        levels.append(level)
    assert levels[1] >= 60.0 and abs(levels[1] - levels[0]) < 3.0
