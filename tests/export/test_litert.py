import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter
from tensorflow.lite.python import schema_py_generated as schema

from ddsp_tf.dsp.oscillators import frame_phase
from ddsp_tf.errors import UserError
from ddsp_tf.export.litert import convert
from ddsp_tf.export.litert_operators import check_builtin, foreign_nodes, operators
from ddsp_tf.inference.model_files import load_model


@pytest.fixture(scope="module")
def model(tiny_run):
    return load_model(tiny_run)


@pytest.fixture
def offline(tiny_export):
    return Interpreter(str(tiny_export / "offline.tflite")).get_signature_runner("synthesize")


class Stream:
    """Plays `stream.tflite` hop by hop, like a host."""

    def __init__(self, path):
        self.runner = Interpreter(str(path)).get_signature_runner("step")
        self.state = {
            name: np.zeros(tensor["shape"], np.float32)
            for name, tensor in self.runner.get_input_details().items()
            if name.startswith("state_")
        }

    def play(self, features, hop=160):
        audio = []
        for frame in range(features["f0_hz"].shape[1]):
            part = {name: value[:, frame : frame + 1] for name, value in features.items()}
            part["noise"] = features["noise"][:, frame * hop : (frame + 1) * hop]
            self.state = self.runner(**part, **self.state)
            audio.append(self.state.pop("audio"))
        return np.concatenate(audio, axis=1)


@pytest.mark.parametrize("frames", [1, 40, 100, 333])
def test_offline_equals_keras_model_for_any_length(model, offline, make_features, frames):
    features = make_features(1, frames)
    np.testing.assert_allclose(offline(**features)["audio"], model(features), atol=1e-4)


def test_stream_equals_the_offline_render_of_the_same_noise(
    model, offline, tiny_export, make_features
):
    features = make_features(1, 150)
    streamed = Stream(tiny_export / "stream.tflite").play(features)[:, model.latency :]
    whole = offline(**features)["audio"][:, : streamed.shape[1]]
    np.testing.assert_allclose(streamed, whole, atol=1e-4)


def test_phase_is_exact_whatever_the_number_of_hops():
    hop, sample_rate, hops, f0_hz = 64, 16000, 20000, 733.3
    frame = tf.constant([[f0_hz]], tf.float32)

    @tf.function
    def play():
        return tf.while_loop(
            lambda hop_number, phase: hop_number < hops,
            lambda hop_number, phase: (
                hop_number + 1,
                frame_phase(frame, frame, hop, sample_rate, phase)[1],
            ),
            (0, tf.zeros((1, 2))),
        )[1]

    units, left_over = np.float64(play()[0])
    assert units == round(units)
    exact = np.float64(np.float32(f0_hz)) * hop * hops / sample_rate
    error = (units / (2 * sample_rate) + left_over - exact + 0.5) % 1.0 - 0.5
    assert abs(error) < 2e-5  # In one float32 number, it would be off by 1e-3.


@pytest.mark.parametrize("file", ["stream.tflite", "listen.tflite"])
def test_outputs_of_a_stream_are_computed(tiny_export, file):
    """Runtimes log constant outputs in every call, and lose outputs that are inputs."""
    model = schema.Model.GetRootAsModel((tiny_export / file).read_bytes(), 0)
    graph = model.Subgraphs(0)
    assert set(graph.InputsAsNumpy()).isdisjoint(graph.OutputsAsNumpy())
    for tensor in map(graph.Tensors, graph.OutputsAsNumpy()):
        assert model.Buffers(tensor.Buffer()).DataLength() == 0, tensor.Name()


@pytest.mark.parametrize("precision", ["float16", "int8"])
def test_smaller_files_play_nearly_the_same(model, tiny_export, make_features, precision):
    features = make_features(1, 50)
    path = tiny_export / f"offline_{precision}.tflite"
    played = Interpreter(str(path)).get_signature_runner("synthesize")(**features)["audio"]
    expected = np.asarray(model(features))
    error = np.sqrt(np.mean((played - expected) ** 2) / np.mean(expected**2))
    assert error < {"float16": 0.01, "int8": 0.15}[precision]
    assert path.stat().st_size < (tiny_export / "offline.tflite").stat().st_size


def test_every_file_needs_builtin_operators_only(tiny_export):
    paths = list(tiny_export.glob("*.tflite"))
    assert len(paths) == 7
    artifacts = json.loads((tiny_export / "model.json").read_text())["artifacts"]
    for path in paths:
        content = path.read_bytes()
        assert foreign_nodes(content) == []
        assert operators(content) == artifacts[path.name]["operators"]


class Inverse(keras.layers.Layer):
    """Uses an operator that LiteRT does not have."""

    def call(self, inputs):
        return tf.signal.irfft(tf.cast(inputs, tf.complex64))


def test_foreign_operator_is_named_with_its_layer(tmp_path):
    layer = Inverse(name="my_layer")
    inputs = keras.Input((9,), batch_size=1)
    archive = keras.export.ExportArchive()
    spectrum_model = keras.Model(inputs, layer(inputs))
    archive.track(spectrum_model)
    archive.add_endpoint("play", spectrum_model, [tf.TensorSpec([1, 9], tf.float32)])
    archive.write_out(str(tmp_path), verbose=False)
    with pytest.raises(UserError, match=r"broken\.tflite.*IRFFT.*my_layer.*builtin"):
        convert(tmp_path, "play", "broken.tflite")


def test_check_finds_a_foreign_operator_in_a_finished_file(tmp_path):
    function = tf.function(tf.signal.irfft, input_signature=[tf.TensorSpec([1, 9], tf.complex64)])
    converter = tf.lite.TFLiteConverter.from_concrete_functions(
        [function.get_concrete_function()], tf.Module()
    )
    converter.target_spec.supported_ops = [tf.lite.OpsSet.SELECT_TF_OPS]
    with pytest.raises(UserError, match=r"bad\.tflite.*FlexIRFFT"):
        check_builtin(converter.convert(), "bad.tflite")


def test_bad_numbers_are_harmless_offline(offline, make_features, spoil):
    features = make_features(1, 40)
    spoil(features)
    audio = offline(**features)["audio"]
    assert np.isfinite(audio).all() and np.abs(audio).max() < 2.0


def test_stream_recovers_from_bad_numbers(tiny_export, make_features, spoil):
    features = make_features(1, 20)
    spoil(features)
    stream = Stream(tiny_export / "stream.tflite")
    audio = stream.play(features)
    assert np.isfinite(audio).all() and np.abs(audio).max() < 2.0
    assert all(np.isfinite(part).all() for part in stream.state.values())


def test_memory_that_was_never_set_is_harmless(tiny_export, make_features):
    stream = Stream(tiny_export / "stream.tflite")
    stream.state = {name: np.full_like(part, np.nan) for name, part in stream.state.items()}
    assert np.isfinite(stream.play(make_features(1, 3))).all()


def test_no_frames_give_no_audio(offline, make_features):
    # It runs; Python's interface says so when asked for an empty result.
    with pytest.raises(ValueError, match="size"):
        offline(**make_features(1, 0))


@pytest.mark.parametrize(
    "change",
    [
        {"f0_hz": np.ones((2, 5), np.float32)},
        {"loudness_db": np.zeros((1, 2), np.float32)},
        {"noise": np.zeros((1, 159), np.float32)},
        {"state_decoder": np.zeros((1, 17), np.float32)},
    ],
    ids=["f0", "loudness", "noise", "state"],
)
def test_wrong_sizes_are_errors(tiny_export, make_features, change):
    stream = Stream(tiny_export / "stream.tflite")
    with pytest.raises((ValueError, RuntimeError)):
        stream.runner(**{**make_features(1, 1), **stream.state, **change})


@pytest.mark.parametrize("name", ["stream", "offline"])
def test_every_matrix_of_the_decoder_is_compressed(model, tiny_export, name):
    """The graph multiplies by the weights themselves, not by what it makes of them."""
    plain, *smaller = (
        (tiny_export / f"{name}{ending}.tflite").read_bytes()
        for ending in ("", "_float16", "_int8")
    )
    kernels = [weight.numpy() for weight in model.decoder.weights if "kernel" in weight.path]
    # Those of one row belong to inputs of one channel: there is nothing to be saved.
    matrices = [kernel.T for kernel in kernels if kernel.shape[0] > 1]
    assert len(matrices) == 7
    for matrix in matrices:
        stored = np.ascontiguousarray(matrix).tobytes()
        assert stored in plain
        assert not any(stored in content for content in smaller)
