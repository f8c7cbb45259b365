"""The comparison of an hour's end with its beginning, on a tone that is known and on a model."""

import runpy
from pathlib import Path

import numpy as np
import pytest

from ddsp_tf.inference.model_files import load_model

pytestmark = pytest.mark.slow

PROGRAM = Path(__file__).parents[2] / "benchmarks" / "hour_of_stream.py"
RATE = 16000


@pytest.fixture(scope="module")
def program():
    return runpy.run_path(str(PROGRAM))


@pytest.mark.parametrize("first", [0, 3599 * RATE])
@pytest.mark.parametrize(("phase", "noise_db"), [(0.0, -60.0), (0.3, -40.0)])
def test_phase_and_noise_of_a_tone_are_found(program, rng, first, phase, noise_db):
    f0_hz = 441.25  # Exact in binary, so that float64 is at the last second as at the first.
    time = np.arange(first, first + RATE) / RATE
    audio = np.cos(2 * np.pi * (f0_hz * time + phase))
    audio += 0.3 * np.cos(2 * np.pi * 3 * (f0_hz * time + phase))
    power = np.mean(audio**2)
    audio += rng.normal(0.0, np.sqrt(power * 10 ** (noise_db / 10)), RATE)
    found, snr_db = program["phase_and_snr"](audio, first, f0_hz, RATE)
    assert found == pytest.approx(phase, abs=1e-3)
    assert snr_db == pytest.approx(-noise_db, abs=0.2)


def test_a_model_is_played_and_compared(program, tiny_run, tiny_export):
    model = load_model(tiny_run)
    pieces, _, grown = program["play"](tiny_export / "stream.tflite", model, 440.0, 22)
    assert sorted(pieces) == [20 * RATE, 21 * RATE]
    (one, one_db), (two, two_db) = (
        program["phase_and_snr"](audio, first, 440.0, RATE) for first, audio in pieces.items()
    )
    assert min(one_db, two_db) > 60.0 and abs(one - two) < 1e-3
    assert abs(grown) < 50.0
