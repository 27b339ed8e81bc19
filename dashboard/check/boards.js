// Saved dashboards: put together from other pages, arranged, and shown to whoever has a link.
import { createServer } from "node:http";
import { open, watch } from "../../playground/browser.js";
import { looks, same, settled } from "./looks.js";
import { ask, exported } from "./overview.js";

const PASSWORD = "four purple random elephants";

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

  // Looked at within another range, and then as it was.
  const whole = await rows(page, "Where they look");
  await page.getByLabel("Range", { exact: true }).selectOption({ label: "Last 24 hours" });
  await page.waitForURL(/as=LAST_24_HOURS/);
  await settled(page);
  const shorter = await rows(page, "Where they look");
  same("fewer in a day", Number(shorter[0][1]) < Number(whole[0][1]), true);
  await page.getByLabel("Range", { exact: true }).selectOption({ label: "Ranges as saved" });

  // Somebody else is faster.
  await edit();
  await page.getByLabel("Title of Where they look").fill("Pages");
  const id = check.board.split("/").at(-1);
  const { node } = await ask(page, "query($id: ID!) { node(id: $id) { ... on Dashboard { revision } } }", { id });
  const rename = "mutation($input: UpdateDashboardInput!) { updateDashboard(input: $input) { dashboard { id } } }";
  await ask(page, rename, { input: { id, revision: node.revision, name: "Mornings!" } });
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await page.getByRole("button", { name: "Drop my changes and read theirs" }).click();
  await page.getByRole("heading", { name: "Mornings!" }).waitFor();
  await page.getByRole("button", { name: "More about this dashboard" }).click();
  await page.getByLabel("Name", { exact: true }).fill("Mornings");
  await page.getByRole("button", { name: "Rename" }).click();
  await page.getByRole("heading", { name: "Mornings", exact: true }).waitFor();
  await edit();
  await page.getByLabel("Title of Where they look").fill("Pages");
  await save();
}

async function link({ page }, name, password = "") {
  if (!(await page.getByLabel("For whom").isVisible())) {
    await page.getByRole("button", { name: "Share", exact: true }).click();
  }
  await page.getByLabel("For whom").fill(name);
  await page.getByLabel("Password, if it shall take one").fill(password);
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
  const [locked] = await link(check, "The board", PASSWORD);
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
  await share(check, expected);
}
