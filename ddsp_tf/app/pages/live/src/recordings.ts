// Recordings: dropped on the page, chosen, or made on it.

import { Trouble } from "./files";

const LONGEST_MINUTES = 10;

/** Decodes an audio file to mono at a rate, with the browser's decoders. */
export async function decode(file: File, sampleRate: number): Promise<Float32Array> {
  const context = new OfflineAudioContext(1, 1, sampleRate);
  let buffer: AudioBuffer;
  try {
    buffer = await context.decodeAudioData(await file.arrayBuffer());
  } catch {
    throw new Trouble(
      `${file.name} cannot be decoded by this browser. WAV, MP3, M4A and FLAC files can be.`,
    );
  }
  if (buffer.duration > 60 * LONGEST_MINUTES) {
    const minutes = (buffer.duration / 60).toFixed(0);
    throw new Trouble(`${file.name} lasts ${minutes} minutes; at most ${LONGEST_MINUTES} fit.`);
  }
  return mono(buffer);
}

/** Brings samples to another rate. */
export async function resample(samples: Float32Array, from: number, to: number) {
  if (from === to || samples.length === 0) return samples;
  const length = Math.max(1, Math.ceil((samples.length * to) / from));
  const context = new OfflineAudioContext(1, length, to);
  const buffer = context.createBuffer(1, samples.length, from);
  buffer.copyToChannel(samples.slice(), 0);
  const source = new AudioBufferSourceNode(context, { buffer });
  source.connect(context.destination);
  source.start();
  return (await context.startRendering()).getChannelData(0);
}

function mono(buffer: AudioBuffer): Float32Array {
  const mixed = new Float32Array(buffer.length);
  for (let channel = 0; channel < buffer.numberOfChannels; channel++) {
    const samples = buffer.getChannelData(channel);
    for (let k = 0; k < mixed.length; k++) mixed[k] += samples[k] / buffer.numberOfChannels;
  }
  return mixed;
}

/** Takes files that are dropped anywhere on the page. */
export function acceptDrops(take: (file: File) => void): void {
  window.addEventListener("dragover", (event) => {
    event.preventDefault();
    document.body.classList.add("dropping");
  });
  window.addEventListener("dragleave", () => document.body.classList.remove("dropping"));
  window.addEventListener("drop", (event) => {
    event.preventDefault();
    document.body.classList.remove("dropping");
    const file = event.dataTransfer?.files[0];
    if (file) take(file);
  });
}
