// What visitors choose holds: on every page, in every tab, and where nothing can be kept.
import { flush, later, requests, same, sent, stored, tag, track, visit, visitor } from "./site.js";

export async function asked() {
  const context = await visitor();
  const tab = await visit(context, `/asked${tag('data-consent="required" data-vitals')}`);
  await track(tab, "before_consent");
  await flush(tab);
  same("nothing is kept before leave is given", await stored(tab), []);
  same("nor a cookie", await context.cookies(), []);
  await tab.evaluate(() => window.uea.consent(true));
  await track(tab, "after_consent");
  await sent(tab);
  same("then an id is", await stored(tab), ["uea.consent", "uea.id"]);
  await tab.evaluate(() => window.uea.consent(false));
  same("and nothing once it is taken back", await stored(tab), []);
  await tab.click("#box");
  await tab.goto("about:blank");
  await later(500);
  await context.close();
}

export async function unwilling() {
  for (const signal of ["doNotTrack: { get: () => '1' }", "globalPrivacyControl: { get: () => true }"]) {
    const context = await visitor();
    await context.addInitScript(`Object.defineProperties(Navigator.prototype, { ${signal} })`);
    const tab = await visit(context, "/unwilling");
    await flush(tab);
    same("whoever says no to it leaves no trace", await stored(tab), []);
    await tab.evaluate(() => window.uea.optIn());
    same("also when a page wants otherwise", await track(tab, "never"), false);
    await context.close();
  }
  const context = await visitor();
  const tab = await visit(context, "/out");
  await sent(tab);
  await tab.evaluate(() => window.uea.optOut());
  same("opted out", await track(tab, "never"), false);
  same("only that is kept", await stored(tab), ["uea.out"]);
  const next = await visit(context, "/in-again");
  await flush(next);
  same("and looked up by the next page", await track(next, "never"), false);
  await next.evaluate(() => window.uea.optIn());
  await next.evaluate(() => window.uea.optIn());
  await Promise.all([next.waitForEvent("download"), next.click("#file")]);
  await sent(next);
  await context.close();
}

/** Does something in one tab, and waits until others have heard of it. */
async function told(others, name, act) {
  const listen = (name) => {
    window.told = new Promise((resolve) => addEventListener("storage", ({ key }) => key === name && resolve()));
  };
  for (const tab of others) await tab.evaluate(listen, name);
  await act();
  for (const tab of others) await tab.evaluate(() => window.told);
}

export async function everyTab() {
  const context = await visitor();
  const [one, two] = [await visit(context, "/one"), await visit(context, "/two")];
  for (const tab of [one, two]) await sent(tab);
  await context.setOffline(true);
  await track(two, "never");
  await told([two], "uea.out", () => one.evaluate(() => window.uea.optOut()));
  await context.setOffline(false);
  await flush(two);
  same("opted out in another tab", [await track(two, "never"), await stored(two)], [false, ["uea.out"]]);
  const three = await visit(context, "/three");
  await told([two, three], "uea.out", () => one.evaluate(() => window.uea.optIn()));
  await Promise.all([three.waitForEvent("download"), three.click("#file")]);
  await track(two, "in_again");
  for (const tab of [two, three]) await sent(tab);
  await context.close();
}

export async function leaveInEveryTab() {
  const context = await visitor();
  const seen = await requests(context);
  const required = tag('data-consent="required"');
  const [one, two] = [await visit(context, `/asked-one${required}`), await visit(context, `/asked-two${required}`)];
  for (const tab of [one, two]) await flush(tab);
  same("no id yet", seen.flatMap(({ events }) => events).filter((event) => event.anonymous_id), []);
  await told([two], "uea.consent", () => one.evaluate(() => window.uea.consent(true)));
  for (const tab of [one, two]) await track(tab, "agreed");
  for (const tab of [one, two]) await sent(tab);
  const id = await two.evaluate(() => localStorage["uea.id"]);
  const ids = seen.flatMap(({ events }) => events).filter((event) => event.event_type === "agreed");
  same("one id", ids.map((event) => event.anonymous_id), [id, id]);
  await told([two], "uea.consent", () => one.evaluate(() => window.uea.consent(false)));
  await track(two, "taken_back");
  same("kept nowhere", await stored(two), []);
  await flush(two);
  same("and without an id", seen.at(-1).events.map((event) => [event.event_type, event.anonymous_id ?? null]), [
    ["taken_back", null],
  ]);
  await context.close();
}

export async function nothingKept() {
  const context = await visitor();
  const forbid = "{ get() { throw new DOMException('forbidden', 'SecurityError'); } }";
  await context.addInitScript(`Object.defineProperty(window, "localStorage", ${forbid})`);
  const tab = await visit(context, "/forbidden");
  await track(tab, "kept_nowhere");
  await flush(tab);
  await tab.evaluate(() => window.uea.optOut());
  await tab.evaluate(() => dispatchEvent(new PageTransitionEvent("pageshow", { persisted: true })));
  same("opted out as long as the page lasts", await track(tab, "never"), false);
  await tab.evaluate(() => window.uea.optIn());
  await track(tab, "in_again");
  await flush(tab);
  await context.close();
}

export async function signedOut() {
  const context = await visitor();
  const seen = await requests(context);
  const tab = await visit(context, "/account");
  await tab.evaluate(() => window.uea.identify("eve"));
  await track(tab, "signed_in");
  await sent(tab);
  await tab.reload();
  await track(tab, "still_signed_in");
  await tab.evaluate(() => window.uea.reset());
  await track(tab, "signed_out");
  await sent(tab);
  const events = seen.flatMap(({ events }) => events);
  const types = ["signed_in", "still_signed_in", "signed_out"];
  const who = types.map((type) => events.find((event) => event.event_type === type));
  same("users", who.map((event) => event.user_id ?? null), ["eve", "eve", null]);
  same("ids", who.map((event) => event.anonymous_id === who[0].anonymous_id), [true, true, false]);
  same("what is kept", await stored(tab), ["uea.id"]);
  await context.close();
}
