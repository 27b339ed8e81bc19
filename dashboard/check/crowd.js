// An owner of much: a hundred apps, a dashboard of thirty panels, more keys, goals and values than a page shows.
// Usage: node check/crowd.js URL and what to look at: a `board`, under the limits of the server, or `lists`.
import { readFileSync } from "node:fs";
import { open, watch } from "../../playground/browser.js";
import { looks, same, settled } from "./looks.js";
import { request } from "./others.js";
import { exported } from "./overview.js";

const [url, what] = process.argv.slice(2);

const browser = await open({ viewport: { width: 1400, height: 900 } });
const page = await browser.newPage();
const problems = watch(page, url);
page.setDefaultTimeout(15_000);
const check = { url, page, problems, app: "", key: "" };

const document = (name) => readFileSync(new URL(`../operations/${name}.graphql`, import.meta.url), "utf8");

const region = (name) => page.getByRole("region", { name, exact: true });

/** Many changes by few requests; what came of each. */
async function many(field, type, inputs, selection) {
  const made = [];
  for (let from = 0; from < inputs.length; from += 20) {
    const some = inputs.slice(from, from + 20);
    const names = some.map((_, place) => `$input${place}: ${type}!`).join(", ");
    const fields = some.map((_, place) => `a${place}: ${field}(input: $input${place}) { ${selection} }`).join(" ");
    const variables = Object.fromEntries(some.map((input, place) => [`input${place}`, input]));
    const answer = await request(check, `mutation(${names}) { ${fields} }`, variables);
    made.push(...some.map((_, place) => answer[`a${place}`]));
  }
  return made;
}

async function prepare() {
  const register = "mutation($input: RegisterInput!) { register(input: $input) { user { id } } }";
  const input = { name: "Ada", email: "ada@example.com", password: "gravel lantern orchard" };
  await request(check, register, { input });
  const create = "mutation($input: CreateAppInput!) { createApp(input: $input) { app { id } } }";
  const made = await request(check, create, { input: { name: "Crowd", timezone: "Europe/Berlin" } });
  check.app = made.createApp.app.id;
  const keyed = "mutation($input: CreateApiKeyInput!) { createApiKey(input: $input) { key } }";
  check.key = (await request(check, keyed, { input: { appId: check.app, name: "Key" } })).createApiKey.key;
  const apps = Array.from({ length: 109 }, (_, number) => ({ name: `App ${number}`, timezone: "UTC" }));
  await many("createApp", "CreateAppInput", apps, "app { id }");
  const goals = Array.from({ length: 25 }, (_, number) => ({
    appId: check.app,
    name: `Goal ${number}`,
    filter: { pagePath: { eq: `/page-${number}` } },
  }));
  await many("createGoal", "CreateGoalInput", goals, "goal { id }");
  // As many keys may be in force at a time as a page shows, and those that were revoked are listed as well.
  for (const name of ["Old key", "Later key"]) {
    const keys = Array.from({ length: 60 }, (_, number) => ({ appId: check.app, name: `${name} ${number}` }));
    const made = await many("createApiKey", "CreateApiKeyInput", keys, "apiKey { id }");
    const ids = made.map(({ apiKey }) => ({ id: apiKey.id }));
    await many("revokeApiKey", "RevokeApiKeyInput", ids, "apiKey { id }");
  }
  const events = Array.from({ length: 600 }, (_, number) => ({
    event_type: number % 3 ? "page_view" : "purchase",
    user_id: `user-${number % 70}`,
    url: `https://shop.example/page-${number}`,
    country: number % 40 ? ["DE", "FR", "DE", "DE"][number % 4] : "BR",
    timestamp: new Date(Date.now() - number * 14 * 60_000).toISOString(),
    ...(number % 3 === 0 && { revenue: "2.50", currency: "EUR" }),
    metadata: { delta: ["-5.5", "=1+1", "plain"][number % 3], url: "https://else.example/" },
  }));
  const headers = { "x-api-key": check.key, "content-type": "application/json" };
  const sent = await fetch(`${url}/api/v1/events`, { method: "POST", headers, body: JSON.stringify(events) });
  same("stored", (await sent.json()).data.accepted, 600);
}

/** Thirty panels, one of which cannot be answered. */
function panels() {
  const common = { app: check.app, range: { preset: "LAST_7_DAYS" }, bots: "EXCLUDE", timezone: "Europe/Berlin" };
  const kinds = [
    ["TIMELINE", "panel-timeline", { compare: "PREVIOUS_PERIOD", uniqueUsers: true }],
    ["RANKING", "panel-ranking", { by: "PAGE_PATH", orderBy: "EVENTS", limit: 8 }],
    ["HEADLINE", "panel-headline", { compare: null }],
    ["TABLE", "panel-events", {}],
    ["PATHS", "paths", { anchor: {}, direction: "AFTER", unit: "PAGE_PATH" }],
  ];
  return Array.from({ length: 30 }, (_, number) => {
    const [display, file, more] = kinds[number % kinds.length];
    const wrong = number === 29 && { document: document("retention"), variables: { ...common, period: "DAY" } };
    if (wrong) wrong.variables.range = { from: "2020-01-01T00:00:00Z", to: "2026-01-01T00:00:00Z" };
    const [x, y] = [(number % 2) * 6, Math.floor(number / 2) * 6];
    const panel = { title: `Panel ${number}`, display, x, y, width: 6, height: 6 };
    return { ...panel, document: document(file), variables: { ...common, ...more }, ...wrong };
  });
}

/** How often the server is asked until everything shows. */
async function requests(what) {
  let count = 0;
  const add = (request) => (count += request.url().endsWith("/graphql") ? 1 : 0);
  page.on("request", add);
  await what();
  await region("Panel 28").waitFor();
  await settled(page);
  page.off("request", add);
  return count;
}

async function crowded() {
  const id = "createDashboard";
  const create = `mutation($input: CreateDashboardInput!) { ${id}(input: $input) { dashboard { id revision } } }`;
  const input = { appId: check.app, name: "Crowded", panels: [] };
  const { dashboard } = (await request(check, create, { input }))[id];
  const update = "mutation($input: UpdateDashboardInput!) { updateDashboard(input: $input) { dashboard { id } } }";
  await request(check, update, { input: { id: dashboard.id, revision: dashboard.revision, panels: panels() } });
  const first = await requests(() => page.goto(`${url}/apps/${check.app}/dashboards/${dashboard.id}`));
  console.log(`a dashboard of 30 panels: ${first} requests`);
  same("few requests", first <= 12, true);
  await region("Panel 1").getByText("/page-0").first().waitFor();
  await region("Panel 29").getByRole("alert").getByText("more than 120").waitFor();
  same("panels that failed", await page.getByRole("alert").count(), 1);
  for (const label of ["Last 24 hours", "Last 30 days", "Last 90 days", "Ranges as saved"]) {
    await requests(() => page.getByLabel("Range", { exact: true }).selectOption({ label }));
  }
  same("panels that failed, after looking around", await page.getByRole("alert").count(), 1);
}

/** Every app, goal and value can be reached. */
async function reached() {
  await page.goto(`${url}/apps/${check.app}/goals`);
  await page.getByRole("button", { name: "Show more" }).click();
  await page.getByText("Goal 24", { exact: true }).waitFor();
  await page.goto(`${url}/apps/${check.app}/settings`);
  await page.getByText("Later key 59", { exact: true }).waitFor();
  same("the first key, before more are shown", await page.getByText("Key", { exact: true }).count(), 0);
  await page.getByRole("button", { name: "Show more" }).click();
  await page.getByText("Key", { exact: true }).waitFor();
  await page.goto(`${url}/apps/${check.app}?range=LAST_30_DAYS`);
  await page.getByRole("button", { name: "The first 500 of 600 values" }).click();
  const values = page.getByRole("dialog", { name: "Pages" });
  await values.getByText("These are the first 500 of 600.").waitFor();
  await values.getByRole("searchbox").fill("page-599");
  await values.getByRole("cell", { name: "/page-599" }).waitFor();
  await looks(check, "values, found");
  await values.getByRole("button", { name: "Close" }).click();
  await page.getByRole("banner").getByRole("button", { name: /^Crowd/ }).click();
  await page.getByRole("searchbox", { name: "Find an app" }).fill("App 108");
  await looks(check, "apps");
  await page.getByRole("link", { name: "App 108" }).click();
  await page.getByText("No events in this range.").waitFor();
}

/** Countries are chosen on the map by keys, and a map that does not come can be asked for again. */
async function map() {
  const other = await browser.newPage();
  let lost = true;
  await other.route(/world\.gen/, (route) => (lost ? route.abort() : route.continue()));
  await other.goto(`${url}/apps/${check.app}`);
  await other.getByText("The map could not be loaded.").waitFor();
  lost = false;
  await other.close();
  await page.goto(`${url}/apps/${check.app}`);
  const places = page.getByRole("group", { name: /^Visitors by country\. Germany: \d+, / });
  await places.getByRole("button", { name: /^Germany/ }).focus();
  await page.keyboard.press("ArrowRight");
  await places.getByRole("button").and(page.locator(":focus")).waitFor();
  await page.keyboard.press("Enter");
  await page.waitForURL(/f=country:is:FR/);
  await settled(page);
}

/** Cells that a spreadsheet would run are not run, and numbers stay numbers. */
async function cells() {
  await page.goto(`${url}/apps/${check.app}/properties?property=delta`);
  const panel = region("delta");
  await panel.getByText("plain").waitFor();
  const lines = (await exported(page, panel, "CSV")).trim().split("\r\n").slice(1);
  same("cells", lines.map((line) => line.split(",")[0]).sort(), ["'=1+1", "-5.5", "plain"]);
}

/** Lists go on dashboards from where they are. */
async function lists() {
  const put = async (path, panel, item, title) => {
    await page.goto(`${url}/apps/${check.app}/${path}`);
    await settled(page);
    await region(panel)
      .getByRole("button", { name: /^More about/ })
      .first()
      .click();
    await page.getByRole("button", { name: item }).click();
    if (await page.getByLabel("Title").count()) await page.getByLabel("Title").fill(title);
    await page.locator(".adding select").selectOption({ label: "Lists" });
    await page.getByRole("button", { name: "Add", exact: true }).click();
    await page.getByText("Added.").waitFor();
  };
  const create = "mutation($input: CreateDashboardInput!) { createDashboard(input: $input) { dashboard { id } } }";
  const input = { appId: check.app, name: "Lists", panels: [] };
  const { id } = (await request(check, create, { input })).createDashboard.dashboard;
  const plain = /^Add to a dashboard$/;
  await put("users", "Users", plain, "Users");
  await put("events", "Newest first", plain, "Events");
  await put("sessions", "One by one", plain, "Sessions");
  await put("sessions", "Where sessions begin", plain, "Entries");
  await put("goals", "Goals", plain, "Goals");
  await put("users/user-1", "What they did", plain, "Of one");
  await put("live", "Pages", plain, "Live pages");
  await put("live", "As they arrive", plain, "Arriving");
  await put("", "Figures", /“Figures” to a dashboard/, "Money");
  const steps = "step=eventType:is:page_view&step=eventType:is:purchase&by=device";
  await put(`funnels?${steps}`, "Funnel", plain, "Way");
  await page.goto(`${url}/apps/${check.app}/dashboards/${id}`);
  await settled(page);
  for (const title of ["Users", "Events", "Sessions", "Entries", "Goals", "Arriving"]) {
    await region(title).getByRole("table").locator("tbody tr").first().waitFor();
  }
  await region("Users").getByRole("columnheader", { name: "Page views" }).waitFor();
  await region("Money").getByText("Revenue").waitFor();
  await region("Way").getByRole("region", { name: "By group, table" }).waitFor();
  same("panels that failed", await page.getByRole("alert").count(), 0);
  await looks(check, "lists on a dashboard");
}

try {
  await prepare();
  for (const part of what === "board" ? [crowded] : [reached, map, cells, lists]) await part();
} catch (error) {
  problems.push(error.stack, `at ${page.url()}`, await page.locator("main").innerText().catch(String));
  if (process.env.PICTURES) await page.screenshot({ path: `${process.env.PICTURES}/failure.png`, fullPage: true });
} finally {
  await browser.close();
}

for (const problem of problems) console.error(problem);
process.exitCode = problems.length > 0 ? 1 : 0;
