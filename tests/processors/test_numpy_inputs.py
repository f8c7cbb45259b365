"""Controls and signals of plain numpy arrays, which are float64, as a user writes them."""

import numpy as np
import pytest
from backends import to_numpy
from tolerance import assert_close

from ddsp_tf.processors import (
    Add,
    Crop,
    ExpDecayReverb,
    FilteredNoise,
    FilteredNoiseReverb,
    FirFilter,
    Harmonic,
    Mix,
    ModDelay,
    Reverb,
    Sinusoidal,
    Wavetable,
)

RATES = {"sample_rate": 800, "frame_rate": 100}
FRAMES, HOP = 4, 8
MAKERS = {
    "harmonic": (lambda: Harmonic(3, **RATES), (1, 3, "f0_hz")),
    "inharmonic": (lambda: Harmonic(3, inharmonic=True, **RATES), (1, 3, "f0_hz", 3)),
    "filtered_noise": (lambda: FilteredNoise(5, seed=0, **RATES), (5,)),
    "sinusoidal": (lambda: Sinusoidal(3, **RATES), (3, 3)),
    "wavetable": (lambda: Wavetable(16, learned=False, **RATES), (1, "f0_hz", 16)),
    "reverb": (lambda: Reverb(length=6), ("signal",)),
    "exp_decay_reverb": (lambda: ExpDecayReverb(length=6), ("signal",)),
    "filtered_noise_reverb": (lambda: FilteredNoiseReverb(length=6, n_frames=2), ("signal",)),
    "fir_filter": (lambda: FirFilter(5, **RATES), ("signal", 5)),
    "mod_delay": (lambda: ModDelay(**RATES), ("signal", 1, 1)),
    "add": (lambda: Add(), ("signal", "signal")),
    "mix": (lambda: Mix(**RATES), ("signal", "signal", 1)),
    "crop": (lambda: Crop(3), ("signal",)),
}


def make_input(kind, generator):
    if kind == "signal":
        return generator.uniform(-1.0, 1.0, (2, FRAMES * HOP))
    if kind == "f0_hz":
        return generator.uniform(50.0, 90.0, (2, FRAMES, 1))
    return generator.normal(size=(2, FRAMES, kind))


@pytest.mark.parametrize("name", MAKERS)
def test_they_count_as_float32(name):
    make, kinds = MAKERS[name]
    generator = np.random.default_rng(3)
    arrays = [make_input(kind, generator) for kind in kinds]
    processor, other = make(), make()
    other.build()
    processor.build()
    other.set_weights(processor.get_weights())
    expected = to_numpy(processor(*map(np.float32, arrays)))
    controls = other.get_controls(*arrays)
    signal = to_numpy(other.get_signal(**controls))
    assert signal.dtype == np.float32
    if name != "filtered_noise":
        assert_close(signal, expected)
    # Controls that went through numpy, as those that are drawn or edited do.
    edited = {
        key: value if key == "signals" else np.float64(to_numpy(value))
        for key, value in controls.items()
    }
    again = to_numpy(other.get_signal(**edited))
    assert again.dtype == np.float32 and again.shape == signal.shape
    if name != "filtered_noise":
        assert_close(again, signal)
