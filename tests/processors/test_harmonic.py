import numpy as np
import pytest
import references
import synthesizer_references
from backends import compiled, to_numpy
from tolerance import SUMS, assert_close

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


@pytest.fixture
def shifted(raw, rng):
    """The same with raw shifts."""
    return {**raw, "harmonic_shifts": rng.normal(size=(3, 12, 6)).astype(np.float32)}


@pytest.mark.parametrize("interpolation", ["hann", "linear"])
def test_with_shifts_it_does_that_too(run_processor_test, shifted, interpolation):
    processor = Harmonic(n_harmonics=6, inharmonic=True, interpolation=interpolation)
    run_processor_test(processor, shifted)


def test_shifted_harmonics_in_float64(shifted):
    processor = Harmonic(n_harmonics=6, inharmonic=True, max_shift=0.3)
    ours = to_numpy(compiled(processor)(*shifted.values()))
    expected = synthesizer_references.harmonic(*shifted.values(), max_shift=0.3)
    assert_close(ours, expected, SUMS)


def test_without_shifts_nothing_moves(raw):
    shifts = np.zeros((3, 12, 6), np.float32)
    ours = Harmonic(n_harmonics=6, inharmonic=True)(*raw.values(), shifts)
    plain = Harmonic(n_harmonics=6)(*raw.values())
    assert_close(to_numpy(ours), to_numpy(plain))
    names = {"harmonics", "f0_hz", "phase", "started"}
    assert set(Harmonic().initial_state(1)) == names


def test_shifts_equal_the_original(golden):
    arrays, _ = golden("core_harmonic_synthesis")
    names = ("amplitudes", "harmonic_distribution", "frequencies", "harmonic_shifts")
    controls = [arrays[f"in_{name}"] for name in names]
    processor = Harmonic(n_harmonics=12, inharmonic=True)
    ours = to_numpy(compiled(processor.get_signal)(*controls))
    # The original's phase is a plain float32 sum, and it masks single samples at Nyquist.
    np.testing.assert_allclose(ours[1], arrays["shifts__out"][1], rtol=0, atol=2e-3)
    np.testing.assert_allclose(
        ours[0, : 20 * HOP], arrays["shifts__out"][0, : 20 * HOP], rtol=0, atol=2e-3
    )


def test_a_shift_moves_a_harmonic_past_nyquist_or_below_zero(rng):
    controls = controls_of(rng, np.full(6, 1000.0), 4)
    shifts = np.zeros((1, 6, 4), np.float32)
    shifts[..., 2], shifts[..., 3] = 1.7, -1.0  # 8100 Hz and 0 Hz
    processor = Harmonic(4, inharmonic=True, scale=False)
    shares = processor.get_controls(**controls, harmonic_shifts=shifts)["harmonic_distribution"]
    assert not to_numpy(shares)[..., 2:].any() and to_numpy(shares)[..., :2].all()
    ours = to_numpy(processor.get_signal(**controls, harmonic_shifts=shifts))
    controls["harmonic_distribution"][..., 2:] = 0.0
    assert_close(ours, signal_of(Harmonic(4), controls))


def low_band_db(signal):
    """Level below 6 kHz at the loudest moment, in dB of a full-scale sine."""
    frames = np.lib.stride_tricks.sliding_window_view(signal, 512)[::64] * np.kaiser(512, 16.0)
    power = np.sum(np.abs(np.fft.rfft(frames)[:, : 6000 * 512 // 16000]) ** 2, axis=1)
    return 10.0 * np.log10(power.max() / np.sum(np.kaiser(512, 16.0) ** 2) * 4.0 / 512.0)


@pytest.mark.parametrize("interpolation", ["hann", "linear"])
@pytest.mark.parametrize("ends", [(7000.0, 9000.0), (9000.0, 7000.0)])
def test_a_sweep_through_nyquist_does_not_click(rng, ends, interpolation):
    f0_hz = np.linspace(*ends, 250)
    controls = controls_of(rng, f0_hz, 1)
    controls["amplitudes"][:] = 1.0
    ours = signal_of(Harmonic(1, interpolation=interpolation), controls)[0]
    hz = references.samples_of(f0_hz[None], HOP)[0]
    sine = np.sin(2.0 * np.pi * np.cumsum(hz) / SAMPLE_RATE)
    masked_by_sample = np.where(hz < SAMPLE_RATE / 2, sine, 0.0)
    # Where it is heard it is heard in full, and beyond it is silent.
    np.testing.assert_allclose(ours[hz < 7990.0], sine[hz < 7990.0], atol=1e-3)
    assert_close(ours[hz > 8010.0], 0.0, peak=1.0)
    assert low_band_db(masked_by_sample) > -40.0
    assert low_band_db(ours) < (-90.0 if interpolation == "hann" else -70.0)


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
    assert_close(ours[1], expected[1])
    assert_close(ours[0, : 20 * HOP], expected[0, : 20 * HOP])


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
    assert_close(signal_of(processor, controls), expected, SUMS)


def test_shares_add_up_to_one_where_there_is_a_tone(raw):
    raw["f0_hz"][0, :4, 0] = [7999.0, 8000.0, 9000.0, 0.0]
    shares = to_numpy(Harmonic(n_harmonics=6).get_controls(**raw)["harmonic_distribution"])
    assert shares[0, 0].tolist() == [1.0, 0.0, 0.0, 0.0, 0.0, 0.0]
    assert not shares[0, 1:4].any()
    assert_close(shares[0, 4:].sum(axis=-1), 1.0)


@pytest.mark.parametrize("f0_hz", [0.0, 8000.0, 12000.0])
def test_no_pitch_and_pitch_above_nyquist_are_silent(rng, f0_hz):
    controls = controls_of(rng, np.full(5, f0_hz), 4)
    assert_close(signal_of(Harmonic(4), controls), 0.0, peak=1.0)


def test_a_tone_that_ends_leaves_silence(rng):
    controls = controls_of(rng, [440.0] * 5 + [0.0] * 5, 4)
    signal = signal_of(Harmonic(4), controls)
    assert np.abs(signal[:, : 4 * HOP]).max() > 0.1
    assert_close(signal[:, 6 * HOP :], 0.0, peak=1.0)


def test_a_wrong_number_of_harmonics(raw):
    processor = Harmonic(n_harmonics=7, name="strings")
    with pytest.raises(ValueError, match=r"strings: .* has shape .*, 6\); .* frames, 7\]"):
        processor.get_controls(**raw)


def test_shifts_that_are_missing_unexpected_or_of_another_size(shifted):
    with pytest.raises(ValueError, match="bell: harmonic_shifts given, but inharmonic=False"):
        Harmonic(6, name="bell")(*shifted.values())
    bell = Harmonic(6, name="bell", inharmonic=True)
    with pytest.raises(ValueError, match=r"bell: harmonic_shifts has shape .*, 5\); .* frames, "):
        bell(**{**shifted, "harmonic_shifts": shifted["harmonic_shifts"][..., :5]})
    del shifted["harmonic_shifts"]
    with pytest.raises(ValueError, match="bell: harmonic_shifts was not given"):
        bell(*shifted.values())


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"n_harmonics": 0}, "n_harmonics=0"),
        ({"response_points": 1}, "response_points=1; expected 0, or 2 or more"),
        ({"response_points": -1}, "response_points=-1"),
        ({"max_shift": 0.0}, "max_shift=0.0; expected above 0"),
        ({"frame_rate": 300}, "frame_rate=300 does not divide sample_rate=16000"),
        ({"interpolation": "cubic"}, "interpolation='cubic'"),
    ],
)
def test_wrong_settings(wrong, message):
    with pytest.raises(ValueError, match=message):
        Harmonic(**wrong)


def test_equal_outputs_fall_by_the_initial_decay(run_processor_test, raw):
    processor = Harmonic(n_harmonics=64, initial_decay_db=12.0)
    f0_hz = np.full((1, 2, 1), 100.0, np.float32)
    equal = np.zeros((1, 2, 64), np.float32)
    share = to_numpy(processor.get_controls(f0_hz, equal, f0_hz)["harmonic_distribution"])[0, 0]
    for low, high in ((1, 2), (2, 8), (8, 64)):
        fall_db = 20.0 * np.log10(share[low - 1] / share[high - 1])
        # The 1e-7 that keeps the gradient alive is a little at 72 dB.
        assert fall_db == pytest.approx(12.0 * np.log2(high / low), abs=0.02)
    run_processor_test(Harmonic(n_harmonics=6, initial_decay_db=12.0), raw)
    with pytest.raises(ValueError, match="initial_decay_db=-1"):
        Harmonic(initial_decay_db=-1)


@pytest.fixture
def resonant():
    """A harmonic synthesizer with a response of 17 points, 500 Hz apart, between -40 and 20 dB."""
    processor = Harmonic(n_harmonics=6, response_points=17)
    processor.build()
    processor.response.assign(np.random.default_rng(1).uniform(-2.0, 1.0, 17))
    return processor


def test_a_response_weighs_harmonics_by_their_frequency(resonant, raw):
    plain = Harmonic(n_harmonics=6).get_controls(**raw)
    weighed = resonant.get_controls(**raw)
    for name in ("amplitudes", "f0_hz"):
        np.testing.assert_array_equal(to_numpy(weighed[name]), to_numpy(plain[name]))
    frequencies = np.float64(raw["f0_hz"]) * np.arange(1, 7)
    response_db = np.interp(
        frequencies, np.linspace(0.0, 8000.0, 17), 20.0 * resonant.get_weights()[0]
    )
    expected = to_numpy(plain["harmonic_distribution"]) * 10.0 ** (response_db / 20.0)
    expected /= expected.sum(axis=-1, keepdims=True)
    assert_close(to_numpy(weighed["harmonic_distribution"]), expected, SUMS, relative=True)
    # Physical controls sound as they are.
    signals = [to_numpy(one.get_signal(**weighed)) for one in (resonant, Harmonic(n_harmonics=6))]
    np.testing.assert_array_equal(*signals)


def test_a_response_before_training_changes_nothing(raw):
    new = Harmonic(n_harmonics=6, response_points=9)
    np.testing.assert_array_equal(
        to_numpy(new(*raw.values())), to_numpy(Harmonic(n_harmonics=6)(*raw.values()))
    )


@pytest.mark.parametrize("inharmonic", [False, True])
def test_with_a_response_it_does_what_every_processor_does(run_processor_test, shifted, inharmonic):
    processor = Harmonic(n_harmonics=6, inharmonic=inharmonic, response_points=5)
    processor.build()
    processor.response.assign([0.0, -1.0, 0.3, 0.0, -0.5])
    inputs = shifted if inharmonic else {k: v for k, v in shifted.items() if "shifts" not in k}
    run_processor_test(processor, inputs)
