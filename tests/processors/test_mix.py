import numpy as np
import pytest
import synthesizer_references as expected
from backends import compiled, to_numpy
from tolerance import assert_close

from ddsp_tf.processors import Mix


@pytest.fixture
def inputs(rng):
    """Three signals and raw levels, batch 3 of 12 frames."""
    signals = rng.normal(size=(3, 3, 12 * 64)).astype(np.float32)
    levels = rng.normal(size=(3, 12, 2)).astype(np.float32)
    return {**dict(zip(("a", "b", "c"), signals, strict=True)), "mix_levels": levels}


@pytest.mark.parametrize("law", ["constant_power", "linear"])
@pytest.mark.parametrize("interpolation", ["linear", "hann"])
def test_what_every_processor_does(run_processor_test, inputs, law, interpolation):
    run_processor_test(Mix(n_signals=3, law=law, interpolation=interpolation), inputs)


def test_equals_float64(inputs):
    ours = to_numpy(compiled(Mix(n_signals=3))(*inputs.values()))
    assert_close(ours, expected.mix(*inputs.values()))


def test_of_two_signals_the_first_has_the_sigmoid(inputs):
    one = np.zeros((1, 12, 1), np.float32)
    for raw, share in ((-50.0, 0.0), (0.0, 0.5), (50.0, 1.0), (1.0, 1.0 / (1.0 + np.exp(-1.0)))):
        controls = Mix().get_controls(inputs["a"][:1], inputs["b"][:1], one + raw)
        assert_close(to_numpy(controls["mix_levels"])[0, 0, 0], share, peak=1.0)


@pytest.mark.parametrize("raw", [-3.0, 0.0, 2.0])
def test_loudness_is_kept(rng, raw):
    raw = np.full((1, 250, 1), raw, np.float32)
    noise = rng.normal(size=(2, 1, 16000)).astype(np.float32)
    mixed = to_numpy(Mix(law="constant_power")(*noise, raw))
    assert np.mean(mixed**2) == pytest.approx(np.mean(noise**2), rel=0.05)
    assert_close(to_numpy(Mix(law="linear")(noise[0], noise[0], raw)), noise[0])


def test_levels_as_they_are(inputs):
    levels = np.abs(inputs["mix_levels"])
    signals = [inputs["a"], inputs["b"]]
    ours = to_numpy(Mix(scale=False, law="linear")(*signals, levels))
    gains = expected.to_samples(levels, interpolation="linear")
    assert_close(ours, np.sum(np.stack(signals, -1) * gains, axis=-1))
    assert not to_numpy(Mix(scale=False)(*signals, 0.0 * levels)).any()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"n_signals": 1}, "n_signals=1"),
        ({"law": "loud"}, "law='loud'; expected one of"),
        ({"frame_rate": 300}, "does not divide"),
        ({"interpolation": "cubic"}, "interpolation='cubic'"),
    ],
)
def test_wrong_settings(wrong, message):
    with pytest.raises(ValueError, match=message):
        Mix(**wrong)


def test_wrong_inputs(inputs):
    mix = Mix(n_signals=3, name="blend")
    a, b, c, levels = inputs.values()
    with pytest.raises(ValueError, match=r"blend: mix_levels was not given; expected"):
        mix(a, b, levels)
    with pytest.raises(ValueError, match=r"blend: mix_levels has shape .*, 3\); .* frames, 2\]"):
        mix(a, b, c, np.ones((3, 12, 3), np.float32))
    with pytest.raises(ValueError, match="blend: signal_2 has 700 samples, but signal_1 has 768"):
        mix(a, b[:, :700], c, levels)
