"""Makes the recordings that come with the package.

    python benchmarks/bundled/make_recordings.py

It composes phrases, renders them with FluidSynth and the FluidR3 mono soundfont and writes
`violin.flac`, `violin_unseen.flac` and `flute.flac`. It needs the Debian packages `fluidsynth` and
`fluidr3mono-gm-soundfont` and the Python packages `mido`, `numpy`, `soundfile` and `soxr`. The same
seed, soundfont and versions produce the same files.
"""

import argparse
import subprocess
import tempfile
from pathlib import Path

import mido
import numpy as np
import soundfile
import soxr
from composition import MAJOR, MINOR, Phrase, Stroke, perform

SOUNDFONT = Path("/usr/share/sounds/sf3/FluidR3Mono_GM.sf3")
OUT = Path(__file__).resolve().parent.parent / "ddsp_tf" / "recordings"
RENDER_RATE, RATE = 48000, 16000  # Hz
NOISE_DB = -80.0  # dBFS, RMS
BEND_RANGE = 12  # Semitones of pitch bend, up or down.
VELOCITY_SHARE = 0.4  # Part of a stroke's level that its velocity makes; expression makes the rest.
# SoundFont generators that MIDI NRPNs move, and the size of a step in the generator's unit.
FILTER_CUTOFF, RELEASE_TIME, NRPN_STEP = 8, 38, 2
RELEASE_CENTS = -2700  # Timecents: the soundfont's release of 0.55 s becomes 0.12 s.
DULLING = 120  # Cents that the filter closes per dB, as soft bowing is also less bright.
# SwiftF0 finds the attack of these keys an octave high; a neighbouring key, bent, is safer.
VIOLIN_DETOURS = {72: 71, 73: 71, 74: 75}
VIOLIN_PROGRAM, FLUTE_PROGRAM = 40, 73  # General MIDI, counted from 0.
# Peak in dBFS of a program's first recording. The flute's crest factor is lower than the
# violin's: this brings it into the range of loudness that a violin model has learnt.
PEAK_DB = {VIOLIN_PROGRAM: -3.0, FLUTE_PROGRAM: -6.0}

# Together, the keys use all pitch classes, and the heights cover G3 to E6.
VIOLIN = [
    Phrase(7, MAJOR, (62, 71, 67), (-12, -3, -14), "legato", 100, 3, 0.4),
    Phrase(1, MINOR, (64, 61, 56), (-16, -21, -25), "legato", 98, 3, 0.6),
    Phrase(0, MAJOR, (60, 72, 84), (-18, -8, 0), "mixed", 120, 4, 0.3),
    Phrase(0, None, (84, 55), (-2, -10, -20), "legato", 104, 4, 0.6),
    Phrase(2, MINOR, (62, 74, 69), (-8, -1, -5), "staccato", 126, 4, 0.35),
    Phrase(5, MAJOR, (77, 84, 77), (-22, -14, -25), "legato", 100, 3, 0.5),
    Phrase(0, MINOR, (67, 60, 55), (-2, -6, -1), "detached", 116, 3, 0.3),
    Phrase(8, MAJOR, (75, 80, 87), (-20, -10, -3), "mixed", 104, 3, 0.6),
    Phrase(3, MAJOR, (67, 75, 70), (-25, -16, -24), "legato", 96, 3, 0.5),
    Phrase(0, None, (55, 88), (-24, -12, -1, -8), "legato", 100, 4, 0.4),
    Phrase(6, MINOR, (85, 78, 66), (-3, -12, -6), "detached", 126, 4, 0.45),
    Phrase(7, MAJOR, (74, 67, 55), (-6, -14, -25), "legato", 98, 3, 0.4),
]
UNSEEN = [
    Phrase(2, MINOR, (65, 74, 69), (-18, -5, -13), "legato", 104, 3, 0.45),
    Phrase(5, MAJOR, (72, 81, 77), (-10, -4, -20), "mixed", 108, 3, 0.4),
    Phrase(9, MAJOR, (64, 69, 61), (-5, -10, -6), "detached", 120, 3, 0.3),
]
FLUTE = [
    Phrase(7, MAJOR, (67, 74, 71), (-14, -4, -10), "legato", 100, 3, 0.45),
    Phrase(4, MINOR, (71, 73, 67), (-8, -2, -18), "mixed", 100, 3, 0.4),
]
PIECES = {
    "violin": (VIOLIN_PROGRAM, VIOLIN),
    "violin_unseen": (VIOLIN_PROGRAM, UNSEEN),
    "flute": (FLUTE_PROGRAM, FLUTE),
}


def midi_of(strokes: list[Stroke], length_s: float, program: int) -> mido.MidiFile:
    """Returns strokes as a Standard MIDI File of one track whose ticks are milliseconds.

    Args:
        strokes: The strokes, in order.
        length_s: Length of the whole in seconds.
        program: General MIDI program, counted from 0.

    Returns:
        The MIDI file.
    """
    events: list[tuple[float, mido.Message]] = []

    def control(time: float, *pairs: tuple[int, int]) -> None:
        for number, value in pairs:
            message = mido.Message("control_change", control=number, value=value)
            events.append((time, message))

    def generator(time: float, number: int, value: float) -> None:
        # FluidSynth forgets the selected generator at each data entry.
        data = 8192 + round(value / NRPN_STEP)
        control(time, (99, 120), (98, number), (38, data & 127), (6, data >> 7))

    events.append((0.0, mido.Message("program_change", program=program)))
    # No modulation wheel: all vibrato is in the pitch bend. Then the bend range, by RPN 0.
    control(0.0, (1, 0), (7, 127), (101, 0), (100, 0), (6, BEND_RANGE), (38, 0))
    control(0.0, (101, 127), (100, 127))
    generator(0.0, RELEASE_TIME, RELEASE_CENTS)
    for stroke in strokes:
        # The key in the middle of a slur keeps every note of it near its own sample.
        key = (min(stroke.pitches) + max(stroke.pitches)) // 2
        if program == VIOLIN_PROGRAM:
            key = VIOLIN_DETOURS.get(key, key)
        loud = VELOCITY_SHARE * float(np.max(stroke.level))
        for i, time in enumerate(stroke.times):
            bend = round((stroke.pitch[i] - key) / BEND_RANGE * 8192)
            events.append((time, mido.Message("pitchwheel", pitch=bend)))
            # Expression and velocity both act as the square of their value.
            control(time, (11, round(127 * 10 ** ((stroke.level[i] - loud) / 40))))
            generator(time, FILTER_CUTOFF, DULLING * stroke.level[i])
            if i == 0:
                velocity = round(127 * 10 ** (loud / 40))
                events.append((time, mido.Message("note_on", note=key, velocity=velocity)))
        events.append((stroke.end, mido.Message("note_off", note=key)))
    events.sort(key=lambda event: event[0])
    track, now = mido.MidiTrack([mido.MetaMessage("set_tempo", tempo=480_000)]), 0
    for time, message in events:
        tick = round(time * 1000)
        track.append(message.copy(time=tick - now))
        now = tick
    track.append(mido.MetaMessage("end_of_track", time=max(0, round(length_s * 1000) - now)))
    return mido.MidiFile(type=0, ticks_per_beat=480, tracks=[track])


def render(midi: mido.MidiFile, soundfont: Path, length_s: float) -> np.ndarray:
    """Returns the sound of a MIDI file: mono, 16 kHz, of arbitrary gain.

    Args:
        midi: The MIDI file.
        soundfont: Path of the soundfont.
        length_s: Length in seconds of what is returned.
    """
    with tempfile.TemporaryDirectory() as folder:
        score, sound = Path(folder, "score.mid"), Path(folder, "sound.wav")
        midi.save(score)
        # Reverb and chorus off; floating-point samples, so that nothing clips before the gain.
        command = ["fluidsynth", "-n", "-i", "-q", "-R", "0", "-C", "0", "-g", "0.5"]
        command += ["-r", str(RENDER_RATE), "-O", "float", "-T", "wav", "-F", str(sound)]
        subprocess.run([*command, str(soundfont), str(score)], check=True)
        audio, _ = soundfile.read(sound, always_2d=True)
    mono = soxr.resample(audio.mean(axis=1), RENDER_RATE, RATE, quality="VHQ")
    samples = round(length_s * RATE)
    return np.pad(mono, (0, max(0, samples - len(mono))))[:samples]


def finished(audio: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Returns audio as 16-bit samples, with a faint noise floor and triangular dither."""
    noisy = audio + rng.normal(0.0, 10 ** (NOISE_DB / 20), audio.shape)
    dither = rng.random(audio.shape) - rng.random(audio.shape)
    return np.round(noisy * 32767 + dither).astype(np.int16)


def main() -> None:
    """Makes all recordings."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--soundfont", type=Path, default=SOUNDFONT, help="FluidR3 mono, SF3")
    parser.add_argument("--out", type=Path, default=OUT, help="folder for the FLAC files")
    parser.add_argument("--seed", type=int, default=138, help="of melodies, expression and noise")
    arguments = parser.parse_args()
    if not arguments.soundfont.is_file():
        parser.error(f"{arguments.soundfont}: no such soundfont; see --soundfont")
    arguments.out.mkdir(parents=True, exist_ok=True)
    gains: dict[int, float] = {}  # One per program, so that its recordings compare in level.
    for index, (name, (program, phrases)) in enumerate(PIECES.items()):
        rng = np.random.default_rng([arguments.seed, index])
        strokes, length_s = perform(phrases, rng)
        audio = render(midi_of(strokes, length_s, program), arguments.soundfont, length_s)
        gains.setdefault(program, 10 ** (PEAK_DB[program] / 20) / float(np.max(np.abs(audio))))
        path = arguments.out / f"{name}.flac"
        soundfile.write(path, finished(gains[program] * audio, rng), RATE, subtype="PCM_16")
        print(f"{path}: {length_s:.1f} s, {len(strokes)} strokes")


if __name__ == "__main__":
    main()
