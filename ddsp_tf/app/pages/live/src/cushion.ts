// The reserve of sound that waits to be played: as short as the machine allows.

const SHORTEST = 0.008;
const LONGEST = 0.08;
/** Seconds without a gap after which the reserve shrinks: at first, and at most. */
const CALM = 10;
const LONGEST_CALM = 320;

/** A reserve that covers late blocks, in samples of the context. */
export class Cushion {
  samples = Math.round(SHORTEST * sampleRate);
  private calmSince = 0;
  private patience = CALM;
  private lowest = Infinity;
  private blocks = 0;

  /** Grows after a gap. */
  grow(): void {
    this.samples = Math.min(Math.round(1.5 * this.samples), LONGEST * sampleRate);
    this.calmSince = currentTime;
    // Shrinking too soon would bring the same gap back.
    this.patience = Math.min(2 * this.patience, LONGEST_CALM);
  }

  /** Shrinks after some seconds without a gap; call it regularly. */
  settle(): void {
    if (currentTime - this.calmSince < this.patience) return;
    this.samples = Math.max(Math.round(0.8 * this.samples), Math.round(SHORTEST * sampleRate));
    this.calmSince = currentTime;
  }

  /**
   * Returns how many samples too many wait, where blocks arrive at the microphone's pace.
   *
   * @param filled Samples that wait when a block arrives.
   */
  surplus(filled: number): number {
    this.lowest = Math.min(this.lowest, filled);
    if (++this.blocks < 100) return 0;
    const surplus = this.lowest > 2 * this.samples ? this.lowest - this.samples : 0;
    this.blocks = 0;
    this.lowest = Infinity;
    return surplus;
  }
}
