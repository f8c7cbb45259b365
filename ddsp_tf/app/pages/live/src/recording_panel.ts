// The part of the page that plays recordings.

import { element } from "./controls";
import type { Engine } from "./engine";
import { Trouble } from "./files";
import type { Curves } from "./protocol";
import { acceptDrops, decode, resample } from "./recordings";
import { fit } from "./shaping";
import { save, wav } from "./wav";

interface Recording {
  name: string;
  samples: Float32Array;
  sampleRate: number;
}

/** Takes a recording, hears it, and plays it. */
export class RecordingPanel {
  curves: Curves | null = null;
  private recording: Recording | null = null;
  private playing = false;
  private taping = false;
  private readonly play = element<HTMLButtonElement>("recording-play");
  private readonly render = element<HTMLButtonElement>("recording-save");
  private readonly position = element<HTMLInputElement>("recording-position");
  private readonly loop = element<HTMLInputElement>("recording-loop");
  private readonly make = element<HTMLButtonElement>("recording-make");

  constructor(
    private readonly engine: Engine,
    private readonly onCurves: (curves: Curves) => void,
    private readonly onTrouble: (error: unknown) => void,
    private readonly onChosen: () => Promise<void>,
  ) {
    const file = element<HTMLInputElement>("recording-file");
    file.addEventListener("change", () => file.files?.[0] && this.open(file.files[0]));
    acceptDrops((dropped) => this.open(dropped));
    this.play.addEventListener("click", () => this.toggle());
    this.position.addEventListener("input", () => this.move());
    this.loop.addEventListener("change", () => this.toldTransport());
    this.make.addEventListener("click", () => void this.tape().catch(this.onTrouble));
    this.render.addEventListener("click", () => void this.save().catch(this.onTrouble));
  }

  /** Hears the recording once more, with another instrument's ear. */
  async again(): Promise<void> {
    if (this.recording) await this.hear();
  }

  /** Octaves and decibels that suit the instrument. */
  get fitting(): { octave: number; loudness: number } | null {
    const { curves } = this;
    const { facts } = this.engine;
    return curves && facts && fit(curves.f0, curves.level, curves.confidence, facts);
  }

  progress(share: number): void {
    this.say(`Listening: ${Math.round(100 * share)} %`);
  }

  /** Shows the frame that is played. */
  at(frame: number): void {
    if (!this.curves || !this.playing) return;
    this.position.value = String(frame);
    if (frame === 0 && !this.loop.checked) this.stop();
  }

  stop(): void {
    this.playing = false;
    this.toldTransport();
    this.label();
  }

  private async open(file: File): Promise<void> {
    try {
      await this.onChosen();
      const rate = this.engine.sampleRate || 48000;
      this.say(`Decoding ${file.name}`);
      await this.keep({ name: file.name, samples: await decode(file, rate), sampleRate: rate });
    } catch (error) {
      this.say("");
      this.onTrouble(error);
    }
  }

  private async keep(recording: Recording): Promise<void> {
    this.recording = recording;
    await this.hear();
  }

  private async hear(): Promise<void> {
    const { recording, engine } = this;
    if (!recording || !engine.facts) return;
    this.enable(false);
    const { samples, sampleRate, name } = recording;
    this.curves = await engine.hearRecording(
      await resample(samples, sampleRate, engine.facts.sampleRate),
    );
    const seconds = this.curves.f0.length / engine.facts.frameRate;
    this.position.max = String(this.curves.f0.length - 1);
    this.say(`${name}, ${seconds.toFixed(1)} s`);
    this.enable(true);
    this.onCurves(this.curves);
    this.playing = true;
    this.position.value = "0";
    engine.transport(true, 0, this.loop.checked);
    this.label();
  }

  /** Records the microphone, and plays what was recorded. */
  private async tape(): Promise<void> {
    if (!this.taping) {
      await this.onChosen();
      await this.engine.openMicrophone();
      this.stop();
      this.engine.microphoneTape?.start();
    }
    this.taping = !this.taping;
    this.make.textContent = this.taping ? "Stop recording" : "Record from microphone";
    if (this.taping) return this.say("Recording the microphone …");
    const samples = (await this.engine.microphoneTape?.stop()) ?? new Float32Array(0);
    this.engine.release();
    if (samples.length < this.engine.sampleRate / 4) throw new Trouble("That was too short.");
    await this.keep({ name: "Your recording", samples, sampleRate: this.engine.sampleRate });
  }

  private async save(): Promise<void> {
    const { facts } = this.engine;
    if (!facts) return;
    this.render.disabled = true;
    const audio = await this.engine.render();
    const name = (this.recording?.name ?? "recording").replace(/\.\w+$/, "");
    save(wav(audio, facts.sampleRate), `${name} as ${facts.name}.wav`);
    this.render.disabled = false;
  }

  private toggle(): void {
    this.playing = !this.playing;
    this.toldTransport();
    this.label();
  }

  private move(): void {
    this.engine.transport(this.playing, Number(this.position.value), this.loop.checked);
  }

  private toldTransport(): void {
    this.engine.transport(this.playing, undefined, this.loop.checked);
  }

  private enable(able: boolean): void {
    for (const control of [this.play, this.render, this.position]) control.disabled = !able;
  }

  private label(): void {
    this.play.textContent = this.playing ? "Pause" : "Play";
  }

  private say(words: string): void {
    element("recording-name").textContent = words;
  }
}
