// Saved dashboards: put together from other pages, arranged, and shown to whoever has a link.
import { writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { open, watch } from "../../playground/browser.js";
import { lookAgain, looks, same, settled } from "./looks.js";
import { ask, exported } from "./overview.js";

// Spaces belong to it.
const PASSWORD = " four purple random elephants ";

const region = (page, name) => page.getByRole("region", { name, exact: true });

/** The leading rows of a ranking as they are read. */
async function rows(page, name) {
  await region(page, name).locator(".ranking .value").first().waitFor();
  return region(page, name)
    .locator(".ranking li")
    .allInnerTexts()
    .then((all) => all.map((row) => row.split("\n")));
}

async function put({ page }, panel, item, name) {
  await panel.getByRole("button", { name: /^More about/ }).click();
  await panel.getByRole("button", { name: item }).click();
  if (name) await page.getByLabel("Name of the dashboard").fill(name);
  await panel.getByRole("button", { name: "Add", exact: true }).click();
  await page.getByText("Added.").waitFor();
}

async function together(check) {
  const { page, url, app } = check;
  await page.goto(`${url}/apps/${app}`);
  await settled(page);
  await put(check, region(page, "Figures"), /“Visitors” to a dashboard/, "Mornings");
  await page.keyboard.press("Escape");
  await put(check, region(page, "Pages"), "Add to a dashboard");
  const expected = (await rows(page, "Pages")).map(([name, , value]) => [name, value]);
  await page.getByRole("link", { name: "Open the dashboard" }).click();
  await page.getByRole("heading", { name: "Mornings" }).waitFor();
  await region(page, "Visitors").locator("canvas").waitFor();
  same("rows of the panel", await rows(page, "Pages"), expected);
  const csv = await exported(page, region(page, "Pages"), "CSV");
  const lines = csv
    .trim()
    .split("\r\n")
    .slice(1)
    .map((line) => line.split(",").slice(1, 3));
  same("rows of the file", lines, expected);
  check.board = page.url();
  await looks(check, "dashboard");
  return expected;
}

const top = async (page, name) => (await region(page, name).boundingBox()).y;

/** The panels change places by keys and by hand, and stay there. */
async function arrange(check) {
  const { page } = check;
  const isAbove = async () => (await top(page, "Pages")) < (await top(page, "Visitors"));
  const edit = () => page.getByRole("button", { name: "Edit", exact: true }).click();
  const save = async () => {
    await page.getByRole("button", { name: "Save", exact: true }).click();
    await page.getByRole("button", { name: "Edit", exact: true }).waitFor();
    await page.reload();
    await settled(page);
  };
  same("it is added below", await isAbove(), false);
  await edit();
  await page.getByRole("button", { name: "Move Pages", exact: true }).focus();
  await page.keyboard.press("ArrowUp");
  await page.getByRole("button", { name: "Resize Pages" }).focus();
  for (const key of ["ArrowRight", "ArrowRight", "ArrowDown"]) await page.keyboard.press(key);
  await looks(check, "dashboard, edited");
  await save();
  same("moved by a key", await isAbove(), true);
  same("its size", await region(page, "Pages").evaluate(({ style }) => [style.gridColumn, style.gridRow]), [
    "1 / span 8",
    "1 / span 8",
  ]);
  await edit();
  const from = await page.getByRole("button", { name: "Move Visitors", exact: true }).boundingBox();
  await page.mouse.move(from.x + 8, from.y + 8);
  await page.mouse.down();
  await page.mouse.move(from.x + 8, from.y - 300, { steps: 8 });
  await page.mouse.move(from.x + 8, (await top(page, "Pages")) - 20, { steps: 8 });
  await page.mouse.up();
  await page.getByLabel("Title of Pages").fill("Where they look");
  await save();
  same("moved by hand", (await top(page, "Visitors")) < (await top(page, "Where they look")), true);

  // Looked at within another range, in which it is not saved, and then as it was.
  const whole = await rows(page, "Where they look");
  await page.getByLabel("Range", { exact: true }).selectOption({ label: "Last 24 hours" });
  await page.waitForURL(/as=LAST_24_HOURS/);
  await settled(page);
  const shorter = await rows(page, "Where they look");
  same("fewer in a day", Number(shorter[0][1]) < Number(whole[0][1]), true);
  await edit();
  await page.getByLabel("Title of Where they look").fill("Where they go");
  await page.getByLabel("Title of Visitors").focus();
  await save();
  const id = check.board.split("/").at(-1);
  const stored = "query($id: ID!) { node(id: $id) { ... on Dashboard { revision panels { title variables } } } }";
  const { node } = await ask(page, stored, { id });
  same(
    "what is saved",
    node.panels.map(({ title, variables }) => [title, variables.range]),
    ["Visitors", "Where they go"].map((title) => [title, { preset: "LAST_7_DAYS" }]),
  );
  await page.getByLabel("Range", { exact: true }).selectOption({ label: "Ranges as saved" });
  await leaving(check, edit);

  // Somebody else is faster, and the page has read it by itself.
  await edit();
  await page.getByLabel("Title of Where they go").fill("Pages");
  const rename = "mutation($input: UpdateDashboardInput!) { updateDashboard(input: $input) { dashboard { id } } }";
  await ask(page, rename, { input: { id, revision: node.revision, name: "Mornings!" } });
  await lookAgain(page);
  await page.getByRole("heading", { name: "Mornings!" }).waitFor();
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await page.getByRole("button", { name: "Drop my changes and read theirs" }).click();
  await region(page, "Where they go").waitFor();
  same("a conflict that is settled", await page.getByText("Somebody else has changed").count(), 0);
  await page.getByRole("button", { name: "More about this dashboard" }).click();
  await page.getByLabel("Name", { exact: true }).fill("Mornings");
  await page.getByRole("button", { name: "Rename" }).click();
  await page.getByRole("heading", { name: "Mornings", exact: true }).waitFor();
  await edit();
  await page.getByLabel("Title of Where they go").fill("Pages");
  await save();
}

/** What was changed and not saved is not lost by a click on a link or back. */
async function leaving({ page, url, app }, edit) {
  await page.goto(`${url}/apps/${app}/dashboards`);
  await page.getByRole("link", { name: "Mornings" }).click();
  await region(page, "Where they go").waitFor();
  await edit();
  await page.getByLabel("Title of Where they go").fill("Elsewhere");
  await page.getByLabel("Title of Visitors").focus();
  const asked = [];
  const answer = (accepts) =>
    page.once("dialog", async (dialog) => {
      asked.push(dialog.message());
      await (accepts ? dialog.accept() : dialog.dismiss());
    });
  const at = page.url();
  answer(false);
  await page.getByRole("link", { name: "Sessions", exact: true }).click();
  answer(false);
  await page.goBack();
  await page.waitForURL(at);
  same("what was changed", await page.getByLabel("Title of Elsewhere").count(), 1);
  answer(true);
  await page.getByRole("link", { name: "Sessions", exact: true }).click();
  await page.getByRole("heading", { name: "Sessions", exact: true }).waitFor();
  same("asked", asked, Array.from({ length: 3 }, () => "Leave this page without saving what you changed?"));
  await page.goto(at);
  await region(page, "Where they go").waitFor();
}

/** On paper it is light, with every bar, and without what can be pressed. */
async function paper({ page }) {
  await page.evaluate(() => (document.documentElement.dataset.theme = "dark"));
  await page.emulateMedia({ media: "print" });
  const { ground, bar, adjust } = await page.evaluate(() => ({
    ground: getComputedStyle(document.querySelector(".card")).backgroundColor,
    bar: getComputedStyle(document.querySelector(".ranking .bar")).backgroundColor,
    adjust: getComputedStyle(document.querySelector(".ranking .bar")).printColorAdjust,
  }));
  same("paper", [ground, bar, adjust], ["rgb(255, 255, 255)", "rgb(232, 235, 251)", "exact"]);
  same("what can be pressed", await page.getByRole("button").count(), 0);
  await page.getByText("Bean shop, ranges as saved").or(page.getByText("Shop, ranges as saved")).first().waitFor();
  const file = await page.pdf({ format: "A4", printBackground: true });
  same("a PDF", file.subarray(0, 5).toString(), "%PDF-");
  if (process.env.PICTURES) writeFileSync(`${process.env.PICTURES}/dashboard.pdf`, file);
  await page.emulateMedia({ media: "screen" });
  await page.evaluate(() => delete document.documentElement.dataset.theme);
  await page.evaluate(() => (globalThis.print = () => (globalThis.printed = true)));
  await page.getByRole("button", { name: "Print or save as PDF" }).click();
  same("printed", await page.evaluate(() => globalThis.printed), true);
}

async function link({ page }, name, { password = "", until = "" } = {}) {
  if (!(await page.getByLabel("For whom").isVisible())) {
    await page.getByRole("button", { name: "Share", exact: true }).click();
  }
  await page.getByLabel("For whom").fill(name);
  await page.getByLabel("Password, if it shall take one").fill(password);
  await page.getByLabel("Last day, if it shall end").fill(until);
  await page.getByRole("button", { name: "Make a link" }).click();
  await page.getByRole("button", { name: `Revoke the link ${name}` }).waitFor();
  return page.locator(".snippet pre").allInnerTexts();
}

/** A page of another origin with the dashboard in it. */
async function embedded(frame) {
  const server = createServer((_, response) => {
    response.setHeader("content-type", "text/html").end(`<!doctype html><title>Elsewhere</title>${frame}`);
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  return { address: `http://127.0.0.1:${server.address().port}/`, close: () => server.close() };
}

/** Whoever has but the link sees the same, without being anybody. */
async function share(check, expected) {
  const { page, url, problems } = check;
  const [open_, frame] = await link(check, "Everybody");
  const [locked] = await link(check, "The board", { password: PASSWORD });
  const today = new Date().toLocaleDateString("sv", { timeZone: "Europe/Berlin" });
  await link(check, "Of today", { until: today });
  const ends = "query($app: ID!) { app(id: $app) { dashboardShares(first: 20) { nodes { name expiresAt } } } }";
  const { nodes } = (await ask(page, ends, { app: check.app })).app.dashboardShares;
  const end = new Date(nodes.find(({ name }) => name === "Of today").expiresAt);
  const [last, next] = [-1, 0].map((ms) =>
    new Date(end.getTime() + ms).toLocaleDateString("sv", { timeZone: "Europe/Berlin" }),
  );
  same("the last day is whole", [last === today, next > today], [true, true]);
  await looks(check, "dashboard, shared");
  const profile = await open({ viewport: { width: 1400, height: 900 } });
  const host = await embedded(frame);
  try {
    const guest = await profile.newPage();
    const met = watch(guest, url);
    await guest.goto(open_);
    await guest.getByRole("heading", { name: "Mornings" }).waitFor();
    same("rows behind the link", await rows(guest, "Pages"), expected);
    same("cookies", (await profile.cookies()).length, 0);
    await looks({ page: guest, problems }, "shared dashboard");
    // The same page, with another link.
    await guest.goto(locked);
    await guest.getByRole("heading", { name: "This dashboard takes a password" }).waitFor();
    await looks({ page: guest, problems }, "locked dashboard");
    await guest.getByLabel("Password").fill("four purple random tigers");
    await guest.getByRole("button", { name: "Open it" }).click();
    await guest.getByText("This is not the password").waitFor();
    await guest.getByLabel("Password").fill(PASSWORD);
    await guest.getByRole("button", { name: "Open it" }).click();
    same("rows behind the password", await rows(guest, "Pages"), expected);
    problems.push(...met);

    await guest.goto(host.address);
    const inner = guest.frameLocator("iframe");
    same("rows in the frame", await rows(inner, "Pages"), expected);

    await page.getByRole("button", { name: "Revoke the link Everybody" }).click();
    await page.getByRole("button", { name: "Revoke the link Everybody" }).waitFor({ state: "detached" });
    await guest.goto(`${url}/shared`);
    await guest.goto(open_);
    await guest.getByRole("heading", { name: "Nothing to see here" }).waitFor();
    await guest.getByText("was revoked").waitFor();
  } finally {
    host.close();
    await profile.close();
  }
}

export async function boards(check) {
  const expected = await together(check);
  await arrange(check);
  await paper(check);
  await share(check, expected);
}
