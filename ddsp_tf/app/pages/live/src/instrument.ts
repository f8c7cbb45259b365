// The instrument: a control instant in, a hop of sound out.

import { StatefulModel, type State } from "./litert";
import type { Facts, Frame } from "./protocol";

/** Hops and milliseconds of the first playing, at least. */
const LEAST_HOPS = 20;
const WARM_UP = 250;

export interface Sound {
  wet: Float32Array;
  dry: Float32Array;
}

export class Instrument {
  private constructor(
    private readonly model: StatefulModel,
    readonly facts: Facts,
  ) {}

  /** Loads `stream.tflite`, and plays for a moment, in which the browser compiles what it runs often. */
  static async load(content: ArrayBuffer, facts: Facts): Promise<[Instrument, number]> {
    const model = await StatefulModel.load(content, "step", hopsKept(facts));
    const instrument = new Instrument(model, facts);
    const noise = new Float32Array(facts.hop);
    const times: number[] = [];
    const begun = performance.now();
    while (times.length < LEAST_HOPS || performance.now() - begun < WARM_UP) {
      const start = performance.now();
      await instrument.play({ f0: 220, level: facts.levelRange[1] }, noise);
      times.push(performance.now() - start);
    }
    instrument.reset();
    return [instrument, times.sort((a, b) => a - b)[times.length >> 1]];
  }

  reset(): void {
    this.model.reset();
  }

  get state(): State {
    return this.model.state;
  }

  /** Takes hops back, up to a state of the last tenth of a second. */
  rewind(state: State): void {
    this.model.rewind(state);
  }

  delete(): void {
    this.model.delete();
  }

  /** Plays one frame; the sound comes `facts.latency` samples late. */
  async play(frame: Frame, noise: Float32Array): Promise<Sound> {
    const { level, meanZ } = this.facts;
    const inputs: Record<string, Float32Array> = {
      f0_hz: Float32Array.of(frame.f0),
      [level]: Float32Array.of(frame.level),
      noise,
    };
    if (meanZ) inputs.z = Float32Array.from(meanZ);
    const { audio, dry } = await this.model.call(inputs);
    return { wet: audio, dry: dry ?? audio };
  }
}

/** Number of hops that can be taken back: those that may wait to be played. */
export function hopsKept({ frameRate }: Facts): number {
  return Math.ceil(0.1 * frameRate) + 2;
}

/** Draws white noise in [-1, 1]. */
export function drawNoise(length: number): Float32Array {
  const noise = new Float32Array(length);
  for (let k = 0; k < length; k++) noise[k] = 2 * Math.random() - 1;
  return noise;
}
