// Notes of a keyboard as curves of pitch and level.

import type { Facts, Frame, Gesture } from "./protocol";

/** Seconds. */
const ATTACK = 0.04;
const GLIDE = 0.03;
export const RELEASE = 0.15;
const EASE = 0.02;
/** Decibels: where an attack starts, how far a release falls, what full pressure adds. */
const BELOW = 20;
const FALL = 50;
const PRESSED = 8;
/** Cents of vibrato at a full modulation wheel. */
const WHEEL = 60;

/** One voice: the last key pressed sounds, and the one before returns when it is let go. */
export class Notes {
  private keys: { midi: number; velocity: number; down: boolean }[] = [];
  private pitch = 69;
  private level = NaN;
  private target = NaN;
  private sinceAttack = 0;
  private bend = 0;
  private pressure = 0;
  private modulation = 0;
  private gain = 0;
  private sustained = false;

  constructor(private readonly facts: Facts) {}

  /** Cents of vibrato that the wheel asks for. */
  get wheel(): number {
    return WHEEL * this.modulation;
  }

  /** Semitones of the pitch bend. */
  get bent(): number {
    return this.bend;
  }

  /** Decibels that volume and pressure add. */
  get raised(): number {
    return this.gain + PRESSED * this.pressure;
  }

  /** Seconds since the note began. */
  get age(): number {
    return this.sinceAttack;
  }

  take(gesture: Gesture): void {
    switch (gesture.kind) {
      case "press":
        this.press(gesture.midi, gesture.velocity);
        break;
      case "release":
        for (const key of this.keys) if (key.midi === gesture.midi) key.down = false;
        this.dropReleased();
        break;
      case "releaseAll":
        this.keys = [];
        this.target = NaN;
        break;
      case "bend":
        this.bend = gesture.semitones;
        break;
      case "pressure":
        this.pressure = gesture.amount;
        break;
      case "modulation":
        this.modulation = gesture.amount;
        break;
      case "sustain":
        this.sustained = gesture.held;
        this.dropReleased();
        break;
      case "gain":
        this.gain = gesture.decibels;
    }
  }

  /** Returns the next frame. */
  next(): Frame {
    const hop = 1 / this.facts.frameRate;
    const key = this.keys.at(-1);
    if (key) {
      this.sinceAttack += hop;
      this.pitch += (key.midi - this.pitch) * (1 - Math.exp(-hop / (GLIDE / 3)));
      const wanted = this.target + this.raised;
      const speed = this.sinceAttack < ATTACK ? BELOW / ATTACK : Infinity;
      const eased = (wanted - this.level) * (1 - Math.exp(-hop / EASE));
      this.level += Math.max(-speed * hop, Math.min(eased, Math.abs(speed) * hop));
    } else if (!Number.isNaN(this.level)) {
      this.level -= (FALL * hop) / RELEASE;
      if (this.level < this.facts.levelRange[1] - FALL - BELOW) this.level = NaN;
    }
    return { f0: 440 * 2 ** ((this.pitch + this.bend - 69) / 12), level: this.level };
  }

  private press(midi: number, velocity: number): void {
    const legato = this.keys.length > 0;
    this.keys = this.keys.filter((key) => key.midi !== midi);
    this.keys.push({ midi, velocity, down: true });
    this.target = levelOf(velocity, this.facts);
    if (legato) return;
    this.pitch = midi;
    this.sinceAttack = 0;
    const start = this.target + this.raised - BELOW;
    this.level = Number.isNaN(this.level) ? start : Math.max(this.level, start);
  }

  private dropReleased(): void {
    if (this.sustained) return;
    this.keys = this.keys.filter((key) => key.down);
    const key = this.keys.at(-1);
    if (key) this.target = levelOf(key.velocity, this.facts);
  }
}

/** Returns the level of a velocity from 0 to 1, within what the model was trained on. */
export function levelOf(velocity: number, { levelRange: [soft, loud] }: Facts): number {
  const softest = Math.max(soft, loud - 30);
  return softest + (loud - softest) * velocity ** 0.6;
}
