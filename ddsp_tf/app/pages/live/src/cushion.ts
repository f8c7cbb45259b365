// The reserve of sound that waits to be played: as short as the machine allows.

const LONGEST = 0.08;
/** Seconds without a gap after which the reserve shrinks: at first, and at most. */
const CALM = 10;
const LONGEST_CALM = 320;
/** Blocks in which no part of an excess was needed before it is dropped. */
const UNNEEDED = 100;

/** A reserve that covers late blocks, in samples of the context. */
export class Cushion {
  samples: number;
  private calmSince = 0;
  private patience = CALM;
  private lowest = Infinity;
  private blocks = 0;

  /** @param shortest Seconds at first, and at least. */
  constructor(private readonly shortest: number) {
    this.samples = Math.round(shortest * sampleRate);
  }

  /** Grows after a gap. */
  grow(): void {
    this.samples = Math.min(Math.round(1.25 * this.samples), LONGEST * sampleRate);
    this.calmSince = currentTime;
    // Shrinking too soon would bring the same gap back.
    this.patience = Math.min(2 * this.patience, LONGEST_CALM);
  }

  /** Shrinks after some seconds without a gap; call it regularly. */
  settle(): void {
    if (currentTime - this.calmSince < this.patience) return;
    this.samples = Math.max(Math.round(0.8 * this.samples), Math.round(this.shortest * sampleRate));
    this.calmSince = currentTime;
  }

  /**
   * Returns how many samples wait for nothing, where blocks arrive at the microphone's pace.
   *
   * @param filled Samples that wait when a block arrives.
   * @param quiet Whether dropping some of them would not be heard.
   */
  excess(filled: number, quiet: boolean): number {
    this.lowest = Math.min(this.lowest, filled);
    if (++this.blocks < UNNEEDED || !quiet) return 0;
    const excess = Math.max(0, this.lowest - this.samples);
    this.blocks = 0;
    this.lowest = Infinity;
    return excess;
  }
}
