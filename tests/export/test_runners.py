"""The programs in export/ play an exported model without this library."""

import json
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from ddsp_tf.features.loudness import loudness_db
from ddsp_tf.inference.feature_files import save_features

RUNNERS = Path(__file__).parents[2] / "export"
# Any import of what a runner must not need fails, as it would where that is not installed.
WITHOUT = (
    "import runpy, sys; sys.modules.update(dict.fromkeys(sys.argv[1].split(','))); "
    "sys.argv = sys.argv[2:]; runpy.run_path(sys.argv[0], run_name='__main__')"
)
NOT_NEEDED = {
    "run_saved_model.py": "ddsp_tf,keras,ai_edge_litert,soxr",
    "run_tflite.py": "ddsp_tf,keras,tensorflow,soxr",
}


def play(runner, *arguments):
    program = ["-c", WITHOUT, NOT_NEEDED[runner], str(RUNNERS / runner)]
    command = [sys.executable, *program, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture
def curves(tmp_path):
    path = tmp_path / "curves.npz"
    frames = 150
    values = {"f0_hz": np.full(frames, 330.0), "loudness_db": np.linspace(-40, -10, frames)}
    save_features(path, {name: value.astype(np.float32) for name, value in values.items()}, 100)
    return path


@pytest.mark.parametrize("runner", ["run_saved_model.py", "run_tflite.py"])
def test_runner_plays_features(runner, tiny_export, curves, tmp_path):
    out = tmp_path / "out.wav"
    result = play(runner, tiny_export, curves, out, "--seed", "5")
    assert result.returncode == 0, result.stderr
    audio, sample_rate = soundfile.read(out)
    assert sample_rate == 16000 and audio.shape == (150 * 160,)
    assert np.abs(audio).max() > 1e-3
    assert len(result.stderr.splitlines()) <= 1  # LiteRT names its delegate.


def test_streaming_plays_what_offline_plays(tiny_export, curves, tmp_path):
    for option in ([], ["--stream"]):
        out = tmp_path / f"{len(option)}.wav"
        result = play("run_tflite.py", tiny_export, curves, out, *option)
        assert result.returncode == 0, result.stderr
    offline, streamed = (soundfile.read(tmp_path / f"{number}.wav")[0] for number in (0, 1))
    # Within the last hop, one holds the controls of the last frame, the other its features.
    np.testing.assert_allclose(streamed[:-320], offline[:-320], atol=2e-4)


def test_real_time_reports_the_latency(tiny_export, curves, tmp_path):
    out = tmp_path / "out.wav"
    options = ["--realtime", "--precision", "int8"]
    result = play("run_tflite.py", tiny_export, curves, out, *options)
    assert result.returncode == 0, result.stderr
    for word in ("hops of 10.00 ms", "p50", "p99", "max"):
        assert word in result.stdout


@pytest.mark.parametrize("runner", ["run_saved_model.py", "run_tflite.py"])
def test_recording_is_played_with_the_models_timbre(runner, tiny_export, melodies, tmp_path):
    out = tmp_path / "out.wav"
    result = play(runner, tiny_export, melodies / "melody_0.wav", out)
    assert result.returncode == 0, result.stderr
    audio, sample_rate = soundfile.read(out)
    assert sample_rate == 16000 and audio.shape == (64000,)
    assert np.isfinite(audio).all() and np.abs(audio).max() > 1e-3


def test_what_is_played_live_is_aligned_with_the_recording(tiny_export):
    """Instead of a model without latency, the level that was heard is played."""

    def levels(path, curves_of, hops, *_):
        return np.repeat([curves_of(number)["loudness_db"][0, 0] for number in range(hops)], 160)

    runner = runpy.run_path(str(RUNNERS / "run_tflite.py"))
    play_recording = runner["play_recording"]
    play_recording.__globals__["play_hops"] = levels
    time = np.arange(16000) / 16000
    audio = (np.sin(2 * np.pi * 330 * time) * (np.sin(2 * np.pi * 3 * time) > 0)).astype(np.float32)
    model = json.loads((tiny_export / "model.json").read_text())
    model["latency_samples"] = 0
    played = play_recording(audio, 0, tiny_export / "stream.tflite", model, realtime=False)
    expected = loudness_db(audio, sample_rate=16000, hop=160)
    np.testing.assert_allclose(played[::160][:-2], expected[:-2], atol=0.01)


@pytest.mark.parametrize("runner", ["run_saved_model.py", "run_tflite.py"])
def test_recording_of_another_rate_is_refused(runner, tiny_export, tmp_path):
    recording = tmp_path / "recording.wav"
    soundfile.write(recording, np.zeros(4410), 44100)
    result = play(runner, tiny_export, recording, tmp_path / "out.wav")
    assert result.returncode == 1 and "44100" in result.stderr and "16000" in result.stderr


@pytest.mark.parametrize("runner", ["run_saved_model.py", "run_tflite.py"])
def test_runner_stays_short(runner):
    assert len((RUNNERS / runner).read_text().splitlines()) < 240


@pytest.fixture(params=["run_saved_model.py", "run_tflite.py"])
def refused(request, tiny_export, curves, tmp_path):
    """Runs a program that is to exit with one line: `refused(arguments, word)`."""

    def refused(word, *options, model=tiny_export, out="out.wav", **arrays):
        if arrays:
            whole = {"f0_hz": np.ones(3), "loudness_db": np.ones(3), "frame_rate": 100, **arrays}
            np.savez(curves, **{name: value for name, value in whole.items() if value is not None})
        result = play(request.param, model, curves, tmp_path / out, *options)
        assert result.returncode == 1 and word in result.stderr, result.stderr
        assert len(result.stderr.strip().splitlines()) == 1
        assert not (tmp_path / out).exists()

    return refused


def test_runners_name_what_is_wrong(refused, tmp_path):
    refused("model.json", model=tmp_path)
    refused("loudness_db", loudness_db=None)
    refused("250", frame_rate=250)
    refused("no frames", f0_hz=np.ones(0), loudness_db=np.ones(0))
    refused("loudness_db has the shape [4]; expected [3]", loudness_db=np.ones(4))
    refused("f0_hz has the shape [1, 3]", f0_hz=np.ones((1, 3)))
    refused("f0_hz has the type", f0_hz=np.array(["a", "b", "c"]))
    refused("frame_rate has the shape [2]", frame_rate=np.ones(2))
    refused("unknown audio format '.doc'", out="out.doc")
    refused("expected a file in an existing folder", out="nowhere/out.wav")
    refused("--seed -1", "--seed", "-1")
    refused("--seed 99999999999", "--seed", "99999999999")
    (tmp_path / "curves.npz").write_bytes(b"PK\x03\x04 damaged")
    refused("cannot read the model or")


@pytest.mark.parametrize("runner", ["run_saved_model.py", "run_tflite.py"])
def test_a_recording_is_not_replaced_by_what_is_played_from_it(runner, tiny_export, tmp_path):
    recording = tmp_path / "recording.wav"
    soundfile.write(recording, np.zeros(16000), 16000)
    result = play(runner, tiny_export, recording, recording)
    assert result.returncode == 1 and "is the input" in result.stderr
    soundfile.write(recording, np.zeros(100), 16000)
    result = play(runner, tiny_export, recording, tmp_path / "out.wav")
    assert result.returncode == 1 and "100 samples; expected at least a frame" in result.stderr
