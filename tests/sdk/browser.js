// Runs a script of this folder in a page of another origin, in a real browser, and leaves when the page
// has fallen silent. Usage: node browser.js SCRIPT, with HOST and KEY in the environment.
import { once } from "node:events";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { open } from "../../playground/browser.js";

const playground = createRequire(new URL("../../playground/package.json", import.meta.url));
const { build } = playground("esbuild");

const defined = Object.fromEntries(["HOST", "KEY"].map((name) => [`process.env.${name}`, JSON.stringify(process.env[name])]));
const { outputFiles } = await build({
  entryPoints: [new URL(process.argv[2], import.meta.url).pathname],
  bundle: true,
  format: "iife",
  define: defined,
  write: false,
  logLevel: "error",
});
const page = `<!doctype html><title>Cart</title><link rel="icon" href="data:,"><script>${outputFiles[0].text.replaceAll("</script", "<\\/script")}</script>`;

const site = createServer((_, response) => response.setHeader("content-type", "text/html; charset=utf-8").end(page));
await once(site.listen(0, "127.0.0.1"), "listening");

const agent = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36";
const browser = await open({
  userAgent: agent,
  locale: "de-CH",
  viewport: { width: 1200, height: 800 },
  // The trackers send nothing from localhost, and nothing for whoever calls himself a robot.
  args: ["--host-resolver-rules=MAP shop.example 127.0.0.1", "--disable-blink-features=AutomationControlled"],
});

setTimeout(() => {
  console.error("the page did not fall silent");
  process.exit(1);
}, 60_000).unref();

const problems = [];
let active = 0;
let last = Date.now();
const tab = await browser.newPage();
tab.on("pageerror", (error) => problems.push(`error: ${error.message}`));
tab.on("console", (message) => {
  if (["error", "warning"].includes(message.type())) problems.push(`console: ${message.text()}`);
});
browser.on("request", () => {
  active += 1;
  last = Date.now();
});
for (const end of ["requestfinished", "requestfailed"]) {
  browser.on(end, async (request) => {
    active -= 1;
    last = Date.now();
    if (end === "requestfailed") problems.push(`failed: ${request.url()} ${request.failure()?.errorText}`);
    else if ((await request.response()).status() >= 400) problems.push(`refused: ${request.url()}`);
  });
}

await tab.goto(`http://shop.example:${site.address().port}/cart?utm_source=mail`);
// Libraries send what they have gathered every few seconds.
while (active > 0 || Date.now() - last < 4_000) await new Promise((resolve) => setTimeout(resolve, 50));
await browser.close();
site.close();

for (const problem of problems) console.error(problem);
process.exitCode = problems.length > 0 ? 1 : 0;
