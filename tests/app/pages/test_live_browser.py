"""The live page, played in headless Chromium with a microphone that plays a file."""

import dataclasses
import json
import re
import subprocess
import sys

import mido
import numpy as np
import pytest
import soundfile
from click.testing import CliRunner
from live_browser import ROOT, drive, needs_browser
from played_notes import PHRASE, RATE, random_network

from ddsp_tf.app.cli import main
from ddsp_tf.app.live_instruments import instrument_of_export, instrument_of_model
from ddsp_tf.app.pages.live_page import LARGEST_PAGE, write_live_page
from ddsp_tf.configuration.experiment import load_experiment
from ddsp_tf.export.expression_litert import write_expression
from ddsp_tf.expression.learned import LearnedExpression
from ddsp_tf.expression.note_curves import note_curves
from ddsp_tf.features.transcription import Note
from ddsp_tf.files.export_description import read_description
from ddsp_tf.inference.expression_files import save_expression

pytestmark = [pytest.mark.long, needs_browser]

SIZES = (
    "n_harmonics=20",
    "n_bands=9",
    "RnnDecoder.stack_channels=16",
    "RnnDecoder.rnn_channels=16",
    "Autoencoder.level_matching=@LevelMatching()",
    "LevelMatching.tolerance_db=1.0",
    "LevelMatching.loudness_fft_size=512",
)
NOTES = (57, 64, 60)


@pytest.fixture(scope="module")
def models():
    """Untrained, but as loud as asked for: 250 frames a second with a room, 50 without one."""
    return {
        "quick": _model("fast", "frame_rate=250", "Reverb.length=400"),
        "calm": _model("fast_dry", "frame_rate=50"),
    }


def _model(config, *overrides):
    model = load_experiment(config, [*SIZES, *overrides]).model
    model.build()
    return model


@pytest.fixture(scope="module")
def player(tmp_path_factory):
    """An expression with a random network, and the content of its file."""
    folder = tmp_path_factory.mktemp("expression")
    learned = LearnedExpression.of(random_network(), [PHRASE], RATE)
    save_expression(folder / "own.npz", learned)
    write_expression(folder / "own.npz", folder)
    return learned, (folder / "expression.tflite").read_bytes()


@pytest.fixture(scope="module")
def instruments(models, tiny_export, player):
    """An export with an expression, and the models without one."""
    export = instrument_of_export(tiny_export, "tiny")
    found = [dataclasses.replace(export, expression=player[1])]
    return found + [instrument_of_model(model, {}, name) for name, model in models.items()]


@pytest.fixture(scope="module")
def page(instruments, tmp_path_factory):
    """One file with all of them."""
    path = tmp_path_factory.mktemp("live") / "page.html"
    return write_live_page(path, instruments, single_file=True)


@pytest.fixture(scope="module")
def melody_file(tmp_path_factory):
    """Three notes of a second, and rests of half a second, at the rate of browsers."""
    rate = 48000
    time = np.arange(rate) / rate
    envelope = np.minimum(1, np.minimum(time, 1 - time) / 0.02)
    sound = []
    for midi in NOTES:
        phase = 2 * np.pi * 440 * 2 ** ((midi - 69) / 12) * time
        sound += [0.15 * envelope * sum(np.sin(k * phase) / k for k in range(1, 9))]
        sound += [np.zeros(rate // 2)]
    path = tmp_path_factory.mktemp("live") / "melody.wav"
    soundfile.write(path, np.concatenate(sound), rate)
    return path


@pytest.fixture
def play(page, melody_file, tmp_path):
    """Runs a scenario; nothing may appear on the console as an error."""

    def run(scenario, **job):
        results, messages = drive(page, tmp_path, scenario, microphone=melody_file, **job)
        assert messages == []
        return results

    return run


def curves_for(facts, rest, seconds=1.0):
    """A rising tone that swells, perhaps with a silent frame, and noise."""
    frames = round(seconds * facts["frameRate"])
    level = np.linspace(-60, -15, frames)
    level[frames // 3] = np.nan if rest else level[frames // 3]
    noise = np.random.default_rng(0).uniform(-1, 1, frames * facts["hop"])
    return np.linspace(201.3, 397.7, frames), level, noise.astype(np.float32)


def as_json(f0, level, noise):
    level = [None if np.isnan(x) else x for x in level]
    return {"f0": f0.tolist(), "level": level, "noise": noise.tolist()}


def test_page_plays_what_the_runner_and_the_model_play(play, models, tiny_export, tmp_path):
    description = json.loads((tiny_export / "model.json").read_text())
    facts = {
        "tiny": {"frameRate": description["frame_rate"], "hop": description["hop"]},
        **{name: {"frameRate": m.frame_rate, "hop": m.hop} for name, m in models.items()},
    }
    curves = {name: curves_for(fact, rest=name == "tiny") for name, fact in facts.items()}
    heard = play("render", curves={name: as_json(*values) for name, values in curves.items()})

    f0, level, _ = curves["tiny"]
    features = {"f0_hz": f0, "loudness_db": level, "frame_rate": description["frame_rate"]}
    np.savez(tmp_path / "curves.npz", **features)
    # The noise of its first seed is that of these curves.
    files = [tiny_export, tmp_path / "curves.npz", tmp_path / "played.wav"]
    command = [sys.executable, ROOT / "export/run_tflite.py", *files, "--stream", "--seed", "0"]
    subprocess.run(command, check=True, capture_output=True)
    expected, _ = soundfile.read(tmp_path / "played.wav")
    assert np.abs(expected).max() > 1e-3
    assert np.abs(np.array(heard["tiny"]) - expected).max() < 1e-4
    for name, model in models.items():
        f0, level, noise = curves[name]
        features = {"f0_hz": f0, "loudness_db": level, "noise": noise}
        inputs = {key: np.float32(values)[None] for key, values in features.items()}
        expected = np.asarray(model(inputs))[0]
        assert np.abs(expected).max() > 1e-3
        assert np.abs(np.array(heard[name]) - expected).max() < 1e-4, name


def test_keys_sound_and_their_latency_is_measured(play):
    found = play("keys", instruments=["quick", "calm"], presses=3, pause=700)
    assert found["first"] > 0 and found["sounding"] > 0
    for name, latencies in found["latencies"].items():
        assert len(latencies) >= 2 and min(latencies) > 0, name


def test_instrument_follows_the_microphone(play):
    found = play("microphone", instruments=["quick", "calm"], seconds=6)
    assert found["trouble"] == "" or "busy" in found["trouble"]
    for name in ("quick", "calm"):
        played = [frame for frame in found[name]["played"] if frame["level"] is not None]
        midi = 69 + 12 * np.log2([frame["f0"] / 440 for frame in played])
        off = np.abs(midi[:, None] - NOTES).min(axis=1)
        assert len(played) > 0.2 * len(found[name]["played"]), name
        if found[name]["gaps"] > 3:
            pytest.skip("the machine is too busy: what the microphone hears is dropped in part")
        assert np.mean(off < 0.5) > 0.9, name
        rests = len(found[name]["played"]) - len(played)
        assert rests > 0.1 * len(found[name]["played"]), name
        assert found[name]["voice"], name


def test_recording_is_heard_played_compared_and_saved(play, melody_file, tmp_path):
    broken = tmp_path / "broken.wav"
    broken.write_bytes(b"RIFF and nothing else")
    files = {"tape": tmp_path / "tape.wav", "whole": tmp_path / "whole.wav"}
    found = play("recording", recording=melody_file, broken=broken, **files)
    assert found["name"].startswith("melody.wav, 4.5 s")
    assert "broken.wav cannot be decoded" in found["trouble"]
    whole, rate = soundfile.read(files["whole"])
    assert rate == 16000 and whole.size == pytest.approx(4.5 * rate, abs=rate / 50)
    assert soundfile.info(files["tape"]).duration > 1.5
    played = [frame["f0"] for frame in found["played"] if frame["level"] is not None]
    # The fitting may move the octave, which is no other note.
    steps = (12 * np.log2(np.array(played) / 440) + 69) % 12
    off = np.abs((steps[:, None] - np.array(NOTES) % 12 + 6) % 12 - 6).min(axis=1)
    assert np.mean(off < 0.5) > 0.9


def test_midi_file_is_played_with_the_expression_and_saved(play, player, instruments, tmp_path):
    song = mido.MidiFile(ticks_per_beat=480)
    for keys in (NOTES, (60, 64, 67, 72)):
        track = mido.MidiTrack()
        for key in keys:
            track.append(mido.Message("note_on", note=key, velocity=110, time=0))
            track.append(mido.Message("note_off", note=key, time=480))
        song.tracks.append(track)
    song.save(tmp_path / "duet.mid")
    broken, whole = tmp_path / "broken.mid", tmp_path / "whole.wav"
    broken.write_bytes(b"MThd and nothing else")
    found = play("song", song=tmp_path / "duet.mid", broken=broken, whole=whole)
    assert found["tracks"] == ["Track 1, 3 notes", "Track 2, 4 notes"]
    assert found["name"].startswith("duet.mid, 2.") and not found["compare"]
    assert "broken.mid is no MIDI file, or is damaged" in found["trouble"]
    played = [frame["f0"] for frame in found["played"] if frame["level"] is not None]
    midi = 12 * np.log2(np.array(played) / 440) + 69
    # Perhaps in another octave, and up to a glide off.
    steps = midi[:, None] - np.array([60, 64, 67, 72])
    assert np.abs((steps + 6) % 12 - 6).min(axis=0).max() < 0.6
    facts = instruments[0].facts
    loudest = facts["levelRange"][1]
    softest = max(facts["levelRange"][0], loudest - 30)
    loud = softest + (loudest - softest) * (110 / 127) ** 0.6
    notes = [Note(0.5 * k, 0.5 * k + 0.5, key, loud) for k, key in enumerate((60.0, 64, 67, 72))]
    f0, level = (np.array([np.nan if x is None else x for x in one]) for one in found["curves"])
    described = note_curves(notes, facts["frameRate"], len(f0))
    (moves,) = np.asarray(player[0].network(described[None])[0])
    sounding = described[:, 0] > 0
    assert np.array_equal(sounding, ~np.isnan(level)) and np.ptp(moves[sounding, 0]) > 0.1
    assert np.abs(level - loud - moves[:, 0])[sounding].max() < 1e-3
    cents = 1200 * np.log2(f0 / 440) - 100 * (described[:, 1] - 69)
    # Larger ones are limited where the note has no neighbour to glide to.
    small = sounding & (np.abs(moves[:, 1]) < 60)
    assert small.sum() > 20 and np.abs(cents - moves[:, 1])[small].max() < 0.1
    audio, rate = soundfile.read(whole)
    assert rate == 16000 and audio.size == pytest.approx(2.3 * rate, abs=rate / 20)
    assert np.abs(audio[: 2 * rate].reshape(4, -1)).max(axis=1).min() > 1e-3


def test_page_is_operated_by_keys_alone(play):
    found = play("operated")
    assert all(found["reached"]), "every control has a name"
    names = " | ".join(found["reached"])
    for name in ("Instrument", "Start", "Microphone", "Recording", "Connect MIDI", "Vibrato"):
        assert name in names
    assert re.search(r"\| C\d \|", names), "the first key of the piano"
    assert "Record to WAV" in names and "Licences" in names
    assert found["now"].startswith(found["key"]) and found["file"] == "recording-file"


def test_page_says_what_is_wrong(play):
    sentences = play("troubles")
    assert "microphone is blocked" in sentences["denied"]
    assert "lacks AudioWorklet" in sentences["old"]
    assert "tiny cannot be played here" in sentences["broken"]


def test_page_fits_phones_and_the_dark(play, tmp_path):
    widths = play("pictures", pictures=tmp_path, wait=1000)
    assert widths["phone"] <= 390 and widths["desktop"] <= 1180
    assert {path.name for path in tmp_path.glob("*.png")} == {
        "desktop.png",
        "phone.png",
        "dark.png",
    }


def test_export_adds_a_page_and_replaces_it(tiny_run, tmp_path):
    out = tmp_path / "reed"
    for option, page in (("--single-file", "page.html"), ("--page", "page/index.html")):
        command = ["-v", "export", tiny_run, "--out", out, "--precision", "float32", option]
        result = CliRunner().invoke(main, list(map(str, command)))
        assert result.exit_code == 0, result.output
        assert page in read_description(out).files and (out / page).is_file()
    assert not (out / "page.html").exists()


def test_page_of_one_instrument_is_small_enough(instruments, tmp_path):
    for instrument in instruments:
        name = instrument.facts["name"]
        path = write_live_page(tmp_path / f"{name}.html", [instrument], single_file=True)
        assert path.stat().st_size < LARGEST_PAGE, name
