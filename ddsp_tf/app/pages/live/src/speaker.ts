// Between instrument and audio thread: converts blocks from one rate to the other.

import { hopsKept } from "./instrument";
import type { Moment, Performer, Played } from "./performer";
import type { Block, FromWorker, FromWorklet, HeardFrame, Frame } from "./protocol";
import type { Rewind, ToWorklet } from "./protocol";
import { Resampler, type Memory } from "./resampler";

/** Milliseconds between two reports to the page. */
const REPORT = 40;
/** Milliseconds after which sound of the microphone is dropped. */
const LATEST = 120;

export class Speaker {
  private performer: Performer | null = null;
  private outward: Resampler[] = [];
  private inward: Resampler | null = null;
  /** Samples of the microphone that do not fill a hop yet. */
  private heard: Float32Array = new Float32Array(0);
  private played: Frame[] = [];
  private listened: HeardFrame[] = [];
  private reported = 0;
  private busy = 0;
  /** Number of the next block, and of the last `Rewind`. */
  private number = 0;
  private rewinds = 0;
  /** What the last blocks were made from. */
  private past: { number: number; moment: Moment; memories: Memory[] }[] = [];

  constructor(
    private readonly port: MessagePort,
    private readonly rate: number,
    enqueue: (task: () => Promise<void>) => void,
    private readonly say: (message: FromWorker) => void,
  ) {
    port.onmessage = ({ data }: MessageEvent<FromWorklet>) => {
      if (data.kind === "need") enqueue(() => this.answer());
      else if (data.kind === "rewind") enqueue(async () => this.rewind(data));
      else enqueue(() => this.follow(data.samples, data.sent));
    };
  }

  /** Plays another instrument, or none. */
  attach(performer: Performer | null): void {
    this.performer = performer;
    if (performer) this.restart();
  }

  /** Drops sound that has not been played yet. */
  restart(): void {
    if (!this.performer) return;
    const { sampleRate } = this.performer.facts;
    this.outward = [0, 1, 2].map(() => new Resampler(sampleRate, this.rate));
    this.inward = new Resampler(this.rate, sampleRate);
    this.heard = new Float32Array(0);
    this.past = [];
    this.post({ kind: "clear" });
  }

  /** Lets a note begin or end soon, although blocks wait that were made without it. */
  hurry(): void {
    if (this.performer?.source === "keyboard") this.post({ kind: "note" });
  }

  private rewind({ number, from }: Rewind): void {
    this.rewinds = number;
    const place = this.past.findIndex((one) => one.number === from);
    if (place < 0) return;
    const { moment, memories } = this.past[place];
    this.performer?.rewind(moment);
    this.outward.forEach((resampler, k) => (resampler.memory = memories[k]));
    // What was not heard is not shown.
    for (const shown of [this.played, this.listened]) shown.splice(-(this.past.length - place));
    this.number = this.past[place].number;
    this.past.length = place;
  }

  private async answer(): Promise<void> {
    if (!this.performer || this.performer.source === "microphone") return;
    const start = performance.now();
    const memories = this.outward.map(({ memory }) => memory);
    this.past.push({ number: this.number, moment: this.performer.moment, memories });
    if (this.past.length > hopsKept(this.performer.facts)) this.past.shift();
    this.send(await this.performer.next(), performance.now() - start);
  }

  private async follow(samples: Float32Array, sent: number): Promise<void> {
    if (!this.performer || !this.inward || this.performer.source !== "microphone") return;
    // On a slow computer, a gap is better than a growing delay.
    if (Date.now() - sent > LATEST) return;
    const { hop } = this.performer.facts;
    this.heard = joined(this.heard, this.inward.process(samples));
    while (this.heard.length >= hop) {
      const start = performance.now();
      const block = this.heard.slice(0, hop);
      this.heard = this.heard.slice(hop);
      this.send(await this.performer.follow(block), performance.now() - start);
    }
  }

  private send(played: Played, milliseconds: number): void {
    const { wet, dry, input } = played;
    const [first, second, third] = this.outward;
    const loud = first.process(wet);
    const block: Block = {
      number: this.number++,
      rewinds: this.rewinds,
      wet: loud,
      dry: wet === dry ? loud : second.process(dry),
      input: third.process(input),
    };
    this.post({ kind: "block", block });
    this.report(played, milliseconds);
  }

  private report({ frame, heard, position }: Played, milliseconds: number): void {
    this.played.push(frame);
    this.listened.push(heard);
    this.busy += milliseconds;
    const now = performance.now();
    if (now - this.reported < REPORT) return;
    const busy = this.busy / this.played.length;
    this.say({ kind: "frames", played: this.played, heard: this.listened, position, busy });
    this.reported = now;
    this.busy = 0;
    this.played = [];
    this.listened = [];
  }

  private post(message: ToWorklet): void {
    this.port.postMessage(message);
  }
}

function joined(first: Float32Array, second: Float32Array): Float32Array {
  const both = new Float32Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}
