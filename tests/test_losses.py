import keras
import numpy as np
import pytest
import references
from backends import compiled, gradient, tensorflow_only, to_numpy, with_unknown_length

from ddsp_tf.losses import MultiScaleSpectralLoss

SIZES = (2048, 1024, 512, 256, 128, 64)


def loss_of(init):
    """Our loss with the meaning of the original's arguments."""
    return MultiScaleSpectralLoss(
        fft_sizes=init.get("fft_sizes", SIZES),
        magnitude_weight=init.get("mag_weight", 1.0),
        log_magnitude_weight=init.get("logmag_weight", 0.0),
    )


@pytest.mark.parametrize(
    "name",
    [
        "default_L1",
        "logmag_L1",
        "logmag_only_L1",
        "fft_sizes_one",
        "equal_audio",
        "silent_output",
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
        np.testing.assert_allclose(terms[f"magnitude_{size}"], 2.0 * linear, rtol=1e-5)
        np.testing.assert_allclose(terms[f"log_magnitude_{size}"], 0.5 * log, rtol=1e-5)
    total = to_numpy(compiled(loss.call)(*sounds))
    np.testing.assert_allclose(total, sum(terms.values()), rtol=1e-6)
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
    np.testing.assert_allclose(ours, to_numpy(loss.call(*sounds)), rtol=1e-5)


def test_serialization(sounds):
    loss = MultiScaleSpectralLoss((512, 64), 0.5, 2.0, name="mine", reduction="sum")
    copy = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(loss))
    assert copy.get_config() == loss.get_config() and copy.name == "mine"
    assert float(compiled(copy)(*sounds)) == float(compiled(loss)(*sounds))


@pytest.mark.parametrize("sizes", [(), (2,), (0,), (512, 66)])
def test_bad_sizes(sizes):
    with pytest.raises(ValueError, match="expected multiples of 4"):
        MultiScaleSpectralLoss(sizes)
