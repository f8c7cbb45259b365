"""Gradients of every control of every synthesizer, and where they are at risk."""

import numpy as np
import pytest
import synthesizer_references as expected
from backends import gradient, to_numpy
from keras import ops

from ddsp_tf.processors import FilteredNoise, Harmonic, Mix, Sinusoidal, Wavetable

FRAMES = 6


@pytest.fixture
def raw(rng):
    """Raw values by name: batch 2 of 6 frames, all partials well below Nyquist."""
    shapes = {"amplitudes": 1, "distribution": 5, "shifts": 5, "free": 5, "levels": 2, "bands": 9}
    values = {name: rng.normal(size=(2, FRAMES, size)) for name, size in shapes.items()}
    values["f0_hz"] = rng.uniform(200.0, 700.0, (2, FRAMES, 1))
    values["tables"] = rng.normal(size=(2, FRAMES, 32))
    values["noise"] = rng.uniform(-1.0, 1.0, (2, FRAMES * 64))
    signals = rng.normal(size=(3, 2, FRAMES * 64))
    values.update(zip(("first", "second", "third"), signals, strict=True))
    return {name: value.astype(np.float32) for name, value in values.items()}


CASES = {
    "harmonic": (
        lambda: Harmonic(n_harmonics=5),
        expected.harmonic,
        ("amplitudes", "distribution", "f0_hz"),
    ),
    "inharmonic": (
        lambda: Harmonic(n_harmonics=5, inharmonic=True),
        expected.harmonic,
        ("amplitudes", "distribution", "f0_hz", "shifts"),
    ),
    "sinusoidal": (
        lambda: Sinusoidal(n_sinusoids=5),
        expected.sinusoidal,
        ("free", "distribution"),
    ),
    "wavetable": (
        lambda: Wavetable(n_points=32, learned=False),
        expected.wavetable,
        ("amplitudes", "f0_hz", "tables"),
    ),
    "filtered noise": (
        lambda: FilteredNoise(n_bands=9, initial_bias=0.0),
        expected.filtered_noise,
        ("bands", "noise"),
    ),
    "mix": (lambda: Mix(n_signals=3), expected.mix, ("first", "second", "third", "levels")),
}


@pytest.mark.parametrize("case", CASES)
def test_gradients_of_every_control_by_finite_differences(raw, case):
    make, reference, names = CASES[case]
    expected.check_gradients(make(), reference, [raw[name] for name in names])


@pytest.mark.parametrize("f0_hz", [0.0, 7999.9995, 8000.0, 12000.0, 1600.0])
@pytest.mark.parametrize("case", ["harmonic", "inharmonic", "wavetable"])
def test_gradients_are_finite_at_frequencies_of_all_kinds(raw, case, f0_hz):
    make, _, names = CASES[case]
    # One frame is put there, between others; 1600 Hz puts a harmonic right at Nyquist.
    raw["f0_hz"][:, 2] = f0_hz
    raw["f0_hz"][1] = f0_hz
    check_finite(make(), [raw[name] for name in names])


@pytest.mark.parametrize("value", [-1e4, -100.0, 100.0, 1e4])
@pytest.mark.parametrize("case", CASES)
def test_gradients_are_finite_at_saturated_sigmoids(raw, case, value):
    make, _, names = CASES[case]
    for name in ("amplitudes", "distribution", "shifts", "free", "levels", "bands"):
        raw[name][:, 1::2] = value
    check_finite(make(), [raw[name] for name in names])


@pytest.mark.parametrize("case", CASES)
def test_gradients_are_finite_at_silence(raw, case):
    processor, _, names = CASES[case]
    processor = processor()
    processor.scale = False
    silent = [np.abs(raw[name]) if name == "f0_hz" else np.zeros_like(raw[name]) for name in names]
    if case == "mix":
        silent[-1] = np.zeros((2, FRAMES, 3), np.float32)
    assert not to_numpy(processor(*silent)).any()
    check_finite(processor, silent)


def check_finite(processor, values):
    assert np.all(np.isfinite(to_numpy(processor(*values))))
    for slope in gradient(lambda *x: ops.sum(processor(*x) ** 2 + processor(*x)), *values):
        assert np.all(np.isfinite(slope))
