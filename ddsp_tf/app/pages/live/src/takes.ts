// Records the output of a node.

/** Records a node of the audio graph. */
export class Tape {
  private readonly node: AudioWorkletNode;
  private kept: Float32Array[] = [];
  private finished: ((samples: Float32Array) => void) | null = null;

  constructor(context: AudioContext, source: AudioNode) {
    this.node = new AudioWorkletNode(context, "tape", { numberOfOutputs: 0, channelCount: 1 });
    this.node.channelCountMode = "explicit";
    source.connect(this.node);
    this.node.port.onmessage = ({ data }) => {
      this.kept.push(...data.blocks);
      if (data.last) this.finished?.(joined(this.kept));
    };
  }

  start(): void {
    this.kept = [];
    this.node.port.postMessage(true);
  }

  /** Stops; returns the samples since the start. */
  stop(): Promise<Float32Array> {
    return new Promise((resolve) => {
      this.finished = resolve;
      this.node.port.postMessage(false);
    });
  }
}

function joined(blocks: readonly Float32Array[]): Float32Array {
  const whole = new Float32Array(blocks.reduce((sum, block) => sum + block.length, 0));
  let place = 0;
  for (const block of blocks) {
    whole.set(block, place);
    place += block.length;
  }
  return whole;
}
