import os
import sys

import numpy as np
import pytest
import soundfile

from ddsp_tf.audio.reading import read_audio
from ddsp_tf.configuration.experiment import load_extractor
from ddsp_tf.data.preparation import prepare_dataset
from ddsp_tf.errors import UserError
from ddsp_tf.inference.feature_files import save_features
from ddsp_tf.inference.playing import (
    load_player,
    load_ranges,
    play_to_file,
    read_curves,
    write_blocks,
)
from ddsp_tf.training.run import train_run

SHORT = ["train.steps=1", "train.batch_size=1", "train.clip_seconds=0.2", "train.render_every=0"]


def test_long_pieces_are_written_block_by_block(tiny_export, tmp_path):
    player, _ = load_player(tiny_export)
    frames = 3 * 60 * 100
    curves = {"f0_hz": np.full(frames, 220.0), "loudness_db": np.full(frames, -20.0)}
    calls = []
    written = play_to_file(
        player, curves, tmp_path / "o.flac", on_progress=lambda *call: calls.append(call)
    )
    info = soundfile.info(tmp_path / "o.flac")
    assert written == info.duration == 180.0 and info.samplerate == 16000
    assert calls[-1] == (180, 180, "") and len(calls) > 30


@pytest.mark.skipif(sys.platform != "linux", reason="names are Unicode elsewhere")
def test_names_need_not_be_utf_8(tmp_path):
    path = tmp_path / os.fsdecode(b"caf\xe9.wav")
    assert write_blocks([np.full(1600, 0.5, np.float32)], 16000, path) == 0.1
    assert read_audio(path, 16000).size == 1600


class Tone:
    """Plays a constant, as loud as the curve says."""

    feature_names, vector_sizes = ("f0_hz", "loudness_db"), {}
    sample_rate, hop, latency = 16000, 100, 0

    def initial_state(self, batch_size):
        return {}

    def stream(self, features, state):
        levels = 10 ** (np.asarray(features["loudness_db"]) / 20)
        return np.repeat(levels, self.hop, axis=1).astype(np.float32), state


def test_clipped_and_silent_results_are_said(tmp_path):
    f0_hz, heard = np.full(100, 220.0), []

    def play(loudness_db):
        heard.clear()
        curves = {"f0_hz": f0_hz, "loudness_db": loudness_db}
        play_to_file(Tone(), curves, tmp_path / "o.wav", on_warning=heard.append)
        return list(heard)

    assert play(np.full(100, -1.0)) == []
    (warning,) = play(np.where(np.arange(100) < 5, 12.0, -20.0))
    assert "o.wav: 5.00% of the samples are clipped" in warning and "12.0 dB above" in warning
    (warning,) = play(np.full(100, -200.0))
    assert "o.wav: is silent" in warning


def test_the_best_model_of_a_run_knows_its_run(tiny_run):
    _, of_run = load_player(tiny_run)
    _, of_file = load_player(tiny_run / "best.keras")
    assert of_file.describe() == of_run.describe()
    assert of_file.recorded_tracker == of_run.recorded_tracker
    assert load_ranges(tiny_run / "best.keras") == load_ranges(tiny_run)


def test_audio_is_measured_as_the_model_was_taught(melodies, tmp_path):
    dataset, run = tmp_path / "dataset", tmp_path / "run"
    overrides = ["FeatureExtractor.loudness_fft_size=1024", "LevelMatching.loudness_fft_size=1024"]
    extractor = load_extractor("demo", overrides)
    prepare_dataset([melodies], dataset, extractor=extractor, validation_share=0.0)
    train_run("demo", dataset, run, overrides=[*overrides, *SHORT])
    player, found = load_player(run)
    assert found.describe() == extractor.describe()
    curves = read_curves(melodies / "melody_0.wav", player, found)
    audio = read_audio(melodies / "melody_0.wav", 16000)
    np.testing.assert_array_equal(curves["loudness_db"], extractor.extract(audio)["loudness_db"])


def test_bad_inputs_are_named(tiny_run, tmp_path):
    player, extractor = load_player(tiny_run)
    curves = {"f0_hz": np.full(10, 220.0, np.float32), "power_db": np.zeros(10, np.float32)}
    save_features(tmp_path / "f.npz", {**curves, "loudness_db": curves["power_db"]}, 50)
    brought = read_curves(tmp_path / "f.npz", player, extractor)
    assert len(brought["f0_hz"]) == 19  # From 10 frames at 50 a second to 100 a second.
    (tmp_path / "f.csv").write_text("time_s,f0_hz,loudness_db\n0,220,-20\n")
    with pytest.raises(UserError, match=r"f\.csv: found 1 frames"):
        read_curves(tmp_path / "f.csv", player, extractor)
    with pytest.raises(UserError, match=r"\.doc.*\.wav"):
        play_to_file(player, curves, tmp_path / "o.doc")
    with pytest.raises(UserError, match="loudness_db"):
        play_to_file(player, curves, tmp_path / "o.wav")
    assert not (tmp_path / "o.wav").exists()


def test_pitch_of_another_tracker_is_warned_of(tiny_run, melodies, tmp_path):
    player, extractor = load_player(tiny_run)
    taught = extractor.recorded_tracker
    curves = {"f0_hz": np.full(9, 220.0), "loudness_db": np.zeros(9)}
    heard = []

    def play(path):
        heard.clear()
        read_curves(path, player, extractor, on_warning=heard.append)
        return list(heard)

    save_features(tmp_path / "unknown.npz", curves, 100)
    save_features(tmp_path / "same.npz", curves, 100, pitch_tracker=taught)
    assert play(tmp_path / "unknown.npz") == play(tmp_path / "same.npz") == []
    assert play(melodies / "melody_0.wav") == []
    other = {"name": "yin", "version": "1", "settings": {}}
    save_features(tmp_path / "other.npz", curves, 100, pitch_tracker=other)
    (warning,) = play(tmp_path / "other.npz")
    assert "other.npz: pitch tracker: found yin 1" in warning and "auto" in warning
    extractor.recorded_tracker = {**taught, "version": "0.0.1"}
    (warning,) = play(melodies / "melody_0.wav")
    assert "melody_0.wav" in warning and "trained with auto 0.0.1" in warning
    with pytest.warns(UserWarning, match="yin 1"):
        read_curves(tmp_path / "other.npz", player, extractor)
