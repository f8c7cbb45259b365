// Plays the live page in Chromium as a person would, and prints what happened as JSON.
//
//   node drive.mjs PAGE.html CHROMIUM JOB.json
//
// JOB.json: {"scenario", "microphone": WAV that the fake microphone plays, and what it needs}.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const root = new URL("../../../../ddsp_tf/app/pages/live/package.json", import.meta.url);
const { chromium } = createRequire(root)("playwright-core");

const [address, executablePath, jobFile] = process.argv.slice(2);
const job = JSON.parse(readFileSync(jobFile, "utf8"));
const messages = [];

async function open(flags = [], options = {}, prepare = null) {
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
function watch(page) {
  return page.evaluate(() => {
    window.seen = { sounds: [], played: [], heard: [], busy: [], cushion: 0 };
    const hear = live.hear.bind(live);
    live.hear = (report) => {
      if (report.kind === "onset" && report.of === "output") {
        const { contextTime, performanceTime } = live.latency.context.getOutputTimestamp();
        seen.sounds.push(performanceTime + 1000 * (report.time - contextTime));
      }
      if (report.kind === "state") seen.cushion = report.cushion;
      hear(report);
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

const ready = (page) => page.waitForSelector("#power:not([disabled])");
const fake = ["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"];
const voice = [...fake, `--use-file-for-fake-audio-capture=${job.microphone}`];
const text = (page, id) => page.locator(`#${id}`).textContent();

async function choose(page, name) {
  await page.selectOption("#instrument", name);
  await page.waitForFunction((wanted) => live.facts.name === wanted, name);
  await ready(page);
}

const scenarios = {
  /** From click to sound, then from keys to sound with each instrument. */
  async keys() {
    const { browser, page } = await open();
    await ready(page);
    await watch(page);
    const clicked = await page.evaluate(() => performance.now());
    await page.click("#power");
    await page.keyboard.down("f");
    await page.waitForFunction(() => seen.sounds.length > 0);
    const first = (await page.evaluate(() => seen.sounds[0])) - clicked;
    await page.keyboard.up("f");
    const latencies = {};
    for (const name of job.instruments) {
      await choose(page, name);
      await page.waitForTimeout(1500);
      await page.evaluate(() => (live.latency.ofKeys.length = 0));
      for (let k = 0; k < job.presses; k++) {
        await page.keyboard.down("g");
        await page.waitForTimeout(250);
        await page.keyboard.up("g");
        await page.waitForTimeout(job.pause);
      }
      latencies[name] = await page.evaluate(() => [...live.latency.ofKeys]);
    }
    const gaps = await page.evaluate(() => live.underruns);
    const [output, cushion] = await page.evaluate(() => [live.latency.output, seen.cushion]);
    const levels = await page.evaluate(() => seen.played.map((frame) => frame.level));
    await browser.close();
    return { first, latencies, gaps, output, cushion, sounding: levels.filter((x) => x !== null).length };
  },

  /** Curves and noise through the model, as a caller of run_tflite.py has them. */
  async render() {
    const { browser, page } = await open();
    await ready(page);
    const found = {};
    for (const [name, { f0, level, noise }] of Object.entries(job.curves)) {
      await choose(page, name);
      found[name] = await page.evaluate(
        async ([f0, level, noise]) => {
          // JSON has no NaN: silence is null.
          const numbers = (list) => Float32Array.from(list, (value) => value ?? NaN);
          const curves = { f0: numbers(f0), level: numbers(level), confidence: numbers(f0) };
          return Array.from(await live.render(curves, numbers(noise)));
        },
        [f0, level, noise],
      );
    }
    await browser.close();
    return found;
  },

  /** The microphone for some seconds with each instrument. */
  async microphone() {
    const { browser, page } = await open(voice);
    await ready(page);
    await watch(page);
    const found = {};
    for (const name of job.instruments) {
      await choose(page, name);
      await page.click("[data-source=microphone]");
      await page.waitForTimeout(3000);
      await page.evaluate(() => {
        Object.assign(seen, { played: [], heard: [], busy: [] });
        live.latency.ofVoice.length = 0;
        seen.before = live.underruns;
      });
      await page.waitForTimeout(1000 * job.seconds);
      found[name] = await page.evaluate(() => ({
        played: seen.played,
        heard: seen.heard,
        busy: seen.busy,
        voice: [...live.latency.ofVoice],
        gaps: live.underruns - seen.before,
      }));
    }
    found.trouble = await text(page, "trouble");
    await page.click("#fit");
    found.octave = await page.inputValue("#slider-octave");
    await browser.close();
    return found;
  },

  /** A recording from a file: heard, played, compared, saved; and the page recorded to WAV. */
  async recording() {
    const { browser, page } = await open(voice, { acceptDownloads: true });
    await ready(page);
    await watch(page);
    await page.setInputFiles("#recording-file", job.recording);
    await page.waitForSelector("#recording-play:not([disabled])");
    const name = await text(page, "recording-name");
    await page.click("#tape");
    await page.waitForTimeout(2000);
    await page.click("[data-hear=input]");
    await page.waitForTimeout(1000);
    const tape = page.waitForEvent("download");
    await page.click("#tape");
    await (await tape).saveAs(job.tape);
    const whole = page.waitForEvent("download");
    await page.click("#recording-save");
    await (await whole).saveAs(job.whole);
    const played = await page.evaluate(() => seen.played);
    await page.setInputFiles("#recording-file", job.broken);
    await page.waitForFunction(() => document.querySelector("#trouble").textContent.includes("broken"));
    const trouble = await text(page, "trouble");
    await browser.close();
    return { name, played, trouble };
  },

  /** A MIDI file: its second track is played, seen and saved; and one that is damaged. */
  async song() {
    const { browser, page } = await open([], { acceptDownloads: true });
    await ready(page);
    await watch(page);
    await page.setInputFiles("#recording-file", job.song);
    await page.waitForSelector("#recording-play:not([disabled])");
    const tracks = await page.locator("#track option").allTextContents();
    const first = await page.getAttribute("#recording-position", "max");
    await page.selectOption("#track", { index: 1 });
    await page.waitForFunction(
      (max) => document.querySelector("#recording-position").max !== max,
      first,
    );
    await page.evaluate(() => (seen.played.length = 0));
    await page.waitForTimeout(3000);
    const played = await page.evaluate(() => seen.played);
    const curves = await page.evaluate(() => [seen.curves.f0, seen.curves.level].map((one) => [...one]));
    const shown = { name: await text(page, "recording-name"), compare: await page.isVisible("#compare") };
    const whole = page.waitForEvent("download");
    await page.click("#recording-save");
    await (await whole).saveAs(job.whole);
    await page.setInputFiles("#recording-file", job.broken);
    await page.waitForFunction(() => document.querySelector("#trouble").textContent.includes("broken"));
    const trouble = await text(page, "trouble");
    await browser.close();
    return { tracks, played, curves, trouble, ...shown };
  },

  /** The page without a mouse: what Tab reaches, and a note by arrow keys and space. */
  async operated() {
    const { browser, page } = await open();
    await ready(page);
    await watch(page);
    const reached = [];
    for (let k = 0; k < 60; k++) {
      await page.keyboard.press("Tab");
      const name = await page.evaluate(() => {
        const { activeElement: one } = document;
        const label = one.getAttribute("aria-label") ?? one.labels?.[0]?.textContent;
        return one === document.body ? null : (label ?? one.textContent).trim();
      });
      if (name === null) break;
      reached.push(name);
    }
    await page.focus("[data-midi]");
    for (const key of ["ArrowRight", "ArrowRight"]) await page.keyboard.press(key);
    const key = await page.evaluate(() => document.activeElement.getAttribute("aria-label"));
    await page.keyboard.down("Space");
    await page.waitForFunction(() => document.querySelector("#now").textContent !== "silence");
    const now = await text(page, "now");
    await page.keyboard.up("Space");
    await page.focus("[data-source=recording]");
    await page.keyboard.press("Enter");
    await page.waitForSelector("[data-panel=recording]:not([hidden])");
    await page.keyboard.press("Tab");
    const file = await page.evaluate(() => document.activeElement.id);
    await browser.close();
    return { reached, key, now, file };
  },

  /** What the page says where it cannot play. */
  async troubles() {
    const sentences = {};
    const denied = await open(["--use-fake-device-for-media-stream", "--deny-permission-prompts"]);
    await ready(denied.page);
    await denied.page.click("[data-source=microphone]");
    await denied.page.waitForSelector("#trouble:not([hidden])");
    sentences.denied = await text(denied.page, "trouble");
    await denied.page.keyboard.down("f");
    await denied.page.waitForFunction(() => document.querySelector("#now").textContent !== "silence");
    await denied.browser.close();
    const old = await open([], {}, () => delete window.AudioWorkletNode);
    await old.page.waitForSelector("#trouble:not([hidden])");
    sentences.old = await text(old.page, "trouble");
    await old.browser.close();
    const broken = await open([], {}, () => {
      const read = window.atob;
      // The first file that is read is the runtime, the second the model.
      let count = 0;
      window.atob = (letters) => (++count === 2 ? "TFL3 no model" : read(letters));
    });
    await broken.page.waitForSelector("#trouble:not([hidden])");
    sentences.broken = await text(broken.page, "trouble");
    await broken.browser.close();
    messages.length = 0;
    return sentences;
  },

  /** Pictures: desktop, phone, dark. */
  async pictures() {
    const views = {
      desktop: { viewport: { width: 1180, height: 900 } },
      phone: { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true },
      dark: { viewport: { width: 1180, height: 900 }, colorScheme: "dark" },
    };
    const widths = {};
    for (const [name, options] of Object.entries(views)) {
      const { browser, page } = await open(voice, options);
      await ready(page);
      const source = name === "desktop" ? "keyboard" : job.sources?.[name] ?? "keyboard";
      await page.click("#power");
      if (source === "recording") await page.setInputFiles("#recording-file", job.recording);
      else if (source === "microphone") await page.click("[data-source=microphone]");
      for (const key of source === "keyboard" ? "sdfghjk" : "") {
        await page.keyboard.down(key);
        await page.waitForTimeout(450);
        await page.keyboard.up(key);
      }
      if (source === "keyboard") await page.keyboard.down("j");
      await page.waitForTimeout(source === "keyboard" ? 600 : job.wait ?? 6000);
      await page.screenshot({ path: `${job.pictures}/${name}.png`, fullPage: true });
      widths[name] = await page.evaluate(() => document.documentElement.scrollWidth);
      await browser.close();
    }
    return widths;
  },
};

const results = await scenarios[job.scenario]();
console.log(JSON.stringify({ results, messages }));
