// Starts of sounds.

import type { Report } from "./protocol";

/** A sound starts when it exceeds the first after a tenth of a second below the second. */
export const LOUD = 1e-3;
const SOFT = 3e-4;

export function isSoft(samples: Float32Array): boolean {
  return samples.every((sample) => Math.abs(sample) < LOUD);
}

/** Detects the start of a sound after silence. */
export class Onset {
  private quiet = 0;
  private armed = true;

  constructor(private readonly of: "output" | "input", private readonly gain: number) {}

  /** Returns a report if a sound starts within a quantum. */
  find(samples: Float32Array): Report | null {
    for (let k = 0; k < samples.length; k++) {
      const size = Math.abs(samples[k]) * this.gain;
      this.quiet = size > SOFT ? 0 : this.quiet + 1;
      this.armed ||= this.quiet > 0.1 * sampleRate;
      if (this.armed && size > LOUD) {
        this.armed = false;
        return { kind: "onset", of: this.of, time: currentTime + k / sampleRate };
      }
    }
    return null;
  }
}
