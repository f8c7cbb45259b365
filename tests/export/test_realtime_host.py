"""The real-time host of export/realtime, built as its documentation says."""

import ctypes
import importlib.util
import json
import shlex
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile
from small_models import make_ensemble, make_model_with_timbre

from ddsp_tf.export.litert import write_litert
from ddsp_tf.export.model_functions import ModelFunctions
from ddsp_tf.export.verification import open_interpreter, stream
from ddsp_tf.inference.feature_files import save_features

ROOT = Path(__file__).parents[2]
HOST = ROOT / "export" / "realtime"
FRAMES, HOP = 150, 160


def litert_folder():
    found = importlib.util.find_spec("ai_edge_litert")
    return Path(found.submodule_search_locations[0]) if found else Path()


pytestmark = pytest.mark.skipif(
    shutil.which("g++") is None or not (litert_folder() / "libLiteRt.so").exists(),
    reason="needs g++, and LiteRT's wheel for Linux",
)


def build(*changes):
    """Runs the command of export/README.md, with some words replaced."""
    readme = (ROOT / "export" / "README.md").read_text("utf-8")
    (line,) = [line for line in readme.splitlines() if line.strip().startswith("g++")]
    line = line.replace("$LITERT", str(litert_folder()))
    for old, new in changes:
        assert old in line
        line = line.replace(old, new)
    result = subprocess.run(shlex.split(line), cwd=HOST, capture_output=True, text=True)
    assert result.returncode == 0 and result.stderr == "", result.stderr


@pytest.fixture(scope="module")
def play(tmp_path_factory):
    """The example, which also counts what its calls allocate: `play(arguments) -> result`."""
    folder = tmp_path_factory.mktemp("host")
    hook = ["gcc", "-O2", "-c", str(Path(__file__).with_name("watched_calls.c"))]
    subprocess.run([*hook, "-o", str(folder / "hook.o")], check=True)
    wrap = f"{folder / 'hook.o'} -Wl,--wrap=ddsp_play,--wrap=ddsp_transfer,--wrap=ddsp_step"
    build(("-o play", f"-Wall -Wextra {wrap} -o {folder / 'play'}"))

    def run(*arguments):
        command = [folder / "play", *arguments]
        return subprocess.run(list(map(str, command)), capture_output=True, text=True)

    return run


@pytest.fixture
def curves():
    return {
        "f0_hz": np.linspace(210.0, 470.0, FRAMES).astype(np.float32),
        "loudness_db": np.linspace(-40.0, -10.0, FRAMES).astype(np.float32),
    }


@pytest.fixture
def table(curves, tmp_path):
    save_features(tmp_path / "curves.csv", curves, 100)
    return tmp_path / "curves.csv"


def noise_of(seed, samples):
    """The noise of the host, computed here."""
    numbers = []
    for _ in range(samples):
        seed = (seed * 6364136223846793005 + 1442695040888963407) % 2**64
        numbers.append((seed >> 40) / 2**23 - 1.0)
    return np.float32(numbers)


def played_here(export, curves, seed, file="stream.tflite"):
    """What LiteRT's Python interpreter plays of the same noise, with its delay."""
    noise = noise_of(seed, FRAMES * HOP)[None]
    inputs = {name: curve[None] for name, curve in curves.items()}
    return np.concatenate(list(stream(export / file, inputs, noise)), axis=1)[0]


def counts(result):
    words = result.stdout.splitlines()[-1].split()
    return dict(zip(words[::2], map(int, words[1::2]), strict=True))


def test_example_plays_what_python_plays(play, tiny_export, curves, table, tmp_path):
    latency = json.loads((tiny_export / "model.json").read_text())["latency_samples"]
    for precision, file in (("float32", "stream.tflite"), ("int8", "stream_int8.tflite")):
        options = ["--seed", "7", "--precision", precision]
        result = play(tiny_export, table, tmp_path / "out.wav", *options)
        assert result.returncode == 0, result.stderr
        audio, sample_rate = soundfile.read(tmp_path / "out.wav", dtype="float32")
        assert sample_rate == 16000 and audio.shape == (FRAMES * HOP,)
        expected = played_here(tiny_export, curves, 7, file)[latency:]
        assert np.abs(expected).max() > 1e-3
        np.testing.assert_allclose(audio[: len(expected)], expected, atol=1e-5)


def test_audio_callback_neither_allocates_nor_locks(play, tiny_export, curves, table, tmp_path):
    result = play(tiny_export, table, tmp_path / "live.wav", "--live", "30")
    assert result.returncode == 0, result.stderr
    assert "180 hops, of which 0 were not ready" in result.stdout
    audio, _ = soundfile.read(tmp_path / "live.wav", dtype="float32")
    delay = 30 * HOP
    assert not audio[:delay].any()
    expected = played_here(tiny_export, curves, 0)
    np.testing.assert_allclose(audio[delay:], expected, atol=1e-5)
    found = counts(result)
    assert found.pop("calls") == len(audio) // 128 + (len(audio) % 128 > 0)
    assert found == {"allocated": 0, "freed": 0, "locked": 0}


def heard_here(export, audio):
    """What Python hears in a recording and plays of it, as the host does."""
    listen = Voice(export / "listen.tflite", "listen")
    step = Voice(export / "stream.tflite", "step")
    noise, played = noise_of(0, audio.size).reshape(-1, 1, HOP), []
    for hop, own_noise in zip(audio.reshape(-1, 1, HOP), noise, strict=True):
        heard = listen(audio=hop)
        curves = {name: heard[name] for name in ("f0_hz", "loudness_db")}
        played.append(step(**curves, noise=own_noise)["audio"][0])
    return np.concatenate(played)


class Voice:
    """A signature that is called hop by hop, and its state."""

    def __init__(self, path, signature):
        self.run = open_interpreter(path).get_signature_runner(signature)
        self.state = {
            name: np.zeros(tensor["shape"], np.float32)
            for name, tensor in self.run.get_input_details().items()
            if name.startswith("state_")
        }

    def __call__(self, **inputs):
        outputs = self.run(**inputs, **self.state)
        self.state = {name: outputs.pop(name) for name in self.state}
        return outputs


@pytest.fixture
def recording(tmp_path):
    """A rising tone, in both kinds of WAV files."""
    time = np.arange(100 * HOP) / 16000
    audio = np.float32(0.5 * np.sin(2 * np.pi * (300.0 + 50.0 * time) * time))
    soundfile.write(tmp_path / "float.wav", audio, 16000, subtype="FLOAT")
    soundfile.write(tmp_path / "whole.wav", audio, 16000, subtype="PCM_16")
    return audio


@pytest.mark.parametrize("file", ["float.wav", "whole.wav"])
def test_example_listens_and_plays(play, tiny_export, recording, tmp_path, file):
    description = json.loads((tiny_export / "model.json").read_text())
    latency = description["latency_samples"] + description["listen"]["latency_samples"]
    result = play(tiny_export, tmp_path / file, tmp_path / "out.wav")
    assert result.returncode == 0, result.stderr
    audio, _ = soundfile.read(tmp_path / "out.wav", dtype="float32")
    assert audio.size == recording.size
    given, _ = soundfile.read(tmp_path / file, dtype="float32")
    expected = heard_here(tiny_export, np.pad(given, (0, -(-latency // HOP) * HOP)))
    assert np.abs(expected).max() > 1e-3
    np.testing.assert_allclose(audio, expected[latency : latency + audio.size], atol=1e-5)


def test_microphone_is_heard_in_the_other_thread(play, tiny_export, recording, tmp_path):
    result = play(tiny_export, tmp_path / "float.wav", tmp_path / "live.wav", "--live", "30")
    assert result.returncode == 0, result.stderr
    assert "130 hops, of which 0 were not ready" in result.stdout
    audio, _ = soundfile.read(tmp_path / "live.wav", dtype="float32")
    # Later by the hop that must be complete before it is heard.
    delay = 31 * HOP
    assert not audio[:delay].any()
    expected = heard_here(tiny_export, recording)
    np.testing.assert_allclose(audio[delay:], expected[: audio.size - delay], atol=1e-5)
    found = counts(result)
    assert found.pop("calls") >= recording.size // 128
    assert found == {"allocated": 0, "freed": 0, "locked": 0}


def test_the_count_sees_what_litert_allocates(play, tiny_export, table, tmp_path):
    result = play(tiny_export, table, tmp_path / "out.wav")
    found = counts(result)
    assert found["calls"] >= FRAMES and found["allocated"] > found["calls"]


def test_example_names_what_is_wrong(play, tiny_export, table, tmp_path):
    def refused(word, model=tiny_export, curves=table, out=tmp_path / "out.wav", status=1, more=()):
        result = play(model, curves, out, *more)
        assert result.returncode == status and word in result.stderr, result.stderr
        assert not (tmp_path / "out.wav").exists()

    refused("model.json: cannot be read", model=tmp_path)
    refused("nothing.csv: cannot be read", curves=tmp_path / "nothing.csv")
    refused("cannot be written", out=tmp_path / "none" / "out.wav")
    refused("stream_int4.tflite", more=["--precision", "int4"])
    refused("usage", status=2, more=["--live", "0"])
    refused("usage", status=2, more=["--loud", "1"])
    refused("usage", status=2, more=["--seed", "many"])
    whole = table.read_bytes()
    refused("curves.csv: is the input", out=table)
    assert table.read_bytes() == whole
    table.write_text("time_s,f0_hz\n0,440\n0.01,440\n")
    refused("lacks the column loudness_db", curves=table)
    table.write_text("time_s,f0_hz,loudness_db\n0,440,-20\n0.004,440,-20\n")
    refused("row 2 is at 0.004000 s; expected 100.000000 rows a second", curves=table)
    table.write_text("time_s,f0_hz,loudness_db\n")
    refused("has no frames", curves=table)
    (tmp_path / "model.json").write_text('{"sample_rate": 16000, "inner": {"hop": 3}}')
    refused("lacks hop", model=tmp_path)
    wav = tmp_path / "sound.wav"
    wav.write_bytes(b"RIFF")
    refused("is not a WAV file", curves=wav)
    soundfile.write(wav, np.zeros(4000), 8000)
    refused("expected one channel at 16000 Hz", curves=wav)
    soundfile.write(wav, np.zeros(4000), 16000, subtype="PCM_24")
    refused("expected samples of 16-bit integers or 32-bit floats", curves=wav)
    soundfile.write(wav, np.zeros(100), 16000)
    refused("is shorter than a frame", curves=wav)


@pytest.mark.slow
def test_a_voice_plays_its_timbre_and_starts_again(tmp_path):
    """From another language, through a shared library."""
    build(("play.cc ddsp.cc", "-shared -fPIC ddsp.cc"), ("-o play", f"-o {tmp_path / 'ddsp.so'}"))
    host = ctypes.CDLL(tmp_path / "ddsp.so")
    host.ddsp_open.restype = ctypes.c_void_p
    model = make_model_with_timbre()
    functions = ModelFunctions(model)
    write_litert(model, tmp_path, ["float32"])
    facts = ("sample_rate", "hop")
    description = {name: getattr(model, name) for name in facts} | {
        "latency_samples": model.latency,
        "features": list(model.feature_names),
        "mean_z": model.mean_z.numpy().tolist(),
        "instruments": [],
    }
    (tmp_path / "model.json").write_text(json.dumps(description))
    error = ctypes.create_string_buffer(200)
    voice = ctypes.c_void_p(host.ddsp_open(str(tmp_path).encode(), b"float32", error, 200))
    assert voice.value, error.value
    assert host.ddsp_timbre_size(voice) == model.z_dims

    def pointer(values):
        return np.ascontiguousarray(values, np.float32).ctypes.data_as(ctypes.c_void_p)

    frame, noise = np.float32([330.0, -20.0]), np.zeros(model.hop, np.float32)

    def play():
        hops = np.zeros((4, model.hop), np.float32)
        host.ddsp_reset(voice, 0)
        for hop in hops:
            assert host.ddsp_step(voice, pointer(frame), pointer(noise), pointer(hop)) == 0
        return hops.ravel()

    first = play()
    np.testing.assert_array_equal(play(), first)
    z = np.float32(model.mean_z) + 3.0
    host.ddsp_set_timbre(voice, pointer(z))
    curves = {"f0_hz": np.tile(frame[:1], (1, 4)), "loudness_db": np.tile(frame[1:], (1, 4))}
    curves["z"] = np.tile(z, (1, 4, 1))
    expected, _ = functions.step(curves, np.tile(noise, (1, 4)), functions.initial_state(1))
    np.testing.assert_allclose(play(), expected[0], atol=1e-5)
    assert np.abs(expected[0] - first).max() > 1e-3
    host.ddsp_close(voice)


@pytest.mark.slow
def test_a_voice_plays_its_instruments(tmp_path):
    build(("play.cc ddsp.cc", "-shared -fPIC ddsp.cc"), ("-o play", f"-o {tmp_path / 'ddsp.so'}"))
    host = ctypes.CDLL(tmp_path / "ddsp.so")
    host.ddsp_open.restype, host.ddsp_instrument.restype = ctypes.c_void_p, ctypes.c_char_p
    model = make_ensemble()
    write_litert(model, tmp_path, ["float32"])
    description = {name: getattr(model, name) for name in ("sample_rate", "hop")} | {
        "latency_samples": model.latency,
        "features": list(model.feature_names),
        "mean_z": None,
        "instruments": list(model.instruments),
    }
    (tmp_path / "model.json").write_text(json.dumps(description))
    error = ctypes.create_string_buffer(200)
    voice = ctypes.c_void_p(host.ddsp_open(str(tmp_path).encode(), b"float32", error, 200))
    assert voice.value, error.value
    names = [host.ddsp_instrument(voice, k).decode() for k in range(host.ddsp_n_instruments(voice))]
    assert names == list(model.instruments)

    def pointer(values):
        return np.ascontiguousarray(values, np.float32).ctypes.data_as(ctypes.c_void_p)

    frame, noise = np.float32([330.0, -20.0]), np.zeros(model.hop)
    for weights, mixture in ((None, None), ([0, 2, 0], "alto_sax")):
        if weights is not None:
            host.ddsp_set_instrument(voice, pointer(weights))
        solo, played = ModelFunctions(model.solo(mixture)), np.zeros((4, model.hop), np.float32)
        host.ddsp_reset(voice, 0)
        for hop in played:
            assert host.ddsp_step(voice, pointer(frame), pointer(noise), pointer(hop)) == 0
        curves = {"f0_hz": np.tile(frame[:1], (1, 4)), "loudness_db": np.tile(frame[1:], (1, 4))}
        silence = np.zeros((1, 4 * model.hop), np.float32)
        expected, _ = solo.step(curves, silence, solo.initial_state(1))
        np.testing.assert_allclose(played.ravel(), expected[0], atol=1e-5)
    host.ddsp_close(voice)
