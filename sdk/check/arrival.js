// What visitors do arrives, whatever stands between.
import { answer, flush, later, problems, requests, same, sent, stored, track, visit, visitor } from "./site.js";

export async function ordinary() {
  const context = await visitor();
  const tab = await visit(context, "/start?utm_source=mail");
  await tab.click("#next");
  await tab.evaluate(() => history.pushState(null, "", "/next#part"));
  await tab.evaluate(() => window.uea.identify("ada", { plan: "pro" }));
  await tab.evaluate(() => {
    const order = { revenue: "24.50", currency: "EUR", id: "order-1" };
    for (const _ of ["ordered", "and reloaded"]) window.uea.track("order", { items: 2 }, order);
  });
  const refused = await tab.evaluate(() => {
    const loop = {};
    loop.again = loop;
    return [{ x: "x".repeat(40_000) }, loop, { x: 1n }].map((properties) => window.uea.track("refused", properties));
  });
  same("what is too large or no JSON is not taken", refused, [false, false, false]);
  await Promise.all([tab.waitForEvent("download"), tab.click("#file")]);
  // Leaves at once, so that only a beacon can tell.
  await Promise.all([tab.waitForURL(/other\.example/), tab.click("#away")]);
  await tab.goBack();
  await Promise.all([tab.waitForURL(/thanks/), tab.click("#contact button")]);
  await sent(tab);
  same("no cookie", await context.cookies(), []);
  await context.close();
}

export async function withoutNetwork() {
  const context = await visitor();
  const tab = await visit(context, "/offline");
  await sent(tab);
  await context.setOffline(true);
  await track(tab, "without_network");
  await flush(tab);
  await tab.close();
  await context.setOffline(false);
  // Another tab takes over what the first one left.
  await sent(await visit(context, "/online"));
  await context.close();
}

export async function troubledServer() {
  const context = await visitor();
  const answers = ["busy", "away", "lost", "unread"];
  await requests(context, (route) => {
    const next = answers.shift();
    if (next === "busy") return answer(route, 429, { "retry-after": "1" });
    if (next === "away") return answer(route, 503);
    if (next === "lost") return route.abort();
    // Stored, and nobody hears of it.
    if (next === "unread") return route.fetch().then(() => route.abort());
    return route.continue();
  });
  const tab = await visit(context, "/troubled");
  await sent(tab);
  same("every way to fail was met", answers, []);
  await context.close();
}

export async function slowServer() {
  const context = await visitor();
  const seen = await requests(context, (route) => later(1_500).then(() => route.continue()));
  const tab = await visit(context, "/slow");
  while (seen.length === 0) await later(50);
  // Its time to gather ends before the answer comes.
  await track(tab, "meanwhile");
  await later(700);
  await flush(tab);
  same("a flush waits for what is under way", (await stored(tab)).filter((name) => name.startsWith("uea.e.")), []);
  await sent(tab);
  await track(tab, "afterwards");
  await sent(tab);
  await context.close();
}

export async function patience() {
  const context = await visitor();
  let refusedAt;
  const seen = await requests(context, async (route) => {
    if (refusedAt) return route.continue();
    await later(300);
    await answer(route, 429, { "retry-after": "3" });
    refusedAt = Date.now();
  });
  const tab = await visit(context, "/patient");
  for (let round = 0; round < 12; round += 1) {
    await track(tab, "impatient");
    if (refusedAt) await flush(tab);
    await tab.evaluate(() => dispatchEvent(new Event("online")));
    await later(200);
  }
  await sent(tab);
  same("the server was asked again", seen.length > 1, true);
  const waited = seen[1].at - refusedAt;
  if (waited < 2_950) problems.push(`asked again after ${waited} ms, not 3 s`);
  await context.close();
}

export async function smallRequests() {
  const context = await visitor();
  let most = 4;
  const narrow = (route, events) => (events.length > most ? answer(route, 413) : route.continue());
  const seen = await requests(context, narrow);
  const tab = await visit(context, "/narrow");
  const items = () =>
    tab.evaluate(() => {
      for (let number = 0; number < 12; number += 1) window.uea.track("item", { number });
    });
  await items();
  await sent(tab);
  same("fewer at once", seen.some(({ events }) => events.length > 1 && events.length <= most), true);
  const before = seen.length;
  most = 100;
  await items();
  await sent(tab);
  same("and more again", seen.slice(before).some(({ events }) => events.length > 4), true);
  await context.close();
}

export async function crowd() {
  const context = await visitor();
  const tab = await visit(context, "/crowd");
  await sent(tab);
  await context.setOffline(true);
  const left = await tab.evaluate(() => {
    for (let number = 0; number < 600; number += 1) window.uea.track("crowd", { number });
    const kept = Object.entries(localStorage).filter(([name]) => name.startsWith("uea.e."));
    const numbers = kept.map(([, json]) => JSON.parse(json).metadata.number);
    return [kept.length, Math.min(...numbers)];
  });
  same("the oldest give way", left, [500, 100]);
  await tab.evaluate(() => window.uea.optOut());
  await context.setOffline(false);
  await flush(tab);
  same("and are forgotten by whoever wants to be left alone", await stored(tab), ["uea.out"]);
  await context.close();
}

export async function twoTabs() {
  const context = await visitor();
  const tabs = await Promise.all([visit(context, "/left"), visit(context, "/right")]);
  for (const tab of tabs) await tab.evaluate(() => window.uea.track("tab", { path: location.pathname }));
  for (const tab of tabs) await sent(tab);
  await context.close();
}

export async function wrongClock() {
  const context = await visitor();
  await context.addInitScript("{ const now = Date.now; Date.now = () => now() - 26 * 60 * 60 * 1000; }");
  const tab = await visit(context, "/slow-clock");
  await sent(tab);
  await context.close();
}
