// The notes of one voice: from all notes of a track, and as presses of keys.

import type { Note, TimedGesture } from "./protocol";

/** Seconds between the starts of notes that are one chord. */
const CHORD = 0.02;
/** Seconds of pause that a legato may have, and by which a repeated note is separated. */
export const CONNECTED = 0.03;
const REPEATED = 0.06;

/**
 * Leaves one note at a time: the highest of a chord, and of overlapping notes the later one.
 *
 * Notes that all but touch are connected; a note that another one on the same key follows is
 * shortened, so that the second one begins again.
 *
 * @param notes Notes in order of their onsets.
 * @param released Seconds at which a pedal lets go of a note that ends at some second.
 */
export function oneVoice(notes: readonly Note[], released: (second: number) => number): Note[] {
  const melody: Note[] = [];
  for (const note of notes) {
    const before = melody.at(-1);
    if (!before || note.onset - before.onset >= CHORD) melody.push({ ...note });
    else if (note.midi > before.midi) melody[melody.length - 1] = { ...note, onset: before.onset };
  }
  melody.forEach((note, k) => {
    const next = melody[k + 1];
    const end = released(note.offset);
    if (next || Number.isFinite(end)) note.offset = end;
    if (!next) return;
    if (next.onset - note.offset <= CONNECTED) note.offset = next.onset;
    if (next.midi !== note.midi) return;
    const middle = (note.onset + note.offset) / 2;
    note.offset = Math.min(note.offset, Math.max(middle, next.onset - REPEATED));
  });
  return melody;
}

/** Returns the presses and releases of a melody; where notes touch, the press comes first. */
export function gesturesOf(melody: readonly Note[]): TimedGesture[] {
  return [
    ...melody.map(({ onset, midi, velocity }): TimedGesture => {
      return { time: onset, gesture: { kind: "press", midi, velocity } };
    }),
    ...melody.map(({ offset, midi }): TimedGesture => {
      return { time: offset, gesture: { kind: "release", midi } };
    }),
  ].sort((a, b) => a.time - b.time);
}
