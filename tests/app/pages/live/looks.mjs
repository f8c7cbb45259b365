// Scenarios: the page without a mouse, without what it needs, and in pictures.

import { job, messages, open, ready, text, voice, watch } from "./browser.mjs";

export const looks = {
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
    const safari = await open([], {}, () => delete Navigator.prototype.requestMIDIAccess);
    await ready(safari.page);
    sentences.midi = await text(safari.page, "midi-names");
    await safari.browser.close();
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
