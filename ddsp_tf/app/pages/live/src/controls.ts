// The page's elements: found by name, and sliders as settings.

import type { Settings } from "./protocol";

/** Returns an element of the page by its id. */
export function element<T extends HTMLElement = HTMLElement>(id: string): T {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page lacks #${id}`);
  return found as T;
}

const UNITS: Record<string, (value: number) => string> = {
  octave: (value) => signed(value),
  semitones: (value) => `${signed(value)} semitones`,
  loudness: (value) => `${signed(value)} dB`,
  vibrato: (value) => `${value} cents`,
  gate: (value) => `${value} dB below loud`,
  room: (value) => `${value} %`,
};

function signed(value: number): string {
  return value > 0 ? `+${value}` : String(value).replace("-", "−");
}

/** The sliders. */
export class Sliders {
  constructor(private readonly onChange: () => void) {
    for (const name of Object.keys(UNITS)) {
      this.slider(name).addEventListener("input", () => this.changed(name));
      this.slider(name).addEventListener("dblclick", () => {
        this.set(name, Number(this.slider(name).defaultValue));
      });
      this.label(name);
    }
  }

  get settings(): Settings {
    const value = (name: string) => Number(this.slider(name).value);
    return {
      octave: value("octave"),
      semitones: value("semitones"),
      loudness: value("loudness"),
      vibrato: value("vibrato"),
      gate: value("gate"),
    };
  }

  /** From 0, dry, to 1. */
  get room(): number {
    return Number(this.slider("room").value) / 100;
  }

  set(name: string, value: number): void {
    this.slider(name).value = String(value);
    this.changed(name);
  }

  private changed(name: string): void {
    this.label(name);
    this.onChange();
  }

  private slider(name: string): HTMLInputElement {
    return element<HTMLInputElement>(`slider-${name}`);
  }

  private label(name: string): void {
    const slider = this.slider(name);
    const words = UNITS[name](Number(slider.value));
    slider.setAttribute("aria-valuetext", words);
    element(`value-${name}`).textContent = words;
  }
}

/** Marks one of a group of buttons as pressed. */
export function press(buttons: Iterable<HTMLElement>, chosen: HTMLElement): void {
  for (const button of buttons) button.setAttribute("aria-pressed", String(button === chosen));
}
