// A track of a MIDI file as curves of pitch and level.

import type { Expression, Shape } from "./expression";
import { gesturesOf } from "./melody";
import { levelOf, Notes, RELEASE } from "./notes";
import type { Curves, Facts, Frame, Track } from "./protocol";
import { Shaping } from "./shaping";

/** Sliders that move nothing. */
const STILL = { octave: 0, semitones: 0, loudness: 0, vibrato: 0, gate: 0 };

/**
 * Plays a track: with the expression of the instrument's player, else as keys sound.
 *
 * @param expression The player's expression; null if it is not known.
 */
export async function curvesOf(
  track: Track,
  facts: Facts,
  expression: Expression | null,
  onProgress: (share: number) => void,
): Promise<Curves> {
  const { frameRate } = facts;
  const frames = Math.ceil((track.seconds + 2 * RELEASE) * frameRate);
  const loud = track.melody.map((note) => {
    return { ...note, level: levelOf(note.velocity, facts) - facts.loudnessOffset };
  });
  const shape = expression && (await expression.shape(loud, frameRate, frames, onProgress));
  const gestures = [...track.controls, ...gesturesOf(track.melody)];
  gestures.sort((a, b) => a.time - b.time);
  const [notes, shaping] = [new Notes(facts), new Shaping(facts)];
  const [f0, level, confidence, age] = [0, 1, 2, 3].map(() => new Float32Array(frames));
  for (let k = 0, next = 0; k < frames; k++) {
    while (next < gestures.length && gestures[next].time * frameRate <= k) {
      notes.take(gestures[next++].gesture);
    }
    const plain = notes.next();
    const frame = shaping.apply(
      shape ? shaped(shape, k, plain, notes, facts) : plain,
      STILL,
      notes.wheel,
      notes.age,
    );
    [f0[k], level[k], age[k]] = [frame.f0, frame.level, notes.age];
    confidence[k] = Number.isNaN(frame.level) ? 0 : 1;
  }
  return { f0, level, confidence, age };
}

function shaped(shape: Shape, k: number, plain: Frame, notes: Notes, facts: Facts): Frame {
  if (Number.isNaN(shape.midi[k])) return { f0: plain.f0, level: NaN };
  return {
    f0: 440 * 2 ** ((shape.midi[k] + notes.bent - 69) / 12),
    level: shape.level[k] + facts.loudnessOffset + notes.raised,
  };
}
