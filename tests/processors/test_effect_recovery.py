"""Settings of effects found again by gradient descent on what they do to noise, no network."""

import keras
import numpy as np
import pytest
import references
from backends import TENSORFLOW, to_numpy
from keras import ops

from ddsp_tf.processors import ExpDecayReverb, FirFilter, Reverb


@pytest.fixture
def noise(rng):
    """White noise, batch 4 of 2048 samples."""
    return rng.uniform(-1.0, 1.0, (4, 2048)).astype(np.float32)


def descend(layer, signal, target, optimizer, steps):
    """Minimizes the mean square error over a layer's weights."""
    model = keras.Sequential([keras.Input((signal.shape[1],)), layer])
    model.compile(optimizer, loss="mse", jit_compile=not TENSORFLOW)
    # One epoch of the same batch again and again, because every epoch takes time to begin.
    signals, targets = np.tile(signal, (steps, 1)), np.tile(target, (steps, 1))
    model.fit(signals, targets, batch_size=len(signal), shuffle=False, verbose=0)


def test_an_impulse_response_to_120_db(rng, noise):
    response = (rng.normal(size=200) * np.exp(-np.arange(200) / 40.0) * 0.3).astype(np.float32)
    target = to_numpy(Reverb(length=200, learned=False)(noise, response))
    processor = Reverb(length=200)
    descend(processor, noise, target, keras.optimizers.SGD(1.0), steps=40)
    found = to_numpy(processor.impulse_response.value)[1:]
    assert references.snr_db(found, response[1:]) > 120.0


class Held(keras.layers.Layer):
    """A filter whose magnitudes are weights, the same for every row."""

    def __init__(self, processor, frames):
        super().__init__()
        self.processor = processor
        self.magnitudes = self.add_weight((1, frames, processor.n_bands), "zeros")
        self.built = True

    def call(self, signal):
        rows = (ops.shape(signal)[0], 1, 1)
        return self.processor(signal, ops.tile(ops.convert_to_tensor(self.magnitudes), rows))


def test_filter_magnitudes_as_far_as_they_are_heard(rng, noise):
    gains = rng.uniform(0.2, 2.0, (1, 32, 9)).astype(np.float32)
    processor = FirFilter(n_bands=9, scale=False)
    target = to_numpy(processor(noise, np.tile(gains, (4, 1, 1))))
    held = Held(processor, frames=32)
    descend(held, noise, target, keras.optimizers.SGD(200.0, momentum=0.9), steps=100)
    # The Hann window lets no alternation from band to band through, so compare what it leaves.
    found = references.zero_phase_response(to_numpy(held.magnitudes.value))
    assert references.snr_db(found, references.zero_phase_response(gains)) > 40.0


def test_gain_and_decay_to_three_digits(noise):
    room = ExpDecayReverb(length=400)
    room.build()
    room.gain.assign([0.5])
    room.decay.assign([3.0])
    target = to_numpy(room(noise))
    processor = ExpDecayReverb(length=400)
    descend(processor, noise, target, keras.optimizers.Adam(0.1), steps=150)
    assert float(processor.gain[0]) == pytest.approx(0.5, abs=2e-3)
    assert float(processor.decay[0]) == pytest.approx(3.0, abs=2e-3)
