// The audio thread: plays the worker's blocks, and takes the microphone's samples to it.

import { Cushion } from "./cushion";
import { isSoft, LOUD, Onset } from "./onset";
import type { Block, FromWorklet, Mix, Report, ToWorklet } from "./protocol";
import { Ring } from "./ring";

const QUANTUM = 128;
/** Seconds of the reserve at first: of blocks that are asked for; of blocks that follow a microphone. */
const ASKED = 0.032;
const FOLLOWING = 0.022;
/** Seconds of a block that follows a microphone and its reserve together, at least. */
const TOGETHER = 0.04;
/** Share of the reserve that is played before a note which follows another one. */
const KEPT = 0.45;
/** Blocks that are asked for at a time, and blocks that may wait to be played, at most. */
const MOST_PENDING = 4;
const MOST_WRITTEN = 100;
/** Seconds after a start in which gaps do not count for the cushion. */
const START = 2;

class Player extends AudioWorkletProcessor {
  private readonly ring = new Ring(3, sampleRate);
  private readonly parts = [0, 1, 2].map(() => new Float32Array(QUANTUM));
  private readonly heard = new Onset("input", 0.1);
  private readonly played = new Onset("output", 1);
  private readonly asked = new Cushion(ASKED);
  private following = new Cushion(FOLLOWING);
  private worker: MessagePort | null = null;
  private mix: Mix = { room: 1, input: 0, pushed: false, hop: 0.01 };
  private room = 1;
  private input = 0;
  /** Blocks that were asked for and have not arrived. */
  private pending = 0;
  /** The last blocks that were written to the ring. */
  private written: { number: number; length: number }[] = [];
  private next = 0;
  /** Number of the last `Rewind`, and of the last one for which blocks are made again. */
  private rewinds = 0;
  private remade = 0;
  private flowing = false;
  /** Samples of silence before the first block that have not been played yet. */
  private lead = 0;
  private quiet = true;
  private started = currentTime;
  private underruns = 0;
  private blocks = 0;
  private quanta = 0;

  constructor() {
    super();
    this.port.onmessage = ({ data }) => {
      if (data.worker) this.connect(data.worker as MessagePort);
      else this.remix(data as Mix);
    };
  }

  private get cushion(): Cushion {
    return this.mix.pushed ? this.following : this.asked;
  }

  private connect(worker: MessagePort): void {
    this.worker = worker;
    worker.onmessage = ({ data }: MessageEvent<ToWorklet>) => {
      if (data.kind === "block") this.take(data.block);
      else if (data.kind === "clear") this.restart();
      else if (!this.mix.pushed) this.hurry();
    };
  }

  /** Makes way for a note: drops silence, or all that can be made again in time. */
  private hurry(): void {
    const { ring, written } = this;
    const number = ++this.rewinds;
    if (this.quiet && ring.isBelow(LOUD)) {
      this.empty();
      this.say({ kind: "rewind", number, from: null });
    } else {
      this.remade = number;
      const kept = KEPT * this.cushion.samples;
      for (let last = written.at(-1); last && ring.filled - last.length >= kept; last = written.at(-1)) {
        ring.drop(last.length);
        this.next = last.number;
        written.pop();
      }
      this.say({ kind: "rewind", number, from: this.next });
    }
    // Now, because the next quantum may be several milliseconds away.
    this.ask();
  }

  private remix(mix: Mix): void {
    if (mix.pushed !== this.mix.pushed) this.restart();
    if (mix.hop !== this.mix.hop) {
      this.following = new Cushion(Math.max(FOLLOWING, TOGETHER - mix.hop));
    }
    this.mix = mix;
  }

  private restart(): void {
    this.empty();
    this.pending = 0;
    this.started = currentTime;
  }

  private empty(): void {
    this.ring.clear();
    this.written = [];
    this.flowing = false;
  }

  private take(block: Block): void {
    const { ring, mix, written } = this;
    this.pending = Math.max(0, this.pending - 1);
    if (this.isLate(block)) return this.ask();
    if (mix.pushed) this.follow();
    ring.write([block.wet, block.dry, block.input]);
    this.next = block.number + 1;
    written.push({ number: block.number, length: block.wet.length });
    if (written.length > MOST_WRITTEN) written.shift();
    // Blocks that are asked for fill the reserve in less time than it lasts.
    this.flowing ||= mix.pushed || ring.filled >= this.cushion.samples;
    this.blocks++;
    this.ask();
  }

  /** Whether a block was under way when a note began, and is made again or would delay the note. */
  private isLate({ rewinds, wet }: Block): boolean {
    return rewinds < this.remade || (rewinds < this.rewinds && isSoft(wet));
  }

  /** Keeps the reserve of blocks that follow a microphone. */
  private follow(): void {
    const { ring, cushion } = this;
    if (!this.flowing) {
      // Silence comes first, so that a block may be a little late.
      this.lead = cushion.samples;
      ring.writeSilence(this.lead);
    } else if (this.lead > 0) {
      // What piles up in a gap comes at once, and would stay a delay.
      ring.skip(Math.max(0, ring.filled - cushion.samples - QUANTUM));
    } else {
      ring.skip(cushion.excess(ring.filled, this.quiet));
    }
  }

  process(inputs: Float32Array[][], outputs: Float32Array[][]): boolean {
    const out = outputs[0][0];
    this.listen(inputs[0]?.[0]);
    this.read();
    this.blend(out);
    this.lead = Math.max(0, this.lead - out.length);
    this.quiet = isSoft(out);
    for (let k = 1; k < outputs[0].length; k++) outputs[0][k].set(out);
    this.report(this.played.find(out));
    this.ask();
    if (++this.quanta % 32 === 0) this.tell();
    return true;
  }

  private read(): void {
    if (!this.flowing) {
      for (const part of this.parts) part.fill(0);
    } else if (this.ring.read(this.parts) < QUANTUM) {
      this.underruns++;
      this.flowing = false;
      // Gaps during the start do not predict later ones.
      if (currentTime - this.started > START) this.cushion.grow();
    }
  }

  private ask(): void {
    if (this.mix.pushed) return;
    const hop = this.mix.hop * sampleRate;
    const wanted = this.cushion.samples + QUANTUM;
    while (this.pending < MOST_PENDING && this.ring.filled + this.pending * hop < wanted) {
      this.pending++;
      this.say({ kind: "need" });
    }
  }

  private tell(): void {
    const { underruns, blocks } = this;
    this.cushion.settle();
    const filled = this.ring.filled / sampleRate;
    const cushion = this.cushion.samples / sampleRate;
    this.report({ kind: "state", filled, cushion, underruns, blocks });
  }

  private listen(samples: Float32Array | undefined): void {
    if (!samples) return;
    this.report(this.heard.find(samples));
    if (!this.mix.pushed) return;
    this.say({ kind: "microphone", samples: samples.slice(), sent: Date.now() });
  }

  private blend(out: Float32Array): void {
    const [wet, dry, input] = this.parts;
    for (let k = 0; k < out.length; k++) {
      this.room += 0.002 * (this.mix.room - this.room);
      this.input += 0.002 * (this.mix.input - this.input);
      const instrument = dry[k] + this.room * (wet[k] - dry[k]);
      out[k] = instrument + this.input * (input[k] - instrument);
    }
  }

  private say(message: FromWorklet): void {
    this.worker?.postMessage(message);
  }

  private report(report: Report | null): void {
    if (report) this.port.postMessage(report);
  }
}

/** Sends its input to the page while a recording is made. */
class Tape extends AudioWorkletProcessor {
  private recording = false;
  private kept: Float32Array[] = [];

  constructor() {
    super();
    this.port.onmessage = ({ data }: MessageEvent<boolean>) => {
      this.recording = data;
      if (!data) this.hand(true);
    };
  }

  process(inputs: Float32Array[][]): boolean {
    if (this.recording && inputs[0]?.[0]) this.kept.push(inputs[0][0].slice());
    if (this.kept.length >= 64) this.hand(false);
    return true;
  }

  private hand(last: boolean): void {
    this.port.postMessage({ blocks: this.kept, last });
    this.kept = [];
  }
}

registerProcessor("player", Player);
registerProcessor("tape", Tape);
