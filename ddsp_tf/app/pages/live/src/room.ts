// A small hall for instruments without a room of their own.

const SECONDS = 1.6;
const FALL_DB = 60;

/** Makes a hall: decaying noise, a little different in each ear. */
export function hall(context: AudioContext): ConvolverNode {
  const length = Math.round(SECONDS * context.sampleRate);
  const response = context.createBuffer(2, length, context.sampleRate);
  for (let channel = 0; channel < 2; channel++) {
    const taps = response.getChannelData(channel);
    let soft = 0;
    for (let k = 0; k < length; k++) {
      const decay = 10 ** ((-FALL_DB / 20) * (k / length));
      // The walls swallow high frequencies first.
      soft += (0.15 + 0.6 * decay) * (2 * Math.random() - 1 - soft);
      taps[k] = decay * soft;
    }
  }
  return new ConvolverNode(context, { buffer: response });
}
