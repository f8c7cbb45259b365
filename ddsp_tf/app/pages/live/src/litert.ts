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

/** A signature whose inputs `state_...` are its outputs of the same names, one call later. */
export class StatefulModel {
  /** Shapes of the inputs by name. */
  private readonly inputs: Map<string, Int32Array>;
  private state: Record<string, Tensor> = {};

  private constructor(
    private readonly model: CompiledModel,
    private readonly signature: string,
  ) {
    const details = model.signatures[signature].getInputDetails();
    this.inputs = new Map(details.map(({ name, shape }) => [name, shape]));
    this.reset();
  }

  /** Loads a `.tflite` file. */
  static async load(content: ArrayBuffer, signature: string): Promise<StatefulModel> {
    const model = await loadAndCompile(new Uint8Array(content), { accelerator: "wasm" });
    if (!(signature in model.signatures)) {
      throw new Error(`it has no signature "${signature}"`);
    }
    return new StatefulModel(model, signature);
  }

  /** Forgets the past. */
  reset(): void {
    this.forget(this.state);
    this.state = {};
    for (const [name, shape] of this.inputs) {
      if (!name.startsWith("state_")) continue;
      const size = shape.reduce((product, axis) => product * axis, 1);
      this.state[name] = new Tensor(new Float32Array(size), shape);
    }
  }

  /** Calls the model once; returns its outputs other than the state. */
  async call(values: Record<string, Float32Array>): Promise<Record<string, Float32Array>> {
    const given: Record<string, Tensor> = {};
    for (const [name, value] of Object.entries(values)) {
      given[name] = new Tensor(value, this.inputs.get(name));
    }
    const results = await this.model.run(this.signature, { ...given, ...this.state });
    this.forget({ ...given, ...this.state });
    this.state = {};
    const outputs: Record<string, Float32Array> = {};
    for (const [name, tensor] of Object.entries(results)) {
      if (name.startsWith("state_")) {
        this.state[name] = tensor;
      } else {
        outputs[name] = tensor.toTypedArray() as Float32Array;
        tensor.delete();
      }
    }
    return outputs;
  }

  delete(): void {
    this.forget(this.state);
    this.model.delete();
  }

  private forget(tensors: Record<string, Tensor>): void {
    for (const tensor of Object.values(tensors)) tensor.delete();
  }
}
