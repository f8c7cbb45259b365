"""Measures of sound rank known degradations of a tone by how much they do to it."""

import math

import numpy as np
import pytest
from backends import to_numpy

from ddsp_tf.dsp.mel import mel_matrix
from ddsp_tf.dsp.mfcc import mfcc
from ddsp_tf.losses import MultiScaleSpectralLoss
from ddsp_tf.metrics.attacks import attack_error_ms
from ddsp_tf.metrics.cepstrum import cepstral_distance_db

RATE = 16000
TIME = np.arange(3 * RATE) / RATE
NOTES = ((57, 0.3), (64, 1.2), (45, 2.1))
OTHER_SIZES = MultiScaleSpectralLoss((3072, 1536, 768, 384, 192, 96))


def low_pass(hz, cutoff_hz):
    """Gain of a Butterworth filter of second order."""
    return 1.0 / np.sqrt(1.0 + (hz / cutoff_hz) ** 4)


def played(seed=0, cents=0.0, smear_ms=0.0, cutoff_hz=math.inf):
    """Three notes with breath: attacks of 10 ms, harmonics that fall by 7 dB an octave."""
    tone, breath = np.zeros(TIME.size), np.zeros(TIME.size)
    for midi, start in NOTES:
        envelope = np.clip((TIME - start) / 0.01, 0, 1) * np.clip((start + 0.8 - TIME) / 0.05, 0, 1)
        if smear_ms:
            window = np.hanning(int(smear_ms * RATE / 1000))
            envelope = np.convolve(envelope, window / window.sum(), "same")
        breath += envelope
        f0_hz = 440.0 * 2.0 ** ((midi - 69 + cents / 100) / 12)
        for k in range(1, int(7800 / f0_hz)):
            gain = k**-1.2 * low_pass(k * f0_hz, cutoff_hz)
            tone += 0.15 * gain * envelope * np.sin(2 * np.pi * k * f0_hz * TIME + k * k)
    spectrum = np.fft.rfft(np.random.default_rng(seed).normal(size=TIME.size))
    frequencies = np.fft.rfftfreq(TIME.size, 1.0 / RATE)
    noise = np.fft.irfft(spectrum * low_pass(frequencies, cutoff_hz), TIME.size)
    room = 1e-4 * np.random.default_rng(99).normal(size=TIME.size)
    return (tone + 0.01 * breath * noise + room).astype(np.float32)


@pytest.fixture(scope="module")
def measures():
    """Each measure of each degradation. The noise is another one in all of them."""
    original = played()
    degraded = {
        "noise": {},
        "5 cents": {"cents": 5.0},
        "low-passed": {"cutoff_hz": 4000.0},
        "dull": {"cutoff_hz": 1500.0},
        "smeared": {"smear_ms": 200.0},
        "smeared a little": {"smear_ms": 60.0},
        "octave": {"cents": 1200.0},
    }
    found = {}
    for name, changes in degraded.items():
        audio = played(seed=7, **changes)
        found[name] = {
            "loss": float(OTHER_SIZES(original[None], audio[None])),
            "timbre": cepstral_distance_db(original, audio, RATE),
            "attack": attack_error_ms(original, audio, RATE),
        }
    return found


@pytest.mark.parametrize(
    ("measure", "order"),
    [
        ("loss", ["noise", "5 cents", "low-passed", "smeared", "dull"]),
        ("timbre", ["noise", "5 cents", "low-passed", "octave"]),
        ("timbre", ["smeared", "low-passed", "dull"]),
        ("attack", ["low-passed", "smeared a little", "smeared"]),
    ],
)
def test_order(measures, measure, order):
    values = [measures[name][measure] for name in order]
    assert values == sorted(values) and len(set(values)) == len(values), values


def test_attacks_are_only_those(measures):
    for name in ("noise", "5 cents", "low-passed", "dull", "octave"):
        assert measures[name]["attack"] < 1.0
    assert measures["smeared a little"]["attack"] > 4.0


def test_attack_error_is_the_mean_shift_of_the_rise():
    """Of two ramps that begin together, the area between them is half the difference."""
    tone = np.sin(2 * np.pi * 1000.0 * TIME)
    for rise in (0.03, 0.06):
        ramps = [np.clip((TIME - 1.0) / seconds, 0, 1) * tone for seconds in (rise, 2 * rise)]
        assert attack_error_ms(*ramps, RATE) == pytest.approx(500.0 * rise, rel=0.1)
    late = np.roll(ramps[0], RATE // 50)
    assert attack_error_ms(ramps[0], late, RATE) == pytest.approx(20.0, rel=0.02)


def test_cepstral_distance_is_that_of_the_envelopes(rng):
    """A gain that is a cosine over the mel bands is one coefficient."""
    centres = np.argmax(mel_matrix(RATE, 2048, 40, 20.0, 8000.0), axis=0)
    cosine = np.cos(np.pi / 40 * 3 * (np.arange(40) + 0.5))
    frequencies = np.fft.rfftfreq(TIME.size, 1.0 / RATE)
    gain_db = 3.0 * np.interp(frequencies, centres * RATE / 2048, cosine)
    noise = rng.normal(0.0, 0.1, TIME.size)
    filtered = np.fft.irfft(np.fft.rfft(noise) * 10 ** (gain_db / 20), TIME.size)
    assert cepstral_distance_db(noise, filtered, RATE) == pytest.approx(3 / math.sqrt(2), rel=0.05)
    assert cepstral_distance_db(noise, 0.1 * noise, RATE) < 0.05


def test_cepstral_distance_is_that_of_the_layer_for_models(rng):
    pair = rng.normal(0.0, 0.1, (2, RATE)).astype(np.float32)
    first, second = np.float64(to_numpy(mfcc(pair, RATE, 160, 13, 40, 2048)))[:, :, 1:]
    expected = np.sqrt(np.sum(np.square(first - second), axis=1) / 40).mean()
    expected *= 20.0 / math.log(10.0)
    assert cepstral_distance_db(*pair, RATE) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("measure", [cepstral_distance_db, attack_error_ms])
def test_nothing_to_measure_and_wrong_shapes(measure):
    silence = np.zeros(RATE, np.float32)
    assert math.isnan(measure(silence, silence, RATE))
    with pytest.raises(ValueError, match=r"\(16000,\).*\(1, 16000\).*\[samples\]"):
        measure(silence, silence[None], RATE)
    assert math.isnan(attack_error_ms(np.zeros(3), np.zeros(3), RATE))


def test_silence_has_no_timbre_and_no_attack():
    original = played()
    assert cepstral_distance_db(original, 0 * original, RATE) > 3.0
    assert attack_error_ms(original, 0 * original, RATE) > 50.0
