// The page's files: inside of it, or beside it.

/** A problem, with the sentence that the page shows. */
export class Trouble extends Error {}

/** Returns the content of a file; one in gzip format is unpacked. */
export async function readFile(name: string): Promise<ArrayBuffer> {
  const embedded = document.querySelector<HTMLElement>(`[data-file="${CSS.escape(name)}"]`);
  const content = embedded
    ? Uint8Array.from(atob(embedded.textContent ?? ""), (letter) => letter.charCodeAt(0))
    : await download(name);
  // Some servers unpack files that end in .gz.
  return content[0] === 0x1f && content[1] === 0x8b ? unpacked(content) : content.slice().buffer;
}

async function download(name: string): Promise<Uint8Array<ArrayBuffer>> {
  let response: Response;
  try {
    response = await fetch(name);
  } catch {
    const hint = location.protocol === "file:" ? "; a page in a folder needs a web server" : "";
    throw new Trouble(`${name} could not be loaded${hint}.`);
  }
  if (!response.ok) throw new Trouble(`${name} could not be loaded (${response.status}).`);
  return new Uint8Array(await response.arrayBuffer());
}

async function unpacked(content: Uint8Array<ArrayBuffer>): Promise<ArrayBuffer> {
  const stream = new Blob([content]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).arrayBuffer();
}

/** Returns an address of a script that the page holds as text, for a worker. */
export function scriptAddress(id: string): string {
  return URL.createObjectURL(new Blob([scriptText(id)], { type: "text/javascript" }));
}

/**
 * Loads a script that the page holds as text on the audio thread.
 *
 * The address holds the script itself: on a page from a disk, browsers load no modules from blobs.
 */
export async function addModule(context: AudioContext, id: string): Promise<void> {
  const text = encodeURIComponent(scriptText(id));
  try {
    await context.audioWorklet.addModule(`data:text/javascript;charset=utf-8,${text}`);
  } catch {
    await context.audioWorklet.addModule(scriptAddress(id));
  }
}

function scriptText(id: string): string {
  return document.getElementById(id)?.textContent ?? "";
}
