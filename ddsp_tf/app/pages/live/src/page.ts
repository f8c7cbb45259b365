// The page: reacts to choices, presses and reports.

import { element, press, Sliders } from "./controls";
import { Display } from "./display";
import { Engine, type Listener } from "./engine";
import { Trouble } from "./files";
import { Keyboard } from "./keyboard";
import type { Latency } from "./latency";
import { openMidi } from "./midi";
import type { Facts, FromWorker, Gesture, Report, Source } from "./protocol";
import { RecordingPanel } from "./recording_panel";
import { fit } from "./shaping";
import { microphoneTrouble, obstacle } from "./support";
import { save, wav } from "./wav";

class Page implements Listener {
  readonly engine = new Engine(this);
  private readonly instruments: Facts[] = JSON.parse(element("instruments").textContent ?? "[]");
  private readonly sliders = new Sliders(() => this.applySliders());
  private readonly display = new Display();
  private readonly keyboard = new Keyboard(element("keys"), (gesture, time) => {
    if (gesture.kind === "press") void this.begin("keyboard");
    this.engine.gesture(gesture, time);
  });
  private readonly recording = new RecordingPanel(
    this.engine,
    () => {
      this.fitTo(this.recording.fitting);
      this.showSource();
    },
    (error) => this.explain(error),
    () => this.begin("recording"),
  );
  private source: Source = "keyboard";
  private running = false;
  private taping = false;
  private ready: Promise<void> = Promise.resolve();

  /** Loads the runtime and the first instrument. */
  async open(): Promise<void> {
    const problem = obstacle();
    if (problem) {
      this.onTrouble(problem);
      element<HTMLButtonElement>("power").disabled = true;
      return;
    }
    this.connectControls();
    this.fillInstruments();
    this.ready = this.load().catch((error) => this.explain(error));
    await this.ready;
  }

  private async load(): Promise<void> {
    this.say("Loading …");
    await this.engine.prepare();
    await this.choose(this.instruments[0]);
  }

  private async choose(facts: Facts): Promise<void> {
    this.say(`Loading ${spaced(facts.name)} …`);
    element<HTMLButtonElement>("power").disabled = true;
    const milliseconds = await this.engine.choose(facts);
    const share = milliseconds / (1000 / facts.frameRate);
    this.display.reset(facts);
    this.keyboard.center(facts.pitchRange);
    this.sliders.set("room", facts.hasRoom ? 100 : 0);
    element("room-name").textContent = facts.hasRoom ? "Room, of the instrument" : "Room, a hall";
    this.applySliders();
    this.enableSources(facts.ear !== null);
    element<HTMLButtonElement>("power").disabled = false;
    this.engine.play(this.source);
    if (this.source === "recording") await this.recording.again();
    this.say(this.running ? "" : "Ready. Press Start, or a key.");
    if (share > 0.8) {
      this.onTrouble(
        `${facts.name} needs ${Math.round(100 * share)} % of this computer's time; expect gaps.`,
      );
    }
  }

  private connectControls(): void {
    element("power").addEventListener("click", () => void this.toggle());
    for (const button of this.sourceButtons) {
      button.addEventListener("click", () => void this.begin(button.dataset.source as Source));
    }
    element("lower").addEventListener("click", () => this.keyboard.move(-1));
    element("higher").addEventListener("click", () => this.keyboard.move(1));
    element("fit").addEventListener("click", () => this.fitMicrophone());
    element("midi").addEventListener("click", () => void this.connectMidi());
    element("tape").addEventListener("click", () => void this.tape());
    for (const button of this.hearButtons) {
      button.addEventListener("click", () => this.hear(button));
    }
    const name = element("keys-title");
    const keys = element("keys");
    keys.addEventListener("moved", () => (name.textContent = this.keyboard.title));
    window.addEventListener("pointerup", () => void this.wake());
    if (!("requestMIDIAccess" in navigator)) {
      element("midi").hidden = true;
      element("midi-names").textContent = "This browser has no MIDI; Chrome, Edge and Firefox do.";
    }
  }

  private get sourceButtons(): HTMLElement[] {
    return [...document.querySelectorAll<HTMLElement>("[data-source]")];
  }

  private get hearButtons(): HTMLElement[] {
    return [...document.querySelectorAll<HTMLElement>("[data-hear]")];
  }

  private fillInstruments(): void {
    const list = element<HTMLSelectElement>("instrument");
    list.append(...this.instruments.map((facts) => new Option(spaced(facts.name), facts.name)));
    list.addEventListener("change", () => {
      const facts = this.instruments[list.selectedIndex];
      this.ready = this.choose(facts).catch((error) => this.explain(error));
    });
  }

  private enableSources(ear: boolean): void {
    for (const button of this.sourceButtons) {
      button.hidden = !ear && button.dataset.source === "microphone";
    }
    element("recording-make").hidden = !ear;
    if (!ear && this.source === "microphone") void this.begin("keyboard");
  }

  private async toggle(): Promise<void> {
    if (!this.running) return this.begin(this.source);
    this.running = false;
    this.recording.stop();
    await this.engine.stop();
    element("power").textContent = "Start";
    this.say("Stopped.");
  }

  /** Turns the sound on, and plays from a source. */
  private async begin(source: Source): Promise<void> {
    try {
      const started = this.engine.start();
      if (!this.running) {
        this.running = true;
        element("power").textContent = "Stop";
        this.say("");
        this.display.draw(
          () => this.engine.analyser,
          () => this.running,
        );
      }
      const [sounding] = await Promise.all([started, this.ready]);
      if (!sounding) this.say("Click anywhere on the page: browsers allow sound only after a click.");
      if (source === "microphone") await this.engine.openMicrophone();
      else this.engine.release();
      if (source === this.source) return;
      this.source = source;
      this.showSource();
      this.engine.play(source);
    } catch (error) {
      this.explain(error);
    }
  }

  /** Starts sound that had to wait for a click. */
  private async wake(): Promise<void> {
    if (this.running && this.engine.waiting && (await this.engine.start())) this.say("");
  }

  private showSource(): void {
    const { source } = this;
    const chosen = this.sourceButtons.find((button) => button.dataset.source === source);
    if (chosen) press(this.sourceButtons, chosen);
    for (const panel of document.querySelectorAll<HTMLElement>("[data-panel]")) {
      panel.hidden = panel.dataset.panel !== source;
    }
    element("compare").hidden = source === "keyboard" || !this.canCompare;
    this.hear(this.hearButtons[0]);
  }

  private get canCompare(): boolean {
    return this.source === "microphone" || this.recording.hasSound;
  }

  private hear(button: HTMLElement): void {
    press(this.hearButtons, button);
    this.engine.remix({ input: button.dataset.hear === "input" ? 1 : 0 });
  }

  private applySliders(): void {
    this.engine.set(this.sliders.settings);
    this.engine.remix({ room: this.sliders.room });
  }

  private fitTo(found: { octave: number; loudness: number } | null): void {
    if (!found) return this.onTrouble("No pitch was found. Hum, sing or play single notes.");
    this.sliders.set("octave", found.octave);
    this.sliders.set("loudness", found.loudness);
  }

  private fitMicrophone(): void {
    const { facts } = this.engine;
    if (!facts) return;
    const column = (name: "f0" | "level" | "confidence") => Float32Array.from(this.display.heard, (one) => one[name]);
    this.fitTo(fit(column("f0"), column("level"), column("confidence"), facts));
  }

  private async connectMidi(): Promise<void> {
    const send = (gesture: Gesture, time: number) => {
      if (gesture.kind === "press") this.keyboard.show(gesture.midi, true);
      if (gesture.kind === "release") this.keyboard.show(gesture.midi, false);
      this.engine.gesture(gesture, time);
    };
    try {
      await this.begin("keyboard");
      await openMidi(send, (names) => {
        element("midi-names").textContent = names.join(", ") || "no MIDI keyboard is connected";
      });
    } catch {
      this.onTrouble("The browser did not allow MIDI. The keys on the screen work without it.");
    }
  }

  private async tape(): Promise<void> {
    await this.begin(this.source);
    const tape = this.engine.outputTape;
    if (!tape) return;
    this.taping = !this.taping;
    element("tape").setAttribute("aria-pressed", String(this.taping));
    element("tape").textContent = this.taping ? "Stop and save" : "Record to WAV";
    if (this.taping) return tape.start();
    const samples = await tape.stop();
    save(wav(samples, this.engine.sampleRate), `${this.engine.facts?.name ?? "take"}.wav`);
  }

  onFrames(message: Extract<FromWorker, { kind: "frames" }>): void {
    this.display.add(message);
    this.recording.at(message.position);
  }

  onListening(share: number): void {
    this.recording.progress(share);
  }

  onState(report: Extract<Report, { kind: "state" }>): void {
    if (!this.display.count(report)) return;
    this.onTrouble("This computer is too busy to play without gaps. Close other programs or tabs.");
  }

  onLatency(latency: Latency): void {
    this.display.tell(latency);
  }

  onTrouble(sentence: string): void {
    const place = element("trouble");
    place.textContent = sentence;
    place.hidden = false;
  }

  private explain(error: unknown): void {
    const known = error instanceof Trouble;
    if (known) this.onTrouble(error.message);
    else if (error instanceof DOMException) this.onTrouble(microphoneTrouble(error));
    else this.onTrouble(`The page failed: ${String(error)}`);
  }

  private say(words: string): void {
    element("status").textContent = words;
    if (words) element("trouble").hidden = true;
  }
}

/** Returns a name for reading: that of a folder may have underscores. */
function spaced(name: string): string {
  return name.replaceAll("_", " ");
}

const page = new Page();
// For programs that build upon the page, and for its tests.
Object.assign(window, { live: page.engine });
void page.open();
