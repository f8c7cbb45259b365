// Plays the live page in Chromium as a person would, and prints what happened as JSON.
//
//   node drive.mjs PAGE.html CHROMIUM JOB.json
//
// JOB.json: {"scenario", "microphone": WAV that the fake microphone plays, and what it needs}.

import { job, messages } from "./browser.mjs";
import { looks } from "./looks.mjs";
import { playing } from "./playing.mjs";

const results = await { ...playing, ...looks }[job.scenario]();
console.log(JSON.stringify({ results, messages }));
