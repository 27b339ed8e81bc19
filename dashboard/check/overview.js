// The overview with some hundred events: figures, filters by click, the address, files.
import { accessible, fitsPhone, looks, same, settled } from "./looks.js";

const COUNTRIES = ["DE", "DE", "FR"];
const PAGES = ["/", "/pricing", "/docs"];

/** Some hundred events of the last six days, the same ones every time. */
async function send({ url, key }) {
  const events = Array.from({ length: 300 }, (_, index) => ({
    id: `check-${index}`,
    event_type: index % 10 === 9 ? "purchase" : "page_view",
    user_id: `user-${index % 31}`,
    session_id: `session-${index % 31}-${Math.floor(index / 62)}`,
    url: `https://shop.example${PAGES[index % PAGES.length]}${index % 4 ? `?utm_campaign=mail-${index % 10}` : ""}`,
    referrer: index % 2 ? "https://search.example/" : undefined,
    timestamp: new Date(Date.now() - (index + 1) * 28 * 60_000).toISOString(),
    metadata: { plan: index % 3 ? "free" : "pro", country: COUNTRIES[index % 3], price: index },
  }));
  const response = await fetch(`${url}/api/v1/events`, {
    method: "POST",
    headers: { "x-api-key": key, "content-type": "application/json" },
    body: JSON.stringify(events),
  });
  same("stored", (await response.json()).data.accepted, events.length);
}

/** What the server says to the same question, asked by the page itself. */
export async function ask(page, query, variables) {
  return page.evaluate(
    async (body) =>
      (
        await (
          await fetch("/graphql", { method: "POST", headers: { "content-type": "application/json" }, body })
        ).json()
      ).data,
    JSON.stringify({ query, variables }),
  );
}

/** The text of a file that a panel hands out. */
export const exported = (page, panel, kind) => exportedBy(page, panel, /^More about/, kind);

/** The same of a panel that has more than one menu. */
export async function exportedBy(page, panel, menu, kind) {
  await panel.getByRole("button", { name: menu }).click();
  const download = page.waitForEvent("download");
  await panel.getByRole("button", { name: `Export as ${kind}` }).click();
  const chunks = [];
  for await (const chunk of await (await download).createReadStream()) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString();
  // By this mark Excel knows that it is UTF-8.
  if (kind === "CSV") same("the mark of the file", text.charCodeAt(0), 0xfeff);
  return text.replace("\uFEFF", "");
}

const RANKED = `query($app: ID!) { app(id: $app) { breakdown(
  range: { preset: LAST_7_DAYS }, by: [PAGE_PATH], limit: 9, orderBy: UNIQUE_USERS, timezone: "Europe/Berlin"
  filter: { pagePath: { eq: "/pricing" } }
) { rows { label uniqueUsers pageViews events } } } }`;

export async function overview(check) {
  const { page, url, app } = check;
  await send(check);
  await page.goto(`${url}/apps/${app}`);
  await page.getByRole("button", { name: /^Events 301$/ }).waitFor();
  await page.getByText("Europe/Berlin").first().waitFor();
  await looks(check, "overview");

  // A click on a row filters everything, and the address holds it.
  const pages = page.getByRole("region", { name: "Pages" });
  await pages.getByRole("button", { name: "/pricing" }).click();
  await page.waitForURL(/f=pagePath:is:\/pricing/);
  await page.getByRole("button", { name: /^Events 100$/ }).waitFor();
  await settled(page);
  const { breakdown } = (await ask(page, RANKED, { app })).app;
  const lines = breakdown.rows.map((row) => [row.label, row.uniqueUsers, row.pageViews, row.events].join(","));
  same("CSV", await exported(page, pages, "CSV"), ["value,visitors,page_views,events", ...lines, ""].join("\r\n"));
  const objects = breakdown.rows.map((row) => ({
    value: row.label,
    visitors: row.uniqueUsers,
    page_views: row.pageViews,
    events: row.events,
  }));
  same("JSON", JSON.parse(await exported(page, pages, "JSON")), objects);

  // Whoever gets the link sees the same; back and forth work.
  await page.reload();
  await page.getByRole("button", { name: /^Events 100$/ }).waitFor();
  await page.getByRole("button", { name: /^Page is/ }).click();
  await page.getByRole("button", { name: /^Events 201$/ }).waitFor();
  await page.goBack();
  await page.getByRole("button", { name: /^Events 100$/ }).waitFor();
  await page.goBack();
  await page.getByRole("button", { name: /^Events 301$/ }).waitFor();
  await page.goForward();
  await page.getByRole("button", { name: "Remove the filter Page" }).click();
  await page.getByRole("button", { name: /^Events 301$/ }).waitFor();

  await page.getByRole("button", { name: /Last 7 days/ }).click();
  await page.getByRole("button", { name: "Last 90 days" }).click();
  await page.waitForURL(/range=LAST_90_DAYS/);
  await settled(page);
}

/** What the page asked about `app` when it came here. */
async function asked(page, address) {
  const request = page.waitForRequest((request) => request.postData()?.includes("query Overview(") ?? false);
  await page.goto(address);
  return (await request).postDataJSON().variables;
}

/** Days are those of the app's zone, also where they have 23 hours or 25. */
export async function days({ page, url, app }) {
  for (const [day, from, to] of [
    ["2026-03-29", "2026-03-28T23:00:00.000Z", "2026-03-29T22:00:00.000Z"],
    ["2026-10-25", "2026-10-24T22:00:00.000Z", "2026-10-25T23:00:00.000Z"],
  ]) {
    const { range } = await asked(page, `${url}/apps/${app}?from=${day}&to=${day}`);
    same(day, range, { from, to });
  }
}

/** Conditions put together by hand, and what the server is asked for them. */
export async function filters({ page, url, app }) {
  const conditions = [
    "country:is:DE",
    "country:is:FR",
    "browser:not:Chrome",
    "utmSource:none:",
    "did:not:purchase",
    "property.price:number:5",
  ];
  const query = conditions.map((one) => `f=${encodeURIComponent(one)}`).join("&");
  const { filter } = await asked(page, `${url}/apps/${app}?${query}`);
  same("the filter", filter, {
    and: [
      { country: { in: ["DE", "FR"] } },
      { browser: { notEq: "Chrome" } },
      { utmSource: { exists: false } },
      { hasNotDone: { filter: { eventType: { eq: "purchase" } } } },
      { property: [{ key: "price", number: { eq: 5 } }] },
    ],
  });
  await page.getByText("Nothing passes these filters").waitFor();
  await page.getByRole("button", { name: "Clear the filters" }).click();
  await page.getByRole("button", { name: /^Events 301$/ }).waitFor();

  await page.getByRole("button", { name: "Filter", exact: true }).click();
  await page.getByRole("combobox", { name: "What" }).selectOption("did");
  await page.getByRole("combobox", { name: "Value" }).fill("purchase");
  await page.getByRole("button", { name: "Add", exact: true }).click();
  await page.waitForURL(/f=did:is:purchase/);
  await page.getByText("Visitors who did purchase").waitFor();
  await settled(page);
}

/** What fails says so, and works when it is tried again. */
export async function failure(check) {
  const { page, url, app } = check;
  await page.route("**/graphql", (route) => {
    const fails = route.request().postData()?.includes("query Overview(");
    const body = JSON.stringify({ errors: [{ message: "The store is away.", extensions: { code: "UNAVAILABLE" } }] });
    return fails ? route.fulfill({ contentType: "application/json", body }) : route.continue();
  });
  await page.goto(`${url}/apps/${app}`);
  await page.getByRole("alert").getByText("The store is away.").waitFor();
  await looks(check, "failure");
  await page.unroute("**/graphql");
  await page.getByRole("button", { name: "Try again" }).click();
  await page.getByRole("button", { name: /^Events 301$/ }).waitFor();
}

/** All values of a dimension, found by a part of their names; a file holds those that are found. */
export async function details(check) {
  const { page, url, app } = check;
  await page.goto(`${url}/apps/${app}`);
  await page.getByRole("button", { name: "All 11 values" }).click();
  const dialog = page.getByRole("dialog", { name: "Campaigns" });
  await dialog.getByRole("cell", { name: "mail-3" }).waitFor();
  await accessible(check, "details");
  await onPhone(page, "details");
  await dialog.getByRole("searchbox").fill("mail-3");
  const csv = await exported(page, dialog, "CSV");
  same(
    "found campaigns",
    csv
      .trim()
      .split("\r\n")
      .map((line) => line.split(",")[0]),
    ["value", "mail-3"],
  );
  await dialog.getByRole("button", { name: "mail-3" }).click();
  await page.waitForURL(/f=utmCampaign:is:mail-3/);
  await settled(page);
}

/** Looks at what an open page shows in the corner it was opened in, as wide as a phone. */
async function onPhone(page, name) {
  await page.setViewportSize({ width: 375, height: 800 });
  await fitsPhone(page, name);
  await page.setViewportSize({ width: 1400, height: 900 });
}

/** A part of a day is compared with a part, and hours that are yet to come are no hours without events. */
export async function today(check) {
  const { page, url, app } = check;
  await page.goto(`${url}/apps/${app}?range=TODAY`);
  await page.getByText("Show the values as a table").click();
  const hour = (date) => Number(date.toLocaleTimeString("en-GB", { timeZone: "Europe/Berlin", hour: "2-digit" }));
  const before = hour(new Date());
  const rows = await page.getByRole("region", { name: "Values, table" }).locator("tbody tr").count();
  if (hour(new Date()) === before) same("hours so far", rows, before + 1);
  const asked = `query($app: ID!) { app(id: $app) {
    timeline(range: { preset: TODAY }, interval: HOUR, compare: PREVIOUS_PERIOD) {
      buckets { start previous { events } }
    }
  } }`;
  const { buckets } = (await ask(page, asked, { app })).app.timeline;
  const later = buckets.filter(({ start }) => Date.parse(start) > Date.now());
  for (const { previous } of later) same("of yesterday, beyond now", previous, null);
}

/** Everything without a mouse: the way to the content, tabs by arrows, what opened closes by Escape. */
export async function keyboard(check) {
  const { page, url, app } = check;
  await page.goto(`${url}/apps/${app}`);
  await page.getByRole("button", { name: /^Events 301$/ }).waitFor();
  await page.keyboard.press("Tab");
  await page.getByText("Skip to the content").and(page.locator(":focus")).waitFor();
  await page.keyboard.press("Enter");
  await page.locator("main:focus").waitFor();
  await page.keyboard.press("Tab");
  await page.locator("main :focus").waitFor();
  // Whoever goes to another page is there, and not at the top of everything again.
  await page.getByRole("link", { name: "Sessions", exact: true }).focus();
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Sessions", exact: true }).waitFor();
  await page.locator("main:focus").waitFor();
  await page.goBack();
  await page.getByRole("button", { name: /^Events 301$/ }).waitFor();
  await page.locator("main:focus").waitFor();
  await page.getByRole("tab", { name: "Devices" }).focus();
  await page.keyboard.press("ArrowRight");
  await page.getByRole("tab", { name: "Browsers", selected: true }).and(page.locator(":focus")).waitFor();
  await page.reload();
  await page.getByRole("tab", { name: "Browsers", selected: true }).waitFor();
  const picker = page.getByRole("button", { name: /Last 7 days/ });
  await picker.focus();
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: "Yesterday" }).waitFor();
  await accessible(check, "range picker");
  await page.keyboard.press("Escape");
  await picker.and(page.locator(":focus")).waitFor();
  for (const name of ["Filter", "Your account", "More about Pages"]) {
    await page.getByRole("button", { name, exact: true }).click();
    await accessible(check, name);
    await onPhone(page, name);
    await page.keyboard.press("Escape");
  }
}
