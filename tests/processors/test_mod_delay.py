import effect_references
import numpy as np
import pytest
from backends import compiled, gradient, tensorflow_only, to_numpy
from effect_streaming import hops_in_litert
from keras import ops
from tolerance import SUMS, assert_close

from ddsp_tf.processors import ModDelay

HOP = 64


def smooth_noise(rng, samples):
    """Low-passed noise, batch 3, peak 1.

    A float32 phase is worth up to 2e-5 samples of a long delay. White noise would change by more
    than the tolerance in that time; sound does not.
    """
    noise = rng.normal(size=(3, samples + 31))
    smooth = np.stack([np.convolve(row, np.hanning(32), "valid") for row in noise])
    return (smooth / np.abs(smooth).max()).astype(np.float32)


@pytest.fixture
def raw(rng):
    """A signal, raw gains and phases, batch 3 of 12 frames."""
    return {
        "signal": smooth_noise(rng, 12 * HOP),
        "gain": rng.normal(size=(3, 12, 1)).astype(np.float32),
        "phase": rng.normal(size=(3, 12, 1)).astype(np.float32),
    }


def expected_sound(signal, gain, phase, **kwargs):
    gain = effect_references.exp_sigmoid(gain)[:, :, 0]
    phase = 1.0 / (1.0 + np.exp(-np.float64(phase[:, :, 0])))
    return effect_references.mod_delay(signal, gain, phase, HOP, **kwargs)


@pytest.mark.parametrize("make", [ModDelay, ModDelay.chorus, ModDelay.flanger, ModDelay.vibrato])
def test_what_every_processor_does(run_processor_test, raw, make):
    run_processor_test(make(), raw)


def test_another_rate_and_a_delay_shorter_than_a_sample(run_processor_test, rng):
    inputs = {
        "signal": smooth_noise(rng, 12 * 48),
        "gain": rng.normal(size=(3, 12, 1)).astype(np.float32),
        "phase": 3.0 * rng.normal(size=(3, 12, 1)).astype(np.float32),
    }
    processor = ModDelay(centre_ms=0.02, depth_ms=0.02, sample_rate=48000, frame_rate=1000)
    run_processor_test(processor, inputs)


@pytest.mark.parametrize("interpolation", ["cubic", "linear"])
@pytest.mark.parametrize("add_dry", [True, False])
def test_equals_the_reference(raw, interpolation, add_dry):
    settings = {"add_dry": add_dry, "interpolation": interpolation}
    processor = ModDelay(centre_ms=3.0, depth_ms=2.0, **settings)
    ours = to_numpy(compiled(processor)(**raw))
    expected = expected_sound(**raw, centre=48.0, depth=32.0, **settings)
    # Float32 gives a delay of 80 samples to 4e-6.
    assert_close(ours, expected, SUMS)


@pytest.mark.parametrize(("phase", "delay"), [(0.0, 16), (0.5, 48), (1.0, 80)])
def test_a_click_comes_back_at_the_stated_time(phase, delay):
    click = np.zeros((1, 256), np.float32)
    click[0, 10] = 1.0
    processor = ModDelay(centre_ms=3.0, depth_ms=2.0, scale=False)
    ours = processor(click, np.full((1, 4, 1), 0.5), np.full((1, 4, 1), phase))
    expected = np.zeros(256)
    expected[[10, 10 + delay]] = [1.0, 0.5]
    assert_close(to_numpy(ours)[0], expected)


def test_vibrato_bends_the_pitch_as_stated():
    frames, processor = 250, ModDelay.vibrato(scale=False)
    sine = np.sin(2.0 * np.pi * 1000.0 * np.arange(frames * HOP) / 16000.0)[None]
    phase = 0.5 + 0.5 * np.sin(2.0 * np.pi * 5.0 * np.arange(frames) / 250.0)[None, :, None]
    ours = to_numpy(compiled(processor)(sine, np.ones_like(phase), phase))[0]
    # Zero crossings give the period; 16 of them are short against the modulation.
    rising = np.flatnonzero((ours[:-1] < 0.0) & (ours[1:] >= 0.0))
    place = rising - ours[rising] / (ours[rising + 1] - ours[rising])
    cents = 1200.0 * np.log2(16000.0 * 16 / (place[16:] - place[:-16]) / 1000.0)[16:]
    assert 50.0 < cents.max() < 55.0 and -58.0 < cents.min() < -50.0


def test_gradients_by_finite_differences(rng, raw):
    listener = rng.normal(size=raw["signal"].shape).astype(np.float32)
    processor = ModDelay(centre_ms=1.0, depth_ms=0.5)
    ours = gradient(lambda *x: ops.sum(processor(*x) * listener), *raw.values())
    for gradients, name in zip(ours, raw, strict=True):

        def heard(value, name=name):
            inputs = {**raw, name: value}
            return np.sum(expected_sound(**inputs, centre=16.0, depth=8.0) * listener)

        last = (2, raw[name].shape[1] - 1, 0)[: raw[name].ndim]
        middle = (1, 5, 0)[: raw[name].ndim]
        effect_references.check_slopes(gradients, heard, raw[name], [middle, last], rtol=5e-3)


@pytest.mark.parametrize("interpolation", ["cubic", "linear"])
def test_gradients_at_extremes_are_finite(raw, interpolation):
    extreme = np.full((3, 12, 1), 1e4, np.float32)
    extreme[:, ::2] = -1e4
    silence = np.zeros_like(raw["signal"])
    processor = ModDelay(interpolation=interpolation)
    for value in gradient(lambda *x: ops.sum(processor(*x) ** 2), silence, extreme, extreme):
        assert np.all(np.isfinite(value))


@tensorflow_only
def test_streams_with_builtin_operators_of_litert(raw):
    processor = ModDelay.chorus()
    inputs = {name: value[:1] for name, value in raw.items()}
    ours = hops_in_litert(processor, inputs, HOP, 12 * HOP)
    expected = to_numpy(processor(**inputs))
    assert_close(ours[:, HOP:], expected[:, :-HOP], SUMS)


def test_usual_settings_can_be_changed():
    processor = ModDelay.chorus(sample_rate=48000, depth_ms=1.0)
    assert (processor.name, processor.hop, processor.depth_ms) == ("chorus", 192, 1.0)
    assert processor.input_sizes == {"gain": 1, "phase": 1}


def test_wrong_inputs(raw):
    processor = ModDelay(name="wobble")
    with pytest.raises(ValueError, match=r"wobble: gain has shape .*, 2\); .* frames, 1\]"):
        processor(raw["signal"], np.ones((3, 12, 2), np.float32), raw["phase"])
    with pytest.raises(ValueError, match="phase has 11 frames, but gain has 12"):
        processor(raw["signal"], raw["gain"], raw["phase"][:, 1:])
    with pytest.raises(ValueError, match=r"signal has 700 samples; expected 12 frames \* hop=64"):
        processor(raw["signal"][:, :700], raw["gain"], raw["phase"])


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"depth_ms": 20.0}, r"depth_ms=20.0; expected 0..centre_ms=15.0"),
        ({"depth_ms": -1.0}, r"depth_ms=-1.0; expected 0..centre_ms=15.0"),
        ({"interpolation": "sinc"}, "interpolation='sinc'"),
        ({"sample_rate": 44100}, "does not divide sample_rate=44100"),
    ],
)
def test_wrong_settings(wrong, message):
    with pytest.raises(ValueError, match=message):
        ModDelay(**wrong)
