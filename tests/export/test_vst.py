"""What the DDSP-VST plugin does with its models, done here: validation, then a host's loop."""

import io
import json
import zipfile

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from ddsp_tf.configuration.experiment import load_experiment
from ddsp_tf.export.litert_operators import foreign_nodes, min_runtime_version
from ddsp_tf.export.model_functions import ModelFunctions
from ddsp_tf.export.vst import vst_obstacle, write_vst
from ddsp_tf.processors import Harmonic

STATISTICS = {
    "f0_midi": {"mean_min": 57.0, "mean_max": 81.0},
    "power_db": {"mean_min": -55.5, "mean_max": -18.0},
}
INPUTS = {"call_f0_scaled:0": 1, "call_pw_scaled:0": 1, "call_state:0": 512}
OUTPUTS = {
    "StatefulPartitionedCall:0": 1,
    "StatefulPartitionedCall:1": 60,
    "StatefulPartitionedCall:2": 65,
    "StatefulPartitionedCall:3": 512,
}
KEYS = (
    "mean_min_pitch_note mean_max_pitch_note mean_min_pitch_note_hz mean_max_pitch_note_hz "
    "mean_min_power_note mean_max_power_note version export_time num_harmonics num_noise_amps "
    "frame_rate frame_size sample_rate"
)
SMALL = ["RnnDecoder.stack_channels=8", "Reverb.length=10"]


def make_model(*overrides):
    model = load_experiment("vst", [*SMALL, *overrides]).model
    model.build()
    generator = np.random.default_rng(3)
    for weight in model.decoder.trainable_weights:
        # Small enough that the network forgets, and comes to rest on a steady tone.
        weight.assign(generator.normal(0.0, 0.5 / np.sqrt(weight.shape[0]), weight.shape))
    return model


@pytest.fixture(scope="module")
def model():
    return make_model()


@pytest.fixture(scope="module")
def path(model, tmp_path_factory):
    path = tmp_path_factory.mktemp("vst") / "vst" / "violin" / "violin.tflite"
    write_vst(model, path, STATISTICS)
    return path


class Plugin:
    """Runs the file as the plugin does: tensors by name, in any order, builtin operators only."""

    def __init__(self, content):
        self.interpreter = Interpreter(
            model_content=content,
            experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
        )
        self.interpreter.allocate_tensors()
        self.inputs = {t["name"]: t for t in self.interpreter.get_input_details()}
        self.outputs = {t["name"]: t for t in self.interpreter.get_output_details()}
        self.state = np.zeros(512, np.float32)

    def call(self, f0_scaled, power_scaled):
        """Returns amplitude [1], harmonics [60] and noise magnitudes [65]."""
        values = {
            "call_f0_scaled:0": [f0_scaled],
            "call_pw_scaled:0": [power_scaled],
            "call_state:0": self.state,
        }
        for name, value in values.items():
            self.interpreter.set_tensor(self.inputs[name]["index"], np.float32(value))
        self.interpreter.invoke()
        results = [self.interpreter.get_tensor(self.outputs[name]["index"]) for name in OUTPUTS]
        self.state = results.pop()
        return results


def test_plugin_accepts_the_file(path):
    content = path.read_bytes()
    plugin = Plugin(content)
    for tensors, expected in ((plugin.inputs, INPUTS), (plugin.outputs, OUTPUTS)):
        sizes = {name: int(np.prod(tensor["shape"])) for name, tensor in tensors.items()}
        assert sizes == expected
        assert all(tensor["dtype"] == np.float32 for tensor in tensors.values())
        assert all(len(tensor["shape"]) == 1 for tensor in tensors.values())
    assert foreign_nodes(content) == []
    # The plugin was built with TensorFlow Lite of 2022.
    assert tuple(map(int, min_runtime_version(content).split("."))) < (2, 8, 0)


def test_plugin_can_read_the_file_as_text(path):
    """It does so, and would take other first bytes for a byte order mark."""
    first, second, *_ = path.read_bytes()
    assert first < 0x80 and second == 0


def test_metadata_stands_in_an_appended_zip(path):
    with zipfile.ZipFile(io.BytesIO(path.read_bytes())) as archive:
        metadata = json.loads(archive.read("metadata.json"))
    assert list(metadata) == KEYS.split()
    assert metadata["mean_min_pitch_note_hz"] == 220.0
    assert metadata["mean_max_pitch_note_hz"] == 880.0
    assert metadata["mean_min_power_note"] == -55.5 and metadata["mean_max_power_note"] == -18.0
    rates = metadata["sample_rate"], metadata["frame_rate"], metadata["frame_size"]
    assert rates == (16000, 50, 1024)
    assert metadata["num_harmonics"] == 60 and metadata["num_noise_amps"] == 65


def scaled(f0_hz, power_db):
    return (69.0 + 12.0 * np.log2(f0_hz / 440.0)) / 127.0, power_db / 80.0 + 1.0


def assert_same_controls(model, path):
    f0_hz = np.float32(np.linspace(151.3, 1203.7, 60))
    power_db = np.float32(np.linspace(-60.0, -10.0, 60))
    plugin = Plugin(path.read_bytes())
    frames = [plugin.call(*scaled(*frame)) for frame in zip(f0_hz, power_db, strict=True)]
    expected = ModelFunctions(model).controls({"f0_hz": f0_hz[None], "power_db": power_db[None]})
    for number, name in enumerate(("amplitudes", "harmonic_distribution", "noise_magnitudes")):
        found = np.stack([frame[number] for frame in frames])
        np.testing.assert_allclose(found, expected[name][0], atol=1e-4)


def test_controls_are_those_of_the_model(model, path):
    assert_same_controls(model, path)


def test_controls_are_matched_to_the_level(tmp_path):
    model = make_model("Autoencoder.level_matching=@LevelMatching()")
    write_vst(model, tmp_path / "vst.tflite", None)
    assert_same_controls(model, tmp_path / "vst.tflite")


def test_silence_is_exact(path):
    plugin = Plugin(path.read_bytes())
    levels = []
    for power_db in (-80.0, -77.0, -74.0):
        plugin.state[:] = 0.0
        amplitude, _, magnitudes = plugin.call(*scaled(440.0, power_db))
        levels.append(np.concatenate([amplitude, magnitudes]))
    silent, halfway, whole = levels
    assert not silent.any() and np.all(whole > 0.0)
    np.testing.assert_allclose(halfway, 0.5 * whole, rtol=0.1)


def test_harmonics_are_normalized_below_the_models_nyquist(path):
    plugin = Plugin(path.read_bytes())
    _, harmonics, _ = plugin.call(*scaled(1000.0, -20.0))
    assert np.all(harmonics[8:] == 0.0) and np.all(harmonics[:7] > 0.0)
    np.testing.assert_allclose(harmonics.sum(), 1.0, atol=1e-5)


@pytest.mark.parametrize(
    "frame",
    [(np.nan, 0.5), (0.5, np.nan), (-1.0, 0.5), (5.0, 0.5), (0.5, np.inf), (0.5, -9.0), (0, 0)],
    ids=str,
)
def test_bad_numbers_are_harmless(path, frame):
    plugin = Plugin(path.read_bytes())
    plugin.state[:] = np.nan
    for values in (frame, (0.5, 0.7)):
        assert all(np.isfinite(value).all() for value in (*plugin.call(*values), plugin.state))


def midway(first, last, samples):
    """The plugin's interpolation: linear for half of the hop, then held."""
    half = samples // 2
    ramp = first + (last - first) * (np.arange(half) / half)
    return np.concatenate([ramp, np.full(samples - half, last)])


class HarmonicSynthesizer:
    """The plugin's additive synthesizer, at the host's rate."""

    def __init__(self, sample_rate, samples):
        self.sample_rate, self.samples = sample_rate, samples
        self.phase, self.f0_hz, self.levels = 0.0, None, np.zeros(60)

    def render(self, amplitude, harmonics, f0_hz):
        previous_f0 = f0_hz if self.f0_hz is None else self.f0_hz
        frequency = midway(previous_f0, f0_hz, self.samples)
        levels = amplitude * harmonics
        phase = self.phase + np.cumsum(frequency) / self.sample_rate
        audio = sum(
            np.sin(2 * np.pi * (number + 1) * phase) * midway(before, level, self.samples)
            for number, (before, level) in enumerate(zip(self.levels, levels, strict=True))
        )
        self.phase, self.f0_hz, self.levels = phase[-1] % 1.0, f0_hz, levels
        return audio


def noise_response(magnitudes):
    """The plugin's filter, by frequency sampling."""
    return np.roll(np.fft.irfft(magnitudes), 64) * np.hanning(129)[:128]


def filtered_noise(response, samples, generator):
    """The plugin's noise of one hop."""
    noise = generator.uniform(-1.0, 1.0, samples + 127)
    return np.convolve(noise, response, "valid")


def test_host_loop_makes_the_tone_and_the_noise(path):
    """A host at 48 kHz: 960 samples a hop of 20 ms; the noise is made at 16 kHz."""
    plugin, generator = Plugin(path.read_bytes()), np.random.default_rng(0)
    synthesizer = HarmonicSynthesizer(48000, 960)
    tone, noise, amplitudes = [], [], []
    for _ in range(100):
        amplitude, harmonics, magnitudes = plugin.call(*scaled(440.0, -15.0))
        tone.append(synthesizer.render(amplitude[0], harmonics, 440.0))
        noise.append(filtered_noise(noise_response(magnitudes), 320, generator))
        amplitudes.append(amplitude[0])
    tone, noise = np.concatenate(tone), np.concatenate(noise)
    assert np.isfinite(tone).all() and np.isfinite(noise).all() and noise.std() > 0.0
    assert tone.shape == (96000,) and np.abs(tone).max() <= max(amplitudes) * 1.0001
    # After a second all is steady: one second holds the harmonics, and nothing between them.
    spectrum = np.abs(np.fft.rfft(tone[-48000:])) / 24000.0
    levels = amplitudes[-1] * harmonics
    np.testing.assert_allclose(spectrum[440 : 440 * 18 + 1 : 440], levels[:18], atol=1e-3)
    spectrum[::440] = 0.0
    assert spectrum.max() < 1e-3
    # The noise has the filter's spectrum, and the power of uniform noise through it.
    response = noise_response(magnitudes)
    np.testing.assert_allclose(noise[8000:].var(), np.sum(response**2) / 3.0, rtol=0.1)
    frames = noise[8000 : 8000 + 180 * 128].reshape(180, 128) * np.hanning(128)
    power = np.mean(np.abs(np.fft.rfft(frames)) ** 2, axis=0)
    expected = np.convolve(np.abs(np.fft.rfft(response)) ** 2, [0.25, 0.5, 0.25], "same")
    assert np.corrcoef(np.log(power[2:-2]), np.log(expected[2:-2]))[0, 1] > 0.7


@pytest.mark.parametrize(
    ("overrides", "reason"),
    [
        (["RnnDecoder.rnn_channels=96"], "decoder state is 96; DDSP-VST takes 512"),
        (["RnnDecoder.rnn_channels=1024"], "decoder state is 1024"),
        (["n_harmonics=40"], "number of harmonics is 40; DDSP-VST takes 60"),
        (["n_bands=33"], "number of noise bands is 33; DDSP-VST takes 65"),
        (["frame_rate=250"], "hop is 64; DDSP-VST takes 320"),
        (["sample_rate=48000"], "sample rate is 48000; DDSP-VST takes 16000"),
        (["RnnDecoder.input_names=['f0_hz', 'loudness_db']"], "features are f0_hz, loudness_db"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_other_models_are_refused_with_a_reason(overrides, reason):
    found = vst_obstacle(load_experiment("vst", [*SMALL, *overrides]).model)
    assert reason in found


def test_shipped_plugin_configuration_fits():
    assert vst_obstacle(load_experiment("vst").model) is None


def test_a_users_harmonic_fits_too(monkeypatch):
    class MyHarmonic(Harmonic):
        """A synthesizer of a user's, with the controls of ours."""

    model = load_experiment("vst").model
    for part in model.processor_group.processors:
        if isinstance(part, Harmonic):
            monkeypatch.setattr(part, "__class__", MyHarmonic)
    assert vst_obstacle(model) is None
