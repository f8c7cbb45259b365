"""What exports hear: listen.tflite and the SavedModel's signature."""

import json

import numpy as np
import pytest
import tensorflow as tf
from pitch_signals import RICH, notes, tone

from ddsp_tf.errors import UserError
from ddsp_tf.export import listening
from ddsp_tf.export.litert_operators import foreign_nodes
from ddsp_tf.export.model_functions import ModelFunctions
from ddsp_tf.export.verification import open_interpreter, verify
from ddsp_tf.features.live_features import CURVES, LiveFeatures
from ddsp_tf.inference.listener import Listener
from ddsp_tf.inference.model_files import load_model
from ddsp_tf.inference.playing import load_player


class File:
    """`listen.tflite`, called hop by hop."""

    def __init__(self, path):
        self.runner = open_interpreter(path).get_signature_runner("listen")
        details = self.runner.get_input_details()
        self.zeros = {
            name: np.zeros(tensor["shape"], np.float32)
            for name, tensor in details.items()
            if name.startswith("state_")
        }

    def listen(self, sound, state=None):
        state, found = dict(state or self.zeros), []
        for hop in sound[: sound.size // 160 * 160].reshape(-1, 1, 160):
            outputs = self.runner(audio=hop, **state)
            state = {name: outputs.pop(name) for name in state}
            found.append(outputs)
        return {name: np.concatenate([f[name][0] for f in found]) for name in CURVES}, state


@pytest.fixture(scope="module")
def file(tiny_export):
    return File(tiny_export / "listen.tflite")


@pytest.fixture(scope="module")
def sound():
    return tone(notes([220, 330, 0, 110], 0.25), amplitudes=RICH).with_noise(30.0).audio


def test_the_file_hears_what_the_library_hears(tiny_export, file, sound):
    _, extractor = load_player(tiny_export)
    expected = Listener(extractor).listen(sound)
    found, _ = file.listen(sound)
    np.testing.assert_allclose(found["f0_hz"], expected["f0_hz"], rtol=1e-5)
    for name in CURVES[1:]:
        np.testing.assert_allclose(found[name], expected[name], atol=1e-3)


def test_the_saved_model_hears_what_the_file_hears(tiny_export, file, sound):
    saved = tf.saved_model.load(str(tiny_export / "saved_model")).signatures["listen"]
    found, state = file.listen(sound)
    hops = sound.size // 160
    zeros = {name: tf.zeros((2, value.shape[1])) for name, value in file.zeros.items()}
    audio = np.stack([sound[: hops * 160], np.zeros(hops * 160, np.float32)])
    outputs = saved(audio=tf.constant(audio), **zeros)
    for name, curve in found.items():
        assert outputs[name].shape == (2, hops)
        np.testing.assert_allclose(outputs[name][0], curve, rtol=1e-4, atol=1e-3)
    for name, value in state.items():
        np.testing.assert_allclose(outputs[name][:1], value, rtol=1e-3, atol=1e-2)
    assert not outputs["f0_confidence"][1].numpy().any()


def test_it_is_described(tiny_export, file):
    description = json.loads((tiny_export / "model.json").read_text())
    sizes = {name: value.shape[1] for name, value in file.zeros.items()}
    assert description["state"]["listen.tflite"] == sizes
    assert description["listen"] == {
        "latency_samples": 320,
        "lookahead_ms": [[160.0, 20.0], [67.0, 29.0], [27.0, 60.0]],
        "lowest_hz": 27.0,
        "highest_hz": 4200.0,
    }
    assert description["artifacts"]["listen.tflite"]["largest_difference"] < 1e-4
    assert "listen" in description["signatures"]
    assert not foreign_nodes((tiny_export / "listen.tflite").read_bytes())


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 3e38, 1e7])
def test_bad_numbers_do_not_last(file, sound, value):
    spoilt = sound[:8000].copy()
    spoilt[2000:2100] = value
    curves, state = file.listen(spoilt)
    spoilt_state = {name: np.full_like(array, value) for name, array in state.items()}
    for found in (curves, file.listen(sound[:8000], spoilt_state)[0]):
        assert all(np.isfinite(curve).all() for curve in found.values())
        assert found["f0_hz"][28] == pytest.approx(330.0, rel=0.01)


@pytest.mark.slow
def test_a_file_that_hears_something_else_is_refused(tiny_run, tiny_export):
    model = load_model(tiny_run)
    other = LiveFeatures(16000, 100, loudness_fft_size=1024)
    with pytest.raises(UserError, match="the exported model differs"):
        verify(model, ModelFunctions(model), tiny_export, ["listen.tflite"], other)


def test_low_sample_rates_are_an_obstacle():
    class Model:
        sample_rate, frame_rate = 2000, 50

    assert "sample rate of 2000 Hz" in listening.listening_obstacle(Model)
