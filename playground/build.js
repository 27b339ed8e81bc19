// Builds dist/: index.html and hashed files in assets/. The server embeds them.
import { build } from "esbuild";
import { readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { basename } from "node:path";

const base = "/playground/";

const common = {
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  outdir: "dist/assets",
  entryNames: "[name]-[hash]",
  assetNames: "[name]-[hash]",
  chunkNames: "[name]-[hash]",
  loader: { ".ttf": "file" },
  define: { "process.env.NODE_ENV": '"production"' },
  metafile: true,
  logLevel: "warning",
};

/** The file that an entry point was built into, as the page asks for it. */
function built(result, entry) {
  const [file] = Object.entries(result.metafile.outputs).find(([, output]) => output.entryPoint?.endsWith(entry));
  return base + file.replace(/^dist\//, "");
}

rmSync("dist", { recursive: true, force: true });

const sources = {
  editor: "monaco-editor/esm/vs/editor/editor.worker.js",
  json: "monaco-editor/esm/vs/language/json/json.worker.js",
  graphql: "monaco-graphql/esm/graphql.worker.js",
};
const workers = await build({ ...common, entryPoints: Object.values(sources) });
const workerUrls = Object.entries(sources).map(([name, source]) => [name, built(workers, source)]);

const operations = readdirSync("operations")
  .filter((file) => file.endsWith(".graphql"))
  .sort()
  .map((file) => {
    const text = readFileSync(`operations/${file}`, "utf8");
    const variables = readFileSync(`operations/${file.replace(/graphql$/, "json")}`, "utf8");
    const name = basename(file, ".graphql").slice(3).replaceAll("-", " ");
    return { name, about: text.match(/^# (.*)/)[1], text, variables };
  });

const page = await build({
  ...common,
  entryPoints: ["src/main.jsx"],
  splitting: true,
  jsx: "automatic",
  define: {
    ...common.define,
    WORKERS: JSON.stringify(Object.fromEntries(workerUrls)),
    OPERATIONS: JSON.stringify(operations),
  },
});
const script = built(page, "src/main.jsx");
const { cssBundle } = page.metafile.outputs[`dist/${script.slice(base.length)}`];

const html = readFileSync("index.html", "utf8")
  .replace("SCRIPT", script)
  .replace("STYLE", cssBundle.replace(/^dist\//, base));
writeFileSync("dist/index.html", html);
