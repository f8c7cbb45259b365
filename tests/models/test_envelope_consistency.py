"""Spectral envelopes that carry over to other pitches."""

import keras
import numpy as np
import pytest
from backends import to_numpy
from keras import ops
from small_models import make_curves, make_decoder, make_ensemble, make_model

from ddsp_tf.models import Autoencoder
from ddsp_tf.models.envelope_consistency import envelope_distance, envelope_loss
from ddsp_tf.processors import FilteredNoise, ProcessorGroup

F0_HZ = 200.0
NUMBERS = np.arange(1, 13)


def distance(shares, shifted, ratio, f0_hz=F0_HZ):
    rows = [np.float32(one).reshape(1, 1, -1) for one in (shares, shifted)]
    full = [np.full((1, 1, 1), value, np.float32) for value in (f0_hz, ratio)]
    return float(to_numpy(envelope_distance(*rows, *full, 16000))[0, 0, 0])


def slope(f0_hz, per_khz=1.5):
    """Shares of a tone whose level falls evenly over frequency."""
    gains = np.exp(-per_khz * f0_hz * NUMBERS / 1000.0)
    return gains / gains.sum()


@pytest.mark.parametrize("ratio", [1.0, 1.26, 2.0])
def test_tones_with_one_envelope_agree(ratio):
    assert distance(slope(F0_HZ), slope(F0_HZ * ratio), ratio) == pytest.approx(0.0, abs=1e-5)


def test_tones_with_the_same_harmonics_but_another_envelope_differ():
    # At twice the pitch, the slope per harmonic is twice as steep. Six harmonics are known, and
    # the difference from one to the next is 0.3, around the offset of equal sums.
    ratio, known = 2.0, np.arange(1, 7)
    apart = 1.5 * F0_HZ / 1000.0 * known
    sums = [np.sum(np.exp(-one)) for one in (2.0 * apart, apart)]
    expected = np.mean(np.abs(-apart - np.log(sums[0] / sums[1])))
    assert distance(slope(F0_HZ), slope(F0_HZ), ratio) == pytest.approx(expected, abs=1e-5)


def test_what_is_above_the_known_envelope_does_not_count():
    shares, shifted = slope(700.0), slope(1050.0)
    # Harmonics of 700 Hz are known up to 7700 Hz, which is the seventh of 1050 Hz.
    expected = distance(shares, shifted, 1.5, f0_hz=700.0)
    shares, shifted = shares.copy(), shifted.copy()
    shares[11:], shifted[7:] = 0.5, 0.3
    assert distance(shares, shifted, 1.5, f0_hz=700.0) == pytest.approx(expected, abs=1e-6)


@pytest.fixture
def curves():
    return make_curves(batch=2, frames=30)


@pytest.fixture(params=["plain", "ensemble"])
def model(request):
    model = make_model() if request.param == "plain" else make_ensemble()
    return with_weight(model, 2.0)


def with_weight(model, weight):
    config = {**model.get_config(), "envelope_consistency": weight}
    other = Autoencoder.from_config(config)
    other.set_weights(model.get_weights())
    return other


def test_it_is_a_loss_of_training_only(model, curves):
    twice = with_weight(model, 4.0)
    audio = to_numpy(model(curves, training=True))
    twice(curves, training=True)
    (loss,), (other,) = model.losses, twice.losses
    assert 0.0 < float(loss) == pytest.approx(0.5 * float(other), rel=1e-5)
    assert audio.shape == to_numpy(model(curves)).shape and model.losses == []


def test_silent_frames_do_not_count(model, curves):
    model({**curves, "f0_hz": np.zeros_like(curves["f0_hz"])}, training=True)
    assert float(model.losses[0]) == 0.0
    model({**curves, "loudness_db": np.full_like(curves["loudness_db"], -70.0)}, training=True)
    assert float(model.losses[0]) == 0.0


def test_training_brings_envelopes_closer(curves):
    model = with_weight(make_model(), 1.0)
    audio = np.zeros(to_numpy(model(curves)).shape, np.float32)
    model.compile(keras.optimizers.Adam(1e-2), loss=lambda target, made: 0.0 * ops.mean(made))
    losses = model.fit(curves, audio, epochs=16, verbose=0).history["loss"]
    assert np.mean(losses[-4:]) < 0.8 * np.mean(losses[:4])


def test_the_loss_is_reproducible(model, curves):
    inputs, _ = model.decode(curves)
    values = [float(envelope_loss(model, curves, inputs, seed=seed)) for seed in (1, 1, 2)]
    assert values[0] == values[1] != values[2]


def test_a_model_without_harmonics_is_refused():
    group = ProcessorGroup([(FilteredNoise(n_bands=9), ["noise_magnitudes"])])
    with pytest.raises(ValueError, match="envelope_consistency needs a Harmonic"):
        Autoencoder(make_decoder(), group, envelope_consistency=1.0)
