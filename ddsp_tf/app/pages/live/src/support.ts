// Checks the browser, and says what it lacks.

const NEEDS: [string, () => boolean][] = [
  ["WebAssembly", () => typeof WebAssembly === "object"],
  ["Web Workers", () => typeof Worker === "function"],
  ["DecompressionStream", () => typeof DecompressionStream === "function"],
  ["AudioContext", () => typeof AudioContext === "function"],
  ["AudioWorklet", () => typeof AudioWorkletNode === "function"],
];

/** Returns a sentence on what this browser lacks; null if it has all. */
export function obstacle(): string | null {
  if (!window.isSecureContext) {
    return (
      "Browsers allow sound and microphone only on secure pages. Open this page at an address that " +
      "begins with https:// or http://localhost."
    );
  }
  const missing = NEEDS.find(([, there]) => !there());
  if (!missing) return null;
  return (
    `This browser cannot play the instrument, because it lacks ${missing[0]}. A current version of ` +
    "Chrome, Edge, Firefox or Safari can."
  );
}

/** Returns a sentence on why there is no microphone. */
export function microphoneTrouble(error: unknown): string {
  const elsewhere = "The keyboard works without it.";
  switch (error instanceof DOMException ? error.name : "") {
    case "NotAllowedError":
    case "SecurityError":
      return (
        "The microphone is blocked. Allow it with the icon next to the address, and " +
        `choose Microphone again. ${elsewhere}`
      );
    case "NotFoundError":
      return `No microphone was found. Connect one, and choose Microphone again. ${elsewhere}`;
    case "NotReadableError":
      return `Another program is using the microphone. Close it, and try again. ${elsewhere}`;
    default:
      return `The microphone cannot be used (${String(error)}). ${elsewhere}`;
  }
}
