// Builds the page's scripts, and copies LiteRT.js's runtime: `make page`.

import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync, mkdirSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { build, transform } from "esbuild";

// The build without relaxed SIMD, which Safari lacks.
const RUNTIME = "node_modules/@litertjs/core/wasm/litert_wasm_compat_internal";
const out = "built";

mkdirSync(out, { recursive: true });
for (const name of ["page", "worker", "worklet"]) {
  await build({
    entryPoints: [`src/${name}.ts`],
    outfile: `${out}/${name}.js`,
    bundle: true,
    minify: true,
    format: "iife",
    target: ["chrome110", "firefox115", "safari16.4"],
    charset: "ascii",
    legalComments: "none",
    // LiteRT.js asks whether it runs in Node.
    external: ["fs", "path", "url", "node:*"],
    logLevel: "warning",
  });
}
// The runtime's script defines a global that LiteRT.js finds.
const glue = await transform(readFileSync(`${RUNTIME}.js`, "utf8"), { minify: true, charset: "ascii" });
writeFileSync(`${out}/worker.js`, glue.code + readFileSync(`${out}/worker.js`, "utf8"));
writeFileSync(`${out}/litert.wasm.gz`, gzipSync(readFileSync(`${RUNTIME}.wasm`), { level: 9 }));

// What the files were made of, so that a test can tell when they are stale.
const sources = ["build.mjs", "package-lock.json", "tsconfig.json"];
sources.push(...readdirSync("src").filter((name) => name.endsWith(".ts")).map((n) => `src/${n}`));
const hash = (name) => createHash("sha256").update(readFileSync(name)).digest("hex");
const record = { sources: {}, files: {} };
for (const name of sources.sort()) record.sources[name] = hash(name);
for (const name of readdirSync(out).sort()) {
  if (name !== "record.json" && name !== "NOTICE") record.files[name] = hash(`${out}/${name}`);
}
writeFileSync(`${out}/record.json`, `${JSON.stringify(record, null, 2)}\n`);
