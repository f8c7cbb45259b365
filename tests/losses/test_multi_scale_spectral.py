import keras
import numpy as np
import pytest
import references
from backends import compiled, gradient, tensorflow_only, to_numpy, with_unknown_length
from tolerance import SUMS, assert_close

from ddsp_tf.features.loudness import frame_loudness_db
from ddsp_tf.losses import MultiScaleSpectralLoss, scaled_fft_sizes

SIZES = (2048, 1024, 512, 256, 128, 64)


def loss_of(init):
    """Our loss with the meaning of the original's arguments."""
    return MultiScaleSpectralLoss(
        fft_sizes=init.get("fft_sizes", SIZES),
        magnitude_weight=init.get("mag_weight", 1.0),
        log_magnitude_weight=init.get("logmag_weight", 0.0),
        delta_time_weight=init.get("delta_time_weight", 0.0),
        delta_frequency_weight=init.get("delta_freq_weight", 0.0),
        cumulative_frequency_weight=init.get("cumsum_freq_weight", 0.0),
        distance=init.get("loss_type", "L1"),
    )


@pytest.mark.parametrize(
    "name",
    [
        "default_L1",
        "logmag_only_L1",
        "fft_sizes_one",
        "equal_audio",
        "silent_output",
        *(
            f"{term}_{distance}"
            for term in ("logmag", "delta_time_weight", "delta_freq_weight", "cumsum_freq_weight")
            for distance in ("L1", "L2")
        ),
        "default_L2",
        "logmag_only_L2",
        *(f"per_size_{size}" for size in SIZES),
    ],
)
def test_value_equals_the_original(golden, name):
    arrays, cases = golden("losses_spectral")
    case = cases[name]
    target, audio = (arrays[case["inputs"][key]] for key in ("target_audio", "audio"))
    ours = float(compiled(loss_of(case["init"]))(target, audio))
    assert ours == pytest.approx(float(arrays[case["outputs"]["out"]]), rel=1e-5, abs=1e-9)


def test_gradient_equals_the_original(golden):
    arrays, _ = golden("losses_spectral")
    loss = MultiScaleSpectralLoss()
    (ours,) = gradient(lambda audio: loss(arrays["in_target_audio"], audio), arrays["in_audio"])
    expected = arrays["logmag_L1__grad_audio"]
    np.testing.assert_allclose(ours, expected, atol=1e-3 * np.abs(expected).max())
    # The sign of a difference near zero is a matter of rounding, and L1 has no other gradient.
    assert np.linalg.norm(ours - expected) < 1e-3 * np.linalg.norm(expected)


@pytest.fixture
def sounds(rng):
    """Target and output, three of 3000 samples, which no hop divides."""
    return [rng.uniform(-0.5, 0.5, (3, 3000)).astype(np.float32) for _ in range(2)]


def expected_terms(target, audio, size):
    a, b = (references.stft_magnitude(sound, size) for sound in (target, audio))
    log_a, log_b = (np.log(np.maximum(x, 1e-5)) for x in (a, b))
    return np.abs(a - b).mean(axis=(1, 2)), np.abs(log_a - log_b).mean(axis=(1, 2))


def test_terms_are_weighted_distances_of_every_example(sounds):
    loss = MultiScaleSpectralLoss((512, 64), magnitude_weight=2.0, log_magnitude_weight=0.5)
    terms = {name: to_numpy(value) for name, value in compiled(loss.terms)(*sounds).items()}
    names = {"magnitude_512", "log_magnitude_512", "magnitude_64", "log_magnitude_64"}
    assert set(terms) == names
    for size in (512, 64):
        linear, log = expected_terms(*sounds, size)
        assert_close(terms[f"magnitude_{size}"], 2.0 * linear, relative=True)
        assert_close(terms[f"log_magnitude_{size}"], 0.5 * log, relative=True)
    total = to_numpy(compiled(loss.call)(*sounds))
    assert_close(total, sum(terms.values()), relative=True)
    assert float(compiled(loss)(*sounds)) == pytest.approx(total.mean(), rel=1e-6)


def test_a_term_of_no_weight_is_absent(sounds):
    loss = MultiScaleSpectralLoss((64,), magnitude_weight=0.0)
    assert list(compiled(loss.terms)(*sounds)) == ["log_magnitude_64"]


@pytest.mark.parametrize("level", [0.0, 1e-7])
def test_silent_output_has_a_finite_gradient(sounds, level):
    loss = MultiScaleSpectralLoss((512, 64))
    (ours,) = gradient(lambda audio: loss(sounds[0], audio), sounds[1] * level)
    assert np.all(np.isfinite(ours))
    if level:
        # The direction that makes the output louder lowers the loss.
        assert np.sum(ours * sounds[1]) < 0.0


def test_zero_between_equal_sounds_and_symmetric(sounds):
    loss = compiled(MultiScaleSpectralLoss((512, 64)))
    assert float(loss(sounds[0], sounds[0])) == 0.0
    assert float(loss(*sounds)) == pytest.approx(float(loss(*sounds[::-1])), rel=1e-6)


@tensorflow_only
def test_unknown_length(sounds):
    loss = MultiScaleSpectralLoss((512, 64))
    ours = with_unknown_length(loss.call, *sounds)
    assert_close(ours, to_numpy(loss.call(*sounds)), relative=True)


def test_serialization(sounds):
    loss = MultiScaleSpectralLoss(
        (512, 64), 0.5, 2.0, 0.1, 0.2, 0.3, 0.4, 256, "L2", 32000, name="mine", reduction="sum"
    )
    copy = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(loss))
    assert copy.get_config() == loss.get_config() and copy.name == "mine"
    assert float(compiled(copy)(*sounds)) == float(compiled(loss)(*sounds))


@pytest.mark.parametrize("sizes", [(), (2,), (0,), (512, 66)])
def test_bad_sizes(sizes):
    with pytest.raises(ValueError, match="expected multiples of 4"):
        MultiScaleSpectralLoss(sizes)


def test_other_bad_settings():
    with pytest.raises(ValueError, match=r"distance='L3'.*L1.*cosine"):
        MultiScaleSpectralLoss(distance="L3")
    with pytest.raises(ValueError, match="delta_time_weight=-1"):
        MultiScaleSpectralLoss(delta_time_weight=-1)
    with pytest.raises(ValueError, match="sample_rate=16"):
        MultiScaleSpectralLoss(sample_rate=16)


def test_sizes_grow_with_the_sample_rate():
    assert scaled_fft_sizes(8000)[0] == 1024 and scaled_fft_sizes(96000)[-1] == 512
    assert MultiScaleSpectralLoss(sample_rate=48000).fft_sizes == scaled_fft_sizes(48000)
    assert MultiScaleSpectralLoss().fft_sizes == SIZES


def test_kinds_add_up(sounds):
    loss = MultiScaleSpectralLoss((512, 64), loudness_weight=0.1, delta_time_weight=0.5)
    sums = {name: to_numpy(value) for name, value in compiled(loss.kind_sums)(*sounds).items()}
    assert set(sums) == set(loss.kinds)
    assert loss.kinds == ("magnitude", "log_magnitude", "delta_time", "loudness")
    assert_close(sum(sums.values()), to_numpy(loss.call(*sounds)), relative=True)


def loudness_by_frames(audio, size, sample_rate):
    """The library's own measure, applied to the frames that the loss sees."""
    padded = np.pad(np.asarray(audio, np.float64), [(0, 0), (0, size)])
    starts = range(0, audio.shape[1], size // 4)
    frames = np.stack([padded[:, start : start + size] for start in starts], axis=1)
    return frame_loudness_db(frames, sample_rate)


@pytest.mark.parametrize(("size", "sample_rate"), [(512, 16000), (2048, 48000)])
def test_loudness_is_that_of_the_features(sounds, size, sample_rate):
    loss = MultiScaleSpectralLoss(
        (64,), 0.0, 0.0, loudness_weight=0.5, loudness_fft_size=size, sample_rate=sample_rate
    )
    ours = to_numpy(compiled(loss.call)(sounds[0], 0.1 * sounds[1]))
    levels = [loudness_by_frames(x, size, sample_rate) for x in (sounds[0], 0.1 * sounds[1])]
    expected = 0.5 * np.abs(levels[0] - levels[1]).mean(axis=1)
    assert_close(ours, expected, SUMS, relative=True)


def test_cosine_sees_shape_not_level(sounds):
    loss = MultiScaleSpectralLoss((512, 64), log_magnitude_weight=0.0, distance="cosine")
    function = compiled(loss.call)
    assert_close(function(sounds[0], 3.0 * sounds[0]), 0.0, peak=1.0)
    spectra = [references.stft_magnitude(sound, 64) for sound in sounds]
    norms = [np.linalg.norm(spectrum, axis=2) for spectrum in spectra]
    expected = 1.0 - (spectra[0] * spectra[1]).sum(axis=2) / (norms[0] * norms[1])
    only = MultiScaleSpectralLoss((64,), log_magnitude_weight=0.0, distance="cosine")
    assert_close(compiled(only.call)(*sounds), expected.mean(axis=1), SUMS, relative=True)


TERMS = ("magnitude", "delta_time", "delta_frequency", "cumulative_frequency", "loudness")


# Log magnitudes bend too sharply in the gaps of a spectrum; the original's gradient checks them.
@pytest.mark.parametrize("distance", ["L1", "L2", "cosine"])
@pytest.mark.parametrize("term", TERMS)
def test_gradients_are_those_of_differences(sounds, term, distance):
    weights = {"magnitude_weight": 0.0, "log_magnitude_weight": 0.0, f"{term}_weight": 1.0}
    loss = MultiScaleSpectralLoss((512, 64), **weights, distance=distance)
    (ours,) = gradient(lambda audio: loss(sounds[0], audio), sounds[1])
    step = 2e-3 * sounds[0]
    ahead, behind = (float(compiled(loss)(sounds[0], sounds[1] + s)) for s in (step, -step))
    predicted = 2.0 * np.sum(step.astype(np.float64) * ours)
    assert ahead - behind == pytest.approx(predicted, rel=0.1)


@pytest.mark.parametrize("distance", ["L1", "L2", "cosine"])
def test_silence_has_a_finite_gradient_by_every_term(sounds, distance):
    loss = MultiScaleSpectralLoss((512, 64), 1.0, 1.0, 0.5, 0.5, 0.1, 0.1, distance=distance)
    (ours,) = gradient(lambda audio: loss(sounds[0], audio), 0.0 * sounds[1])
    assert np.all(np.isfinite(ours))
