import numpy as np
import pytest
from backends import gradient, to_numpy
from keras import ops
from tolerance import SUMS, assert_close

from ddsp_tf.units import exp_sigmoid, hz_to_midi, midi_to_hz, scale_db, scale_f0_hz


@pytest.mark.parametrize(
    ("function", "case", "given"),
    [
        (hz_to_midi, "hz_to_midi", "in_frequencies"),
        (midi_to_hz, "midi_to_hz_zero_silence_False", "in_notes"),
        (scale_db, "scale_db", "in_db"),
        (scale_f0_hz, "scale_f0_hz", "in_frequencies"),
    ],
)
def test_units_equal_the_original(golden, function, case, given):
    arrays, cases = golden("core_units")
    assert list(cases[case]["inputs"].values()) == [given]
    expected = arrays[cases[case]["outputs"]["out"]]
    assert_close(to_numpy(function(arrays[given])), expected)


@pytest.mark.parametrize("case", ["exp_sigmoid", "exp_sigmoid_other"])
def test_exp_sigmoid_equals_the_original(golden, case):
    arrays, cases = golden("core_scaling")
    ours = exp_sigmoid(arrays["in_x"], **cases[case]["kwargs"])
    np.testing.assert_allclose(to_numpy(ours), arrays[f"{case}__out"], rtol=2e-5, atol=1e-12)


def test_exp_sigmoid_has_the_gradient_of_the_original(golden):
    arrays, _ = golden("core_scaling")
    (ours,) = gradient(lambda x: ops.sum(exp_sigmoid(x)), arrays["in_x"])
    expected = arrays["exp_sigmoid__grad_x"]
    np.testing.assert_allclose(ours, expected, rtol=5e-5, atol=3e-7)


def test_exp_sigmoid_is_its_formula():
    x = np.linspace(-30.0, 30.0, 61)
    expected = 1.5 * (1.0 / (1.0 + np.exp(-x))) ** np.log(4.0) + 1e-3
    ours = exp_sigmoid(x, exponent=4.0, max_value=1.5, threshold=1e-3)
    assert_close(to_numpy(ours), expected, relative=True)


def test_exp_sigmoid_never_kills_a_gradient():
    (ours,) = gradient(lambda x: ops.sum(exp_sigmoid(x)), np.array([-1000.0, -30.0, 0.0, 30.0]))
    assert np.all(np.isfinite(ours)) and np.all(ours[1:3] > 0.0)


def test_pitch_survives_the_way_there_and_back():
    f0_hz = np.geomspace(1.0, 20000.0, 200)
    assert_close(to_numpy(midi_to_hz(hz_to_midi(f0_hz))), f0_hz, relative=True)
    octaves = 440.0 * 2.0 ** np.arange(-5, 5)
    expected = 69.0 + 12.0 * np.arange(-5, 5)
    assert_close(to_numpy(hz_to_midi(octaves)), expected, SUMS)


def test_no_pitch_scales_to_zero_without_a_wild_gradient():
    f0_hz = np.array([0.0, -5.0, 440.0])
    scaled = to_numpy(scale_f0_hz(f0_hz))
    assert_close(scaled, [0.0, 0.0, 69.0 / 127.0], relative=True)
    (ours,) = gradient(lambda f: ops.sum(scale_f0_hz(f)), f0_hz)
    assert_close(ours, [0.0, 0.0, 12 / 127 / np.log(2) / 440], relative=True)


def test_levels_scale_linearly_and_are_not_clipped():
    scaled = to_numpy(scale_db([-120.0, -80.0, -40.0, 0.0, 8.0]))
    np.testing.assert_allclose(scaled, [-0.5, 0.0, 0.5, 1.0, 1.1], atol=1e-7)
