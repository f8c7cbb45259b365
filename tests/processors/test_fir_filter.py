import effect_references
import numpy as np
import pytest
import references
from backends import gradient, tensorflow_only, to_numpy
from effect_streaming import hops_in_litert
from keras import ops
from tolerance import SUMS, assert_close

from ddsp_tf.processors import FirFilter

HOP = 64


@pytest.fixture
def raw(rng):
    """A signal and raw magnitudes of 9 bands, batch 3 of 12 frames."""
    return {
        "signal": rng.uniform(-1.0, 1.0, (3, 12 * HOP)).astype(np.float32),
        "magnitudes": rng.normal(size=(3, 12, 9)).astype(np.float32),
    }


def test_what_every_processor_does(run_processor_test, raw):
    run_processor_test(FirFilter(n_bands=9), raw)


def test_a_filter_longer_than_a_block_streams(run_processor_test, rng):
    inputs = {
        "signal": rng.uniform(-1.0, 1.0, (3, 12 * 48)).astype(np.float32),
        "magnitudes": rng.normal(size=(3, 12, 129)).astype(np.float32),
    }
    run_processor_test(FirFilter(n_bands=129, sample_rate=48000, frame_rate=1000), inputs)


def test_equals_the_reference(raw):
    gains = effect_references.exp_sigmoid(raw["magnitudes"])
    expected = references.filtered_frames(raw["signal"], gains, HOP)[:, 8:-8]
    assert_close(to_numpy(FirFilter(n_bands=9)(**raw)), expected, SUMS)


def test_flat_gains_pass_the_signal_undelayed(raw):
    flat = np.ones((3, 12, 9), np.float32)
    ours = to_numpy(FirFilter(n_bands=9, scale=False)(raw["signal"], flat))
    assert_close(ours, raw["signal"])


@pytest.mark.parametrize(("hz", "gain"), [(1000.0, 0.25), (6000.0, 2.0)])
def test_a_sine_is_scaled_by_its_band_without_delay(hz, gain):
    gains = np.full((1, 50, 65), 0.25, np.float32)
    gains[:, :, 32:] = 2.0
    sine = np.sin(2.0 * np.pi * hz * np.arange(50 * HOP) / 16000.0)[None].astype(np.float32)
    ours = to_numpy(FirFilter(n_bands=65, scale=False)(sine, gains))
    np.testing.assert_allclose(ours[:, 64:-64], gain * sine[:, 64:-64], atol=2e-3)


def test_gradients_by_finite_differences(rng, raw):
    listener = rng.normal(size=raw["signal"].shape).astype(np.float32)
    processor = FirFilter(n_bands=9)
    ours = gradient(lambda s, m: ops.sum(processor(s, m) * listener), *raw.values())

    def heard(signal, magnitudes):
        gains = effect_references.exp_sigmoid(magnitudes)
        return np.sum(references.filtered_frames(signal, gains, HOP)[:, 8:-8] * listener)

    signal, magnitudes = raw["signal"], raw["magnitudes"]
    indices = [(0, 0), (1, 100), (2, 767)]
    effect_references.check_slopes(ours[0], lambda s: heard(s, magnitudes), signal, indices)
    indices = [(0, 0, 0), (1, 5, 8), (2, 11, 4)]
    effect_references.check_slopes(ours[1], lambda m: heard(signal, m), magnitudes, indices)


def test_gradients_at_extremes_are_finite(raw):
    extreme = np.full((3, 12, 9), 1e4, np.float32)
    extreme[:, ::2] = -1e4
    silence = np.zeros_like(raw["signal"])
    processor = FirFilter(n_bands=9)
    for value in gradient(lambda s, m: ops.sum(processor(s, m) ** 2), silence, extreme):
        assert np.all(np.isfinite(value))


@tensorflow_only
def test_streams_with_builtin_operators_of_litert(raw):
    processor = FirFilter(n_bands=9)
    inputs = {name: value[:1] for name, value in raw.items()}
    ours = hops_in_litert(processor, inputs, HOP, 12 * HOP)
    expected = to_numpy(processor(**inputs))
    assert_close(ours[:, 8:], expected[:, :-8], SUMS)


def test_what_a_decoder_must_make():
    assert FirFilter(n_bands=9).input_sizes == {"magnitudes": 9}


def test_wrong_inputs(raw):
    with pytest.raises(ValueError, match=r"eq: magnitudes has shape .*, 9\); .* frames, 65\]"):
        FirFilter(n_bands=65, name="eq")(**raw)
    with pytest.raises(ValueError, match=r"eq: signal has 700 samples; expected 12 frames \* hop"):
        FirFilter(n_bands=9, name="eq")(raw["signal"][:, :700], raw["magnitudes"])


@pytest.mark.parametrize(
    ("wrong", "message"),
    [({"n_bands": 1}, "n_bands=1"), ({"sample_rate": 44100}, "does not divide sample_rate=44100")],
)
def test_wrong_settings(wrong, message):
    with pytest.raises(ValueError, match=message):
        FirFilter(**wrong)
