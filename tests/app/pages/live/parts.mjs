// The page's parts without a browser: prints what they compute as JSON.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { played } from "./audio_thread.mjs";
import { madeAgain } from "./worker_thread.mjs";

const root = new URL("../../../../ddsp_tf/app/pages/live/", import.meta.url);
const esbuild = createRequire(new URL("package.json", root))("esbuild");
const runtime = new URL("runtime.mjs", import.meta.url).pathname;
const alias = { "@litertjs/core": runtime };
const bundled = { bundle: true, format: "esm", write: false, alias };
const { outputFiles } = await esbuild.build({
  stdin: {
    contents: `
      export { Instrument } from "./src/instrument";
      export { Performer } from "./src/performer";
      export { Speaker } from "./src/speaker";
      export { living } from "@litertjs/core";
      export { Resampler } from "./src/resampler";
      export { Ring } from "./src/ring";
      export { wav } from "./src/wav";
      export { gestureOf } from "./src/midi";
      export { levelOf, Notes } from "./src/notes";
      export { curvesOf } from "./src/track_curves";
      export { noteCurves } from "./src/expression";
      export { readTracks } from "./src/midi_file";
      export { Shaping, fit, octavesFor } from "./src/shaping";`,
    resolveDir: root.pathname,
  },
  ...bundled,
});
const address = ({ contents }) =>
  `data:text/javascript;base64,${Buffer.from(contents).toString("base64")}`;
const page = await import(address(outputFiles[0]));
const { Resampler, Ring, wav, gestureOf, Notes, Shaping, fit } = page;
const worklet = await esbuild.build({ entryPoints: [`${root.pathname}src/worklet.ts`], ...bundled });
await import(address(worklet.outputFiles[0]));

/** A tone through the filter in blocks of uneven lengths. */
function resampled(from, to, hertz) {
  const filter = new Resampler(from, to);
  const out = [];
  for (let start = 0, k = 0; start < from / 4; k++) {
    const length = 50 + ((37 * k) % 200);
    const block = Float32Array.from({ length }, (_, n) =>
      Math.sin((2 * Math.PI * hertz * (start + n)) / from),
    );
    out.push(...filter.process(block));
    start += length;
  }
  return { delay: filter.delay, samples: out };
}

/** Blocks of one length in, of another one out. */
function ringed() {
  const ring = new Ring(1, 1000);
  const [out, counts] = [[], []];
  let next = 0;
  for (let k = 0; k < 60; k++) {
    if (ring.filled < 256) ring.write([Float32Array.from({ length: 160 }, () => ++next)]);
    const into = new Float32Array(128);
    counts.push(ring.read([into]));
    out.push(...into.slice(0, counts.at(-1)));
  }
  ring.write([new Float32Array(5000)]);
  return { out, counts, full: ring.filled };
}

const facts = {
  frameRate: 100,
  pitchRange: [55, 79],
  levelRange: [-30, 0],
  loudnessOffset: 0,
};
const settings = { octave: 1, semitones: -2, loudness: 3, vibrato: 0, gate: 40 };

function noted() {
  const notes = new Notes(facts);
  const play = (count) => Array.from({ length: count }, () => notes.next());
  const before = play(3);
  notes.take({ kind: "press", midi: 69, velocity: 1 });
  const held = play(50);
  notes.take({ kind: "press", midi: 72, velocity: 1 });
  const legato = play(50);
  notes.take({ kind: "release", midi: 72 });
  const back = play(50);
  notes.take({ kind: "bend", semitones: 2 });
  const bent = play(1);
  notes.take({ kind: "bend", semitones: 0 });
  notes.take({ kind: "release", midi: 69 });
  return { before, held, legato, back, bent, after: play(60) };
}

function shaped() {
  const shaping = new Shaping(facts);
  const moved = shaping.apply({ f0: 220, level: -20 }, settings);
  const hear = (level, confidence) =>
    Array.from({ length: 30 }, () => shaping.gate({ f0: 220, level, confidence }, settings).level);
  return { moved, open: hear(-10, 0.9), unvoiced: hear(-10, 0.1), soft: hear(-60, 0.9) };
}

/** The tracks of a MIDI file and the curves of the first one, or what is wrong with it. */
async function read(path) {
  try {
    const tracks = page.readTracks(new Uint8Array(readFileSync(path)), "song.mid");
    const [{ melody }] = tracks;
    const curves = await page.curvesOf(tracks[0], facts, null, () => {});
    const loud = melody.map((note) => ({ ...note, level: page.levelOf(note.velocity, facts) }));
    return {
      tracks,
      curves: { f0: [...curves.f0], level: [...curves.level], age: [...curves.age] },
      octaves: page.octavesFor(curves, facts),
      levels: loud.map((note) => note.level),
      described: page.noteCurves(loud, facts.frameRate, curves.f0.length).map((one) => [...one]),
    };
  } catch (error) {
    return { trouble: String(error.message) };
  }
}

/** The audio thread while its worker stops now and then. */
function followed(hop, stalls, gain) {
  return played({ seconds: 60, hop, pushed: true, stalls, gain });
}
const keys = Array.from({ length: 10 }, (_, k) => 5 + 1.0037 * k);
const often = Array.from({ length: 10 }, (_, k) => [5 + 5 * k, 0.021]);

const constant = (value) => new Float32Array(100).fill(value);
const bytes = async (blob) => [...new Uint8Array(await blob.arrayBuffer())];
console.log(
  JSON.stringify({
    resampled: [
      resampled(16000, 48000, 1000),
      resampled(16000, 44100, 5000),
      resampled(48000, 16000, 3000),
      resampled(48000, 16000, 12000),
      resampled(16000, 16000, 1000),
      resampled(16000, 48000, 6400),
      resampled(16000, 48000, 7000),
    ],
    ringed: ringed(),
    wav: await bytes(wav(Float32Array.from([0, 0.5, -0.5, 1, -1, 2, 0.25]), 44100)),
    midi: [
      [0x90, 60, 127], [0x90, 60, 0], [0x80, 61, 3], [0xe0, 0, 64], [0xe1, 127, 127],
      [0xd0, 127], [0xb0, 1, 127], [0xb0, 64, 127], [0xb0, 123, 0], [0xf8],
    ].map((data) => gestureOf(Uint8Array.from(data))),
    read: await Promise.all(process.argv.slice(2).map(read)),
    followed: {
      calm: [followed(0.004, []), followed(0.02, [])],
      stalled: [followed(0.004, often), followed(0.02, often)],
      stopped: [followed(0.004, [[5, 0.06]]), followed(0.004, [[5, 0.06]], 1e-11)],
      asked: [0.004, 0.02].map((hop) => played({ seconds: 60, hop, pushed: false, stalls: often })),
      missed: [0.004, 0.02].map((hop) => played({ seconds: 10, hop, pushed: false, stalls: [[5, 0.035]] })),
      pressed: [0.004, 0.02].map((hop) =>
        [1, 1e-11].map((gain) => played({ seconds: 20, hop, pushed: false, gain, notes: keys })),
      ),
    },
    again: await madeAgain(page),
    noted: noted(),
    shaped: shaped(),
    fitted: fit(constant(110), constant(-35), constant(1), facts),
    nothing: fit(constant(110), constant(-35), constant(0), facts),
  }),
);
