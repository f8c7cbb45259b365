import keras
import numpy as np
import pytest
from backends import compiled, gradient, tensorflow_only, to_numpy
from keras import ops
from small_models import make_group, make_group_inputs, randomize
from tolerance import SUMS, assert_close

from ddsp_tf.processors import (
    Add,
    FilteredNoise,
    FirFilter,
    Mix,
    ProcessorGroup,
    Reverb,
    Sinusoidal,
)


@pytest.fixture
def group():
    """Harmonic + noise -> dry -> reverb with an audible response."""
    group = make_group()
    randomize(group)
    return group


@pytest.fixture
def inputs():
    """Raw inputs, batch 2 of 20 frames."""
    return make_group_inputs(2, 20)


def test_names_and_sizes(group):
    names = ("amplitudes", "harmonic_distribution", "f0_hz", "noise_magnitudes")
    assert group.input_names == names
    assert group.input_sizes == {
        "amplitudes": 1,
        "harmonic_distribution": 4,
        "noise_magnitudes": 9,
    }
    assert group.latencies == {"harmonic": 64, "filtered_noise": 8, "dry": 64, "reverb": 64}
    assert group.latency == 64


def test_renders_every_node(group, inputs):
    signals, controls = compiled(group.render)(inputs)
    signals = {name: to_numpy(signal) for name, signal in signals.items()}
    harmonic, noise, _, reverb = group.processors
    names = ["amplitudes", "harmonic_distribution", "f0_hz"]
    tone = to_numpy(compiled(harmonic)(*(inputs[name] for name in names)))
    breath = to_numpy(compiled(noise)(inputs["noise_magnitudes"], inputs["noise"]))
    assert_close(signals["harmonic"], tone)
    assert_close(signals["filtered_noise"], breath)
    assert_close(signals["dry"], tone + breath)
    assert_close(signals["reverb"], to_numpy(compiled(reverb)(tone + breath)))
    assert_close(to_numpy(compiled(group)(inputs)), signals["reverb"])
    assert set(controls) == set(signals)
    assert set(controls["harmonic"]) == set(names)
    gains = to_numpy(controls["filtered_noise"]["noise_magnitudes"])
    assert gains.shape == (2, 20, 9) and np.all(gains > 0.0)


def test_gradients_reach_every_input(group, inputs):
    names = list(inputs)
    given = [inputs[name] for name in names]
    gradients = gradient(
        lambda *values: ops.sum(group(dict(zip(names, values, strict=True))) ** 2), *given
    )
    for name, value in zip(names, gradients, strict=True):
        assert np.all(np.isfinite(value)) and np.any(value != 0.0), name


def check_streams(group, inputs, sizes):
    """Blocks of so many frames give every node's whole signal after its latency."""
    whole, _ = compiled(group.render)(inputs)
    stream = compiled(group.stream)
    state, start, blocks = group.initial_state(2), 0, {name: [] for name in group.latencies}
    for size in sizes:
        block = {}
        for name, value in inputs.items():
            step = value.shape[1] // 20
            block[name] = value[:, start * step : (start + size) * step]
        signals, after = stream(state, block)
        shapes = {key: tuple(value.shape) for key, value in state.items()}
        assert shapes == {key: tuple(value.shape) for key, value in after.items()}
        for name, signal in signals.items():
            blocks[name].append(to_numpy(signal))
        state, start = after, start + size
    for name, latency in group.latencies.items():
        streamed = np.concatenate(blocks[name], axis=1)
        expected = to_numpy(whole[name])[:, : 20 * 64 - latency]
        assert_close(streamed[:, latency:], expected, SUMS, err_msg=name)


@pytest.mark.parametrize("sizes", [(20,), (1, 1, 2, 16)])
def test_streaming_equals_the_whole(group, inputs, sizes):
    check_streams(group, inputs, sizes)


@tensorflow_only
def test_unknown_length(group, inputs):
    import tensorflow as tf

    signature = {n: tf.TensorSpec([None, None, *v.shape[2:]]) for n, v in inputs.items()}
    graph = tf.function(lambda values: group(values), input_signature=[signature])
    assert_close(to_numpy(graph(inputs)), to_numpy(group(inputs)))


def test_noise_is_drawn_if_not_given(group, inputs):
    del inputs["noise"]
    short = {name: value[:, :2] for name, value in inputs.items()}
    first, second = (to_numpy(group(short)) for _ in range(2))
    assert first.shape == (2, 2 * 64) and np.abs(first - second).max() > 1e-3


def test_serialization(group, inputs):
    config = keras.saving.serialize_keras_object(group)
    copy = keras.saving.deserialize_keras_object(config)
    assert copy.get_config() == group.get_config()
    assert copy.connections == group.connections
    copy.build()
    group.build()
    copy.set_weights(group.get_weights())
    expected = to_numpy(compiled(group)(inputs))
    assert_close(to_numpy(compiled(copy)(inputs)), expected)


def test_computes_in_float32_whatever_the_policy(inputs):
    policy = keras.config.dtype_policy()
    try:
        keras.config.set_dtype_policy("mixed_float16")
        signal = compiled(make_group())(inputs)
    finally:
        keras.config.set_dtype_policy(policy)
    expected = to_numpy(compiled(make_group())(inputs))
    assert to_numpy(signal).dtype == np.float32
    assert_close(to_numpy(signal), expected)


def test_a_missing_input(group, inputs):
    del inputs["noise_magnitudes"]
    message = "node 'filtered_noise': input 'noise_magnitudes' was not given"
    with pytest.raises(ValueError, match=message):
        group.render(inputs)


def test_a_missing_input_or_a_wrong_size_when_called(inputs):
    message = "node 'harmonic': input 'harmonic_distribution' has shape .*; expected .* 4]"
    with pytest.raises(ValueError, match=message):
        make_group()({**inputs, "harmonic_distribution": inputs["noise_magnitudes"]})
    del inputs["f0_hz"]
    with pytest.raises(ValueError, match="node 'harmonic': input 'f0_hz' was not given"):
        make_group()(inputs)


def late_controls():
    """Controls per frame that meet late signals, of latencies that are no whole frames."""
    return ProcessorGroup(
        [
            (FilteredNoise(n_bands=9, initial_bias=0.0), ["noise_magnitudes"]),
            (FirFilter(n_bands=5, name="fir"), ["filtered_noise", "fir_magnitudes"]),
            (Sinusoidal(n_sinusoids=3), ["levels", "frequencies"]),
            (Mix(n_signals=3), ["fir", "sinusoidal", "audio", "mix_levels"]),
            (Reverb(length=300), ["mix"]),
        ]
    )


def test_controls_wait_for_late_signals(rng):
    group = late_controls()
    randomize(group)
    sizes = {"fir_magnitudes": 5, "levels": 3, "frequencies": 3, "mix_levels": 2}
    sizes["noise_magnitudes"] = 9
    inputs = {
        name: rng.normal(size=(2, 20, size)).astype(np.float32) for name, size in sizes.items()
    }
    for name in ("noise", "audio"):
        inputs[name] = rng.uniform(-1.0, 1.0, (2, 20 * 64)).astype(np.float32)
    # The noise is 8 samples late, so its filter waits for a whole frame.
    assert group.latencies["fir"] == 64 + 4 and group.latencies["mix"] == 128 + 64
    check_streams(group, inputs, (1, 1, 2, 16))


def test_nodes_in_any_order(group, inputs):
    nodes = list(zip(group.processors, group.connections, strict=True))
    expected = to_numpy(compiled(group)(inputs))
    for order in ([3, 2, 1, 0], [2, 0, 3, 1], [0, 1, 2, 3]):
        shuffled = ProcessorGroup([nodes[k] for k in order])
        assert shuffled.processors[-1].name == "reverb"
        np.testing.assert_array_equal(to_numpy(compiled(shuffled)(inputs)), expected)


def test_nodes_in_order_stay_there_and_the_last_is_the_output():
    noise = [(FilteredNoise(name=name), [name + "_magnitudes"]) for name in "cab"]
    add = (Add(name="both"), ["a", "c"])
    names = [processor.name for processor in ProcessorGroup([*noise[:2], add, noise[2]]).processors]
    assert names == ["c", "a", "both", "b"]
    # "b" is taken by no one either, but "both" is given last.
    names = [processor.name for processor in ProcessorGroup([*noise, add]).processors]
    assert names == ["c", "a", "b", "both"]
