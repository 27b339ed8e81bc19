// What counts as a page view, and under which address.
import { flush, later, requests, same, sent, stored, tag, track, visit, visitor } from "./site.js";

const urls = (seen) =>
  seen.flatMap(({ events }) => events).filter((event) => event.event_type === "page_view").map((event) => event.url);

export async function fragments() {
  const context = await visitor();
  const seen = await requests(context);
  const tab = await visit(context, "/callback#access_token=secret");
  await tab.evaluate(() => void (location.hash = "id_token=secret"));
  await Promise.all([context.waitForEvent("page"), tab.click("#away", { modifiers: ["Control"] })]);
  await tab.evaluate(() => history.pushState(null, "", "/signed-in#state=secret"));
  await later(100);
  await sent(tab);
  same("pages without secrets", urls(seen).map((url) => new URL(url).pathname), ["/callback", "/signed-in"]);
  same("nowhere", /token|state=/.test(JSON.stringify(seen)), false);
  await context.close();
}

export async function hashes() {
  const context = await visitor();
  const seen = await requests(context);
  const tab = await visit(context, `/hash${tag("data-hash")}#/one`);
  await tab.evaluate(() => void (location.hash = "/two"));
  await later(100);
  await tab.evaluate(() => history.replaceState(null, "", "#/three"));
  await later(100);
  await sent(tab);
  same("pages", urls(seen).map((url) => new URL(url).hash), ["#/one", "#/two", "#/three"]);
  const events = seen.flatMap(({ events }) => events);
  same("and the server is told", events.map((event) => event.hash), events.map(() => true));
  same("as is the page before", new URL(events.at(-1).referrer).hash, "#/two");
  await context.close();
}

export async function ownQuery() {
  const context = await visitor();
  const tab = await visit(context, "/list");
  const to = async (how, address) => {
    await tab.evaluate(([how, address]) => history[how](null, "", address), [how, address]);
    await later(50);
  };
  await to("replaceState", "/list?sort=name");
  await to("replaceState", "/list?sort=price#top");
  await to("replaceState", "/list-two?sort=price");
  await to("replaceState", "/list-two");
  await to("pushState", "/list-two?page=2");
  await to("pushState", "/list-two?page=2");
  await sent(tab);
  await context.close();
}

export async function byHand() {
  const context = await visitor();
  const tab = await visit(context, `/by-hand${tag('data-page-views="false"')}`);
  await tab.evaluate(() => history.pushState(null, "", "/by-hand-two"));
  await later(50);
  await tab.evaluate(() => window.uea.page({ section: "garden" }));
  await sent(tab);
  await context.close();
}

export async function returned() {
  // Playwright switches the memory off.
  const context = await visitor({ ignoreDefaultArgs: ["--disable-back-forward-cache"] });
  await context.addInitScript("addEventListener('pageshow', ({ persisted }) => { window.persisted = persisted; })");
  const [tab, other] = [await visit(context, "/returned"), await visit(context, "/elsewhere")];
  for (const each of [tab, other]) await sent(each);
  const leaveAndReturn = async (meanwhile) => {
    const away = await tab.getAttribute("#away", "href");
    await tab.evaluate(() => void (window.persisted = false));
    await tab.goto(away);
    await meanwhile();
    await tab.evaluate(() => void setTimeout(() => history.back()));
    await tab.waitForURL(/returned/, { waitUntil: "commit" });
    await tab.waitForFunction(() => window.persisted);
  };
  await leaveAndReturn(() => {});
  await sent(tab);
  await leaveAndReturn(() => other.evaluate(() => window.uea.optOut()));
  same("told when it is back", [await track(tab, "never"), await stored(tab)], [false, ["uea.out"]]);
  await context.close();
}

export async function prerendered() {
  const context = await visitor();
  await context.addInitScript(() => {
    window.hidden = true;
    Object.defineProperty(Document.prototype, "prerendering", { get: () => window.hidden });
  });
  const seen = await requests(context);
  const tab = await visit(context, "/prerendered");
  same("taken", await track(tab, "looked_at"), true);
  await later(700);
  await flush(tab);
  same("and sent by nobody who has not seen it", [seen.length, await stored(tab)], [0, ["uea.id"]]);
  await tab.evaluate(() => {
    window.hidden = false;
    document.dispatchEvent(new Event("prerenderingchange"));
  });
  await sent(tab);
  await context.close();
}

export async function imported() {
  const context = await visitor();
  const tab = await visit(context, "/module");
  await track(tab, "from_a_module");
  await sent(tab);
  const said = await tab.evaluate(async (url) => {
    const text = await (await fetch(url)).text();
    const { init } = await import(URL.createObjectURL(new Blob([text], { type: "text/javascript" })));
    const error = (options) => {
      try {
        return init(options);
      } catch (error) {
        return error.message;
      }
    };
    return [error({ key: "uea_of_nobody" }), error({ host: "https://stats.example.com" })];
  }, `${process.env.HOST}/sdk.mjs`);
  const wanted = "Event Analytics: init needs a key and the host";
  same("an init that cannot work says so", said, [wanted, wanted]);
  await context.close();
}
