// A queue of samples between blocks that arrive and quanta that are played.

/** Samples of several channels, first in, first out, without allocation after construction. */
export class Ring {
  private readonly channels: Float32Array[];
  private start = 0;
  private count = 0;

  constructor(channels: number, private readonly capacity: number) {
    this.channels = Array.from({ length: channels }, () => new Float32Array(capacity));
  }

  get filled(): number {
    return this.count;
  }

  /** Appends samples; what does not fit is dropped. */
  write(blocks: readonly Float32Array[]): void {
    const length = Math.min(blocks[0].length, this.capacity - this.count);
    for (let channel = 0; channel < this.channels.length; channel++) {
      let place = (this.start + this.count) % this.capacity;
      for (let k = 0; k < length; k++) {
        this.channels[channel][place] = blocks[channel][k];
        if (++place === this.capacity) place = 0;
      }
    }
    this.count += length;
  }

  /** Appends silence. */
  writeSilence(length: number): void {
    length = Math.min(length, this.capacity - this.count);
    for (const channel of this.channels) {
      for (let k = 0; k < length; k++) channel[(this.start + this.count + k) % this.capacity] = 0;
    }
    this.count += length;
  }

  /** Takes samples; returns how many there were, and fills the rest with zeros. */
  read(into: readonly Float32Array[]): number {
    const wanted = into[0].length;
    const length = Math.min(wanted, this.count);
    for (let channel = 0; channel < this.channels.length; channel++) {
      let place = this.start;
      for (let k = 0; k < length; k++) {
        into[channel][k] = this.channels[channel][place];
        if (++place === this.capacity) place = 0;
      }
      into[channel].fill(0, length, wanted);
    }
    this.start = (this.start + length) % this.capacity;
    this.count -= length;
    return length;
  }

  /** Drops the oldest samples. */
  skip(length: number): void {
    length = Math.min(length, this.count);
    this.start = (this.start + length) % this.capacity;
    this.count -= length;
  }

  /** Drops the newest samples. */
  drop(length: number): void {
    this.count -= Math.min(length, this.count);
  }

  /** Whether all samples are smaller than a limit. */
  isBelow(limit: number): boolean {
    for (const channel of this.channels) {
      for (let k = 0; k < this.count; k++) {
        if (Math.abs(channel[(this.start + k) % this.capacity]) >= limit) return false;
      }
    }
    return true;
  }

  clear(): void {
    this.start = 0;
    this.count = 0;
  }
}
