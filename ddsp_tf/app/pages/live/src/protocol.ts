// Messages between page, worker and worklet.

/** Facts about an instrument, written by live_page.py. */
export interface Facts {
  name: string;
  /** Names of the embedded or neighbouring files. */
  model: string;
  ear: string | null;
  expression: string | null;
  sampleRate: number;
  frameRate: number;
  hop: number;
  /** Samples by which the instrument delays its sound. */
  latency: number;
  /** Samples by which the ear's output lags behind its input. */
  earLatency: number;
  /** Name of the level's feature, "loudness_db" or "power_db". */
  level: LevelName;
  meanZ: number[] | null;
  /** Whether the model returns its sound without the room, too. */
  hasRoom: boolean;
  /** Decibels by which the level exceeds the loudness, on average. */
  loudnessOffset: number;
  /** MIDI numbers and decibels between which most of the training data lies. */
  pitchRange: [number, number];
  levelRange: [number, number];
}

export type LevelName = "loudness_db" | "power_db";

/** One control instant: pitch in Hz, level in dB; a level of NaN is silent. */
export interface Frame {
  f0: number;
  level: number;
}

/** A frame as heard. */
export interface HeardFrame extends Frame {
  confidence: number;
  /** Seconds since the note began, where that is known. */
  age?: number;
}

export interface Curves {
  f0: Float32Array;
  level: Float32Array;
  confidence: Float32Array;
  age?: Float32Array;
}

export type Source = "keyboard" | "microphone" | "recording";

/** Positions of the sliders. */
export interface Settings {
  octave: number;
  semitones: number;
  /** Decibels added to the level. */
  loudness: number;
  /** Depth in cents. */
  vibrato: number;
  /** Decibels below the loud parts at which the input counts as silence. */
  gate: number;
}

export type Gesture =
  | { kind: "press"; midi: number; velocity: number }
  | { kind: "release"; midi: number }
  | { kind: "releaseAll" }
  | { kind: "bend"; semitones: number }
  | { kind: "pressure"; amount: number }
  | { kind: "modulation"; amount: number }
  | { kind: "sustain"; held: boolean }
  | { kind: "gain"; decibels: number };

export interface TimedGesture {
  /** Seconds. */
  time: number;
  gesture: Gesture;
}

/** A note, in seconds; velocities are from 0 to 1. */
export interface Note {
  onset: number;
  offset: number;
  midi: number;
  velocity: number;
}

/** A track of a MIDI file. */
export interface Track {
  name: string;
  /** Number of its notes. */
  notes: number;
  seconds: number;
  /** One note at a time, in their order. */
  melody: Note[];
  /** Wheels and volume, in order of their times. */
  controls: TimedGesture[];
}

/** Contents of an instrument's files. */
export interface Files {
  model: ArrayBuffer;
  ear: ArrayBuffer | null;
  expression: ArrayBuffer | null;
}

export type ToWorker =
  | { kind: "runtime"; wasm: ArrayBuffer }
  | { kind: "load"; facts: Facts; files: Files }
  | { kind: "connect"; port: MessagePort; rate: number }
  | { kind: "source"; source: Source }
  | { kind: "settings"; settings: Settings }
  | { kind: "gesture"; gesture: Gesture }
  | { kind: "recording"; audio: Float32Array }
  | { kind: "track"; track: Track }
  | { kind: "transport"; playing: boolean; frame?: number; loop?: boolean }
  | { kind: "render"; id: number; curves: Curves | null; noise: Float32Array | null };

export type FromWorker =
  | { kind: "ready" }
  | { kind: "loaded"; name: string; hopMilliseconds: number }
  | { kind: "failed"; reason: string }
  | { kind: "frames"; played: Frame[]; heard: HeardFrame[]; position: number; busy: number }
  | { kind: "listening"; share: number }
  | { kind: "listened"; curves: Curves }
  | { kind: "ended" }
  | { kind: "rendered"; id: number; audio: Float32Array };

/** A hop for the loudspeaker, at the context's rate. Without a room, `dry` is `wet`. */
export interface Block {
  /** Number among all blocks since a start; one that is made again has the same number. */
  number: number;
  /** Number of the last `Rewind` before it was made. */
  rewinds: number;
  wet: Float32Array;
  dry: Float32Array;
  input: Float32Array;
}

export type ToWorklet =
  | { kind: "block"; block: Block }
  | { kind: "clear" }
  /** A note begins or ends: what waits is made again, or dropped if it is silence. */
  | { kind: "note" };
/** Blocks from a number on are made again, with the notes as they are now; null for none. */
export type Rewind = { kind: "rewind"; number: number; from: number | null };
export type FromWorklet =
  | { kind: "need" }
  | Rewind
  /** `sent` is a time of `Date.now()`, the one clock that both threads have. */
  | { kind: "microphone"; samples: Float32Array; sent: number };

/** Settings of the worklet. */
export type Mix = {
  /** From 0, dry, to 1, as the model was trained. */
  room: number;
  /** 1 to hear the input in place of the instrument. */
  input: number;
  /** Whether blocks arrive at the microphone's pace; otherwise the worklet asks for them. */
  pushed: boolean;
  /** Seconds that a block lasts. */
  hop: number;
};

export type Report =
  | { kind: "state"; filled: number; cushion: number; underruns: number; blocks: number }
  | { kind: "onset"; of: "output" | "input"; time: number };
