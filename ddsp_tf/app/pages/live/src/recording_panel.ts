// The part of the page that plays recordings and MIDI files.

import { element } from "./controls";
import type { Engine } from "./engine";
import { Trouble } from "./files";
import { isMidiFile, readTracks } from "./midi_file";
import type { Curves, Facts, Track } from "./protocol";
import { acceptDrops, decode, resample } from "./recordings";
import { fit, octavesFor } from "./shaping";
import { save, wav } from "./wav";

interface Recording {
  name: string;
  samples: Float32Array;
  sampleRate: number;
}

interface Song {
  name: string;
  tracks: Track[];
}

/** Takes a recording or a MIDI file, hears or reads it, and plays it. */
export class RecordingPanel {
  curves: Curves | null = null;
  private content: Recording | Song | null = null;
  private playing = false;
  private taping = false;
  private readonly play = element<HTMLButtonElement>("recording-play");
  private readonly render = element<HTMLButtonElement>("recording-save");
  private readonly position = element<HTMLInputElement>("recording-position");
  private readonly loop = element<HTMLInputElement>("recording-loop");
  private readonly make = element<HTMLButtonElement>("recording-make");
  private readonly track = element<HTMLSelectElement>("track");

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
    this.loop.addEventListener("change", () => this.sendTransport());
    this.make.addEventListener("click", () => void this.tape().catch(this.onTrouble));
    this.render.addEventListener("click", () => void this.save().catch(this.onTrouble));
    this.track.addEventListener("change", () => void this.hear().catch(this.onTrouble));
  }

  /** Analyses the recording again, for another instrument. */
  async again(): Promise<void> {
    if (this.content) await this.hear();
  }

  /** Whether the input can be heard: a MIDI file has no sound of its own. */
  get hasSound(): boolean {
    return !this.content || "samples" in this.content;
  }

  /** Octaves and decibels that suit the instrument. */
  get fitting(): { octave: number; loudness: number } | null {
    const { curves } = this;
    const { facts } = this.engine;
    if (!curves || !facts) return null;
    if (!this.hasSound) return { octave: octavesFor(curves, facts), loudness: 0 };
    return fit(curves.f0, curves.level, curves.confidence, facts);
  }

  progress(share: number): void {
    this.say(`${this.hasSound ? "Listening" : "Reading"}: ${Math.round(100 * share)} %`);
  }

  /** Shows the position of the frame that is played. */
  at(frame: number): void {
    if (!this.curves || !this.playing) return;
    this.position.value = String(frame);
    if (frame === 0 && !this.loop.checked) this.stop();
  }

  stop(): void {
    this.playing = false;
    this.sendTransport();
    this.label();
  }

  private async open(file: File): Promise<void> {
    try {
      await this.onChosen();
      this.say(`Reading ${file.name}`);
      await this.keep((await isMidiFile(file)) ? await songOf(file) : await this.decoded(file));
    } catch (error) {
      this.say("");
      this.onTrouble(error);
    }
  }

  private async decoded(file: File): Promise<Recording> {
    const sampleRate = this.engine.sampleRate || 48000;
    return { name: file.name, samples: await decode(file, sampleRate), sampleRate };
  }

  private async keep(content: Recording | Song): Promise<void> {
    this.content = content;
    const tracks = "tracks" in content ? content.tracks : [];
    this.track.replaceChildren(
      ...tracks.map((track) => new Option(`${track.name}, ${track.notes} notes`)),
    );
    element("tracks").hidden = tracks.length < 2;
    await this.hear();
  }

  private async hear(): Promise<void> {
    const { content, engine } = this;
    if (!content || !engine.facts) return;
    this.enable(false);
    this.curves = await this.curvesOf(content, engine.facts);
    const seconds = this.curves.f0.length / engine.facts.frameRate;
    this.position.max = String(this.curves.f0.length - 1);
    this.say(`${content.name}, ${seconds.toFixed(1)} s`);
    this.enable(true);
    this.onCurves(this.curves);
    this.playing = true;
    this.position.value = "0";
    engine.transport(true, 0, this.loop.checked);
    this.label();
  }

  private async curvesOf(content: Recording | Song, facts: Facts): Promise<Curves> {
    if ("tracks" in content) {
      return this.engine.readTrack(content.tracks[Math.max(0, this.track.selectedIndex)]);
    }
    if (facts.ear === null) {
      throw new Trouble(`${facts.name} plays keys and MIDI files; it cannot hear recordings.`);
    }
    const { samples, sampleRate } = content;
    return this.engine.hearRecording(await resample(samples, sampleRate, facts.sampleRate));
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
    if (samples.length < this.engine.sampleRate / 4) throw new Trouble("The recording is too short: record at least a quarter of a second.");
    await this.keep({ name: "Your recording", samples, sampleRate: this.engine.sampleRate });
  }

  private async save(): Promise<void> {
    const { facts } = this.engine;
    if (!facts) return;
    this.render.disabled = true;
    const audio = await this.engine.render();
    const name = (this.content?.name ?? "recording").replace(/\.\w+$/, "");
    save(wav(audio, facts.sampleRate), `${name} as ${facts.name}.wav`);
    this.render.disabled = false;
  }

  private toggle(): void {
    this.playing = !this.playing;
    this.sendTransport();
    this.label();
  }

  private move(): void {
    this.engine.transport(this.playing, Number(this.position.value), this.loop.checked);
  }

  private sendTransport(): void {
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

/** Reads a MIDI file. */
async function songOf(file: File): Promise<Song> {
  return { name: file.name, tracks: readTracks(new Uint8Array(await file.arrayBuffer()), file.name) };
}
