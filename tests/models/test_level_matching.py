import keras
import numpy as np
import pytest
from backends import compiled, gradient, to_numpy
from keras import ops

from ddsp_tf.features.loudness import loudness_db, power_db
from ddsp_tf.inference.rendering import white_noise
from ddsp_tf.models import LevelMatching
from ddsp_tf.processors import Add, FilteredNoise, Harmonic, ProcessorGroup, Sinusoidal

FRAMES = 100
NAMES = ("amplitudes", "harmonic_distribution", "noise_magnitudes")


def make_group(sample_rate=16000, **options):
    rates = {"sample_rate": sample_rate, "frame_rate": 250}
    harmonic = Harmonic(n_harmonics=30, **rates, **options)
    return ProcessorGroup(
        [
            (harmonic, harmonic.input_names),
            (FilteredNoise(n_bands=33, **rates), ["noise_magnitudes"]),
            (Add(name="dry"), ["harmonic", "filtered_noise"]),
        ]
    )


def make_inputs(rng, noise_share=0.0):
    """Steady raw controls of three clips at different pitches."""
    shapes = {"amplitudes": 1, "harmonic_distribution": 30, "noise_magnitudes": 33}
    inputs = {name: rng.normal(size=(3, 1, size)) for name, size in shapes.items()}
    inputs["noise_magnitudes"] += 8.0 * noise_share - 4.0
    inputs = {name: np.repeat(value, FRAMES, axis=1) for name, value in inputs.items()}
    inputs["f0_hz"] = np.ones((3, FRAMES, 1)) * np.array([110.0, 400.0, 1500.0])[:, None, None]
    return {name: value.astype(np.float32) for name, value in inputs.items()}


def predict(matching, group, inputs, feature):
    return to_numpy(compiled(lambda values: matching.predict(group, values, feature))(inputs))


def match(matching, group, inputs, feature, level):
    return compiled(lambda *values: matching.match(group, values[0], feature, values[1]))(
        inputs, level
    )


def measure(group, inputs, feature, fft_size=512):
    rate = group.processors[0].sample_rate
    noise = white_noise((3, FRAMES * rate // 250), seed=0)
    audio = to_numpy(compiled(lambda inputs: group({**inputs, "noise": noise}))(inputs))
    if feature == "power_db":
        curves = [power_db(sound, rate // 250) for sound in audio]
    else:
        curves = [loudness_db(sound, rate, rate // 250, fft_size) for sound in audio]
    return np.array(curves)[:, 20:-20]


@pytest.mark.parametrize("feature", ["loudness_db", "power_db"])
@pytest.mark.parametrize("noise_share", [0.0, 1.0])
def test_predicts_what_is_measured(rng, feature, noise_share):
    group, inputs = make_group(), make_inputs(rng, noise_share)
    predicted = predict(LevelMatching(), group, inputs, feature)[:, 0, 0]
    measured = measure(group, inputs, feature)
    # Noise of a few hundred samples has no exact level.
    np.testing.assert_allclose(measured.mean(axis=1), predicted, atol=0.3 if noise_share else 0.05)


@pytest.mark.parametrize(("sample_rate", "fft_size"), [(16000, 1024), (48000, 1536)])
def test_predicts_loudness_of_other_rates_and_windows(rng, sample_rate, fft_size):
    group, inputs = make_group(sample_rate), make_inputs(rng, 0.5)
    matching = LevelMatching(loudness_fft_size=fft_size)
    predicted = predict(matching, group, inputs, "loudness_db")[:, 0, 0]
    measured = measure(group, inputs, "loudness_db", fft_size)
    np.testing.assert_allclose(measured.mean(axis=1), predicted, atol=0.3)


@pytest.mark.parametrize("options", [{}, {"scale": False}, {"inharmonic": True}])
def test_the_sound_is_as_loud_as_asked(rng, options):
    group, inputs = make_group(**options), make_inputs(rng, 0.2)
    if "scale" in options:
        inputs["amplitudes"] = np.abs(inputs["amplitudes"])
        inputs["harmonic_distribution"] = np.abs(inputs["harmonic_distribution"])
    if "inharmonic" in options:
        inputs["harmonic_shifts"] = np.zeros_like(inputs["harmonic_distribution"])

    @compiled
    def play(inputs, level):
        matched = LevelMatching().match(group, inputs, "loudness_db", level)
        return group.render(matched)[0]["dry"]

    for wanted in (-40.0, -5.0):
        audio = to_numpy(play(inputs, np.full((3, FRAMES, 1), wanted, np.float32)))
        curves = np.array([loudness_db(sound, 16000, 64) for sound in audio])[:, 20:-20]
        np.testing.assert_allclose(curves, wanted, atol=1.0)
        assert np.abs(curves.mean() - wanted) < 0.2


class Muted(Harmonic):
    """A harmonic synthesizer of a user: half as loud as its base class."""

    def get_controls(self, *inputs, **named):
        controls = super().get_controls(*inputs, **named)
        return {**controls, "amplitudes": 0.5 * controls["amplitudes"]}


def test_a_subclass_is_as_loud_as_asked_by_its_own_controls(rng):
    muted = Muted(n_harmonics=30, name="harmonic")
    group = ProcessorGroup([(muted, muted.input_names)])
    LevelMatching().check(group)
    inputs, level = make_inputs(rng), np.full((3, FRAMES, 1), -30.0, np.float32)
    matched = match(LevelMatching(), group, inputs, "power_db", level)
    np.testing.assert_allclose(measure(group, matched, "power_db"), -30.0, atol=0.2)


def test_harmonics_and_noise_keep_their_shares(rng):
    group, inputs = make_group(), make_inputs(rng, 0.5)
    level = np.full((3, FRAMES, 1), -40.0, np.float32)
    matched = match(LevelMatching(), group, inputs, "loudness_db", level)
    gains = []
    for name, position in (("amplitudes", 0), ("noise_magnitudes", 1)):
        processor, names = group.processors[position], group.connections[position]
        before, after = (
            to_numpy(processor.get_controls(*[values[n] for n in names])[name]) - 1e-7
            for values in (inputs, matched)
        )
        gains.append((after / before)[:, :, :1])
    np.testing.assert_allclose(gains[0], gains[1], rtol=1e-3)


def test_the_tolerance_is_the_largest_departure(rng):
    group, inputs = make_group(), make_inputs(rng)
    matching = LevelMatching(tolerance_db=3.0)
    for wanted in (-60.0, -25.0):
        own = predict(matching, group, inputs, "power_db")
        level = np.full((3, FRAMES, 1), wanted, np.float32)
        matched = match(matching, group, inputs, "power_db", level)
        departure = predict(matching, group, matched, "power_db") - wanted
        np.testing.assert_allclose(departure, 3.0 * np.tanh((own - wanted) / 3.0), atol=0.02)


def test_gradients_are_finite_in_silence_and_without_pitch(rng):
    group, inputs = make_group(), make_inputs(rng)
    inputs["amplitudes"][0], inputs["f0_hz"][1] = -100.0, 0.0
    inputs["noise_magnitudes"][0] = -100.0
    level = np.full((3, FRAMES, 1), -80.0, np.float32)

    def total(*raw):
        values = {**inputs, **dict(zip(NAMES, raw, strict=True))}
        matched = LevelMatching(1.0).match(group, values, "loudness_db", level)
        return sum(ops.sum(ops.square(matched[name])) for name in NAMES)

    for slope in gradient(total, *[inputs[name] for name in NAMES]):
        assert np.isfinite(slope).all()


def test_other_synthesizers_are_refused():
    group = ProcessorGroup([(Sinusoidal(), ["amplitudes", "frequencies"])])
    with pytest.raises(ValueError, match="sinusoidal is a Sinusoidal"):
        LevelMatching().check(group)


@pytest.mark.parametrize("options", [{"tolerance_db": -1.0}, {"loudness_fft_size": 1}])
def test_numbers_out_of_range_are_refused(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        LevelMatching(**options)


def test_survives_serialization():
    matching = LevelMatching(tolerance_db=2.0, loudness_fft_size=1024)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(matching))
    assert again.get_config() == matching.get_config()
