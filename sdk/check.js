// Visits a site that has the script tag, in a real browser, as visitors do: offline, in several tabs, against a server
// that is away, with and without leave. What has arrived is for others to ask. Usage: node check.js, with HOST and KEY.
import { once } from "node:events";
import { createServer } from "node:http";
import { open } from "../playground/browser.js";

const { HOST, KEY } = process.env;
const AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36";

/** A page of the site; what follows `?tag=` in its address are more attributes of the script tag. */
function page(url) {
  const more = new URLSearchParams(url.search).get("tag") ?? "";
  return `<!doctype html><html lang="de"><title>Page ${url.pathname}</title><link rel="icon" href="data:,">
<script>(window.uea ||= []).push(["track", "early", { path: location.pathname }])</script>
<script defer src="${HOST}/sdk.js" data-key="${KEY}" ${more}></script>
<a id="next" href="/next" onclick="history.pushState(null, '', '/next'); return false">next</a>
<a id="away" href="http://other.example:${url.port}/there?secret=1">away</a>
<a id="file" href="/price-list.pdf">prices</a>
<form id="contact" action="/thanks"><input name="id" value="what was written"><button>send</button></form>
<p id="box">text</p>`;
}

const site = createServer((request, response) => {
  const url = new URL(request.url, `http://${request.headers.host}`);
  if (url.pathname.endsWith(".pdf")) {
    return response.writeHead(200, { "content-disposition": "attachment", "content-type": "application/pdf" }).end("%PDF");
  }
  response.setHeader("content-type", "text/html; charset=utf-8").end(url.hostname === "other.example" ? "" : page(url));
});
await once(site.listen(0, "127.0.0.1"), "listening");
const shop = `http://shop.example:${site.address().port}`;

const problems = [];
const same = (what, found, wanted) => {
  if (JSON.stringify(found) !== JSON.stringify(wanted)) problems.push(`${what}: ${JSON.stringify(found)}, not ${JSON.stringify(wanted)}`);
};

/** A browser of somebody new. */
async function visitor(options = {}) {
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

const visit = async (context, path) => {
  const tab = await context.newPage();
  await tab.goto(shop + path);
  return tab;
};
const flush = (tab) => tab.evaluate(() => window.uea.flush());
const stored = (tab) => tab.evaluate(() => Object.keys(localStorage).sort());
/** Until the tab keeps no event any more: the server has all of them. */
const sent = (tab) => tab.waitForFunction(() => !Object.keys(localStorage).some((name) => name.startsWith("uea.e.")));

async function ordinary() {
  const context = await visitor();
  const tab = await visit(context, "/start?utm_source=mail");
  await tab.click("#next");
  await tab.evaluate(() => history.pushState(null, "", "/next#part"));
  await tab.evaluate(() => window.uea.identify("ada", { plan: "pro" }));
  await tab.evaluate(() => window.uea.track("order", { items: 2 }, { revenue: "24.50", currency: "EUR", id: "order-1" }));
  await tab.evaluate(() => window.uea.track("order", { items: 2 }, { revenue: "24.50", currency: "EUR", id: "order-1" }));
  same("what is too large is not taken", await tab.evaluate(() => window.uea.track("huge", { x: "x".repeat(40_000) })), false);
  await Promise.all([tab.waitForEvent("download"), tab.click("#file")]);
  // Leaves at once, so that only a beacon can tell.
  await Promise.all([tab.waitForURL(/other\.example/), tab.click("#away")]);
  await tab.goBack();
  await Promise.all([tab.waitForURL(/thanks/), tab.click("#contact button")]);
  await sent(tab);
  same("no cookie", await context.cookies(), []);
  await context.close();
}

async function withoutNetwork() {
  const context = await visitor();
  const tab = await visit(context, "/offline");
  await sent(tab);
  await context.setOffline(true);
  await tab.evaluate(() => window.uea.track("without_network"));
  await flush(tab);
  await tab.close();
  await context.setOffline(false);
  // Another tab takes over what the first one left.
  await sent(await visit(context, "/online"));
  await context.close();
}

async function troubledServer() {
  const context = await visitor();
  const answers = ["busy", "away", "lost", "unread"];
  await context.route("**/api/v1/events**", async (route) => {
    const answer = answers.shift();
    if (answer === "busy") return route.fulfill({ status: 429, headers: { "retry-after": "1", "access-control-allow-origin": "*" } });
    if (answer === "away") return route.fulfill({ status: 503, headers: { "access-control-allow-origin": "*" } });
    if (answer === "lost") return route.abort();
    // Stored, and nobody hears of it.
    if (answer === "unread") return route.fetch().then(() => route.abort());
    return route.continue();
  });
  const tab = await visit(context, "/troubled");
  await sent(tab);
  same("every way to fail was met", answers, []);
  await context.close();
}

async function twoTabs() {
  const context = await visitor();
  const tabs = await Promise.all([visit(context, "/left"), visit(context, "/right")]);
  for (const tab of tabs) await tab.evaluate(() => window.uea.track("tab", { path: location.pathname }));
  for (const tab of tabs) await sent(tab);
  await context.close();
}

async function wrongClock() {
  const context = await visitor();
  await context.addInitScript("{ const now = Date.now; Date.now = () => now() - 26 * 60 * 60 * 1000; }");
  const tab = await visit(context, "/slow-clock");
  await sent(tab);
  await context.close();
}

async function asked() {
  const context = await visitor();
  const tab = await visit(context, `/asked?tag=${encodeURIComponent('data-consent="required" data-vitals')}`);
  await tab.evaluate(() => window.uea.track("before_consent"));
  await flush(tab);
  same("nothing is kept before leave is given", await stored(tab), []);
  same("nor a cookie", await context.cookies(), []);
  await tab.evaluate(() => window.uea.consent(true));
  await tab.evaluate(() => window.uea.track("after_consent"));
  await sent(tab);
  same("then an id is", await stored(tab), ["uea.consent", "uea.id"]);
  await tab.evaluate(() => window.uea.consent(false));
  same("and nothing once it is taken back", await stored(tab), []);
  await tab.click("#box");
  await tab.goto("about:blank");
  await new Promise((resolve) => setTimeout(resolve, 500));
  await context.close();
}

async function unwilling() {
  for (const signal of ["doNotTrack: { get: () => '1' }", "globalPrivacyControl: { get: () => true }"]) {
    const context = await visitor();
    await context.addInitScript(`Object.defineProperties(Navigator.prototype, { ${signal} })`);
    const tab = await visit(context, "/unwilling");
    await flush(tab);
    same("whoever says no to it leaves no trace", await stored(tab), []);
    await context.close();
  }
  const context = await visitor();
  const tab = await visit(context, "/out");
  await sent(tab);
  await tab.evaluate(() => window.uea.optOut());
  same("opted out", await tab.evaluate(() => window.uea.track("never")), false);
  same("only that is kept", await stored(tab), ["uea.out"]);
  const next = await visit(context, "/never");
  await flush(next);
  await next.evaluate(() => window.uea.optIn());
  await next.evaluate(() => window.uea.track("in_again"));
  await sent(next);
  await context.close();
}

try {
  for (const part of [ordinary, withoutNetwork, troubledServer, twoTabs, wrongClock, asked, unwilling]) {
    await part().catch((error) => problems.push(`${part.name}: ${error.stack}`));
  }
} finally {
  site.close();
  site.closeAllConnections();
}
for (const problem of problems) console.error(problem);
process.exit(problems.length > 0 ? 1 : 0);
