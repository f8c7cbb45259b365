"""What every processor must do, in one call."""

import keras
import numpy as np
import pytest
from backends import TENSORFLOW, compiled, gradient, to_numpy, with_unknown_length
from keras import ops
from tolerance import SUMS, assert_close


@pytest.fixture
def run_processor_test():
    """Checks a processor: `run_processor_test(processor, inputs)`.

    `inputs` maps the names of the call arguments to arrays, batch 3, in the call's order.
    `rounding` says how much arithmetic is in it, see `tolerance`.
    """

    def run(processor, inputs, rounding=SUMS):
        expected = to_numpy(compiled(processor)(*inputs.values()))
        assert expected.dtype == np.float32 and expected.shape[0] == 3
        assert np.all(np.isfinite(expected)) and np.abs(expected).max() > 0.01
        check_serialization(processor, inputs, expected, rounding)
        check_single_row(processor, inputs, expected, rounding)
        check_mixed_precision(processor, inputs, expected, rounding)
        check_gradients(processor, inputs, expected.shape)
        check_streaming(processor, inputs, expected, rounding)
        if TENSORFLOW:
            graph = with_unknown_length(lambda *x: processor(*x), *inputs.values())
            assert_close(graph, expected, rounding)

    return run


def copy_of(processor):
    """The processor written down and read again, with its weights."""
    config = keras.saving.serialize_keras_object(processor)
    copy = keras.saving.deserialize_keras_object(config)
    copy.build()
    copy.set_weights(processor.get_weights())
    return copy


def check_serialization(processor, inputs, expected, rounding):
    copy = copy_of(processor)
    assert type(copy) is type(processor) and copy.name == processor.name
    assert copy.get_config() == processor.get_config()
    assert_close(to_numpy(compiled(copy)(*inputs.values())), expected, rounding)


def check_single_row(processor, inputs, expected, rounding):
    row = compiled(processor)(*(value[1:2] for value in inputs.values()))
    assert_close(to_numpy(row), expected[1:2], rounding)


def check_mixed_precision(processor, inputs, expected, rounding):
    policy = keras.config.dtype_policy()
    try:
        keras.config.set_dtype_policy("mixed_float16")
        copy = copy_of(processor)
        signal = to_numpy(compiled(copy)(*inputs.values()))
    finally:
        keras.config.set_dtype_policy(policy)
    assert signal.dtype == np.float32
    assert_close(signal, expected, rounding)


def check_gradients(processor, inputs, shape):
    listener = np.random.default_rng(5).normal(size=shape).astype(np.float32)
    gradients = gradient(lambda *x: ops.sum(processor(*x) * listener), *inputs.values())
    for name, value in zip(inputs, gradients, strict=True):
        assert np.all(np.isfinite(value)), name
        assert np.any(value != 0.0), name


def check_streaming(processor, inputs, expected, rounding):
    """Blocks of 1, 2 and 5 frames, then the rest, give the whole after `latency` samples."""
    frames = min(value.shape[1] for value in inputs.values())
    state, blocks, start = processor.initial_state(3), [], 0

    def stream(state, *block):
        return processor.stream(state, **processor.get_controls(*block))

    stream = compiled(stream)
    for size in (1, 2, 5, frames - 8):
        block = []
        for value in inputs.values():
            step = value.shape[1] // frames
            block.append(value[:, start * step : (start + size) * step])
        signal, state = stream(state, *block)
        blocks.append(to_numpy(signal))
        start += size
    streamed = np.concatenate(blocks, axis=1)
    assert streamed.shape == expected.shape
    latency = processor.latency
    assert_close(streamed[:, :latency], 0.0, peak=1.0)
    kept = expected.shape[1] - latency
    assert_close(streamed[:, latency:], expected[:, :kept], rounding)
