// The worker in Node: its speaker and performer, without an audio thread.

const facts = {
  sampleRate: 16000,
  frameRate: 100,
  hop: 160,
  level: "loudness_db",
  meanZ: null,
  pitchRange: [55, 79],
  levelRange: [-30, 0],
};
const settings = { octave: 0, semitones: 0, loudness: 0, vibrato: 50, gate: 45 };
const press = (midi) => ({ kind: "press", midi, velocity: 1 });
const release = (midi) => ({ kind: "release", midi });

/**
 * Makes blocks while keys are played.
 *
 * @param page The page's parts.
 * @param steps In their order: a number of blocks to make, a gesture, or a message of the audio thread.
 * @returns The blocks, with samples as plain numbers.
 */
async function made({ Instrument, Performer, Speaker }, steps) {
  const blocks = [];
  const keep = ({ number, rewinds, wet }) => blocks.push({ number, rewinds, wet: [...wet] });
  const port = { postMessage: ({ kind, block }) => kind === "block" && keep(block) };
  let last = Promise.resolve();
  const enqueue = (task) => (last = last.then(task));
  const [instrument] = await Instrument.load(new ArrayBuffer(0), facts);
  const performer = new Performer(instrument, null, null, settings);
  new Speaker(port, 44100, enqueue, () => {}).attach(performer);
  for (const step of steps) {
    if (step.kind === "rewind") port.onmessage({ data: step });
    else if (step.kind) performer.take({ kind: "gesture", gesture: step });
    for (let k = 0; k < step; k++) port.onmessage({ data: { kind: "need" } });
    await last;
  }
  return blocks;
}

/** Keys that are played a few blocks too late and taken back, and the same keys played in time. */
export async function madeAgain(page) {
  const make = (...steps) => made(page, steps);
  const back = (from) => ({ kind: "rewind", number: 1, from });
  const found = {
    legato: [
      await make(press(60), 12, press(64), 8),
      await make(press(60), 12, 6, press(64), back(12), 8),
    ],
    attack: [
      await make(press(60), 12, release(60), 3, press(64), 8),
      await make(press(60), 12, release(60), 3, 6, press(64), back(15), 8),
    ],
    released: [
      await make(press(60), 12, release(60), 8),
      await make(press(60), 12, 6, release(60), back(12), 8),
    ],
  };
  const before = page.living.size;
  const forgotten = await make(press(60), 40, back(2), 3);
  return { ...found, forgotten, kept: page.living.size - before };
}
