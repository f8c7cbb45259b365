// Plays notes, the microphone or a recording on one instrument.

import type { Ear } from "./ear";
import type { Expression } from "./expression";
import { drawNoise, type Instrument, type Sound } from "./instrument";
import type { State } from "./litert";
import { Notes, type Motion } from "./notes";
import type { Curves, Facts, Frame, HeardFrame, Settings, Source } from "./protocol";
import type { ToWorker, Track } from "./protocol";
import { Shaping } from "./shaping";
import { curvesOf } from "./track_curves";

/** Seconds of silence after which the model rests. A room rings on. */
const TAIL = 6;
const SILENCE: HeardFrame = { f0: 0, level: NaN, confidence: 0 };

/** A hop of sound, with the frame and the input that it was made from. */
export interface Played extends Sound {
  input: Float32Array;
  frame: Frame;
  heard: HeardFrame;
  position: number;
}

/** What the next hop of notes depends on, apart from keys and sliders. */
export interface Moment {
  readonly motion: Motion;
  readonly phase: number;
  readonly silent: number;
  readonly state: State;
}

export class Performer {
  source: Source = "keyboard";
  private readonly notes: Notes;
  private readonly shaping: Shaping;
  private recording: { audio: Float32Array; curves: Curves } | null = null;
  private playing = false;
  private loop = true;
  private position = 0;
  private silent = 0;

  constructor(
    private readonly instrument: Instrument,
    private readonly ear: Ear | null,
    private readonly expression: Expression | null,
    private readonly settings: Settings,
  ) {
    this.notes = new Notes(this.facts);
    this.shaping = new Shaping(this.facts);
  }

  get facts(): Facts {
    return this.instrument.facts;
  }

  delete(): void {
    this.instrument.delete();
    this.ear?.delete();
    this.expression?.delete();
  }

  take(message: ToWorker): void {
    if (message.kind === "gesture") this.notes.take(message.gesture);
    if (message.kind === "source") {
      this.source = message.source;
      this.ear?.reset();
    }
    if (message.kind === "transport") {
      this.playing = message.playing;
      this.position = message.frame ?? this.position;
      this.loop = message.loop ?? this.loop;
    }
  }

  get moment(): Moment {
    const { notes, shaping, silent, instrument } = this;
    return { motion: notes.motion, phase: shaping.phase, silent, state: instrument.state };
  }

  /** Takes hops of notes back, up to a moment of the last tenth of a second. */
  rewind({ motion, phase, silent, state }: Moment): void {
    this.notes.motion = motion;
    this.shaping.phase = phase;
    this.silent = silent;
    this.instrument.rewind(state);
  }

  /** Keeps a recording, and returns its curves. */
  async hear(audio: Float32Array, onProgress: (share: number) => void): Promise<Curves> {
    if (!this.ear) throw new Error("it cannot listen");
    this.recording = null;
    return this.keep(audio, await this.ear.hearAll(audio, onProgress));
  }

  /** Keeps a track of a MIDI file as a recording without sound, and returns its curves. */
  async read(track: Track, onProgress: (share: number) => void): Promise<Curves> {
    this.recording = null;
    const curves = await curvesOf(track, this.facts, this.expression, onProgress);
    return this.keep(new Float32Array(0), curves);
  }

  private keep(audio: Float32Array, curves: Curves): Curves {
    this.recording = { audio, curves };
    this.playing = false;
    this.position = 0;
    return curves;
  }

  /** Plays the next hop of notes, or of the recording. */
  async next(): Promise<Played> {
    const input = new Float32Array(this.facts.hop);
    if (this.source === "recording") return this.nextOfRecording(input);
    const { notes, settings } = this;
    const frame = this.shaping.apply(notes.next(), settings, notes.wheel, notes.age);
    return this.played(this.source === "keyboard" ? frame : SILENCE, SILENCE, input);
  }

  /** Plays what the ear hears in a hop of the microphone. */
  async follow(input: Float32Array): Promise<Played> {
    const heard = this.ear ? await this.ear.hear(input) : SILENCE;
    const frame = this.shaped(heard);
    return this.played(frame, heard, input);
  }

  /** Plays whole curves, or the recording with the sliders as they are; returns [samples]. */
  async render(
    curves: Curves | null,
    noise: Float32Array | typeof drawNoise,
  ): Promise<Float32Array> {
    const { hop, latency } = this.facts;
    const frames = curves ? framesOf(curves) : this.shapedRecording();
    const audio = new Float32Array((frames.length + Math.ceil(latency / hop)) * hop);
    this.instrument.reset();
    for (let k = 0; k * hop < audio.length; k++) {
      const drawn = noise instanceof Float32Array ? noise.slice(k * hop, (k + 1) * hop) : noise(hop);
      // The sound is late: the last frame is held, without noise, until all of it is out.
      const block = k < frames.length ? drawn : new Float32Array(hop);
      const frame = frames[Math.min(k, frames.length - 1)];
      audio.set((await this.instrument.play(frame, block)).wet, k * hop);
    }
    this.instrument.reset();
    return audio.slice(latency, latency + frames.length * hop);
  }

  private shaped(heard: HeardFrame, shaping = this.shaping): Frame {
    return shaping.apply(shaping.gate(heard, this.settings), this.settings, 0, heard.age);
  }

  private shapedRecording(): Frame[] {
    if (!this.recording) return [];
    const shaping = new Shaping(this.facts);
    return heardFrames(this.recording.curves).map((heard) => this.shaped(heard, shaping));
  }

  private async nextOfRecording(input: Float32Array): Promise<Played> {
    const { recording, facts } = this;
    if (!recording || !this.playing) return this.played(SILENCE, SILENCE, input);
    const heard = frameAt(recording.curves, this.position);
    // The input is delayed like the sound that it is compared with.
    const start = this.position * facts.hop - facts.latency;
    for (let k = Math.max(0, -start); k < input.length; k++) {
      input[k] = recording.audio[start + k] ?? 0;
    }
    const frame = this.shaped(heard);
    if (++this.position >= recording.curves.f0.length) {
      this.position = 0;
      this.playing = this.loop;
    }
    return this.played(frame, heard, input);
  }

  private async played(frame: Frame, heard: HeardFrame, input: Float32Array): Promise<Played> {
    this.silent = Number.isNaN(frame.level) ? this.silent + 1 : 0;
    const { position } = this;
    if (this.silent > TAIL * this.facts.frameRate) {
      const nothing = new Float32Array(this.facts.hop);
      return { wet: nothing, dry: nothing, input, frame, heard, position };
    }
    const sound = await this.instrument.play(frame, drawNoise(this.facts.hop));
    return { ...sound, input, frame, heard, position };
  }
}

function frameAt(curves: Curves, k: number): HeardFrame {
  const { f0, level, confidence, age } = curves;
  return { f0: f0[k], level: level[k], confidence: confidence[k], age: age?.[k] };
}

function heardFrames(curves: Curves): HeardFrame[] {
  return Array.from(curves.f0, (_, k) => frameAt(curves, k));
}

function framesOf(curves: Curves): Frame[] {
  return Array.from(curves.f0, (f0, k) => ({ f0, level: curves.level[k] }));
}
