// The keyboard: on the screen, and the keys of the computer.

import type { Gesture } from "./protocol";

const BLACK = [1, 3, 6, 8, 10];
const NAMES = ["C", "C♯", "D", "E♭", "E", "F", "F♯", "G", "A♭", "A", "B♭", "B"];
/** Keys of the computer by their place, from the keyboard's first C. */
const PLACES = [
  ..."KeyA KeyW KeyS KeyE KeyD KeyF KeyT KeyG KeyY KeyH KeyU KeyJ KeyK KeyO KeyL KeyP".split(" "),
  "Semicolon",
];
const DEFAULT_VELOCITY = 0.75;
/** Semitones around the usual range of an instrument in which it still sounds like one. */
const BEYOND = 3;

export function noteName(midi: number): string {
  return `${NAMES[midi % 12]}${Math.floor(midi / 12) - 1}`;
}

/** Shows keys, and turns what is pressed into gestures. */
export class Keyboard {
  private first = 60;
  private octaves = 2;
  private range: readonly [number, number] = [0, 127];
  private held = new Map<string, number>();
  private letters = new Map<string, string>();

  constructor(
    private readonly element: HTMLElement,
    private readonly send: (gesture: Gesture, time?: number) => void,
  ) {
    this.listenToPointers();
    this.listenToKeys();
    new ResizeObserver(() => this.fit()).observe(element);
    void this.readLayout();
  }

  /** Shows the keys around the middle of a range of MIDI numbers. */
  center(range: readonly [number, number]): void {
    this.range = range;
    const middle = (range[0] + range[1]) / 2;
    this.first = Math.max(0, 12 * Math.round((middle - 6 * this.octaves) / 12));
    this.draw();
  }

  /** Moves the keys by octaves. */
  move(octaves: number): void {
    this.releaseAll();
    this.first = Math.max(0, Math.min(96, this.first + 12 * octaves));
    this.draw();
  }

  get title(): string {
    return `${noteName(this.first)} to ${noteName(this.first + 12 * this.octaves)}`;
  }

  /** Shows a note that something else plays. */
  show(midi: number, down: boolean): void {
    this.element.querySelector(`[data-midi="${midi}"]`)?.classList.toggle("down", down);
  }

  releaseAll(): void {
    this.held.clear();
    this.send({ kind: "releaseAll" });
    for (const key of this.element.querySelectorAll(".down")) key.classList.remove("down");
  }

  private fit(): void {
    const octaves = this.element.clientWidth < 520 ? 1 : 2;
    if (octaves === this.octaves) return;
    this.octaves = octaves;
    this.draw();
  }

  private async readLayout(): Promise<void> {
    const { keyboard } = navigator as { keyboard?: { getLayoutMap(): Promise<Map<string, string>> } };
    try {
      this.letters = (await keyboard?.getLayoutMap()) ?? this.letters;
    } catch {
      // Framed pages may not ask; the letters are then those of an English keyboard.
    }
    this.draw();
  }

  private draw(): void {
    const keys = Array.from({ length: 12 * this.octaves + 1 }, (_, k) => this.key(k));
    this.element.replaceChildren(...keys);
    const whites = 7 * this.octaves + 1;
    this.element.style.setProperty("--whites", String(whites));
    this.element.dispatchEvent(new CustomEvent("moved"));
  }

  private key(place: number): HTMLElement {
    const midi = this.first + place;
    const key = document.createElement("button");
    const black = BLACK.includes(midi % 12);
    key.type = "button";
    key.className = black ? "black" : "white";
    const [lowest, highest] = this.range;
    key.classList.toggle("far", midi < lowest - BEYOND || midi > highest + BEYOND);
    key.dataset.midi = String(midi);
    key.setAttribute("aria-label", noteName(midi));
    key.tabIndex = place === 0 ? 0 : -1;
    const below = Array.from({ length: place }, (_, k) => this.first + k);
    const whites = below.filter((other) => !BLACK.includes(other % 12)).length;
    key.style.setProperty("--place", String(whites));
    const code = PLACES[place];
    const letter = this.letters.get(code) ?? code?.replace("Key", "").replace("Semicolon", ";");
    key.append(span("letter", (letter ?? "").toUpperCase()));
    if (midi % 12 === 0) key.append(span("name", noteName(midi)));
    return key;
  }

  private listenToPointers(): void {
    const midiAt = (event: PointerEvent) => {
      const under = document.elementFromPoint(event.clientX, event.clientY);
      const key = under?.closest<HTMLElement>("[data-midi]");
      if (!key || !this.element.contains(key)) return null;
      const box = key.getBoundingClientRect();
      const depth = (event.clientY - box.top) / box.height;
      return { midi: Number(key.dataset.midi), velocity: 0.45 + 0.55 * Math.min(1, depth) };
    };
    this.element.addEventListener("pointerdown", (event) => {
      const found = midiAt(event);
      if (!found) return;
      event.preventDefault();
      this.press(`pointer ${event.pointerId}`, found.midi, found.velocity, event.timeStamp);
    });
    window.addEventListener("pointermove", (event) => {
      const name = `pointer ${event.pointerId}`;
      const before = this.held.get(name);
      const found = before === undefined ? null : midiAt(event);
      if (!found || found.midi === before) return;
      this.press(name, found.midi, found.velocity, event.timeStamp);
    });
    for (const kind of ["pointerup", "pointercancel"] as const) {
      window.addEventListener(kind, (event) => this.release(`pointer ${event.pointerId}`));
    }
  }

  private listenToKeys(): void {
    window.addEventListener("keydown", (event) => {
      if (event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.target instanceof HTMLSelectElement) return;
      const focused = event.target instanceof HTMLElement && event.target.dataset.midi;
      if (focused && (event.code === "Space" || event.code === "Enter")) {
        event.preventDefault();
        this.press(event.code, Number(focused), DEFAULT_VELOCITY, event.timeStamp);
      } else if (focused && event.code.startsWith("Arrow")) {
        event.preventDefault();
        this.focusNext(event.target as HTMLElement, /Right|Up/.test(event.code) ? 1 : -1);
      } else if (event.code === "KeyZ" || event.code === "KeyX") {
        this.move(event.code === "KeyX" ? 1 : -1);
      } else if (PLACES.includes(event.code)) {
        const midi = this.first + PLACES.indexOf(event.code);
        this.press(event.code, midi, DEFAULT_VELOCITY, event.timeStamp);
      }
    });
    window.addEventListener("keyup", (event) => this.release(event.code));
    window.addEventListener("blur", () => this.held.size > 0 && this.releaseAll());
  }

  private focusNext(key: HTMLElement, step: number): void {
    const midi = Number(key.dataset.midi) + step;
    const next = this.element.querySelector<HTMLElement>(`[data-midi="${midi}"]`);
    if (!next) return;
    key.tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  }

  private press(name: string, midi: number, velocity: number, time: number): void {
    this.send({ kind: "press", midi, velocity }, time);
    this.show(midi, true);
    // On sliding to a key, the former one is released after the new one is pressed: a legato.
    this.release(name);
    this.held.set(name, midi);
  }

  private release(name: string): void {
    const midi = this.held.get(name);
    if (midi === undefined) return;
    this.held.delete(name);
    this.send({ kind: "release", midi });
    this.show(midi, false);
  }
}

function span(className: string, text: string): HTMLElement {
  const element = document.createElement("span");
  element.className = className;
  element.textContent = text;
  return element;
}
