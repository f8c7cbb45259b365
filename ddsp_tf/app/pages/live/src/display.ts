// Curves, spectrogram, level, gaps and latency.

import { element } from "./controls";
import { CurvesView } from "./curves";
import { median, type Latency } from "./latency";
import type { Facts, FromWorker, HeardFrame, Report } from "./protocol";
import { Meter, Spectrogram } from "./spectrum";

/** Seconds of heard frames that are kept. */
const KEPT = 10;
/** Milliseconds between two drawings. */
const DRAWING = 45;
/** Gaps within ten seconds after which the page says something. */
const GAPS = 5;

export class Display {
  /** Frames heard in the last seconds. */
  heard: HeardFrame[] = [];
  private readonly curves = new CurvesView(element<HTMLCanvasElement>("curves"));
  private readonly spectrogram = new Spectrogram(element<HTMLCanvasElement>("spectrogram"));
  private readonly meter = new Meter(element<HTMLCanvasElement>("meter"), element("level"));
  private frameRate = 100;
  private underruns = 0;
  private gaps: number[] = [];

  /** Shows another instrument. */
  reset(facts: Facts): void {
    this.frameRate = facts.frameRate;
    this.curves.reset(facts);
    this.heard = [];
  }

  add({ played, heard, busy }: Extract<FromWorker, { kind: "frames" }>): void {
    element("load").textContent = `${Math.round((100 * busy * this.frameRate) / 1000)} %`;
    this.curves.add(played, heard);
    this.heard = [...this.heard, ...heard].slice(-KEPT * this.frameRate);
  }

  /** Counts gaps; returns whether there are so many that the page should say so. */
  count(report: Extract<Report, { kind: "state" }>): boolean {
    const now = performance.now();
    this.gaps = this.gaps.filter((time) => now - time < 10_000);
    if (report.underruns > this.underruns) this.gaps.push(now);
    this.underruns = report.underruns;
    element("gaps").textContent = report.underruns === 0 ? "none" : String(report.underruns);
    const many = this.gaps.length >= GAPS;
    if (many) this.gaps = [];
    return many;
  }

  tell(latency: Latency): void {
    const words = ([["key", latency.ofKeys], ["voice", latency.ofVoice]] as const)
      .filter(([, values]) => values.length > 0)
      .map(([name, values]) => `${name} to sound ${median(values.slice(-9)).toFixed(0)} ms`);
    element("latency").textContent = words.join(", ");
  }

  /** Draws twenty times a second, while something sounds: sound comes first on a busy computer. */
  draw(analyser: () => AnalyserNode | null, sounding: () => boolean): void {
    if (!sounding()) return;
    setTimeout(() => requestAnimationFrame(() => this.draw(analyser, sounding)), DRAWING);
    if (document.hidden) return;
    this.curves.draw();
    const node = analyser();
    if (node) {
      this.spectrogram.draw(node);
      this.meter.draw(node);
    }
    // Last, because the canvases ask for their sizes, and new text makes the browser measure again.
    element("now").textContent = this.curves.text;
  }
}
