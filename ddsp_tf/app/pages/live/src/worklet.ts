// The audio thread: plays the worker's blocks, and takes the microphone's samples to it.

import { Cushion } from "./cushion";
import type { Block, FromWorklet, Mix, Report, ToWorklet } from "./protocol";
import { Ring } from "./ring";

const QUANTUM = 128;
/** Seconds of the reserve at first: of blocks that are asked for; of blocks that follow a microphone. */
const ASKED = 0.028;
const FOLLOWING = 0.022;
/** Seconds of a block that follows a microphone and its reserve together, at least. */
const TOGETHER = 0.04;
/** Seconds after a start in which gaps do not count for the cushion. */
const START = 2;
/** A sound starts when it exceeds the first after a tenth of a second below the second. */
const LOUD = 1e-3;
const SOFT = 3e-4;

function isSoft(samples: Float32Array): boolean {
  return samples.every((sample) => Math.abs(sample) < LOUD);
}

/** Detects the start of a sound after silence. */
class Onset {
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
  /** Number of the last note that sounds at once. */
  private begun = 0;
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
      else this.begin(data.note);
    };
  }

  /** Lets a note sound at once if nothing else does. */
  private begin(note: number): void {
    if (this.mix.pushed || !this.quiet || !this.ring.isBelow(LOUD)) return;
    this.begun = note;
    this.ring.clear();
    this.flowing = false;
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
    this.ring.clear();
    this.pending = 0;
    this.flowing = false;
    this.started = currentTime;
  }

  private take(block: Block): void {
    const { ring, mix } = this;
    this.pending = Math.max(0, this.pending - 1);
    // Silence from before a note would delay it.
    if (block.note < this.begun && isSoft(block.wet)) return this.ask();
    if (mix.pushed) this.follow();
    ring.write([block.wet, block.dry, block.input]);
    // Blocks that are asked for fill the reserve in less time than it lasts.
    this.flowing ||= mix.pushed || ring.filled >= this.cushion.samples;
    this.blocks++;
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
    if (!this.mix.pushed) this.ask();
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
    const hop = this.mix.hop * sampleRate;
    const wanted = this.cushion.samples + QUANTUM;
    for (let have = this.ring.filled + this.pending * hop; have < wanted; have += hop) {
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
