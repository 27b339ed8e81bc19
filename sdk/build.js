// Builds dist/: sdk.js for a script tag and sdk.mjs to import. Fails when what a page loads has grown too large.
import { build } from "esbuild";
import { readFileSync, rmSync } from "node:fs";
import { gzipSync } from "node:zlib";

/** Bytes of either file, gzipped. */
const MOST = 3_072;

rmSync("dist", { recursive: true, force: true });
const common = { bundle: true, minify: true, target: "es2020", legalComments: "none", logLevel: "warning" };
await build({ ...common, entryPoints: ["src/script.ts"], format: "iife", outfile: "dist/sdk.js" });
await build({ ...common, entryPoints: ["src/index.ts"], format: "esm", outfile: "dist/sdk.mjs" });
for (const file of ["dist/sdk.js", "dist/sdk.mjs"]) {
  const bytes = gzipSync(readFileSync(file), { level: 9 }).length;
  console.log(`${file}: ${bytes} bytes gzipped`);
  if (bytes > MOST) throw new Error(`${file} has more than ${MOST} bytes gzipped`);
}
