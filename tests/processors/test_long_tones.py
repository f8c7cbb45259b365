"""What an hour does to a tone: nothing."""

import numpy as np
import pytest
from backends import compiled, to_numpy
from references import snr_db

from ddsp_tf.dsp.oscillators import frame_phase
from ddsp_tf.dsp.partials import detuning_hz, partial_phase
from ddsp_tf.processors import Harmonic

SAMPLE_RATE, FRAME_RATE, HOP, SECOND = 16000, 250, 64, 250
HOUR = 3600 * FRAME_RATE


def controls(n_harmonics, f0_hz, inharmonic):
    """A second of harmonics that fall as 1 / k; shifts as those of a stiff string."""
    multiples = np.arange(1, n_harmonics + 1)
    given = {
        "amplitudes": [0.8],
        "harmonic_distribution": 1.0 / multiples / np.sum(1.0 / multiples),
        "f0_hz": [f0_hz],
    }
    if inharmonic:
        given["harmonic_shifts"] = np.sqrt(1.0 + 4e-3 * multiples**2) - 1.0
    return {name: np.tile(np.float32(value), (1, SECOND, 1)) for name, value in given.items()}


def advance(state, given):
    """Moves a stream's phases on from 2 s to 3599 s by the sums of `stream`, without its sines."""
    block, blocks, rates = 29975, 30, (HOP, SAMPLE_RATE)
    f0_hz = np.full((1, block), given["f0_hz"][0, 0, 0])
    one = compiled(lambda phase: frame_phase(f0_hz, f0_hz, *rates, phase)[1])
    if "shift_phase" in state:
        shifts = np.tile(given["harmonic_shifts"][:, :1], (1, block, 1))
        parts = compiled(detuning_hz)(f0_hz[:, :, None], shifts)
        each = compiled(lambda phase: partial_phase(parts, parts, *rates, phase)[1])
    state = dict(state)
    for _ in range(blocks):
        state["phase"] = one(state["phase"])
        if "shift_phase" in state:
            state["shift_phase"] = each(state["shift_phase"])
    return state


def purity_db(signal, given, first_sample):
    """SNR against float64 partials of exact frequency, each at whatever phase it has."""
    amplitude, shares, f0_hz, *shifts = (np.float64(v[0, 0]) for v in given.values())
    multiples = np.arange(1, shares.size + 1)
    frequencies = f0_hz * multiples * (1.0 + (shifts[0] if shifts else 0.0))
    time = (first_sample + 1 + np.arange(signal.size))[:, None]
    heard = frequencies < SAMPLE_RATE / 2
    cycles = (time * frequencies[heard] / SAMPLE_RATE) % 1.0
    amplitudes = (amplitude * shares)[heard]
    waves = amplitudes * np.exp(2j * np.pi * cycles)
    columns = np.concatenate([waves.imag, waves.real], axis=1)
    in_phase, off_phase = np.linalg.lstsq(columns, signal, rcond=None)[0].reshape(2, -1)
    offsets = np.arctan2(off_phase, in_phase)
    exact = np.sum(np.imag(waves * np.exp(1j * offsets)), axis=1)
    return snr_db(signal, exact), np.abs(offsets).max() / (2.0 * np.pi)


# Offsets in cycles of the partial that is furthest off.
@pytest.mark.parametrize(
    ("n_harmonics", "f0_hz", "inharmonic", "offset"),
    [(60, 440.0, False, 1e-5), (6, 1321.37, True, 0.02)],
)
def test_the_last_second_of_an_hour_is_as_pure_as_the_first(n_harmonics, f0_hz, inharmonic, offset):
    processor = Harmonic(n_harmonics, inharmonic=inharmonic)
    given = controls(n_harmonics, f0_hz, inharmonic)
    stream = compiled(lambda state: processor.stream(state, **given))
    _, state = stream(processor.initial_state(1))
    measured = []
    for seconds in (1, 3599):
        signal, after = stream(state)
        # A stream is a hop late.
        first_sample = seconds * SAMPLE_RATE - HOP
        measured.append(purity_db(np.float64(to_numpy(signal))[0], given, first_sample))
        state = advance(after, given) if seconds == 1 else after
    (first, first_offset), (last, last_offset) = measured
    assert first >= 60.0 and last >= 60.0 and abs(last - first) < 3.0, measured
    assert first_offset < 1e-4 and last_offset < offset, measured
