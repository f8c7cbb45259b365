// WAV files.

const HEADER = 44;

/** Writes mono samples in [-1, 1] as a WAV file of 24 bits. */
export function wav(samples: Float32Array, sampleRate: number): Blob {
  const bytes = 3 * samples.length;
  const view = new DataView(new ArrayBuffer(HEADER + bytes + (bytes % 2)));
  const text = (place: number, letters: string) => {
    for (let k = 0; k < letters.length; k++) view.setUint8(place + k, letters.charCodeAt(k));
  };
  text(0, "RIFF");
  view.setUint32(4, view.byteLength - 8, true);
  text(8, "WAVEfmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true);
  view.setUint16(22, 1, true);
  view.setUint32(24, sampleRate, true);
  view.setUint32(28, 3 * sampleRate, true);
  view.setUint16(32, 3, true);
  view.setUint16(34, 24, true);
  text(36, "data");
  view.setUint32(40, bytes, true);
  for (let k = 0; k < samples.length; k++) {
    const value = Math.round(Math.max(-1, Math.min(1, samples[k])) * 0x7fffff);
    view.setUint16(HEADER + 3 * k, value & 0xffff, true);
    view.setInt8(HEADER + 3 * k + 2, value >> 16);
  }
  return new Blob([view.buffer], { type: "audio/wav" });
}

/** Offers a file to the user. */
export function save(content: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
