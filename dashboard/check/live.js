// The live page: events within a second or two of their acknowledgement, nothing that moves, pause and reconnection.
import { looks, same, settled } from "./looks.js";
import { explore } from "./sorting.js";

/** From the acknowledgement of an event until it shows. */
const SOON_MS = 2_000;

let sent = 0;

/** Sends an event; resolves once it is acknowledged. */
async function send({ url, key }, more = {}) {
  const id = `live-${++sent}`;
  const event = { id, event_type: "page_view", url: `https://shop.example/${id}`, user_id: `visitor-${sent}`, ...more };
  const response = await fetch(`${url}/api/v1/events`, {
    method: "POST",
    headers: { "x-api-key": key, "content-type": "application/json" },
    body: JSON.stringify(event),
  });
  same("acknowledged", response.status, 200);
  return id;
}

const badge = (page, text) => page.getByRole("status").filter({ hasText: text });

/** The line of an event in the log. */
const line = (page, id) => page.locator(".live-log .page").getByText(`/${id}`, { exact: true });

/** What moves by itself from now on, the lines of the log aside, which make room for those that arrive. */
async function watchMoves(page) {
  await page.evaluate(() => {
    globalThis.moves = [];
    const outside = ({ node }) => node && !node.parentElement?.closest(".live-log");
    new PerformanceObserver((list) => {
      for (const { hadRecentInput, value, sources } of list.getEntries()) {
        const moved = hadRecentInput ? [] : sources.filter(outside);
        if (moved.length > 0) globalThis.moves.push([value, ...moved.map(({ node }) => node.outerHTML?.slice(0, 200))]);
      }
    }).observe({ type: "layout-shift" });
  });
}

async function arriving(check) {
  const { page, url, app } = check;
  await page.emulateMedia({ reducedMotion: "no-preference" });
  await page.goto(`${url}/apps/${app}/live`);
  await badge(page, "Live").waitFor();
  await settled(page);
  await watchMoves(page);
  const before = Number(await page.locator(".here strong").innerText());
  const times = [];
  for (let count = 0; count < 5; count++) {
    const id = await send(check);
    const start = Date.now();
    await line(page, id).waitFor({ timeout: SOON_MS });
    times.push(Date.now() - start);
  }
  console.log(`live: ${times.length} events show ${Math.max(...times)} ms after their acknowledgement at the latest`);
  await page.locator(".here strong").getByText(String(before + 5), { exact: true }).waitFor({ timeout: SOON_MS });
  await page.getByRole("region", { name: "Pages" }).getByText("/live-").first().waitFor();
  same("what moved by itself", await page.evaluate(() => globalThis.moves), []);
  await looks(check, "live");
}

async function pausing(check) {
  const { page } = check;
  await page.getByRole("button", { name: "Pause" }).click();
  await badge(page, "Paused").waitFor();
  const id = await send(check);
  await page.waitForTimeout(1_500);
  same("shown while it is paused", await line(page, id).count(), 0);
  await page.getByRole("button", { name: "Go on" }).click();
  await line(page, id).waitFor({ timeout: SOON_MS });
}

async function filtering(check) {
  const { page } = check;
  await page.getByRole("region", { name: "Pages" }).getByRole("button", { name: "/live-1" }).first().click();
  await page.waitForURL(/f=pagePath:is:\/live-1/);
  await page.locator(".here strong").getByText("1", { exact: true }).waitFor();
  same("filtered", await page.locator(".live-log li").count(), 1);
}

/** More at once than are listed: that is said, and the figures count them all. */
async function flooding(check) {
  const { page, url, app, key } = check;
  await page.goto(`${url}/apps/${app}/live`);
  await badge(page, "Live").waitFor();
  await settled(page);
  const events = Array.from({ length: 200 }, (_, index) => ({ event_type: "flood", user_id: `flood-${index % 50}` }));
  const before = Number(await page.locator(".here strong").innerText());
  const headers = { "x-api-key": key, "content-type": "application/json" };
  await fetch(`${url}/api/v1/events`, { method: "POST", headers, body: JSON.stringify(events) });
  await page.locator(".here strong").getByText(String(before + 50), { exact: true }).waitFor({ timeout: SOON_MS });
  await page.getByText("They come faster than they can be listed").waitFor();
  // Events are only in the answers that they came with, and push what follows out of sight there.
  await explore(check, "Here now", "Live", /eventId|uniqueUsers/);
}

/** A connection that is cut is said to be, and comes back with what was missed. */
async function reconnecting(check) {
  const { page, url, app } = check;
  const sockets = [];
  let open = true;
  await page.routeWebSocket(/\/graphql\/ws$/, (socket) => {
    if (!open) return void socket.close({ code: 1012 });
    sockets.push(socket);
    socket.connectToServer();
  });
  await page.goto(`${url}/apps/${app}/live`);
  await badge(page, "Live").waitFor();
  open = false;
  for (const socket of sockets) await socket.close({ code: 1012 });
  await badge(page, "Connection lost, trying again").waitFor();
  await looks(check, "live, cut off");
  const id = await send(check);
  open = true;
  await badge(page, "Live").waitFor();
  await line(page, id).waitFor();
}

export async function live(check) {
  await arriving(check);
  await pausing(check);
  await filtering(check);
  await flooding(check);
  await reconnecting(check);
  const { page, url, app } = check;
  await page.goto(`${url}/apps/${app}`);
  await page.getByRole("link", { name: /visitors? now$/ }).waitFor();
  await looks(check, "overview, live");
}
