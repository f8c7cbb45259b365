// Conversion between sample rates, block by block.

const HALF_WIDTH = 24;
/** Cut-off, as a share of the lower Nyquist frequency. */
const CUTOFF = 0.93;
/** Of the Kaiser window. */
const BETA = 7;
const LARGEST_RATIO = 4096;

/** What a resampler remembers of its input. */
export interface Memory {
  readonly history: Float32Array;
  /** Position of the next output sample in the history, in steps of 1 / up. */
  readonly phase: number;
}

/**
 * Polyphase filter: a windowed sinc, evaluated at the fractions that two rates have.
 *
 * Sample k of the output is the input at k * from / to, `delay` input samples later. It is flat
 * within 0.1 dB up to 0.8 of the lower Nyquist frequency, and images are below -60 dB.
 */
export class Resampler {
  /** Delay in samples of the input. */
  readonly delay: number;
  private readonly up: number;
  private readonly down: number;
  private readonly filters: Float32Array[] = [];
  /** May be set back to an earlier one. */
  memory: Memory;

  constructor(from: number, to: number) {
    const divisor = greatestCommonDivisor(from, to);
    this.up = to / divisor;
    this.down = from / divisor;
    if (this.up > LARGEST_RATIO || this.down > LARGEST_RATIO) {
      throw new Error(`${from} Hz cannot be played at ${to} Hz`);
    }
    const stretch = Math.max(1, from / to);
    const half = from === to ? 0 : Math.ceil(HALF_WIDTH * stretch);
    this.delay = half;
    this.memory = { history: new Float32Array(Math.max(0, 2 * half - 1)), phase: 0 };
    if (half === 0) return;
    for (let phase = 0; phase < this.up; phase++) {
      const taps = new Float32Array(2 * half);
      let sum = 0;
      for (let k = 0; k < 2 * half; k++) {
        const distance = k - half + 1 - phase / this.up;
        taps[k] = sinc((CUTOFF * distance) / stretch) * kaiser(distance / half);
        sum += taps[k];
      }
      for (let k = 0; k < 2 * half; k++) taps[k] /= sum;
      this.filters.push(taps);
    }
  }

  /** Converts the next samples; returns those that are complete. */
  process(samples: Float32Array): Float32Array {
    if (this.delay === 0) return samples.slice();
    const width = 2 * this.delay;
    const { history } = this.memory;
    let { phase } = this.memory;
    const line = new Float32Array(history.length + samples.length);
    line.set(history);
    line.set(samples, history.length);
    const last = (line.length - width + 1) * this.up;
    const length = Math.max(0, Math.ceil((last - phase) / this.down));
    const out = new Float32Array(length);
    for (let n = 0; n < length; n++, phase += this.down) {
      const start = Math.floor(phase / this.up);
      const taps = this.filters[phase % this.up];
      let sum = 0;
      for (let k = 0; k < width; k++) sum += taps[k] * line[start + k];
      out[n] = sum;
    }
    const used = Math.min(Math.floor(phase / this.up), line.length);
    this.memory = { history: line.slice(used), phase: phase - used * this.up };
    return out;
  }
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}

function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
}

function kaiser(x: number): number {
  return Math.abs(x) >= 1 ? 0 : bessel(BETA * Math.sqrt(1 - x * x)) / bessel(BETA);
}

/** Modified Bessel function of order 0. */
function bessel(x: number): number {
  let sum = 1;
  let term = 1;
  for (let k = 1; k < 40; k++) {
    term *= (x / (2 * k)) ** 2;
    sum += term;
  }
  return sum;
}
