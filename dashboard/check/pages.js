// Every other page, with some hundred events and with none.
import { looks, same, settled } from "./looks.js";
import { exported } from "./overview.js";

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
  for (const path of PAGES) {
    await show(check, path);
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

/** What a panel asked can be asked again in the playground. */
async function playground(check) {
  const { page } = check;
  await show(check, "sessions");
  await panel(page, "Sessions over time")
    .getByRole("button", { name: /^More about/ })
    .click();
  const link = await page.getByRole("link", { name: "Open the GraphQL" }).getAttribute("href");
  const { query, variables } = Object.fromEntries(new URLSearchParams(link.split("#")[1]));
  same("the question", query.startsWith("query Sessions("), true);
  same("its app", JSON.parse(variables).app, check.app);
}

export async function pagesWithEvents(check) {
  for (const path of ["sessions", "events", "retention", "paths"]) {
    await show(check, path);
    await looks(check, path);
  }
  await user(check);
  await funnel(check);
  await property(check);
  await kept(check);
  await playground(check);
  await settings(check);
}

export async function leaving(check) {
  const { page, url, app } = check;
  await page.goto(`${url}/apps/${app}/users?range=TODAY`);
  await settled(page);
  await page.getByRole("button", { name: "Your account" }).click();
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByRole("heading", { name: "Sign in" }).waitFor();
  // A link that was shared leads back to where it pointed.
  await page.goto(`${url}/apps/${app}/users?range=TODAY`);
  await page.getByLabel("Email").fill("ada@example.com");
  await page.getByLabel("Password").fill("staple of many horses");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.waitForURL(/\/users\?range=TODAY$/);
  await page.goto(`${url}/apps/app_none`);
  await page.getByRole("heading", { name: "Nothing here" }).waitFor();

  // A session that ended elsewhere leads to the door as well, without a reload.
  await page.goto(`${url}/apps/${app}`);
  await settled(page);
  await page.context().clearCookies();
  await page.getByRole("link", { name: "Users" }).click();
  await page.getByRole("heading", { name: "Sign in" }).waitFor();

  // A forgotten password: a link that was made up sets nothing, and a server without mail says so.
  await page.goto(`${url}/reset-password#${"a".repeat(43)}`);
  await page.getByLabel("New password").fill("another battery staple horse");
  await page.getByRole("button", { name: "Set it" }).click();
  await page.getByText("There is no such link.").waitFor();
  await page.getByRole("link", { name: "Sign in" }).click();
  await page.getByRole("link", { name: "Forgot your password?" }).click();
  await page.getByLabel("Email").fill("ada@example.com");
  await page.getByRole("button", { name: "Send a link" }).click();
  await page.getByText("This server sends no mail.").waitFor();
}
