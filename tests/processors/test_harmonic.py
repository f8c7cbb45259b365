import numpy as np
import pytest
import references
from backends import compiled, to_numpy

from ddsp_tf.processors import Harmonic

SAMPLE_RATE, FRAME_RATE, HOP = 16000, 250, 64


@pytest.fixture
def raw(rng):
    """Network outputs of 6 harmonics and a low pitch, batch 3 of 12 frames."""
    return {
        "amplitudes": rng.normal(size=(3, 12, 1)).astype(np.float32),
        "harmonic_distribution": rng.normal(size=(3, 12, 6)).astype(np.float32),
        "f0_hz": rng.uniform(200.0, 900.0, (3, 12, 1)).astype(np.float32),
    }


def controls_of(rng, f0_hz, n_harmonics):
    """Physical controls for an f0 of [frames]."""
    share = rng.uniform(0.1, 1.0, (1, len(f0_hz), n_harmonics))
    return {
        "amplitudes": rng.uniform(0.2, 1.0, (1, len(f0_hz), 1)).astype(np.float32),
        "harmonic_distribution": np.float32(share / share.sum(axis=-1, keepdims=True)),
        "f0_hz": np.float32(f0_hz)[None, :, None],
    }


def signal_of(processor, controls):
    return to_numpy(compiled(processor.get_signal)(**controls))


def expected_signal(controls, hop=HOP, sample_rate=SAMPLE_RATE, interpolation="hann"):
    f0_hz = controls["f0_hz"][:, :, 0]
    harmonics = np.float64(controls["amplitudes"]) * controls["harmonic_distribution"]
    harmonics = references.below_nyquist(harmonics, f0_hz, sample_rate)
    return references.harmonic_signal(harmonics, f0_hz, hop, sample_rate, interpolation)


@pytest.mark.parametrize("interpolation", ["hann", "linear"])
def test_what_every_processor_does(run_processor_test, raw, interpolation):
    run_processor_test(Harmonic(n_harmonics=6, interpolation=interpolation), raw)


@pytest.mark.parametrize("case", ["default", "no_scale", "linear_angular"])
def test_controls_equal_the_original(golden, case):
    arrays, cases = golden("synths_harmonic")
    case = cases[f"{case}_controls"]
    processor = Harmonic(n_harmonics=20, scale="scale_fn" not in case["init"])
    ours = processor.get_controls(**{k: arrays[name] for k, name in case["inputs"].items()})
    for name, key in case["outputs"].items():
        np.testing.assert_allclose(to_numpy(ours[name]), arrays[key], rtol=3e-5, atol=1e-7)


@pytest.mark.parametrize(("case", "method"), [("window", "hann"), ("linear", "linear")])
def test_signal_equals_the_exact_value_of_the_originals_formula(golden, case, method):
    arrays, _ = golden("core_harmonic_synthesis")
    controls = {
        "amplitudes": arrays["in_amplitudes"],
        "harmonic_distribution": arrays["in_harmonic_distribution"],
        "f0_hz": arrays["in_frequencies"],
    }
    ours = signal_of(Harmonic(n_harmonics=12, interpolation=method), controls)
    # We silence a harmonic for whole frames, the original for single samples: compare where all
    # twelve lie below Nyquist, which is all of row 1 and the first 21 frames of row 0.
    expected = arrays[f"{case}__ref64"]
    np.testing.assert_allclose(ours[1], expected[1], rtol=0, atol=1e-5)
    np.testing.assert_allclose(ours[0, : 20 * HOP], expected[0, : 20 * HOP], rtol=0, atol=1e-5)


def test_signal_equals_the_original_at_48_khz(golden):
    arrays, _ = golden("core_harmonic_synthesis")
    processor = Harmonic(n_harmonics=12, sample_rate=48000, frame_rate=750)
    ours = signal_of(
        processor,
        {
            "amplitudes": arrays["in_amplitudes"],
            "harmonic_distribution": arrays["in_harmonic_distribution"],
            "f0_hz": arrays["in_frequencies"],
        },
    )
    # The original's float32 phase is off by so much.
    np.testing.assert_allclose(ours, arrays["sample_rate_48k__out"], rtol=0, atol=2e-3)


@pytest.mark.parametrize(
    ("sample_rate", "frame_rate", "interpolation"),
    [(16000, 250, "hann"), (16000, 250, "linear"), (48000, 100, "hann"), (44100, 100, "linear")],
)
def test_harmonics_cross_nyquist_at_frames(rng, sample_rate, frame_rate, interpolation):
    controls = controls_of(rng, np.geomspace(sample_rate / 60, sample_rate / 12, 10), 9)
    processor = Harmonic(9, sample_rate, frame_rate, interpolation)
    expected = expected_signal(controls, processor.hop, sample_rate, interpolation)
    np.testing.assert_allclose(signal_of(processor, controls), expected, rtol=0, atol=1e-4)


def test_shares_add_up_to_one_where_there_is_a_tone(raw):
    raw["f0_hz"][0, :4, 0] = [7999.0, 8000.0, 9000.0, 0.0]
    shares = to_numpy(Harmonic(n_harmonics=6).get_controls(**raw)["harmonic_distribution"])
    assert shares[0, 0].tolist() == [1.0, 0.0, 0.0, 0.0, 0.0, 0.0]
    assert not shares[0, 1:4].any()
    np.testing.assert_allclose(shares[0, 4:].sum(axis=-1), 1.0, atol=1e-6)


@pytest.mark.parametrize("f0_hz", [0.0, 8000.0, 12000.0])
def test_no_pitch_and_pitch_above_nyquist_are_silent(rng, f0_hz):
    controls = controls_of(rng, np.full(5, f0_hz), 4)
    np.testing.assert_allclose(signal_of(Harmonic(4), controls), 0.0, atol=1e-7)


def test_a_tone_that_ends_leaves_silence(rng):
    controls = controls_of(rng, [440.0] * 5 + [0.0] * 5, 4)
    signal = signal_of(Harmonic(4), controls)
    assert np.abs(signal[:, : 4 * HOP]).max() > 0.1
    np.testing.assert_allclose(signal[:, 6 * HOP :], 0.0, atol=1e-6)


def test_a_wrong_number_of_harmonics(raw):
    processor = Harmonic(n_harmonics=7, name="strings")
    with pytest.raises(ValueError, match=r"strings: .* has 6 channels; expected n_harmonics=7"):
        processor.get_controls(**raw)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"n_harmonics": 0}, "n_harmonics=0"),
        ({"frame_rate": 300}, "frame_rate=300 does not divide sample_rate=16000"),
        ({"interpolation": "cubic"}, "interpolation='cubic'"),
    ],
)
def test_wrong_settings(wrong, message):
    with pytest.raises(ValueError, match=message):
        Harmonic(**wrong)
