// Spectrogram and level of the output.

import { colour, surface } from "./drawing";

const TOP_HZ = 8000;
const BOTTOM_HZ = 60;
const FLOOR_DB = -100;
const CEILING_DB = -20;
/** Columns of the screen that a spectrum takes. */
const STEP = 3;

/** A spectrogram that moves to the left, on a logarithmic scale of frequency. */
export class Spectrogram {
  private decibels = new Float32Array(0);

  constructor(private readonly canvas: HTMLCanvasElement) {}

  draw(analyser: AnalyserNode): void {
    const { pen } = surface(this.canvas);
    if (this.decibels.length !== analyser.frequencyBinCount) {
      this.decibels = new Float32Array(analyser.frequencyBinCount);
    }
    analyser.getFloatFrequencyData(this.decibels);
    const { width, height } = this.canvas;
    pen.setTransform(1, 0, 0, 1, 0, 0);
    pen.drawImage(this.canvas, STEP, 0, width - STEP, height, 0, 0, width - STEP, height);
    const column = pen.createImageData(STEP, height);
    const perBin = analyser.context.sampleRate / analyser.fftSize;
    const top = Math.min(TOP_HZ, analyser.context.sampleRate / 2);
    for (let y = 0; y < height; y++) {
      const hertz = BOTTOM_HZ * (top / BOTTOM_HZ) ** (1 - y / height);
      const decibels = this.decibels[Math.round(hertz / perBin)];
      const colour = shade((decibels - FLOOR_DB) / (CEILING_DB - FLOOR_DB));
      for (let x = 0; x < STEP; x++) column.data.set(colour, 4 * (STEP * y + x));
    }
    pen.putImageData(column, width - STEP, 0);
  }
}

/** A colour from black over violet and orange to pale yellow: red, green, blue, opacity. */
function shade(share: number): [number, number, number, number] {
  const x = Math.max(0, Math.min(1, share || 0));
  const red = 255 * Math.min(1, 1.6 * x);
  const green = 255 * Math.max(0, 1.7 * x - 0.7);
  const blue = 255 * (x < 0.5 ? 0.9 * x : 0.45 - 0.35 * (x - 0.5) + Math.max(0, 1.2 * (x - 0.8)));
  return [red, green, blue, 255];
}

/** A bar of the level, with the highest of the last seconds, red where it is clipped. */
export class Meter {
  private samples = new Float32Array(0);
  private peak = 0;
  private since = 0;

  constructor(
    private readonly canvas: HTMLCanvasElement,
    private readonly text: HTMLElement,
  ) {}

  draw(analyser: AnalyserNode): void {
    if (this.samples.length !== analyser.fftSize) this.samples = new Float32Array(analyser.fftSize);
    analyser.getFloatTimeDomainData(this.samples);
    const highest = this.samples.reduce((top, sample) => Math.max(top, Math.abs(sample)), 0);
    const now = performance.now();
    if (highest >= this.peak || now - this.since > 1500) {
      this.peak = highest;
      this.since = now;
    }
    const { pen, width, height } = surface(this.canvas);
    pen.fillStyle = colour("--line");
    pen.fillRect(0, 0, width, height);
    pen.fillStyle = colour(this.peak >= 1 ? "--alarm" : "--accent");
    pen.fillRect(0, 0, width * share(highest), height);
    pen.fillRect(width * share(this.peak) - 1, 0, 2, height);
    const words = this.peak < 1e-4 ? "silent" : `${(20 * Math.log10(this.peak)).toFixed(0)} dB`;
    this.text.textContent = this.peak >= 1 ? "too loud" : words;
  }
}

function share(size: number): number {
  return Math.max(0, Math.min(1, 1 + (20 * Math.log10(size + 1e-9)) / 60));
}
