// Every other page, with some hundred events and with none.
import { lookAgain, looks, same, settled } from "./looks.js";
import { request } from "./others.js";
import { exported, exportedBy } from "./overview.js";

const PAGES = [
  ...["dashboards", "live", "sessions", "users", "events", "properties", "funnels", "retention", "paths", "goals"],
  ...["settings", "settings/people", "settings/data"],
];

async function show({ page, url, app }, path) {
  await page.goto(`${url}/apps/${app}/${path}`);
  await page.getByRole("main").waitFor();
  await settled(page);
}

const panel = (page, name) => page.getByRole("region", { name, exact: true });

export async function pagesWithoutEvents(check) {
  const { page } = check;
  for (const path of PAGES) {
    await show(check, path);
    await page.getByRole("banner").getByText("Europe/Berlin").waitFor();
    await looks(check, `${path}, empty`);
  }
}

/** Steps are picked, and the funnel counts who took them. */
async function funnel(check) {
  const { page } = check;
  await show(check, "funnels");
  await page.getByRole("button", { name: "Try page_view → purchase" }).click();
  await page.waitForURL(/step=eventType:is:page_view&step=eventType:is:purchase/);
  await panel(page, "Funnel").getByText("of 32 visitors").waitFor();
  await looks(check, "funnel");
  await page.getByRole("button", { name: "Remove step 2" }).click();
  await page.getByText("A funnel has two steps or more.").waitFor();
}

/** From the list to one person, whose events open. */
async function user(check) {
  const { page } = check;
  await show(check, "users");
  await page.getByRole("heading", { name: "32 users" }).waitFor();
  const csv = await exported(page, panel(page, "Users"), "CSV");
  same("lines of users", csv.trim().split("\r\n").length, 33);
  await page.getByRole("link", { name: "user-9", exact: true }).click();
  await page.getByRole("heading", { name: "user-9" }).waitFor();
  await page.locator(".event summary").first().click();
  await page.getByText("check-").first().waitFor();
  await looks(check, "user");
}

/** A number of a property is summed up, and a click on one of its values filters. */
async function property(check) {
  const { page } = check;
  await show(check, "properties");
  await page.getByRole("button", { name: /^price/ }).click();
  await panel(page, "price").getByText("Median").waitFor();
  await looks(check, "properties");
  await page.getByRole("button", { name: /^plan/ }).click();
  await panel(page, "plan").getByRole("button", { name: /^pro/ }).click();
  await page.waitForURL(/f=property\.plan:is:pro/);
  await page.getByText("in 100 events").waitFor();
}

/** The filters that hold become a segment and a goal, which filter as well. */
async function kept(check) {
  const { page, url, app } = check;
  await page.goto(`${url}/apps/${app}?f=pagePath:is:/docs`);
  await page.getByRole("button", { name: "Keep", exact: true }).click();
  await page.getByLabel("Name", { exact: true }).fill("Readers");
  await page.locator(".sheet").getByRole("button", { name: "Keep" }).click();
  await page.waitForURL(/f=segment:is:seg_/);
  await page.getByRole("button", { name: /^Events 100$/ }).waitFor();
  await page.getByText("Readers").waitFor();

  await show(check, "goals");
  await page.getByLabel("Name", { exact: true }).fill("Ordered");
  await page.getByLabel("Reached by: value").fill("purchase");
  await page.getByRole("button", { name: "Create goal" }).click();
  await page.getByText("30 times").waitFor();
  await looks(check, "goals");
  await page.getByRole("listitem").filter({ hasText: "30 times" }).getByRole("button", { name: "Filter" }).click();
  await page.waitForURL(/f=goal:is:goal_/);
  await page.reload();
  await page.getByText("Goal is Ordered").waitFor();
}

async function settings(check) {
  const { page, url } = check;
  await show(check, "settings");
  await page.getByLabel("Name", { exact: true }).fill("Bean shop");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByRole("banner").getByText("Bean shop").waitFor();
  await page.getByLabel("Name of a new key").fill("Second");
  await page.getByRole("button", { name: "Create key" }).click();
  await page.getByText("shown only now").waitFor();
  page.once("dialog", (dialog) => dialog.accept());
  await page.getByRole("listitem").filter({ hasText: "Second" }).getByRole("button", { name: "Revoke" }).click();
  await page.getByText("revoked").waitFor();
  await looks(check, "settings");
  await show(check, "settings/people");
  await page.getByLabel("E-mail of a new member").fill("grace@example.com");
  await page.getByRole("button", { name: "Invite", exact: true }).click();
  await page.getByText("works once").waitFor();
  await show(check, "settings/people");
  await panel(page, "Audit log").getByText("API key revoked").waitFor();

  await page.goto(`${url}/account`);
  await page.getByText("this one").waitFor();
  await looks(check, "account");
  const change = async (until) => {
    await page.getByLabel("Until now").fill(until);
    await page.getByLabel("From now on").fill("staple of many horses");
    await page.getByRole("button", { name: "Change the password" }).click();
  };
  await change("not that one at all");
  await page.getByRole("alert").waitFor();
  await change("correct horse battery");
  await page.getByText("Changed.").waitFor();
}

/** Files of reports hold what the server answers to the same question. */
async function files(check) {
  const { page, app } = check;
  const steps = `steps: [
    { name: "page_view", filter: { eventType: { eq: "page_view" } } }
    { name: "purchase", filter: { eventType: { eq: "purchase" } } }
  ]`;
  const asked = `query($app: ID!) { app(id: $app) {
    users(range: { preset: LAST_7_DAYS }, first: 50, orderBy: LAST_SEEN) {
      nodes { userId totals { events sessions pageViews } firstSeenAt lastSeenAt }
    }
    funnel(range: { preset: LAST_7_DAYS }, windowSeconds: 604800, by: DEVICE, limit: 8, ${steps}) {
      steps { name users conversion conversionFromPrevious dropOff medianSeconds } rows { value steps { users } }
    }
    retention(range: { preset: LAST_7_DAYS }) { cohorts { start users points { users } } total { offset } }
  } }`;
  const { users, funnel, retention } = (await request(check, asked, { app })).app;

  await show(check, "users");
  const people = users.nodes.map(({ userId, totals, firstSeenAt, lastSeenAt }) => ({
    user: userId,
    events: totals.events,
    sessions: totals.sessions,
    page_views: totals.pageViews,
    first_seen_at: firstSeenAt,
    last_seen_at: lastSeenAt,
  }));
  same("the file of users", JSON.parse(await exported(page, panel(page, "Users"), "JSON")), people);

  await show(check, "funnels?step=eventType:is:page_view&step=eventType:is:purchase&by=device");
  const taken = funnel.steps.map((step) => ({
    step: step.name,
    users: step.users,
    conversion: step.conversion,
    conversion_from_previous: step.conversionFromPrevious,
    drop_off: step.dropOff,
    median_seconds: step.medianSeconds,
  }));
  const way = panel(page, "Funnel");
  await way.getByRole("button", { name: "More about Funnel" }).waitFor();
  same("the file of the funnel", JSON.parse(await exportedBy(page, way, "More about Funnel", "JSON")), taken);
  const groups = funnel.rows.map(({ value, steps }) => ({
    value,
    "1 page_view": steps[0].users,
    "2 purchase": steps[1].users,
  }));
  same("the file of its groups", JSON.parse(await exportedBy(page, way, "More about the groups", "JSON")), groups);
  await looks(check, "funnel by groups");

  await show(check, "retention");
  const cohorts = retention.cohorts.map(({ start, users, points }) => ({
    cohort: start,
    users,
    ...Object.fromEntries(retention.total.map(({ offset }) => [offset, points[offset]?.users ?? null])),
  }));
  same("the file of cohorts", JSON.parse(await exported(page, panel(page, "Retention"), "JSON")), cohorts);
}

/** Further pages of a list stay when it is asked anew, and are of what is asked. */
async function further(check) {
  const { page } = check;
  await show(check, "events");
  const rows = page.locator(".log > li");
  await page.getByRole("button", { name: "Show more" }).click();
  await rows.nth(99).waitFor();
  const again = page.waitForResponse((response) => response.request().postData()?.includes('"after"') ?? false);
  await lookAgain(page);
  await again;
  await settled(page);
  same("rows after it was asked anew", await rows.count(), 100);
  await page.goto(`${page.url()}?f=eventType:is:purchase`);
  await settled(page);
  same("rows of another question", await rows.count(), 30);
}

export async function pagesWithEvents(check) {
  for (const path of ["sessions", "events", "retention", "paths", "users"]) {
    await show(check, path);
    await looks(check, path);
  }
  await user(check);
  await funnel(check);
  await property(check);
  await kept(check);
  await files(check);
  await further(check);
  await settings(check);
}

export async function leaving(check) {
  const { page, url, app } = check;
  await page.goto(`${url}/apps/${app}/users?range=TODAY`);
  await settled(page);
  await page.getByRole("button", { name: "Your account" }).click();
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByRole("heading", { name: "Sign in" }).waitFor();
  // A link that was shared leads back to where it pointed, however far away the server is.
  const enter = async () => {
    await page.getByLabel("Email").fill("ada@example.com");
    await page.getByLabel("Password").fill("staple of many horses");
    await page.getByRole("button", { name: "Sign in" }).click();
  };
  await page.route("**/graphql", async (route) => {
    await new Promise((done) => setTimeout(done, 300));
    await route.continue();
  });
  await page.goto(`${url}/invitation#${"a".repeat(43)}`);
  await enter();
  await page.getByRole("heading", { name: "You were invited" }).waitFor();
  same("the invitation", await page.getByLabel("Invitation").inputValue(), "a".repeat(43));
  await looks(check, "invitation");
  await page.getByRole("button", { name: "Your account" }).click();
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByRole("heading", { name: "Sign in" }).waitFor();
  await page.goto(`${url}/apps/${app}/users?range=TODAY`);
  await enter();
  await page.getByRole("heading", { name: "Users", exact: true, level: 1 }).waitFor();
  same("the address", page.url(), `${url}/apps/${app}/users?range=TODAY`);
  await page.unrouteAll({ behavior: "wait" });
  await page.goto(`${url}/apps/app_none`);
  await page.getByRole("heading", { name: "Nothing here" }).waitFor();
  await looks(check, "not found");

  // A session that ended elsewhere leads to the door as well, without a reload.
  await page.goto(`${url}/apps/${app}`);
  await settled(page);
  await page.context().clearCookies();
  await page.getByRole("link", { name: "Users" }).click();
  await page.getByRole("heading", { name: "Sign in" }).waitFor();

  // A forgotten password: a link that was made up sets nothing, and a server without mail says so.
  await page.goto(`${url}/reset-password#${"a".repeat(43)}`);
  await page.getByLabel("New password").fill("another battery staple horse");
  await looks(check, "a new password");
  await page.getByRole("button", { name: "Set it" }).click();
  await page.getByText("There is no such link.").waitFor();
  await page.getByRole("link", { name: "Sign in" }).click();
  await page.getByRole("link", { name: "Forgot your password?" }).click();
  await looks(check, "a forgotten password");
  await page.getByLabel("Email").fill("ada@example.com");
  await page.getByRole("button", { name: "Send a link" }).click();
  await page.getByText("This server sends no mail.").waitFor();
}
