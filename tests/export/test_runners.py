"""The programs in export/ play an exported model without this library."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from ddsp_tf.features.feature_files import save_features

RUNNERS = Path(__file__).parents[2] / "export"
# Any import of the library fails, as it would where it is not installed.
WITHOUT_LIBRARY = (
    "import runpy, sys; sys.modules['ddsp_tf'] = None; sys.argv = sys.argv[1:]; "
    "runpy.run_path(sys.argv[0], run_name='__main__')"
)


def play(runner, *arguments):
    command = [sys.executable, "-c", WITHOUT_LIBRARY, str(RUNNERS / runner), *map(str, arguments)]
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


@pytest.mark.parametrize("runner", ["run_saved_model.py", "run_tflite.py"])
def test_runner_names_what_is_wrong(runner, tiny_export, curves, tmp_path):
    out = tmp_path / "out.wav"
    result = play(runner, tmp_path, curves, out)
    assert result.returncode == 1 and "model.json" in result.stderr
    np.savez(curves, f0_hz=np.ones(3, np.float32), frame_rate=100)
    result = play(runner, tiny_export, curves, out)
    assert result.returncode == 1 and "loudness_db" in result.stderr
    np.savez(curves, f0_hz=np.ones(3), loudness_db=np.ones(3), frame_rate=250)
    result = play(runner, tiny_export, curves, out)
    assert result.returncode == 1 and "250" in result.stderr
    assert "Traceback" not in result.stderr and not out.exists()
