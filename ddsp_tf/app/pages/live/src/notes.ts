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

/** How far the notes are: a new object in every frame. */
export interface Motion {
  readonly pitch: number;
  readonly level: number;
  readonly sinceAttack: number;
  /** Number of attacks so far. */
  readonly attacks: number;
}

/** One voice: the last key pressed sounds, and the one before returns when it is let go. */
export class Notes {
  private keys: { midi: number; velocity: number; down: boolean }[] = [];
  /** May be set back to an earlier one. */
  motion: Motion = { pitch: 69, level: NaN, sinceAttack: 0, attacks: 0 };
  private target = NaN;
  /** Number of attacks that were asked for, and the key of the last one. */
  private attacks = 0;
  private struck = 69;
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
    return this.motion.sinceAttack;
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
    let { pitch, level, sinceAttack } = this.begun();
    if (key) {
      sinceAttack += hop;
      pitch += (key.midi - pitch) * (1 - Math.exp(-hop / (GLIDE / 3)));
      const wanted = this.target + this.raised;
      const speed = sinceAttack < ATTACK ? BELOW / ATTACK : Infinity;
      const eased = (wanted - level) * (1 - Math.exp(-hop / EASE));
      level += Math.max(-speed * hop, Math.min(eased, Math.abs(speed) * hop));
    } else if (!Number.isNaN(level)) {
      level -= (FALL * hop) / RELEASE;
      if (level < this.facts.levelRange[1] - FALL - BELOW) level = NaN;
    }
    this.motion = { pitch, level, sinceAttack, attacks: this.attacks };
    return { f0: 440 * 2 ** ((pitch + this.bend - 69) / 12), level };
  }

  /** Returns the motion in which the last attack has begun. */
  private begun(): Motion {
    const { motion, struck, attacks } = this;
    if (motion.attacks === attacks) return motion;
    const start = this.target + this.raised - BELOW;
    const level = Number.isNaN(motion.level) ? start : Math.max(motion.level, start);
    return { pitch: struck, level, sinceAttack: 0, attacks };
  }

  private press(midi: number, velocity: number): void {
    const legato = this.keys.length > 0;
    this.keys = this.keys.filter((key) => key.midi !== midi);
    this.keys.push({ midi, velocity, down: true });
    this.target = levelOf(velocity, this.facts);
    if (legato) return;
    this.attacks++;
    this.struck = midi;
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
