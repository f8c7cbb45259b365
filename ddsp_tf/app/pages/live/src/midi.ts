// Web MIDI: keys, wheels and pedals.

import type { Gesture } from "./protocol";

export const BEND_SEMITONES = 2;
/** Decibels of a volume of 0 to 127: a gain of its square, as in the guidelines of General MIDI. */
export function decibelsOf(volume: number): number {
  return Math.max(-90, 40 * Math.log10(volume / 127));
}

/** Translates a MIDI message; returns null for those that play nothing. */
export function gestureOf(data: Uint8Array): Gesture | null {
  const [status, first, second] = data;
  switch (status & 0xf0) {
    case 0x80:
      return { kind: "release", midi: first };
    case 0x90:
      if (second === 0) return { kind: "release", midi: first };
      return { kind: "press", midi: first, velocity: second / 127 };
    case 0xa0:
      return { kind: "pressure", amount: second / 127 };
    case 0xd0:
      return { kind: "pressure", amount: first / 127 };
    case 0xe0:
      return { kind: "bend", semitones: (BEND_SEMITONES * (first + 128 * second - 8192)) / 8192 };
    case 0xb0:
      return controlOf(first, second);
    default:
      return null;
  }
}

function controlOf(number: number, value: number): Gesture | null {
  switch (number) {
    case 1:
      return { kind: "modulation", amount: value / 127 };
    case 2:
    case 11:
      return { kind: "pressure", amount: value / 127 };
    case 7:
      return { kind: "gain", decibels: decibelsOf(value) };
    case 64:
      return { kind: "sustain", held: value >= 64 };
    case 120:
    case 123:
      return { kind: "releaseAll" };
    default:
      return null;
  }
}

/** Connects all MIDI keyboards, also those that are plugged in later; returns their names. */
export async function openMidi(
  send: (gesture: Gesture, time: number) => void,
  onChange: (names: string[]) => void,
): Promise<void> {
  const access = await navigator.requestMIDIAccess();
  const connect = () => {
    const inputs = [...access.inputs.values()].filter((input) => input.state === "connected");
    for (const input of inputs) {
      input.onmidimessage = (event) => {
        const gesture = event.data && gestureOf(event.data);
        if (gesture) send(gesture, event.timeStamp);
      };
    }
    onChange(inputs.map((input) => input.name ?? "MIDI"));
  };
  access.onstatechange = connect;
  connect();
}
