// In place of LiteRT.js: a model that plays a sine, with its phase as the state.

const RATE = 16000;
/** Tensors that have not been deleted. */
export const living = new Set();

export class Tensor {
  constructor(data) {
    this.data = data;
    living.add(this);
  }

  toTypedArray() {
    if (!living.has(this)) throw new Error("a deleted tensor was used");
    return this.data;
  }

  delete() {
    if (!living.delete(this)) throw new Error("a tensor was deleted twice");
  }
}

export async function loadLiteRt() {}

export async function loadAndCompile() {
  const inputs = ["f0_hz", "loudness_db", "noise", "state_phase"];
  const step = { getInputDetails: () => inputs.map((name) => ({ name, shape: [1, 1] })) };
  return { signatures: { step }, run: async (_, given) => run(given), delete: () => {} };
}

function run({ f0_hz, loudness_db, noise, state_phase }) {
  let [phase] = state_phase.toTypedArray();
  const [f0] = f0_hz.toTypedArray();
  const [level] = loudness_db.toTypedArray();
  const audio = Float32Array.from(noise.toTypedArray(), () => {
    phase = (phase + f0 / RATE) % 1;
    return Number.isNaN(level) ? 0 : 10 ** (level / 20) * Math.sin(2 * Math.PI * phase);
  });
  return { audio: new Tensor(audio), state_phase: new Tensor(Float32Array.of(phase)) };
}
