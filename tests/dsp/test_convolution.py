import numpy as np
import pytest
import references
from backends import compiled, gradient, tensorflow_only, to_numpy, with_unknown_length
from keras import ops
from tolerance import SUMS, assert_close

from ddsp_tf.dsp.convolution import convolve_block, fft_convolve

# 100 taps: FFTs of 256, 512 or 1024 over blocks of 157, 413 or 925 samples, whichever cost least.
LENGTHS = [1, 99, 100, 157, 158, 413, 414, 925, 926, 1000, 3000]


@pytest.mark.parametrize("samples", LENGTHS)
def test_equals_numpy(rng, samples):
    signal = rng.normal(size=(2, samples)).astype(np.float32)
    response = rng.normal(size=(1, 100)).astype(np.float32)
    ours = to_numpy(compiled(fft_convolve)(signal, response))
    assert ours.shape == (2, samples + 99)
    assert_close(ours, references.convolved(signal, response[0]), SUMS)


@pytest.mark.parametrize("samples", LENGTHS)
def test_without_the_tail(rng, samples):
    signal = rng.normal(size=(2, samples)).astype(np.float32)
    response = rng.normal(size=(1, 100)).astype(np.float32)
    ours = to_numpy(compiled(lambda s, r: fft_convolve(s, r, tail=False))(signal, response))
    expected = references.convolved(signal, response[0])[:, :samples]
    assert_close(ours, expected, SUMS)


@pytest.mark.parametrize("taps", [1, 2, 64, 65, 500])
def test_any_number_of_taps(rng, taps):
    signal = rng.normal(size=(2, 130)).astype(np.float32)
    response = rng.normal(size=(1, taps)).astype(np.float32)
    ours = to_numpy(compiled(fft_convolve)(signal, response))
    assert_close(ours, references.convolved(signal, response[0]), SUMS)


def test_a_response_for_every_row(rng):
    signal = rng.normal(size=(3, 70)).astype(np.float32)
    responses = rng.normal(size=(3, 20)).astype(np.float32)
    expected = [np.convolve(s, r) for s, r in zip(signal, responses, strict=True)]
    assert_close(to_numpy(compiled(fft_convolve)(signal, responses)), expected)


def test_equals_the_original(golden):
    arrays, cases = golden("core_fft_convolve")
    for name in ("time_invariant_valid", "ir_longer_than_audio_valid"):
        inputs = [arrays[cases[name]["inputs"][key]] for key in ("audio", "impulse_response")]
        expected = arrays[cases[name]["outputs"]["out"]]
        assert_close(to_numpy(compiled(fft_convolve)(*inputs)), expected, SUMS)


@pytest.mark.parametrize(("rows", "responses"), [(2, 1), (1, 2), (2, 2)])
@pytest.mark.parametrize("tail", [True, False])
@pytest.mark.parametrize("samples", [1, 30, 157, 414, 1000])
def test_gradients_of_rows(rng, samples, tail, rows, responses):
    signal = rng.normal(size=(rows, samples)).astype(np.float32)
    response = rng.normal(size=(responses, 100)).astype(np.float32)
    listener = rng.normal(size=(2, samples + 99)).astype(np.float32)
    if not tail:
        listener[:, samples:] = 0.0
    end = samples + 99 * tail
    ours = gradient(
        lambda s, r: ops.sum(fft_convolve(s, r, tail) * listener[:, :end]), signal, response
    )
    pairs = [(signal[k % rows], response[k % responses], listener[k]) for k in range(2)]
    of_signal, of_response = np.zeros(signal.shape), np.zeros(response.shape)
    for k, (s, r, heard) in enumerate(pairs):
        of_signal[k % rows] += np.correlate(np.float64(heard), r, "valid")
        of_response[k % responses] += np.correlate(np.float64(heard), s, "valid")
    assert_close(ours[0], of_signal, SUMS)
    assert_close(ours[1], of_response, SUMS)


def test_gradients_are_correlations(rng):
    signal, response = rng.normal(size=(1, 30)), rng.normal(size=(1, 8))
    listener = rng.normal(size=(1, 37)).astype(np.float32)
    ours = gradient(lambda s, r: ops.sum(fft_convolve(s, r) * listener), signal, response)
    expected = [np.correlate(listener[0], x[0], "valid") for x in (response, signal)]
    for mine, correlation in zip(ours, expected, strict=True):
        assert_close(mine[0], correlation)


@tensorflow_only
@pytest.mark.parametrize("samples", [1, 157, 400])
def test_unknown_length(rng, samples):
    signal = rng.normal(size=(2, samples)).astype(np.float32)
    response = rng.normal(size=(1, 100)).astype(np.float32)
    ours = with_unknown_length(lambda s: fft_convolve(s, response), signal)
    assert_close(ours, references.convolved(signal, response[0]), SUMS)


# Blocks up to 128 samples are multiplied directly, longer ones transformed; from the length of
# the response on they are its signal.
@pytest.mark.parametrize("samples", [1, 5, 64, 128, 129, 299, 300, 301, 2000])
def test_a_block_of_any_length(rng, samples):
    block = rng.normal(size=(2, samples)).astype(np.float32)
    response = rng.normal(size=(1, 300)).astype(np.float32)
    ours = to_numpy(compiled(convolve_block)(block, response))
    assert ours.shape == (2, samples + 299)
    assert_close(ours, references.convolved(block, response[0]), SUMS)


@pytest.mark.parametrize("samples", [64, 200, 400])
def test_a_block_with_a_response_for_every_row(rng, samples):
    block = rng.normal(size=(3, samples)).astype(np.float32)
    responses = rng.normal(size=(3, 300)).astype(np.float32)
    expected = [np.convolve(b, r) for b, r in zip(block, responses, strict=True)]
    ours = to_numpy(compiled(convolve_block)(block, responses))
    assert_close(ours, expected, SUMS)


@pytest.mark.parametrize("samples", [40, 150])
def test_gradients_of_a_block(rng, samples):
    block, response = rng.normal(size=(1, samples)), rng.normal(size=(1, 200))
    listener = rng.normal(size=(1, samples + 199)).astype(np.float32)
    ours = gradient(lambda b, r: ops.sum(convolve_block(b, r) * listener), block, response)
    expected = [np.correlate(listener[0], x[0], "valid") for x in (response, block)]
    for mine, correlation in zip(ours, expected, strict=True):
        assert_close(mine[0], correlation, SUMS)


@tensorflow_only
@pytest.mark.parametrize("samples", [1, 128, 129, 1024, 1025])
def test_a_block_of_unknown_length(rng, samples):
    block = rng.normal(size=(2, samples)).astype(np.float32)
    response = rng.normal(size=(1, 300)).astype(np.float32)
    ours = with_unknown_length(lambda b: convolve_block(b, response), block)
    assert ours.shape == (2, samples + 299)
    assert_close(ours, references.convolved(block, response[0]), SUMS)


@tensorflow_only
def test_converts_to_builtin_operators_of_litert(rng):
    import tensorflow as tf

    response = rng.normal(size=(1, 20)).astype(np.float32)
    function = tf.function(lambda signal: fft_convolve(signal, response))
    concrete = function.get_concrete_function(tf.TensorSpec([1, 64], tf.float32))
    converter = tf.lite.TFLiteConverter.from_concrete_functions([concrete])
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
    assert converter.convert()[4:8] == b"TFL3"
