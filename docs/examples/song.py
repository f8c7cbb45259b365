"""Four instruments play a MIDI file: `python docs/examples/song.py folder`.

The music is a theme of Beethoven's Ninth Symphony (1824), set here for four voices. It is played
twice: as plain notes, and with the expression of the recordings that the instruments learned from.
"""

import argparse
from pathlib import Path

import mido

import ddsp_tf
from ddsp_tf.app.tracks import choose_tracks, play_song
from ddsp_tf.evaluation.figures import feature_curves_png
from ddsp_tf.inference.songs import Manner

BEAT_SECONDS = 0.5
# MIDI number and beats of each note, eight bars of four beats.
VOICES = {
    "violin": (
        *((66, 1), (66, 1), (67, 1), (69, 1), (69, 1), (67, 1), (66, 1), (64, 1)),
        *((62, 1), (62, 1), (64, 1), (66, 1), (66, 1.5), (64, 0.5), (64, 2)),
        *((66, 1), (66, 1), (67, 1), (69, 1), (69, 1), (67, 1), (66, 1), (64, 1)),
        *((62, 1), (62, 1), (64, 1), (66, 1), (64, 1.5), (62, 0.5), (62, 2)),
    ),
    "alto_sax": (
        *((62, 2), (64, 1), (66, 1), (66, 1), (64, 1), (62, 1), (61, 1)),
        *((57, 2), (61, 1), (62, 1), (62, 1.5), (61, 0.5), (61, 2)),
        *((62, 2), (64, 1), (66, 1), (66, 1), (64, 1), (62, 1), (61, 1)),
        *((57, 2), (61, 1), (62, 1), (61, 1.5), (57, 0.5), (57, 2)),
    ),
    "cello": (
        *((57, 4), (57, 2), (59, 1), (57, 1), (54, 2), (57, 2), (57, 2), (57, 2)),
        *((57, 4), (57, 2), (59, 1), (57, 1), (54, 2), (57, 2), (55, 1.5), (54, 0.5), (54, 2)),
    ),
    "tuba": (
        *((50, 2), (49, 1), (50, 1), (50, 1), (49, 1), (47, 1), (45, 1)),
        *((50, 2), (45, 1), (50, 1), (45, 2), (45, 2)),
        *((50, 2), (49, 1), (50, 1), (50, 1), (49, 1), (47, 1), (45, 1)),
        *((50, 2), (45, 1), (50, 1), (45, 1.5), (50, 0.5), (50, 2)),
    ),
}
# Volume (CC 7) of each track: the instruments were recorded at different levels.
VOLUMES = {"violin": 100, "alto_sax": 70, "cello": 127, "tuba": 120}
# Of a beat: the sound ends a little earlier where a note is repeated, and at the end of a bar.
LIFTED_BEATS = 0.15


def notes_of(voice: str, bars: int = 8) -> list[ddsp_tf.Note]:
    """Writes a voice as notes; each bar swells to its middle."""
    notes, beat, line = [], 0.0, VOICES[voice]
    for k, (key, beats) in enumerate(line):
        if beat >= 4 * bars:
            break
        following = line[k + 1][0] if k + 1 < len(line) else key
        lifted = LIFTED_BEATS if following == key or (beat + beats) % 4 == 0 else 0.0
        level_db = -4.0 - 2.0 * abs(beat % 4 - 2.0)
        onset, offset = BEAT_SECONDS * beat, BEAT_SECONDS * (beat + beats - lifted)
        notes.append(ddsp_tf.Note(onset, offset, float(key), level_db))
        beat += beats
    return notes


def save_song(path: Path) -> None:
    """Writes all voices into a MIDI file, a track and a channel each."""
    song = mido.MidiFile(type=1, ticks_per_beat=500)
    for channel, name in enumerate(VOICES):
        ddsp_tf.save_notes(path, notes_of(name))
        (track,) = mido.MidiFile(path).tracks
        volume = mido.Message("control_change", control=7, value=VOLUMES[name])
        heard = [m if m.is_meta else m.copy(channel=channel) for m in (volume, *track)]
        song.tracks.append(mido.MidiTrack([mido.MetaMessage("track_name", name=name), *heard]))
    song.save(path)


def main():
    """Writes the MIDI file, both sounds, and a picture of the curves."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path, help="folder for song.mid, two .flac files and a .png")
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "song.mid"
    save_song(path)
    parts = ddsp_tf.read_midi(path)
    tracks = [f"{k}=bundled:{name}" for k, name in enumerate(VOICES)]
    chosen = choose_tracks(path, parts, tracks, "bundled:violin")
    for name, amount in (("plain", 0.0), ("expression", 1.0)):
        play_song(chosen, folder / f"song_{name}.flac", Manner(expression=amount))
    drawn = {}
    for part, model in chosen:
        player, _ = ddsp_tf.load_player(model)
        ranges, expression = ddsp_tf.load_ranges(model), ddsp_tf.load_expression(model)
        curves = ddsp_tf.song_curves(part, player, ranges, expression=expression)
        del curves["power_db"]
        drawn[part.name] = {**curves, "f0_confidence": 1.0 * (curves["loudness_db"] > -80.0)}
    (folder / "song.png").write_bytes(feature_curves_png(drawn, player.frame_rate))


if __name__ == "__main__":
    main()
