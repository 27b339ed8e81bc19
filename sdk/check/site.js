// A site that has the SDK, its visitors, and what is found wrong.
import { once } from "node:events";
import { createServer } from "node:http";
import { open } from "../../playground/browser.js";

const { HOST, KEY } = process.env;
const AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36";

/** A page of the site; what follows `?tag=` in its address are more attributes of the script tag. */
function page(url) {
  const more = new URLSearchParams(url.search).get("tag") ?? "";
  const tag = `<script>(window.uea ||= []).push(["track", "early", { path: location.pathname }])</script>
<script defer src="${HOST}/sdk.js" data-key="${KEY}" ${more}></script>`;
  const module = `<script type="module">import { init } from "${HOST}/sdk.mjs";
window.uea = init({ key: "${KEY}" });</script>`;
  return `<!doctype html><html lang="de"><title>Page ${url.pathname}</title><link rel="icon" href="data:,">
${url.pathname === "/module" ? module : tag}
<a id="next" href="/next" onclick="history.pushState(null, '', '/next'); return false">next</a>
<a id="away" href="http://other.example:${url.port}/there?secret=1#token">away</a>
<a id="file" href="/price-list.pdf">prices</a>
<form id="contact" action="/thanks"><input name="id" value="what was written"><button>send</button></form>
<p id="box">text</p>`;
}

const site = createServer((request, response) => {
  const url = new URL(request.url, `http://${request.headers.host}`);
  if (url.pathname.endsWith(".pdf")) {
    const file = { "content-disposition": "attachment", "content-type": "application/pdf" };
    return response.writeHead(200, file).end("%PDF");
  }
  response.setHeader("content-type", "text/html; charset=utf-8").end(url.hostname === "other.example" ? "" : page(url));
});
await once(site.listen(0, "127.0.0.1"), "listening");
const shop = `http://shop.example:${site.address().port}`;

export function close() {
  site.close();
  site.closeAllConnections();
}

export const problems = [];

export function same(what, found, wanted) {
  const [is, should] = [found, wanted].map((value) => JSON.stringify(value));
  if (is !== should) problems.push(`${what}: ${is}, not ${should}`);
}

export const later = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** A browser of somebody new. */
export async function visitor(options = {}) {
  const context = await open({
    viewport: { width: 1200, height: 800 },
    // The name by a flag: Playwright's own is not that of beacons.
    args: [
      `--user-agent=${AGENT}`,
      "--host-resolver-rules=MAP *.example 127.0.0.1",
      "--disable-blink-features=AutomationControlled",
    ],
    ...options,
  });
  context.setDefaultTimeout(15_000);
  context.on("page", (tab) => tab.on("pageerror", (error) => problems.push(`error: ${error.message}`)));
  return context;
}

export async function visit(context, path) {
  const tab = await context.newPage();
  await tab.goto(shop + path);
  return tab;
}

/** Attributes of the script tag for the page's address. */
export const tag = (attributes) => `?tag=${encodeURIComponent(attributes)}`;

export const track = (tab, type) => tab.evaluate((type) => window.uea.track(type), type);
export const flush = (tab) => tab.evaluate(() => window.uea.flush());
export const stored = (tab) => tab.evaluate(() => Object.keys(localStorage).sort());

/** Until the tab keeps no event any more: the server has all of them. */
export const sent = (tab) => tab.waitForFunction(() => !Object.keys(localStorage).some((name) => /^uea\.e\./.test(name)));

/** The requests with events from now on, in their order; each is answered by what `answer` does with it. */
export async function requests(context, answer = (route) => route.continue()) {
  const seen = [];
  await context.route("**/api/v1/events**", (route) => {
    const { events } = JSON.parse(route.request().postData());
    seen.push({ at: Date.now(), events });
    return answer(route, events);
  });
  return seen;
}

/** An answer that pages of other sites may read. */
export function answer(route, status, headers = {}) {
  const open = { "access-control-allow-origin": "*", "access-control-expose-headers": "retry-after" };
  return route.fulfill({ status, headers: { ...open, ...headers } });
}
