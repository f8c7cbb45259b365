// Worker, audio graph, and the connection between them.

import { addModule, readFile, scriptAddress, Trouble } from "./files";
import { Latency } from "./latency";
import type { Curves, Facts, FromWorker, Gesture, Mix, Report, Settings } from "./protocol";
import type { Source, ToWorker, Track } from "./protocol";
import { hall } from "./room";
import { Tape } from "./takes";

export const RUNTIME = "litert.wasm.gz";

/** Receives what the page shows. */
export interface Listener {
  onFrames(message: Extract<FromWorker, { kind: "frames" }>): void;
  onListening(share: number): void;
  onState(report: Extract<Report, { kind: "state" }>): void;
  onLatency(latency: Latency): void;
  onTrouble(sentence: string): void;
}

interface Graph {
  context: AudioContext;
  player: AudioWorkletNode;
  hallLevel: GainNode;
  analyser: AnalyserNode;
  output: Tape;
  latency: Latency;
}

/** Plays one of several instruments. */
export class Engine {
  facts: Facts | null = null;
  underruns = 0;
  private readonly worker = new Worker(scriptAddress("worker-script"));
  private graph: Graph | null = null;
  private starting: Promise<void> | null = null;
  private microphone: { node: MediaStreamAudioSourceNode; tape: Tape } | null = null;
  private mix: Mix = { room: 1, input: 0, pushed: false, hop: 0.01 };
  private answers: [FromWorker["kind"], (message: never) => void, (error: Error) => void][] = [];
  private renders = 0;

  constructor(private readonly listener: Listener) {
    this.worker.onmessage = ({ data }: MessageEvent<FromWorker>) => this.take(data);
    this.worker.onerror = ({ message }) => listener.onTrouble(`The page failed: ${message}`);
  }

  get latency(): Latency | null {
    return this.graph?.latency ?? null;
  }

  get analyser(): AnalyserNode | null {
    return this.graph?.analyser ?? null;
  }

  /** Whether the browser waits for a click before it gives sound. */
  get waiting(): boolean {
    return this.graph?.context.state === "suspended";
  }

  get sampleRate(): number {
    return this.graph?.context.sampleRate ?? 0;
  }

  /** Loads the runtime, which needs no permission to play sound. */
  async prepare(): Promise<void> {
    const wasm = await readFile(RUNTIME);
    await this.ask({ kind: "runtime", wasm }, "ready", [wasm]);
  }

  /** Loads an instrument; returns milliseconds that a hop takes. */
  async choose(facts: Facts): Promise<number> {
    const optional = (name: string | null) => (name === null ? null : readFile(name));
    const files = {
      model: await readFile(facts.model),
      ear: await optional(facts.ear),
      expression: await optional(facts.expression),
    };
    let loaded: Extract<FromWorker, { kind: "loaded" }>;
    try {
      loaded = await this.ask({ kind: "load", facts, files }, "loaded");
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new Trouble(`${facts.name} cannot be played here: ${reason}`);
    }
    this.facts = facts;
    this.remix({ hop: facts.hop / facts.sampleRate });
    return loaded.hopMilliseconds;
  }

  /** Turns the sound on; browsers demand a click or a key. Returns whether there is sound. */
  async start(): Promise<boolean> {
    this.starting ??= this.build();
    await this.starting;
    const { context } = this.graph as Graph;
    const patience = new Promise((resolve) => setTimeout(resolve, 300));
    await Promise.race([context.resume(), patience]);
    return context.state === "running";
  }

  async stop(): Promise<void> {
    const { graph } = this;
    this.release();
    this.graph = null;
    this.starting = null;
    await graph?.context.close();
  }

  private async build(): Promise<void> {
    const context = new AudioContext({ latencyHint: 0 });
    await addModule(context, "worklet-script");
    const options = { numberOfInputs: 1, numberOfOutputs: 1, outputChannelCount: [1] };
    const player = new AudioWorkletNode(context, "player", options);
    const mixed = new GainNode(context);
    const analyser = new AnalyserNode(context, { fftSize: 2048, smoothingTimeConstant: 0 });
    const hallLevel = new GainNode(context, { gain: 0 });
    player.connect(mixed);
    player.connect(hall(context)).connect(hallLevel).connect(mixed);
    mixed.connect(analyser);
    mixed.connect(context.destination);
    const latency = new Latency(context);
    player.port.onmessage = ({ data }: MessageEvent<Report>) => this.hear(data);
    this.graph = { context, player, hallLevel, analyser, output: new Tape(context, mixed), latency };
    const channel = new MessageChannel();
    player.port.postMessage({ worker: channel.port1 }, [channel.port1]);
    this.tell({ kind: "connect", port: channel.port2, rate: context.sampleRate }, [channel.port2]);
    this.remix({});
  }

  /** Opens the microphone. */
  async openMicrophone(): Promise<void> {
    if (this.microphone || !this.graph) return;
    const audio = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
    const stream = await navigator.mediaDevices.getUserMedia({ audio });
    const { context, player } = this.graph;
    const node = context.createMediaStreamSource(stream);
    node.connect(player);
    this.microphone = { node, tape: new Tape(context, node) };
  }

  /** Closes the microphone. */
  release(): void {
    for (const track of this.microphone?.node.mediaStream.getTracks() ?? []) track.stop();
    this.microphone?.node.disconnect();
    this.microphone = null;
  }

  play(source: Source): void {
    this.tell({ kind: "source", source });
    this.remix({ pushed: source === "microphone" });
  }

  gesture(gesture: Gesture, time?: number): void {
    if (gesture.kind === "press") this.latency?.press(time ?? performance.now());
    this.tell({ kind: "gesture", gesture });
  }

  set(settings: Settings): void {
    this.tell({ kind: "settings", settings });
  }

  /** Changes the mix: room from 0 to 1, input 1 to hear the input. */
  remix(change: Partial<Mix>): void {
    Object.assign(this.mix, change);
    const { mix, graph, facts } = this;
    graph?.player.port.postMessage(mix);
    const amount = facts?.hasRoom ? 0 : 0.35 * mix.room * (1 - mix.input);
    graph?.hallLevel.gain.setTargetAtTime(amount, graph.context.currentTime, 0.05);
  }

  /** Hears a recording at the instrument's rate; returns its curves. */
  async hearRecording(audio: Float32Array): Promise<Curves> {
    return (await this.ask({ kind: "recording", audio }, "listened")).curves;
  }

  /** Reads a track of a MIDI file in place of a recording; returns its curves. */
  async readTrack(track: Track): Promise<Curves> {
    return (await this.ask({ kind: "track", track }, "listened")).curves;
  }

  transport(playing: boolean, frame?: number, loop?: boolean): void {
    this.tell({ kind: "transport", playing, frame, loop });
  }

  /**
   * Plays curves faster than they sound.
   *
   * @param curves Curves to play as they are; null for the recording with the sliders.
   * @param noise White noise [frames * hop] in [-1, 1]; drawn if null.
   * @returns Samples at the instrument's rate.
   */
  async render(curves: Curves | null = null, noise: Float32Array | null = null) {
    const id = ++this.renders;
    return (await this.ask({ kind: "render", id, curves, noise }, "rendered")).audio;
  }

  get outputTape(): Tape | null {
    return this.graph?.output ?? null;
  }

  get microphoneTape(): Tape | null {
    return this.microphone?.tape ?? null;
  }

  private hear(report: Report): void {
    if (report.kind === "state") {
      this.underruns = report.underruns;
      this.listener.onState(report);
    } else if (this.latency?.take(report)) {
      this.listener.onLatency(this.latency);
    }
  }

  private tell(message: ToWorker, moved: Transferable[] = []): void {
    this.worker.postMessage(message, moved);
  }

  private ask<K extends FromWorker["kind"]>(
    message: ToWorker,
    answer: K,
    moved: Transferable[] = [],
  ): Promise<Extract<FromWorker, { kind: K }>> {
    return new Promise((resolve, reject) => {
      this.answers.push([answer, resolve as (message: never) => void, reject]);
      this.tell(message, moved);
    });
  }

  private take(message: FromWorker): void {
    if (message.kind === "frames") return this.listener.onFrames(message);
    if (message.kind === "listening") return this.listener.onListening(message.share);
    const place = this.answers.findIndex(([kind]) => kind === message.kind);
    if (message.kind === "failed") {
      const waiting = this.answers.shift();
      if (waiting) waiting[2](new Error(message.reason));
      else this.listener.onTrouble(`Playing failed: ${message.reason}`);
    } else if (place >= 0) {
      this.answers.splice(place, 1)[0][1](message as never);
    }
  }
}
