import keras
import numpy as np
import pytest
from backends import compiled, tensorflow_only, to_numpy, with_unknown_length
from small_models import randomize
from tolerance import SUMS, assert_close

from ddsp_tf.dsp.mfcc import mfcc
from ddsp_tf.models import MfccRnnEncoder

HOP, STRIDE = 64, 4
SIZES = {"z_dims": 3, "stride": STRIDE, "n_mels": 20, "n_coefficients": 6, "rnn_channels": 8}


@pytest.fixture(params=["layer", "instance"])
def encoder(request):
    """A small one with random weights."""
    encoder = MfccRnnEncoder(normalization=request.param, **SIZES)
    encoder.build()
    randomize(encoder)
    return encoder


@pytest.fixture
def audio(rng):
    """Noise of 22 frames and 9 samples."""
    return rng.normal(0.0, 0.1, (2, 22 * HOP + 9)).astype(np.float32)


def test_size_of_the_shipped_encoder():
    encoder = MfccRnnEncoder()
    encoder.build()
    # Scale and shift; a GRU with two biases; the linear layer.
    expected = 2 * 30 + 3 * 512 * (30 + 512 + 2) + 512 * 16 + 16
    assert encoder.count_params() == expected == 843_852


def test_is_its_formula(encoder, audio):
    z = to_numpy(compiled(encoder)(audio))
    assert z.shape == (2, 22, 3) and z.dtype == np.float32
    padded = np.pad(audio, [[0, 0], [0, 24 * HOP - audio.shape[1]]])
    x = np.float64(to_numpy(mfcc(padded, 16000, HOP * STRIDE, 6, 20, 1024)))
    axis = -1 if encoder.normalization == "layer" else 1
    x = (x - x.mean(axis, keepdims=True)) / np.sqrt(x.var(axis, keepdims=True) + 1e-3)
    scale, shift, kernel, recurrent_kernel, bias, output_kernel, output_bias = encoder.get_weights()
    layer = keras.layers.GRU(8, return_sequences=True)
    layer.build((None, None, 6))
    layer.set_weights([kernel, recurrent_kernel, bias])
    states = to_numpy(compiled(layer)(np.float32(x * scale + shift)))
    looks = states @ output_kernel + output_bias
    # Lines between the looks; the last one is held.
    for channel in range(3):
        expected = np.interp(np.arange(22), STRIDE * np.arange(6), looks[0, :, channel])
        assert_close(z[0, :, channel], expected, SUMS)


@pytest.mark.parametrize("frames", [1, 3, 4, 9])
def test_any_length(encoder, audio, frames):
    z = to_numpy(compiled(encoder)(audio[:, : frames * HOP]))
    assert z.shape == (2, frames, 3) and np.isfinite(z).all()


@tensorflow_only
def test_unknown_length(encoder, audio):
    unknown = with_unknown_length(encoder, audio)
    assert_close(unknown, to_numpy(encoder(audio)))


def test_what_lasts_counts_only_for_layer_normalization(encoder, rng):
    # One colour of noise or another, throughout.
    encoder.scale.assign(np.ones(6))
    white = rng.normal(0.0, 0.1, (1, 400 * HOP)).astype(np.float32)
    dark = sum(np.roll(white, n, axis=1) for n in range(8))
    first, second = (to_numpy(compiled(encoder)(x)).mean(axis=1) for x in (white, dark))
    moved = np.abs(first - second).max()
    assert moved > 0.1 if encoder.normalization == "layer" else moved < 0.05


def test_silence_is_finite(encoder):
    assert np.isfinite(to_numpy(compiled(encoder)(np.zeros((1, 640), np.float32)))).all()


def test_mixed_precision(encoder, audio):
    before = keras.config.dtype_policy()
    try:
        keras.config.set_dtype_policy("mixed_float16")
        half = MfccRnnEncoder(normalization=encoder.normalization, **SIZES)
    finally:
        keras.config.set_dtype_policy(before)
    half.build()
    half.set_weights(encoder.get_weights())
    z = to_numpy(compiled(half)(audio))
    assert z.dtype == np.float32
    assert 0.0 < np.abs(z - to_numpy(compiled(encoder)(audio))).max() < 0.05


def test_serialization(encoder, audio):
    copy = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(encoder))
    copy.build()
    copy.set_weights(encoder.get_weights())
    assert copy.get_config() == encoder.get_config()
    ours, theirs = (to_numpy(compiled(layer)(audio)) for layer in (copy, encoder))
    assert_close(ours, theirs)


@pytest.mark.parametrize("rate", [16000, 32000, 44100, 48000])
def test_windows_last_as_long_at_other_rates(rate):
    encoder = MfccRnnEncoder(z_dims=2, rnn_channels=2, sample_rate=rate, frame_rate=100)
    assert encoder(np.zeros((1, rate // 10), np.float32)).shape == (1, 10, 2)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"z_dims": 0}, "z_dims=0, .* expected at least 1"),
        ({"stride": 0}, "stride=0, .* expected at least 1"),
        ({"rnn_channels": 0}, "rnn_channels=0; expected at least 1"),
        ({"normalization": "batch"}, "normalization='batch'; expected one of"),
        ({"frame_rate": 300}, "frame_rate=300 does not divide"),
    ],
)
def test_mistakes(wrong, message):
    with pytest.raises(ValueError, match=message):
        MfccRnnEncoder(**wrong)
