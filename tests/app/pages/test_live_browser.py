"""The live page, played in headless Chromium with a microphone that plays a file."""

import json
import subprocess
import sys

import mido
import numpy as np
import pytest
import soundfile
from audio_formats import write_media
from live_browser import NOTES, ROOT, needs_browser

from ddsp_tf.expression.note_curves import note_curves
from ddsp_tf.features.transcription import Note

pytestmark = [pytest.mark.long, needs_browser]


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


@pytest.mark.parametrize("suffix", [".wav", ".m4a"])
def test_recording_is_heard_played_compared_and_saved(play, melody_file, suffix, tmp_path):
    recording = tmp_path / f"melody{suffix}"
    sound, rate = soundfile.read(melody_file, dtype="float32", always_2d=True)
    if suffix == ".m4a":
        write_media(recording, "aac", sound)
    else:
        soundfile.write(recording, sound, rate)
    broken = tmp_path / "broken.wav"
    broken.write_bytes(b"RIFF and nothing else")
    files = {"tape": tmp_path / "tape.wav", "whole": tmp_path / "whole.wav"}
    found = play("recording", recording=recording, broken=broken, **files)
    assert found["name"].startswith(f"melody{suffix}, 4.5 s")
    assert "broken.wav cannot be decoded" in found["trouble"]
    whole, rate = soundfile.read(files["whole"])
    assert rate == 16000 and whole.size == pytest.approx(4.5 * rate, abs=rate / 20)
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


def played_midi(frames):
    return np.array(
        [69 + 12 * np.log2(one["f0"] / 440) for one in frames if one["level"] is not None]
    )


def played_level(frames):
    return np.mean([one["level"] for one in frames if one["level"] is not None])


def test_instruments_are_switched_while_a_key_is_held(play):
    results = play("switching", instruments=["quick", "calm", "tiny"])
    for name, found in results["found"].items():
        lowest, highest = found["range"]
        midi = played_midi(found["played"])
        assert np.abs(midi - midi[-1]).max() < 0.01, name
        assert lowest <= midi[-1] <= highest, name
    # Only what a machine that is busy with other tests has to say.
    assert results["trouble"] == "" or "too busy" in results["trouble"]


def test_midi_keyboard_shapes_the_notes(play, instruments):
    results = play("midi")
    found, facts = results["found"], instruments[0].facts
    loudest = facts["levelRange"][1]
    softest = max(facts["levelRange"][0], loudest - 30)
    soft = softest + (loudest - softest) * (20 / 127) ** 0.6
    assert played_level(found["soft"]) == pytest.approx(soft, abs=0.1)
    assert played_level(found["loud"]) == pytest.approx(loudest, abs=0.1)
    assert played_level(found["pressed"]) == pytest.approx(loudest + 8, abs=0.1)
    for name, midi in {"soft": 60, "loud": 60, "bent": 62, "pedal": 60, "other": 67}.items():
        assert np.abs(played_midi(found[name]) - midi).max() < 0.01, name
    # Two cycles of vibrato and more.
    assert np.ptp(played_midi(found["wheel"])) == pytest.approx(1.2, abs=0.05)
    assert len(played_midi(found["released"])) == 0
    assert results["names"] == "Keys, Pads" and results["shown"] == "67"
