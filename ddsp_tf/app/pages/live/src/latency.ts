// Latency from a gesture or a voice to the sound, measured while one plays.

import type { Report } from "./protocol";

/** Milliseconds after which a sound does not count as the answer to a gesture. */
const LONGEST = 500;

/** Measures, for notes after silence, how long the sound takes. */
export class Latency {
  /** Milliseconds, the newest last. */
  readonly ofKeys: number[] = [];
  readonly ofVoice: number[] = [];
  private pressed = -Infinity;
  private heard = -Infinity;

  constructor(private readonly context: AudioContext) {}

  /** A key was pressed at a time of `performance.now()`. */
  press(time: number): void {
    this.pressed = time;
  }

  /** The audio thread reports the start of a sound; returns whether something was measured. */
  take(report: Extract<Report, { kind: "onset" }>): boolean {
    if (report.of === "input") {
      this.heard = report.time;
      return false;
    }
    const { contextTime = 0, performanceTime = 0 } = this.context.getOutputTimestamp();
    const emitted = performanceTime + 1000 * (report.time - contextTime);
    return (
      this.keep(this.ofKeys, emitted - this.pressed) ||
      this.keep(this.ofVoice, 1000 * (report.time - this.heard) + this.output)
    );
  }

  /** Milliseconds between the audio thread and the loudspeaker. */
  get output(): number {
    return 1000 * (this.context.outputLatency || this.context.baseLatency || 0);
  }

  private keep(list: number[], milliseconds: number): boolean {
    if (milliseconds < 0 || milliseconds > LONGEST) return false;
    list.push(milliseconds);
    this.pressed = -Infinity;
    this.heard = -Infinity;
    return true;
  }
}

export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
}
