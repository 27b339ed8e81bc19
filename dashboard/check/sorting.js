// Tables that a click on a column sorts, and a panel's question in the playground.
import { exported } from "./overview.js";
import { looks, same, settled } from "./looks.js";

async function column(table, place) {
  return (await table.locator(`tbody td:nth-child(${place})`).allInnerTexts()).map((text) => text.trim());
}

export async function sorting({ page, url, app }) {
  await page.goto(`${url}/apps/${app}/users?range=ALL_TIME`);
  await settled(page);
  const panel = page.getByRole("region", { name: "Users", exact: true });
  const head = (name) => panel.getByRole("columnheader", { name });
  same("sorted at first", await head("Last seen").getAttribute("aria-sort"), "descending");
  // One that the server knows, and one that it does not; both by keyboard.
  await head("Events").getByRole("button").focus();
  await page.keyboard.press("Enter");
  await page.waitForURL(/order=EVENTS/);
  await settled(page);
  same("sorted by events", await head("Events").getAttribute("aria-sort"), "descending");
  const events = (await column(panel, 2)).map(Number);
  same("the most first", events, [...events].sort((a, b) => b - a));
  await head("User").getByRole("button").focus();
  await page.keyboard.press("Enter");
  await page.keyboard.press("Enter");
  same("sorted by name", await head("User").getAttribute("aria-sort"), "ascending");
  same("sorted by one column", await panel.locator("th[aria-sort]").count(), 1);
  const names = await column(panel, 1);
  const order = new Intl.Collator("en", { numeric: true });
  same("in order", names, [...names].sort(order.compare));
  const csv = (await exported(page, panel, "CSV")).trim().split("\r\n").slice(1);
  same(
    "the file's order",
    csv.map((line) => line.split(",")[0]),
    names,
  );
}

/** A panel's question in the playground: the document and its variables are there, and the answer comes. */
export async function explore({ page, app }, panel, operation, expected) {
  await page.getByRole("button", { name: `More about ${panel}`, exact: true }).click();
  await page.getByRole("button", { name: "Show the GraphQL" }).click();
  const shown = page.getByRole("dialog", { name: `The GraphQL of ${panel}` });
  await shown.getByRole("figure").filter({ hasText: operation }).waitFor();
  await shown.getByRole("figure").filter({ hasText: app }).waitFor();
  const [opened] = await Promise.all([
    page.context().waitForEvent("page"),
    shown.getByRole("link", { name: "Open in the playground" }).click(),
  ]);
  const soon = { timeout: 30_000 };
  await opened.getByRole("tab", { name: operation, selected: true }).waitFor(soon);
  await opened.locator(".graphiql-query-editor").getByText(operation).first().waitFor(soon);
  await opened.locator(".graphiql-editor-tool").getByText(app).waitFor(soon);
  await opened.locator(".graphiql-execute-button").click();
  await opened.locator(".graphiql-response").getByText(expected).first().waitFor(soon);
  await opened.close();
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: `More about ${panel}`, exact: true }).and(page.locator(":focus")).waitFor();
}

export async function explorer(check) {
  const { page, url, app } = check;
  await page.goto(`${url}/apps/${app}/sessions`);
  await settled(page);
  await explore(check, "Sessions over time", "Sessions", "medianSeconds");
  await page.getByRole("button", { name: "More about Sessions over time" }).click();
  await page.getByRole("button", { name: "Show the GraphQL" }).click();
  await looks(check, "the GraphQL of a panel");
  await copying(check);
}

/** What is copied, also where the page came by plain HTTP and so has no clipboard. */
async function copying({ page, url, app }) {
  const other = await page.context().newPage();
  await other.addInitScript(() => Object.defineProperty(navigator, "clipboard", { value: undefined }));
  await other.goto(`${url}/apps/${app}/sessions`);
  await other.getByRole("button", { name: "More about Sessions over time" }).click();
  await other.getByRole("button", { name: "Show the GraphQL" }).click();
  const copy = other.getByRole("figure").filter({ hasText: "medianSeconds" }).getByRole("button", { name: "Copy" });
  await copy.click();
  await other.getByRole("button", { name: "Copied" }).and(other.locator(":focus")).waitFor();
  await other.close();
  await page.bringToFront();
  const text = await page.evaluate(() => navigator.clipboard.readText());
  same("what was copied", text.startsWith("query Sessions("), true);
}
