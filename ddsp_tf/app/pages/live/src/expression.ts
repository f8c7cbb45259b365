// The expression of the instrument's player: how loudness and pitch move inside of notes.

import { StatefulModel } from "./litert";
import { CONNECTED } from "./melody";
import type { Note } from "./protocol";

/** Inputs of `expression.tflite`; see note_curves.py. */
const CURVES = [
  "sounding",
  "midi",
  "level_db",
  "since_s",
  "left_s",
  "gap_before_s",
  "interval_before",
  "step_before_db",
  "gap_after_s",
  "interval_after",
  "step_after_db",
];
/** Seconds to a neighbour that does not exist. */
const FAR = 10;
/** Cents by which the pitch leaves its note at most, unless it glides. */
const LARGEST_CENTS = 60;

/** First frame of a note, and the one after its last. */
type Place = [number, number];

/** A note with its loudness in decibels. */
export type LoudNote = Note & { level: number };

/** Pitch and level of every frame. NaN in pauses. */
export interface Shape {
  midi: Float32Array;
  level: Float32Array;
}

export class Expression {
  private constructor(private readonly model: StatefulModel) {}

  /** Loads `expression.tflite`. */
  static async load(content: ArrayBuffer): Promise<Expression> {
    return new Expression(await StatefulModel.load(content, "express"));
  }

  delete(): void {
    this.model.delete();
  }

  /** Shapes the notes of one voice. */
  async shape(
    notes: readonly LoudNote[],
    frameRate: number,
    frames: number,
    onProgress: (share: number) => void,
  ): Promise<Shape> {
    const described = noteCurves(notes, frameRate, frames);
    const midi = new Float32Array(frames).fill(NaN);
    const level = new Float32Array(frames).fill(NaN);
    const places = noteFrames(notes, frameRate, frames);
    this.model.reset();
    for (let k = 0, n = 0; k < frames; k++) {
      const values = CURVES.map((name, c) => [name, described[c].slice(k, k + 1)]);
      const moves = await this.model.call(Object.fromEntries(values));
      while (n < notes.length && places[n][1] <= k) n++;
      if (n < notes.length && places[n][0] <= k) {
        const limit = largestCents(notes, n, k, places[n]);
        midi[k] = notes[n].midi + Math.max(-limit, Math.min(limit, moves.cents[0])) / 100;
        level[k] = notes[n].level + moves.relative_db[0];
      }
      if (k % 200 === 0) onProgress(k / frames);
    }
    return { midi, level };
  }
}

/** Returns how many cents a note's pitch may move in a frame: a glide, to half the interval. */
function largestCents(notes: readonly Note[], n: number, k: number, [first, end]: Place): number {
  const other = notes[k - first < (end - first) / 2 ? n - 1 : n + 1];
  if (!other || gap(notes[n], other) > CONNECTED) return LARGEST_CENTS;
  return Math.max(LARGEST_CENTS, 50 * Math.abs(other.midi - notes[n].midi));
}

function gap(note: Note, other: Note): number {
  return Math.max(other.onset - note.offset, note.onset - other.offset, 0);
}

function noteFrames(notes: readonly Note[], frameRate: number, frames: number): Place[] {
  return notes.map(({ onset, offset }) => {
    const first = Math.min(Math.round(onset * frameRate), frames);
    return [first, Math.min(Math.max(Math.round(offset * frameRate), first + 1), frames)];
  });
}

/** Describes the note of every frame and its neighbours, as note_curves.py does. */
export function noteCurves(
  notes: readonly LoudNote[],
  frameRate: number,
  frames: number,
): Float32Array[] {
  const curves = CURVES.map(() => new Float32Array(frames));
  noteFrames(notes, frameRate, frames).forEach(([first, end], n) => {
    const facts = [...neighbour(notes[n], notes[n - 1]), ...neighbour(notes[n], notes[n + 1])];
    for (let k = first; k < end; k++) {
      const [since, left] = [(k - first) / frameRate, (end - 1 - k) / frameRate];
      const values = [1, notes[n].midi, notes[n].level, since, left, ...facts];
      values.forEach((value, c) => (curves[c][k] = value));
    }
  });
  return curves;
}

function neighbour(note: LoudNote, other: LoudNote | undefined): [number, number, number] {
  if (!other) return [FAR, 0, 0];
  return [Math.min(gap(note, other), FAR), other.midi - note.midi, other.level - note.level];
}
