import numpy as np
import pytest
import synthesizer_references as expected
from backends import compiled, to_numpy
from tolerance import assert_close, phases

from ddsp_tf.processors import Harmonic, Sinusoidal

# Frequencies up to 8 kHz come from `exp`, for 12 frames at 250 frames a second.
ROUNDING = phases(8000.0, 12 / 250)


@pytest.fixture
def raw(rng):
    """Raw values of 4 sinusoids, batch 3 of 12 frames."""
    names = ("amplitudes", "frequencies")
    return {name: rng.normal(size=(3, 12, 4)).astype(np.float32) for name in names}


@pytest.mark.parametrize("interpolation", ["hann", "linear"])
def test_what_every_processor_does(run_processor_test, raw, interpolation):
    run_processor_test(Sinusoidal(n_sinusoids=4, interpolation=interpolation), raw, ROUNDING)


def test_softmax_scale_does_it_too(run_processor_test, raw, rng):
    raw["frequencies"] = rng.normal(size=(3, 12, 4 * 8)).astype(np.float32)
    run_processor_test(Sinusoidal(n_sinusoids=4, frequency_scale="softmax", depth=8), raw, ROUNDING)


def test_equals_sines_in_float64(raw):
    ours = to_numpy(compiled(Sinusoidal(n_sinusoids=4))(*raw.values()))
    assert_close(ours, expected.sinusoidal(*raw.values()), ROUNDING)


@pytest.mark.parametrize(("sample_rate", "frame_rate"), [(48000, 100), (44100, 300)])
def test_other_rates(rng, sample_rate, frame_rate):
    amplitudes = rng.uniform(0.0, 1.0, (1, 9, 3)).astype(np.float32)
    frequencies = rng.uniform(0.0, sample_rate * 0.6, (1, 9, 3)).astype(np.float32)
    processor = Sinusoidal(3, sample_rate, frame_rate, scale=False)
    ours = to_numpy(compiled(processor)(amplitudes, frequencies))
    exact = expected.partials(amplitudes, frequencies, processor.hop, sample_rate)
    assert_close(ours, exact, phases(sample_rate / 2, 9 / frame_rate))


def test_at_multiples_of_a_pitch_it_is_the_harmonic_synthesizer(rng):
    f0_hz = rng.uniform(300.0, 900.0, (1, 10, 1)).astype(np.float32)
    amplitudes = rng.uniform(0.2, 1.0, (1, 10, 12)).astype(np.float32)
    multiples = (f0_hz * np.arange(1, 13)).astype(np.float32)
    ours = to_numpy(Sinusoidal(12, scale=False)(amplitudes, multiples))
    harmonic = Harmonic(12, scale=False).get_signal(np.ones((1, 10, 1), "f"), amplitudes, f0_hz)
    assert_close(ours, to_numpy(harmonic), phases(8000.0, 10 / 250))


@pytest.mark.parametrize("hz", [0.0, 8000.0, 9000.0])
def test_silent_where_it_cannot_be_heard(hz):
    processor = Sinusoidal(1, scale=False)
    one = np.ones((1, 5, 1), np.float32)
    controls = processor.get_controls(one, hz * one)
    assert not to_numpy(controls["amplitudes"]).any()
    assert not to_numpy(processor.get_signal(one, hz * one)).any()


def test_frequencies_stay_in_their_range(rng):
    raw = rng.normal(size=(1, 50, 3), scale=30.0).astype(np.float32)
    for processor in (
        Sinusoidal(3, min_hz=100.0, max_hz=2000.0),
        Sinusoidal(1, min_hz=100.0, max_hz=2000.0, frequency_scale="softmax", depth=3),
    ):
        amplitudes = np.ones((1, 50, processor.n_sinusoids), np.float32)
        hz = to_numpy(processor.get_controls(amplitudes, raw)["frequencies"])
        assert hz.min() >= 99.99 and hz.max() <= 2000.1 and np.ptp(hz) > 1000.0


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"n_sinusoids": 0}, "n_sinusoids=0"),
        ({"frequency_scale": "bark"}, "frequency_scale='bark'; expected one of"),
        ({"depth": 0}, "depth=0; expected at least 1"),
        ({"frequency_scale": "softmax"}, "depth=1; expected at least 2 for 'softmax'"),
        ({"max_hz": 9000.0}, r"max_hz=9000.0; expected a range within 0 .. 8000 Hz"),
        ({"min_hz": 500.0, "max_hz": 400.0}, "min_hz=500.0, max_hz=400.0"),
        ({"frame_rate": 300}, "does not divide"),
        ({"interpolation": "cubic"}, "interpolation='cubic'"),
    ],
)
def test_wrong_settings(wrong, message):
    with pytest.raises(ValueError, match=message):
        Sinusoidal(**wrong)


def test_wrong_numbers_of_channels(raw):
    with pytest.raises(ValueError, match=r"bells: amplitudes has shape .*, 4\); .* frames, 5\]"):
        Sinusoidal(n_sinusoids=5, name="bells")(*raw.values())
    with pytest.raises(
        ValueError,
        match=r"bells: frequencies has shape .*, 4\); .* frames, 8\]",
    ):
        Sinusoidal(n_sinusoids=4, depth=2, name="bells")(*raw.values())
