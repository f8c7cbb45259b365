// The worker: holds instrument and ear, and answers the audio thread block by block.

import { Ear } from "./ear";
import { Expression } from "./expression";
import { Instrument, drawNoise } from "./instrument";
import { startRuntime } from "./litert";
import { Performer } from "./performer";
import { Speaker } from "./speaker";
import type { Curves, FromWorker, ToWorker, Track } from "./protocol";

const settings = { octave: 0, semitones: 0, loudness: 0, vibrato: 0, gate: 45 };
let performer: Performer | null = null;
let speaker: Speaker | null = null;

function say(message: FromWorker, moved: Transferable[] = []): void {
  (self as unknown as Worker).postMessage(message, moved);
}

async function take(message: ToWorker): Promise<void> {
  switch (message.kind) {
    case "runtime":
      await startRuntime(message.wasm);
      return say({ kind: "ready" });
    case "load":
      return load(message);
    case "connect":
      speaker = new Speaker(message.port, message.rate, enqueue, say);
      return speaker.attach(performer);
    case "settings":
      Object.assign(settings, message.settings);
      return;
    case "render":
      return render(message.id, message.curves, message.noise);
    case "recording":
      return hear(message.audio);
    case "track":
      return read(message.track);
    default:
      performer?.take(message);
      if (message.kind === "source" || message.kind === "transport") speaker?.restart();
  }
}

async function load({ facts, files }: Extract<ToWorker, { kind: "load" }>): Promise<void> {
  // While an instrument is loaded, silence is no gap.
  speaker?.restart();
  speaker?.attach(null);
  performer?.delete();
  performer = null;
  const [instrument, hopMilliseconds] = await Instrument.load(files.model, facts);
  const ear = files.ear && (await Ear.load(files.ear, facts));
  const expression = files.expression && (await Expression.load(files.expression));
  performer = new Performer(instrument, ear, expression, settings);
  speaker?.attach(performer);
  say({ kind: "loaded", name: facts.name, hopMilliseconds });
}

async function hear(audio: Float32Array): Promise<void> {
  speaker?.restart();
  const curves = await performer?.hear(audio, (share) => say({ kind: "listening", share }));
  if (curves) say({ kind: "listened", curves });
}

async function read(track: Track): Promise<void> {
  speaker?.restart();
  const curves = await performer?.read(track, (share) => say({ kind: "listening", share }));
  if (curves) say({ kind: "listened", curves });
}

async function render(id: number, curves: Curves | null, noise: Float32Array | null) {
  if (!performer) return;
  speaker?.restart();
  const audio = await performer.render(curves, noise ?? drawNoise);
  speaker?.restart();
  say({ kind: "rendered", id, audio }, [audio.buffer]);
}

// One message after the other: a call of the model must not begin within another one.
let last: Promise<void> = Promise.resolve();

function enqueue(task: () => Promise<void>): void {
  last = last.then(task).catch((error: unknown) => {
    const reason = error instanceof Error ? error.message : String(error);
    say({ kind: "failed", reason });
  });
}

self.onmessage = ({ data }: MessageEvent<ToWorker>) => {
  // Gestures do not wait for a call that is under way.
  if (data.kind === "gesture") {
    performer?.take(data);
    if (["press", "release"].includes(data.gesture.kind)) speaker?.hurry();
  } else enqueue(() => take(data));
};
