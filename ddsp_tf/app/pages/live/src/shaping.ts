// The effect of the sliders on every frame.

import type { Curves, Facts, Frame, HeardFrame, Settings } from "./protocol";

const VIBRATO_HZ = 5.5;
/** Seconds after which a note's vibrato begins, and that it takes to reach its depth. */
const VIBRATO_DELAY = 0.15;
const VIBRATO_RISE = 0.3;
/** Seconds that the gate takes to close, and decibels in between. It opens at once. */
const CLOSING = 0.1;
const CLOSED = 50;
const VOICED = 0.5;

/** Moves pitch and level, frame by frame. */
export class Shaping {
  /** Of the vibrato, in cycles. */
  phase = 0;
  private lowered = CLOSED;

  constructor(private readonly facts: Facts) {}

  /**
   * Applies the sliders.
   *
   * @param wheel Cents of vibrato beside the slider's.
   * @param age Seconds since the note began.
   */
  apply(frame: Frame, settings: Settings, wheel = 0, age = Infinity): Frame {
    this.phase = (this.phase + VIBRATO_HZ / this.facts.frameRate) % 1;
    const grown = Math.min(1, Math.max(0, (age - VIBRATO_DELAY) / VIBRATO_RISE));
    const vibrato = (settings.vibrato * grown + wheel) * Math.sin(2 * Math.PI * this.phase);
    const semitones = 12 * settings.octave + settings.semitones + vibrato / 100;
    return { f0: frame.f0 * 2 ** (semitones / 12), level: frame.level + settings.loudness };
  }

  /** Fades frames that are too soft or have no pitch to silence. */
  gate(heard: HeardFrame, settings: Settings): Frame {
    const threshold = this.facts.levelRange[1] - settings.loudness - settings.gate;
    const open = heard.confidence >= VOICED && heard.f0 > 0 && heard.level > threshold;
    const step = CLOSED / CLOSING / this.facts.frameRate;
    this.lowered = open ? 0 : Math.min(CLOSED, this.lowered + step);
    const level = this.lowered >= CLOSED ? NaN : heard.level - this.lowered;
    return { f0: heard.f0, level };
  }
}

/** Returns the octaves and decibels that shift curves into the training range of the instrument. */
export function fit(
  f0: Float32Array,
  level: Float32Array,
  confidence: Float32Array,
  facts: Facts,
): { octave: number; loudness: number } | null {
  const voiced = [...f0.keys()].filter((k) => confidence[k] >= VOICED && f0[k] > 0);
  if (voiced.length < 10) return null;
  const loud = quantile(voiced.map((k) => level[k]), 0.9);
  const notes = voiced.filter((k) => level[k] > loud - 25);
  const midi = quantile(notes.map((k) => 69 + 12 * Math.log2(f0[k] / 440)), 0.5);
  const middle = (facts.pitchRange[0] + facts.pitchRange[1]) / 2;
  return {
    octave: Math.max(-3, Math.min(3, Math.round((middle - midi) / 12))),
    loudness: Math.max(-40, Math.min(40, Math.round(facts.levelRange[1] - loud - 2))),
  };
}

/** Returns the octaves that shift notes into the range of the instrument; 0 if they are within it. */
export function octavesFor({ f0, confidence }: Curves, facts: Facts): number {
  const notes = [...f0].filter((_, k) => confidence[k] > 0);
  const midi = quantile(notes.map((hertz) => 69 + 12 * Math.log2(hertz / 440)), 0.5);
  const [lowest, highest] = facts.pitchRange;
  if (midi >= lowest && midi <= highest) return 0;
  const middle = (lowest + highest) / 2;
  return Math.max(-3, Math.min(3, Math.round((middle - midi) / 12)));
}

function quantile(values: number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(share * (sorted.length - 1))];
}
