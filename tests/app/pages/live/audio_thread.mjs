// The audio thread in Node: its player, with a worker that takes its time.

const RATE = 48000;
const QUANTUM = 128;

const processors = {};
Object.assign(globalThis, {
  sampleRate: RATE,
  currentTime: 0,
  registerProcessor: (name, processor) => (processors[name] = processor),
  AudioWorkletProcessor: class {
    port = { onmessage: null, postMessage: () => {} };
  },
});

/**
 * Plays a ramp, in which sample k has the value gain * (k + 1), through a worker.
 *
 * @param seconds How long.
 * @param hop Seconds of a block.
 * @param pushed Whether blocks follow the microphone, or are asked for.
 * @param gain Rise of the ramp; below a nano it counts as quiet.
 * @param stalls Pairs of times at which the worker stops, and how long, in seconds.
 * @param notes Times in seconds at which a key is pressed.
 * @returns Starts of gaps and of other jumps in seconds; the delay of the microphone in milliseconds
 *   before the stalls, and at the end; milliseconds from each key to the first block made after it.
 */
export function played({ seconds, hop, pushed, gain = 1, stalls = [], notes = [] }) {
  globalThis.currentTime = 0;
  const player = new processors.player();
  const size = Math.round(hop * RATE);
  const channel = { onmessage: null, postMessage: (message) => inbox.push(message) };
  const inbox = [];
  let [free, heard, made, before, block] = [0, 0, 0, NaN, null];
  let [number, rewinds, answered] = [0, 0, 0];
  /** Samples before each block. */
  const starts = [];
  player.port.onmessage({ data: { worker: channel } });
  player.port.onmessage({ data: { room: 1, input: 0, pushed, hop } });

  /** Sends the block under way, and begins the next one, if the worker is not busy. */
  const work = (now) => {
    for (;;) {
      for (const [start, length] of stalls) {
        if (free <= start && start <= now) free = Math.max(free, start + length);
      }
      if (free > now) return;
      if (block) channel.onmessage({ data: { kind: "block", block } });
      block = null;
      const message = inbox.shift();
      if (!message) return;
      if (message.kind === "rewind") {
        rewinds = message.number;
        if (message.from !== null) {
          number = message.from;
          made = starts[number] ?? made;
        }
        continue;
      }
      if (message.kind === "microphone") heard += message.samples.length;
      if (message.kind === "microphone" && heard < made + size) continue;
      const wet = Float64Array.from({ length: size }, (_, k) => gain * (made + k + 1));
      if (rewinds > answered) waiting.push({ time: notes[(answered = rewinds) - 1], after: made });
      block = { number, rewinds, wet, dry: wet, input: wet };
      starts[number++] = made;
      made += size;
      free = Math.max(free, now - QUANTUM / RATE) + 0.3 * hop;
    }
  };

  const [gaps, jumps, waiting, answers] = [[], [], [], []];
  let [delay, last, sounding, pressed] = [NaN, NaN, false, 0];
  for (let n = 0; n * QUANTUM < seconds * RATE; n++) {
    const now = (n * QUANTUM) / RATE;
    globalThis.currentTime = now;
    const out = new Float32Array(QUANTUM);
    const input = pushed ? [new Float32Array(QUANTUM)] : [];
    player.process([input], [[out]]);
    while (notes[pressed] <= now) {
      pressed++;
      channel.onmessage({ data: { kind: "note" } });
    }
    if (waiting.length > 0 && out[QUANTUM - 1] > gain * waiting[0].after) {
      answers.push(1000 * (now - waiting.shift().time));
    }
    const step = (out[0] - last) / gain;
    last = out[QUANTUM - 1];
    if (sounding && last === 0) gaps.push(now);
    else if (sounding && Math.abs(step - 1) > 0.5) jumps.push(now);
    sounding = last !== 0;
    // The ramp is as long as the time that has passed, less the delay.
    if (sounding) delay = (1000 * ((n + 1) * QUANTUM - last / gain)) / RATE;
    if (!(now >= (stalls[0]?.[0] ?? Infinity))) before = delay;
    work(now);
  }
  return { gaps, jumps, before, after: delay, answers };
}
