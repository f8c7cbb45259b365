// The ear: a hop of sound in, pitch and level out.

import { StatefulModel } from "./litert";
import type { Curves, Facts, HeardFrame } from "./protocol";

export class Ear {
  private constructor(
    private readonly model: StatefulModel,
    private readonly facts: Facts,
  ) {}

  /** Loads `listen.tflite`. */
  static async load(content: ArrayBuffer, facts: Facts): Promise<Ear> {
    const ear = new Ear(await StatefulModel.load(content, "listen"), facts);
    for (let k = 0; k < 5; k++) await ear.hear(new Float32Array(facts.hop));
    ear.reset();
    return ear;
  }

  reset(): void {
    this.model.reset();
  }

  delete(): void {
    this.model.delete();
  }

  /** Hears the next hop, at the instrument's rate. */
  async hear(audio: Float32Array): Promise<HeardFrame> {
    const heard = await this.model.call({ audio });
    return {
      f0: heard.f0_hz[0],
      level: heard[this.facts.level][0],
      confidence: heard.f0_confidence[0],
    };
  }

  /** Hears a whole recording; frame k describes sample k * hop. */
  async hearAll(audio: Float32Array, onProgress: (share: number) => void): Promise<Curves> {
    const { hop, earLatency } = this.facts;
    const frames = Math.ceil(audio.length / hop);
    const late = Math.round(earLatency / hop);
    const curves = {
      f0: new Float32Array(frames),
      level: new Float32Array(frames),
      confidence: new Float32Array(frames),
    };
    this.reset();
    for (let k = 0; k < frames + late; k++) {
      const block = new Float32Array(hop);
      block.set(audio.subarray(k * hop, (k + 1) * hop));
      const frame = await this.hear(block);
      if (k < late) continue;
      curves.f0[k - late] = frame.f0;
      curves.level[k - late] = frame.level;
      curves.confidence[k - late] = frame.confidence;
      if (k % 50 === 0) onProgress(k / (frames + late));
    }
    this.reset();
    return curves;
  }
}
