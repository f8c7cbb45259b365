// Pitch and loudness of the last seconds, as heard and as played.

import { colour, surface } from "./drawing";
import { noteName } from "./keyboard";
import type { Facts, Frame, HeardFrame } from "./protocol";

const SECONDS = 8;
const MARGIN = 34;
/** Points a second that are drawn, at most twice as many: what does not fit on a screen takes time. */
const POINTS = 50;

interface Point {
  midi: number;
  level: number;
}

const NOWHERE: Point = { midi: NaN, level: NaN };

export class CurvesView {
  private played: Point[] = [];
  private heard: Point[] = [];
  private facts: Facts | null = null;
  private now: Point = NOWHERE;
  /** Frames for each point, and frames so far. */
  private stride = 1;
  private frames = 0;

  constructor(private readonly canvas: HTMLCanvasElement) {}

  /** Shows another instrument. */
  reset(facts: Facts): void {
    this.facts = facts;
    this.stride = Math.max(1, Math.floor(facts.frameRate / POINTS));
    this.played = [];
    this.heard = [];
  }

  add(played: readonly Frame[], heard: readonly HeardFrame[]): void {
    played.forEach((frame, k) => {
      this.now = pointOf(frame, !Number.isNaN(frame.level));
      if (this.frames++ % this.stride > 0) return;
      this.played.push(this.now);
      this.heard.push(pointOf(heard[k], heard[k].confidence >= 0.5));
    });
    this.played = this.played.slice(-this.length);
    this.heard = this.heard.slice(-this.length);
  }

  /** Says what is played now, such as "A4 -12 cents". */
  get text(): string {
    if (Number.isNaN(this.now.midi) || Number.isNaN(this.now.level)) return "silence";
    const nearest = Math.round(this.now.midi);
    const cents = Math.round(100 * (this.now.midi - nearest));
    return `${noteName(nearest)} ${cents >= 0 ? "+" : "−"}${Math.abs(cents)} cents`;
  }

  /** Points from one side to the other. */
  private get length(): number {
    return Math.round((SECONDS * (this.facts?.frameRate ?? 0)) / this.stride);
  }

  draw(): void {
    const { facts, length } = this;
    const { pen, width, height } = surface(this.canvas);
    pen.clearRect(0, 0, width, height);
    if (!facts) return;
    const half = Math.round(0.62 * height);
    const pitches: Range = [facts.pitchRange[0] - 9, facts.pitchRange[1] + 9];
    const levels: Range = [facts.levelRange[1] - 60, facts.levelRange[1] + 10];
    const upper = new Plot(pen, width, 2, half - 6, pitches);
    const lower = new Plot(pen, width, half + 6, height - 4, levels);
    for (let midi = Math.ceil(pitches[0] / 12) * 12; midi <= pitches[1]; midi += 12) {
      upper.line(midi, noteName(midi));
    }
    for (let level = Math.ceil(levels[0] / 20) * 20; level <= levels[1]; level += 20) {
      lower.line(level, `${level} dB`);
    }
    for (const [points, name, thick] of [
      [this.heard, "--heard", 1.5],
      [this.played, "--accent", 2.5],
    ] as const) {
      pen.strokeStyle = colour(name);
      pen.lineWidth = thick;
      upper.curve(points.map((point) => point.midi), length);
      lower.curve(points.map((point) => point.level), length);
    }
  }
}

type Range = [number, number];

class Plot {
  constructor(
    private readonly pen: CanvasRenderingContext2D,
    private readonly width: number,
    private readonly top: number,
    private readonly bottom: number,
    private readonly range: Range,
  ) {}

  private y(value: number): number {
    const share = (value - this.range[0]) / (this.range[1] - this.range[0]);
    return this.bottom - Math.max(0, Math.min(1, share)) * (this.bottom - this.top);
  }

  line(value: number, label: string): void {
    const { pen } = this;
    const y = Math.round(this.y(value)) + 0.5;
    pen.strokeStyle = colour("--line");
    pen.lineWidth = 1;
    pen.beginPath();
    pen.moveTo(MARGIN, y);
    pen.lineTo(this.width, y);
    pen.stroke();
    pen.fillStyle = colour("--quiet");
    pen.font = "11px system-ui, sans-serif";
    pen.textBaseline = "middle";
    pen.fillText(label, 0, Math.max(y, this.top + 6), MARGIN - 4);
  }

  curve(values: readonly number[], length: number): void {
    const { pen } = this;
    const step = (this.width - MARGIN) / length;
    const start = this.width - step * values.length;
    pen.beginPath();
    let before = NaN;
    values.forEach((value, k) => {
      if (!Number.isNaN(value)) {
        const [x, y] = [start + k * step, this.y(value)];
        if (Number.isNaN(before)) pen.moveTo(x, y);
        else pen.lineTo(x, y);
      }
      before = value;
    });
    pen.stroke();
  }
}

function pointOf(frame: Frame, sounding: boolean): Point {
  const midi = sounding && frame.f0 > 0 ? 69 + 12 * Math.log2(frame.f0 / 440) : NaN;
  return { midi, level: frame.level };
}
