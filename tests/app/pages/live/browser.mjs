// The live page in Chromium, and what the scenarios need of it.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const root = new URL("../../../../ddsp_tf/app/pages/live/package.json", import.meta.url);
const { chromium } = createRequire(root)("playwright-core");

const [address, executablePath, jobFile] = process.argv.slice(2);
export const job = JSON.parse(readFileSync(jobFile, "utf8"));
/** Errors on the console. */
export const messages = [];

export async function open(flags = [], options = {}, prepare = null) {
  const args = ["--no-sandbox", "--disable-gpu", "--mute-audio", ...flags];
  const browser = await chromium.launch({ executablePath, args });
  const page = await browser.newPage({ viewport: { width: 1180, height: 1000 }, ...options });
  page.on("console", (message) => {
    if (message.type() === "error") messages.push(message.text());
  });
  page.on("pageerror", (error) => messages.push(error.message));
  page.setDefaultTimeout(120_000);
  if (prepare) await page.addInitScript(prepare);
  await page.goto(address);
  return { browser, page };
}

/** Notes the starts of sounds, and the frames that are played and heard. */
export function watch(page) {
  return page.evaluate(() => {
    window.seen = { sounds: [], played: [], heard: [], busy: [], gaps: [], cushion: 0 };
    const hear = live.hear.bind(live);
    live.hear = (report) => {
      if (report.kind === "onset" && report.of === "output") {
        const { contextTime, performanceTime } = live.latency.context.getOutputTimestamp();
        seen.sounds.push(performanceTime + 1000 * (report.time - contextTime));
      }
      const before = live.underruns;
      if (report.kind === "state") seen.cushion = report.cushion;
      hear(report);
      // Seconds, to within a tenth.
      for (let k = before; k < live.underruns; k++) seen.gaps.push(performance.now() / 1000);
    };
    const show = live.listener.onFrames.bind(live.listener);
    live.listener.onFrames = (message) => {
      seen.played.push(...message.played);
      seen.heard.push(...message.heard);
      seen.busy.push(message.busy);
      show(message);
    };
    const take = live.take.bind(live);
    live.take = (message) => {
      if (message.kind === "listened") seen.curves = message.curves;
      take(message);
    };
  });
}

export const ready = (page) => page.waitForSelector("#power:not([disabled])");
const fake = ["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"];
export const voice = [...fake, `--use-file-for-fake-audio-capture=${job.microphone}`];
export const text = (page, id) => page.locator(`#${id}`).textContent();

export async function choose(page, name) {
  await page.selectOption("#instrument", name);
  await page.waitForFunction((wanted) => live.facts.name === wanted, name);
  await ready(page);
}
