// Builds dist/: sdk.js for a script tag, sdk.mjs to import, and sdk.d.mts, its types. Fails when what a page loads has
// grown too large.
import { build } from "esbuild";
import { execFileSync } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

/** Bytes of either file, gzipped. */
const MOST = 3_072;

rmSync("dist", { recursive: true, force: true });
const common = { bundle: true, minify: true, target: "es2021", legalComments: "none", logLevel: "warning" };
await build({ ...common, entryPoints: ["src/script.ts"], format: "iife", outfile: "dist/sdk.js" });
await build({ ...common, entryPoints: ["src/index.ts"], format: "esm", outfile: "dist/sdk.mjs" });
for (const file of ["dist/sdk.js", "dist/sdk.mjs"]) {
  const bytes = gzipSync(readFileSync(file), { level: 9 }).length;
  console.log(`${file}: ${bytes} bytes gzipped`);
  if (bytes > MOST) throw new Error(`${file} has more than ${MOST} bytes gzipped`);
}

// One file of types, as there is one of code: the two that others see, without their references to each other.
execFileSync("node_modules/.bin/tsc", { stdio: "inherit" });
const types = ["api", "index"].map((name) => readFileSync(`dist/types/${name}.d.ts`, "utf8"));
writeFileSync("dist/sdk.d.mts", types.join("").replace(/^(import|export) type \{.*\n/gm, ""));
rmSync("dist/types", { recursive: true });
