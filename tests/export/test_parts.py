"""The pieces that exports are made of, each by itself."""

import numpy as np
import pytest
import tensorflow as tf
from pitch_signals import RICH, cents_between, glide, tone
from small_models import make_model

from ddsp_tf.export.compression import compressed
from ddsp_tf.export.partitioned_reverb import PartitionedReverb
from ddsp_tf.export.recording_signatures import RECORDED_DELAY_SECONDS, graph_features
from ddsp_tf.export.room_files import impulse_response, resampled_response
from ddsp_tf.features.extractor import FeatureExtractor
from ddsp_tf.features.live_features import LiveFeatures


@pytest.mark.parametrize(("taps", "block"), [(1, 4), (300, 64), (257, 100), (64, 64), (3, 50)])
def test_partitioned_reverb_equals_convolution(taps, block, rng):
    response = rng.normal(size=taps)
    signal = rng.normal(size=(2, 12 * block)).astype(np.float32)
    reverb = PartitionedReverb(response, block, "room")
    state, pieces = reverb.initial_state(2), []
    for start in range(0, signal.shape[1], block):
        piece, state = reverb.stream(state, tf.constant(signal[:, start : start + block]))
        pieces.append(piece)
    expected = [np.convolve(row, response)[: signal.shape[1]] for row in np.float64(signal)]
    tolerance = 1e-5 * np.abs(expected).max()
    np.testing.assert_allclose(np.concatenate(pieces, axis=1), expected, atol=tolerance)


@pytest.mark.parametrize("rate", [44100, 48000])
@pytest.mark.parametrize("hz", [200.0, 1000.0, 3000.0])
def test_resampled_response_does_to_a_tone_what_the_original_does(rate, hz, rng):
    response = rng.normal(size=4000) * np.exp(-np.arange(4000) / 800.0) * 0.05
    response[0] = 1.0
    other = resampled_response(response, 16000, rate)

    def gain(taps, sample_rate):
        return np.sum(taps * np.exp(-2j * np.pi * hz * np.arange(len(taps)) / sample_rate))

    assert abs(gain(other, rate) - gain(response, 16000)) < 0.005 * abs(gain(response, 16000))


def test_model_without_a_room_has_no_response():
    model = make_model()
    assert impulse_response(model).shape == (300,)
    model.processor_group.processors.pop()
    assert impulse_response(model) is None


@pytest.fixture(scope="module")
def dense():
    """A dense layer as a LiteRT model: its bytes and its weights, [40, 30]."""
    weights = np.random.default_rng(0).normal(size=(40, 30)).astype(np.float32)
    function = tf.function(
        lambda inputs: tf.tanh(tf.matmul(inputs, weights)) * 1e6,
        input_signature=[tf.TensorSpec([1, 40], tf.float32)],
    )
    converter = tf.lite.TFLiteConverter.from_concrete_functions(
        [function.get_concrete_function()], tf.Module()
    )
    return converter.convert(), weights


def run(content, inputs):
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=content)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], inputs)
    interpreter.invoke()
    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])


@pytest.mark.parametrize(("precision", "largest"), [("float16", 5e-3), ("int8", 6e-2)])
def test_compression_keeps_the_product_and_the_constants(dense, precision, largest, rng):
    content, weights = dense
    smaller = compressed(content, [weights], precision)
    assert len(smaller) < len(content) - 1200
    inputs = rng.normal(size=(1, 40)).astype(np.float32)
    expected = run(content, inputs)
    np.testing.assert_allclose(expected, 1e6 * np.tanh(inputs @ weights), atol=100.0)
    error = np.abs(run(smaller, inputs) - expected).max() / np.abs(expected).max()
    assert 0.0 < error < largest


def test_only_named_matrices_are_compressed(dense, rng):
    content, weights = dense
    inputs = rng.normal(size=(1, 40)).astype(np.float32)
    other = compressed(content, [weights + 1.0], "int8")
    np.testing.assert_array_equal(run(other, inputs), run(content, inputs))


def test_unknown_precision_is_named(dense):
    with pytest.raises(ValueError, match="int4"):
        compressed(dense[0], [], "int4")


def measured_at(frame_rate):
    """Measures audio [batch, samples]: arrays [batch, frames]."""
    live = LiveFeatures(16000, frame_rate, delay_seconds=RECORDED_DELAY_SECONDS)
    any_audio = tf.TensorSpec([None, None], tf.float32)
    call = tf.function(
        lambda audio: graph_features(audio, live), input_signature=[any_audio], autograph=False
    )
    return lambda audio: {name: curve.numpy() for name, curve in call(audio).items()}


@pytest.fixture(scope="module")
def measure():
    return measured_at(100)


def test_graph_features_hold_the_pitch_where_there_is_none(measure):
    time = np.arange(16000) / 16000
    audio = np.float32(0.3 * np.sin(2 * np.pi * 330.0 * time))
    audio[:4000] = audio[8000:10000] = 0.0
    features = measure(tf.stack([audio, 0.0 * audio]))
    assert all(curve.shape == (2, 100) for curve in features.values())
    np.testing.assert_allclose(features["f0_hz"][0], 330.0, rtol=0.01)
    assert np.all(features["f0_hz"][1] == 0.0)
    assert np.all(features["loudness_db"][1] == -80.0)


def test_graph_features_of_bad_samples_are_finite(measure):
    features = measure(tf.fill((1, 1600), np.float32(np.nan)))
    assert all(np.isfinite(curve).all() for curve in features.values())
    assert np.all(features["f0_hz"] == 0.0)


@pytest.mark.parametrize("frame_rate", [100, pytest.param(62.5, marks=pytest.mark.slow)])
def test_graph_features_equal_those_of_recordings(measure, frame_rate):
    """Also where the lookahead is no whole number of hops."""
    if frame_rate != 100:
        measure = measured_at(frame_rate)
    curves = [glide(29.0, 33.0, 0.4), glide(100.0, 200.0, 0.4), glide(3000.0, 4000.0, 0.4)]
    signal = tone(np.concatenate([*curves, np.zeros(3333)]), amplitudes=RICH)
    features = measure(signal.audio[None])
    expected = FeatureExtractor(16000, frame_rate).extract(signal.audio)
    sure = (expected["f0_confidence"] > 0.9) & (features["f0_confidence"][0] > 0.9)
    assert sure.mean() > 0.7
    cents = cents_between(features["f0_hz"][0][sure], expected["f0_hz"][sure])
    assert np.mean(cents < 10) > 0.95
    voiced = [curves["f0_confidence"] >= 0.5 for curves in (features, expected)]
    assert np.mean(voiced[0][0] == voiced[1]) > 0.9
    for name in ("loudness_db", "power_db"):
        np.testing.assert_allclose(features[name][0], expected[name], atol=1e-2)
