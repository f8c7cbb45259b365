"""Players, pictures, bars and live training below a cell."""

import base64
import io
import re

import numpy as np
import pytest
import soundfile

from ddsp_tf import UserError, write_audio
from ddsp_tf.app.notebook import LiveTraining, progress, show_curves, show_dataset, show_sounds


def heard(shown):
    """Returns the sounds of all players."""
    found = []
    for cell in shown:
        for encoded in re.findall(r"base64,([A-Za-z0-9+/=]+)", cell.get("text/html", "")):
            found.append(soundfile.read(io.BytesIO(base64.b64decode(encoded)))[0])
    return found


def test_sounds_keep_their_relative_level(shown):
    time = np.arange(8000) / 16000
    tone = np.sin(2 * np.pi * 440 * time)
    show_sounds({"loud <b>": 3.0 * tone, "soft": 0.3 * tone, "mute": 0 * tone}, 16000)
    loud, soft, mute = heard(shown)
    assert np.abs(loud).max() == pytest.approx(0.95, abs=1e-3)
    assert np.abs(loud).max() / np.abs(soft).max() == pytest.approx(10.0, rel=1e-2)
    assert not mute.any()
    assert sum("image/png" in cell for cell in shown) == 3
    assert "loud &lt;b&gt;" in shown[0]["text/html"]


def test_sounds_may_do_without_pictures(shown):
    show_sounds({"a": np.ones(100)}, 16000, pictures=False)
    assert len(heard(shown)) == len(shown) == 1


def test_curves_need_no_confidence(shown):
    curve = {"f0_hz": np.full(50, 440.0), "loudness_db": np.full(50, -20.0)}
    show_curves({"a": curve, "b": {**curve, "f0_confidence": np.ones(50)}}, 100)
    assert "image/png" in shown[0]


def test_a_bar_moves_and_says_how_long_it_takes(shown):
    with progress("Working <1>") as advance:
        advance(1, 4)
        advance(2, 4, "violin & flute")
        assert "2 of 4" in shown[0]["text/html"] and "left" in shown[0]["text/html"]
        assert "Working &lt;1&gt;" in shown[0]["text/html"]
        assert "violin &amp; flute" in shown[0]["text/html"]
        advance(2.5, 4)
        assert "62%" in shown[0]["text/html"]
        advance(4, 4)
    assert len(shown) == 1
    assert "4 of 4" in shown[0]["text/html"] and "left" not in shown[0]["text/html"]


def test_a_dataset_is_described_heard_and_seen(tiny_dataset, shown, capsys):
    from ddsp_tf.data.manifest import load_manifest

    show_dataset(load_manifest(tiny_dataset), excerpts=2)
    assert "Recordings: 3 used, 0 skipped" in capsys.readouterr().out
    assert len(heard(shown)) == 2
    assert sum("image/png" in cell for cell in shown) == 3


@pytest.fixture
def run(tmp_path, rng):
    """A run directory as a training has left it after six steps."""
    from ddsp_tf.files.metrics_log import MetricsLog
    from ddsp_tf.files.run_directory import RunDirectory

    run = RunDirectory(tmp_path / "run")
    run.logs.mkdir(parents=True)
    log = MetricsLog(run.metrics, ["loss", "validation_loss"])
    for step in range(1, 7):
        log.append({"step": step, "loss": 20.0 - step, "validation_loss": 20.5 - step})
    for step in (3, 6):
        for name in ("target", "reconstruction"):
            path = run.renders / f"step_{step:06d}" / "clip_0" / f"{name}.wav"
            write_audio(path, rng.uniform(-0.5, 0.5, 1600), 16000)
    return run


def test_training_is_followed_and_stopped_without_an_error(run, shown, capsys):
    with LiveTraining(run, seconds_between=0.0) as live:
        live(2, 6, {"loss": 20.0})
        live(3, 6, {"validation_loss": 19.0})
        live.warn("the noise is silent")
        bar, picture, players = shown
        assert "3 of 6" in bar["text/html"]
        assert "loss 20.00, held out 19.00" in bar["text/html"]
        assert "image/png" in picture
        assert "after 6 steps" in players["text/html"] and len(heard(shown)) == 2
        raise KeyboardInterrupt
    printed = capsys.readouterr().out
    assert "Warning: the noise is silent" in printed
    assert "Run this cell again to resume" in printed


def test_training_that_fails_is_an_error(tmp_path, shown):
    from ddsp_tf.files.run_directory import RunDirectory

    with pytest.raises(UserError, match="no data"), LiveTraining(RunDirectory(tmp_path / "run")):
        raise UserError("no data")


def test_an_error_of_the_users_is_one_line_in_a_notebook(capsys):
    from IPython.core.interactiveshell import InteractiveShell

    shell = InteractiveShell()
    shell.run_cell("import ddsp_tf; ddsp_tf.read_audio('no_such.wav', 16000)")
    InteractiveShell.clear_instance()
    (line,) = capsys.readouterr().out.strip().splitlines()
    assert line.startswith("error: no_such.wav: ")
