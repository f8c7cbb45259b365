// Scenarios: keys, microphone, recordings and MIDI.

import { choose, job, open, ready, text, voice, watch } from "./browser.mjs";

export const playing = {
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
    const gaps = {};
    for (const name of job.instruments) {
      await choose(page, name);
      await page.waitForTimeout(1500);
      const began = await page.evaluate(() => {
        live.latency.ofKeys.length = seen.gaps.length = 0;
        return performance.now() / 1000;
      });
      for (let k = 0; k < job.presses; k++) {
        await page.keyboard.down("g");
        await page.waitForTimeout(250);
        await page.keyboard.up("g");
        await page.waitForTimeout(job.pause);
      }
      latencies[name] = await page.evaluate(() => [...live.latency.ofKeys]);
      gaps[name] = (await page.evaluate(() => seen.gaps)).map((time) => time - began);
    }
    const total = await page.evaluate(() => live.underruns);
    const [output, cushion] = await page.evaluate(() => [live.latency.output, seen.cushion]);
    const levels = await page.evaluate(() => seen.played.map((frame) => frame.level));
    await browser.close();
    return { first, latencies, gaps, total, output, cushion, sounding: levels.filter((x) => x !== null).length };
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

  /** One instrument after the other, while a key is held; each plays a key in the middle. */
  async switching() {
    const { browser, page } = await open();
    await ready(page);
    await watch(page);
    await page.click("#power");
    const found = {};
    for (const name of job.instruments) {
      await page.keyboard.down("a");
      await choose(page, name);
      await page.keyboard.up("a");
      await page.waitForTimeout(500);
      await page.evaluate(() => (seen.sounds.length = seen.played.length = 0));
      await page.keyboard.down("k");
      await page.waitForFunction(() => seen.sounds.length > 0);
      await page.waitForTimeout(600);
      const { range, played } = await page.evaluate(() => ({
        range: live.facts.pitchRange,
        played: seen.played,
      }));
      await page.keyboard.up("k");
      const pale = await page.locator("#keys .far").count();
      found[name] = { range, played, pale, keys: await text(page, "keys-title") };
    }
    const trouble = await text(page, "trouble");
    await browser.close();
    return { found, trouble };
  },

  /** A MIDI keyboard with its wheels and its pedal, and a second one that is connected later. */
  async midi() {
    const { browser, page } = await open([], {}, () => {
      const inputs = new Map();
      const access = { inputs, onstatechange: null };
      window.plug = (name) => {
        inputs.set(name, { name, state: "connected", onmidimessage: null });
        access.onstatechange?.();
      };
      window.send = (name, data) =>
        inputs.get(name).onmidimessage({ data: Uint8Array.from(data), timeStamp: performance.now() });
      plug("Keys");
      navigator.requestMIDIAccess = async () => access;
    });
    await ready(page);
    await watch(page);
    await page.click("#midi");
    await page.waitForFunction(() => document.querySelector("#midi-names").textContent === "Keys");
    await page.evaluate(() => plug("Pads"));
    /** Sends messages; returns the frames that are played half a second later. */
    const play = async (name, ...messages) => {
      for (const data of messages) await page.evaluate(([to, one]) => send(to, one), [name, data]);
      await page.waitForTimeout(500);
      await page.evaluate(() => (seen.played.length = 0));
      await page.waitForTimeout(400);
      return page.evaluate(() => seen.played);
    };
    const found = {
      soft: await play("Keys", [0x90, 60, 20]),
      loud: await play("Keys", [0x80, 60, 0], [0x90, 60, 127]),
      pressed: await play("Keys", [0xd0, 127]),
      bent: await play("Keys", [0xd0, 0], [0xe0, 127, 127]),
      wheel: await play("Keys", [0xe0, 0, 64], [0xb0, 1, 127]),
      pedal: await play("Keys", [0xb0, 1, 0], [0xb0, 64, 127], [0x80, 60, 0]),
      released: await play("Keys", [0xb0, 64, 0]),
      other: await play("Pads", [0x90, 67, 127]),
    };
    const names = await text(page, "midi-names");
    const shown = await page.locator("#keys .down").getAttribute("data-midi");
    await browser.close();
    return { found, names, shown };
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
};
