// MIDI files: the melody of each track, and what is done beside it.

import { parseMidi, type MidiData, type MidiEvent } from "midi-file";
import { Trouble } from "./files";
import { oneVoice } from "./melody";
import { BEND_SEMITONES, decibelsOf } from "./midi";
import type { Gesture, Note, TimedGesture, Track } from "./protocol";

const DRUMS = 9;
const LONGEST_MINUTES = 60;
const LARGEST_BYTES = 4 << 20;
/** Microseconds per beat of a file that sets no tempo. */
const TEMPO = 500_000;

/** Other formats that hold a MIDI file, such as RIFF and MacBinary, have a header of their own. */
const FOREIGN_HEADER_BYTES = 4096;

type Timed = { tick: number; event: MidiEvent };

/** Whether a file is a MIDI file, by its name or its first bytes. */
export async function isMidiFile(file: File): Promise<boolean> {
  return /\.midi?$/i.test(file.name) || (await file.slice(0, 4).text()) === "MThd";
}

/**
 * Reads the tracks of a MIDI file that have notes; each channel of a track counts as one.
 *
 * @param content Bytes of the file.
 * @param name Name of the file, for messages.
 */
export function readTracks(content: Uint8Array, name: string): Track[] {
  if (content.length > LARGEST_BYTES) throw new Trouble(`${name} is larger than 4 MB.`);
  const { header, tracks } = parsed(content, name);
  if (header.format > 1) throw new Trouble(`${name} holds several songs; one can be played.`);
  if (!header.ticksPerBeat) {
    throw new Trouble(`${name} counts frames of film; beats can be played.`);
  }
  const timed = tracks.map(withTicks);
  const inOrder = timed.flat().sort((a, b) => a.tick - b.tick);
  const secondsAt = clock(inOrder, header.ticksPerBeat, name);
  // Once for all tracks of a channel, of which a file may have thousands.
  const controlsOf = new Map<number, TimedGesture[]>();
  const found: Track[] = [];
  timed.forEach((events, number) => {
    const title = events.map(({ event }) => event).find((event) => event.type === "trackName");
    const channels = new Set(events.map(({ event }) => ("channel" in event ? event.channel : DRUMS)));
    for (const channel of [...channels].filter((one) => one !== DRUMS).sort((a, b) => a - b)) {
      const notes = notesOf(events, channel, secondsAt);
      if (notes.length === 0) continue;
      const all = controlsOf.get(channel) ?? controls(inOrder, channel, secondsAt);
      controlsOf.set(channel, all);
      const melody = oneVoice(notes, pedal(all));
      found.push({
        name: title?.text.trim() || `Track ${number + 1}`,
        notes: notes.length,
        seconds: melody[melody.length - 1].offset,
        melody,
        controls: all.filter(({ gesture }) => gesture.kind !== "sustain"),
      });
    }
  });
  if (found.length === 0) throw new Trouble(`${name} holds no notes, or only drums.`);
  const minutes = Math.max(...found.map(({ seconds }) => seconds)) / 60;
  if (minutes > LONGEST_MINUTES) {
    throw new Trouble(`${name} lasts ${minutes.toFixed(0)} minutes; at most ${LONGEST_MINUTES} fit.`);
  }
  return found;
}

function parsed(content: Uint8Array, name: string) {
  const damaged = new Trouble(`${name} is no MIDI file, or is damaged.`);
  const head = new TextDecoder("latin1").decode(content.subarray(0, FOREIGN_HEADER_BYTES));
  let midi: MidiData;
  try {
    midi = parseMidi(content.subarray(Math.max(head.indexOf("MThd"), 0)));
  } catch {
    throw damaged;
  }
  const complete = midi.tracks.every((events) => events.at(-1)?.type === "endOfTrack");
  if (!complete || midi.tracks.length < midi.header.numTracks) throw damaged;
  return midi;
}

function withTicks(events: MidiEvent[]): Timed[] {
  let tick = 0;
  return events.map((event) => ({ tick: (tick += event.deltaTime), event }));
}

/** Returns a function from ticks to seconds; the events are in order of their ticks. */
function clock(events: Timed[], ticksPerBeat: number, name: string): (tick: number) => number {
  const spans = [{ tick: 0, second: 0, rate: TEMPO / 1e6 / ticksPerBeat }];
  for (const { tick, event } of events) {
    if (event.type !== "setTempo") continue;
    if (event.microsecondsPerBeat === 0) throw new Trouble(`${name} sets a tempo of 0.`);
    const before = spans[spans.length - 1];
    const second = before.second + (tick - before.tick) * before.rate;
    spans.push({ tick, second, rate: event.microsecondsPerBeat / 1e6 / ticksPerBeat });
  }
  return (tick) => {
    const span = spans[leading(spans, (one) => one.tick <= tick) - 1];
    return span.second + (tick - span.tick) * span.rate;
  };
}

/** Pairs the starts and ends of keys; returns notes in order of their onsets. */
function notesOf(events: Timed[], channel: number, secondsAt: (tick: number) => number): Note[] {
  const notes: Note[] = [];
  const sounding = new Map<number, Note>();
  const end = (midi: number, second: number) => {
    const note = sounding.get(midi);
    sounding.delete(midi);
    if (note && second > note.onset) notes.push({ ...note, offset: second });
  };
  for (const { tick, event } of events) {
    if (event.type !== "noteOn" && event.type !== "noteOff") continue;
    if (event.channel !== channel) continue;
    const [midi, onset] = [event.noteNumber, secondsAt(tick)];
    end(midi, onset);
    if (event.type === "noteOff" || event.velocity === 0) continue;
    sounding.set(midi, { onset, offset: onset, midi, velocity: event.velocity / 127 });
  }
  const last = secondsAt(events.at(-1)?.tick ?? 0);
  for (const midi of [...sounding.keys()]) end(midi, last);
  return notes.sort((a, b) => a.onset - b.onset || a.midi - b.midi);
}

function at(time: number, gesture: Gesture): TimedGesture {
  return { time, gesture };
}

/** Returns a function that says when a pedal lets go of a note that ends at some second. */
function pedal(controls: readonly TimedGesture[]): (second: number) => number {
  const steps = controls.flatMap(({ time, gesture }) =>
    gesture.kind === "sustain" ? [{ time, held: gesture.held }] : [],
  );
  const releases = steps.filter(({ held }) => !held);
  return (second) => {
    if (!steps[leading(steps, ({ time }) => time <= second) - 1]?.held) return second;
    return releases[leading(releases, ({ time }) => time <= second)]?.time ?? Infinity;
  };
}

/** Returns how many items at the start fulfil a condition that none after them does. */
function leading<T>(items: readonly T[], holds: (item: T) => boolean): number {
  let [low, high] = [0, items.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (holds(items[middle])) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Wheels, pedals and volume of a channel, on whichever track they are; events are in order. */
function controls(events: Timed[], channel: number, secondsAt: (tick: number) => number) {
  const found: TimedGesture[] = [];
  const values = new Map<number, number>();
  let bendRange = BEND_SEMITONES;
  for (const { tick, event } of events) {
    if (!("channel" in event) || event.channel !== channel) continue;
    if (event.type === "controller") values.set(event.controllerType, event.value);
    // Registered parameter 0 is the range of the pitch bend.
    const isRange = values.get(100) === 0 && values.get(101) === 0;
    if (isRange && event.type === "controller" && event.controllerType === 6) bendRange = event.value;
    const gesture = controlOf(event, values, bendRange);
    if (gesture) found.push(at(secondsAt(tick), gesture));
  }
  return found;
}

function controlOf(event: MidiEvent, values: Map<number, number>, bendRange: number): Gesture | null {
  if (event.type === "pitchBend") {
    return { kind: "bend", semitones: (bendRange * event.value) / 8192 };
  }
  if (event.type === "channelAftertouch") return { kind: "pressure", amount: event.amount / 127 };
  if (event.type !== "controller") return null;
  switch (event.controllerType) {
    case 1:
      return { kind: "modulation", amount: event.value / 127 };
    case 2:
      return { kind: "pressure", amount: event.value / 127 };
    case 7:
    case 11: {
      const levels = [7, 11].map((number) => decibelsOf(values.get(number) ?? 127));
      return { kind: "gain", decibels: levels[0] + levels[1] };
    }
    case 64:
      return { kind: "sustain", held: event.value >= 64 };
    default:
      return null;
  }
}
