"""A melody as a MIDI file, played by the bundled violin: `python docs/examples/song.py folder`.

The melody is the beginning of a theme of Beethoven's Ninth Symphony (1824), written here as notes.
It is played twice: as plain notes, and with the expression of the violin's recordings.
"""

import argparse
from pathlib import Path

import ddsp_tf
from ddsp_tf.evaluation.figures import feature_curves_png
from ddsp_tf.inference.songs import Manner

BEAT_SECONDS = 0.5
# MIDI number and beats of each note, four bars.
THEME = (
    *((66, 1), (66, 1), (67, 1), (69, 1)),
    *((69, 1), (67, 1), (66, 1), (64, 1)),
    *((62, 1), (62, 1), (64, 1), (66, 1)),
    *((66, 1.5), (64, 0.5), (64, 2)),
)
# Of a beat: the bow is lifted where a note is repeated, and between bars.
LIFTED_BEATS = 0.15


def melody() -> list[ddsp_tf.Note]:
    """Writes the theme as notes; each bar swells to its middle."""
    notes, beat = [], 0.0
    for k, (key, beats) in enumerate(THEME):
        following = THEME[k + 1][0] if k + 1 < len(THEME) else key
        lifted = LIFTED_BEATS if following == key or (beat + beats) % 4 == 0 else 0.0
        level_db = -4.0 - 2.0 * abs(beat % 4 - 2.0)
        onset, offset = BEAT_SECONDS * beat, BEAT_SECONDS * (beat + beats - lifted)
        notes.append(ddsp_tf.Note(onset, offset, float(key), level_db))
        beat += beats
    return notes


def main():
    """Writes the MIDI file, both sounds, and a picture of their curves."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path, help="folder for song.mid, two .flac files and a .png")
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    ddsp_tf.save_notes(folder / "song.mid", melody())
    (part,) = ddsp_tf.read_midi(folder / "song.mid")
    model = ddsp_tf.instrument("violin")
    (player, _), expression = ddsp_tf.load_player(model), ddsp_tf.load_expression(model)
    drawn = {}
    for name, amount in (("plain", 0.0), ("expression", 1.0)):
        curves = ddsp_tf.song_curves(
            part, player, ddsp_tf.load_ranges(model), Manner(expression=amount), expression
        )
        ddsp_tf.play_to_file(player, curves, folder / f"song_{name}.flac")
        drawn[name] = {**curves, "f0_confidence": 1.0 * (curves["loudness_db"] > -80.0)}
        del drawn[name]["power_db"]
    (folder / "song.png").write_bytes(feature_curves_png(drawn, player.frame_rate))


if __name__ == "__main__":
    main()
