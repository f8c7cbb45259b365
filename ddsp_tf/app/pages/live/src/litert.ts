// LiteRT.js in a classic worker, and a `.tflite` file as a function with a state.

import { loadAndCompile, loadLiteRt, Tensor, type CompiledModel } from "@litertjs/core";

declare const self: { Module: unknown };

/**
 * Starts the runtime from the content of its wasm file.
 *
 * The loader wants the address of the runtime's own script. `build.mjs` puts that script into this
 * worker, so that the address may lead to an empty one.
 */
export async function startRuntime(wasm: ArrayBuffer): Promise<void> {
  self.Module = { wasmBinary: wasm, printErr: log };
  const nothing = URL.createObjectURL(new Blob([""], { type: "text/javascript" }));
  await loadLiteRt(`${nothing}#.js`);
  URL.revokeObjectURL(nothing);
}

/** Prints errors; the runtime writes its other messages to the same place. */
function log(line: string): void {
  if (!/^(INFO|WARNING|VERBOSE)/.test(line)) console.error(line);
}

export type State = Readonly<Record<string, Tensor>>;

/** A signature whose inputs `state_...` are its outputs of the same names, one call later. */
export class StatefulModel {
  /** Shapes of the inputs by name. */
  private readonly inputs: Map<string, Int32Array>;
  private present: State = {};
  /** States before the last calls, the newest last. */
  private past: State[] = [];

  private constructor(
    private readonly model: CompiledModel,
    private readonly signature: string,
    private readonly kept: number,
  ) {
    const details = model.signatures[signature].getInputDetails();
    this.inputs = new Map(details.map(({ name, shape }) => [name, shape]));
    this.reset();
  }

  /**
   * Loads a `.tflite` file.
   *
   * @param kept Calls that can be taken back.
   */
  static async load(content: ArrayBuffer, signature: string, kept = 0): Promise<StatefulModel> {
    const model = await loadAndCompile(new Uint8Array(content), { accelerator: "wasm" });
    if (!(signature in model.signatures)) {
      throw new Error(`it has no signature "${signature}"`);
    }
    return new StatefulModel(model, signature, kept);
  }

  /** Forgets the past. */
  reset(): void {
    for (const state of [...this.past, this.present]) this.forget(state);
    this.past = [];
    const silent: Record<string, Tensor> = {};
    for (const [name, shape] of this.inputs) {
      if (!name.startsWith("state_")) continue;
      const size = shape.reduce((product, axis) => product * axis, 1);
      silent[name] = new Tensor(new Float32Array(size), shape);
    }
    this.present = silent;
  }

  get state(): State {
    return this.present;
  }

  /** Takes calls back, up to a state before one of the last calls. */
  rewind(state: State): void {
    while (this.past.includes(state)) {
      this.forget(this.present);
      this.present = this.past.pop() as State;
    }
  }

  /** Calls the model once; returns its outputs other than the state. */
  async call(values: Record<string, Float32Array>): Promise<Record<string, Float32Array>> {
    const given: Record<string, Tensor> = {};
    for (const [name, value] of Object.entries(values)) {
      given[name] = new Tensor(value, this.inputs.get(name));
    }
    const results = await this.model.run(this.signature, { ...given, ...this.present });
    this.forget(given);
    this.past.push(this.present);
    if (this.past.length > this.kept) this.forget(this.past.shift() as State);
    const state: Record<string, Tensor> = {};
    const outputs: Record<string, Float32Array> = {};
    for (const [name, tensor] of Object.entries(results)) {
      if (name.startsWith("state_")) {
        state[name] = tensor;
      } else {
        outputs[name] = tensor.toTypedArray() as Float32Array;
        tensor.delete();
      }
    }
    this.present = state;
    return outputs;
  }

  delete(): void {
    for (const state of [...this.past, this.present]) this.forget(state);
    this.model.delete();
  }

  private forget(tensors: State): void {
    for (const tensor of Object.values(tensors)) tensor.delete();
  }
}
