// Changing what an app keeps: keys, goals and segments; and a person's data.
import { readFileSync } from "node:fs";
import { request } from "./others.js";
import { looks, same, settled } from "./looks.js";

async function show({ page, url, app }, path) {
  await page.goto(`${url}/apps/${app}/${path}`);
  await page.getByRole("main").waitFor();
  await settled(page);
}

export async function keys(check) {
  const { page } = check;
  await show(check, "settings");
  const key = page.getByRole("listitem").filter({ hasText: "Another key" });
  await key.getByRole("button", { name: "Usage" }).click();
  // The count is a few seconds behind what was sent.
  await key.getByText(/^[35]\d\d uses in/).waitFor();
  await key.getByRole("button", { name: "Edit" }).click();
  await key.getByLabel("Name of the key").fill("The shop’s key");
  await key.getByLabel("Origins whose pages may use it").fill("https://shop.example\nhttps://*.shop.example");
  await looks(check, "a key being edited");
  await page.getByRole("button", { name: "Save the key" }).click();
  const renamed = page.getByRole("listitem").filter({ hasText: "The shop’s key" });
  await renamed.getByText("only from https://shop.example, https://*.shop.example").waitFor();
  await renamed.getByRole("button", { name: "Replace" }).click();
  await renamed.getByLabel("What becomes of the present key").selectOption({ label: "It works for another day" });
  await page.getByRole("button", { name: "Make the new key" }).click();
  await page.getByText("shown only now").waitFor();
  await renamed.getByText("the key before works until").waitFor();
  // The key before still works, from where it may.
  const headers = { "x-api-key": check.key, origin: "https://shop.example", "content-type": "application/json" };
  const body = JSON.stringify([{ event_type: "page_view", user_id: "late" }, { user_id: "in vain" }]);
  const sent = await fetch(`${check.url}/api/v1/events`, { method: "POST", headers, body });
  same("the key before", sent.status, 200);
  await page.getByLabel("Name of a new key").fill("Bounded");
  await page.getByText("Limits and origins").click();
  await page.getByLabel("Events a minute").fill("60");
  await page.getByRole("button", { name: "Create key" }).click();
  await page.getByRole("listitem").filter({ hasText: "Bounded" }).waitFor();
}

const KEPT = `query($app: ID!) { app(id: $app) {
  goals(first: 10) { nodes { name description filter } }
  savedSegments(first: 10) { nodes { name filter } }
} }`;

/** Names and filters change, by chips; what chips cannot say stays as it is. */
export async function definitions(check) {
  const { page, app } = check;
  await show(check, "goals");
  await page.getByRole("button", { name: "Edit the goal Ordered" }).click();
  await page.getByLabel("Name of the goal").fill("Bought");
  await page.getByLabel("What it is good for").fill("What we live on");
  const editor = page.locator(".editor");
  await editor.getByText("Event is purchase").waitFor();
  await editor.getByRole("button", { name: "Filter", exact: true }).click();
  await editor.getByRole("combobox", { name: "Value" }).fill("/docs");
  await editor.getByRole("button", { name: "Add", exact: true }).click();
  await editor.getByText("Page is /docs").waitFor();
  await looks(check, "a goal being edited");
  await page.getByRole("button", { name: "Save the goal" }).click();
  await page.getByText("What we live on").waitFor();
  await page.getByRole("button", { name: "Edit the segment Readers" }).click();
  await page.getByLabel("Name of the segment").fill("Keen readers");
  await page.getByRole("button", { name: "Save the segment" }).click();
  await page.getByRole("button", { name: "Edit the segment Keen readers" }).waitFor();
  const { goals, savedSegments } = (await request(check, KEPT, { app })).app;
  const filter = { and: [{ eventType: { eq: "purchase" } }, { pagePath: { eq: "/docs" } }] };
  same("the goal", goals.nodes, [{ name: "Bought", description: "What we live on", filter }]);
  same("the segment", savedSegments.nodes, [{ name: "Keen readers", filter: { pagePath: { eq: "/docs" } } }]);

  const odd = { or: [{ country: { exists: true } }, { revenue: { gt: 5 } }] };
  const create = `mutation($input: CreateGoalInput!) { createGoal(input: $input) { goal { id } } }`;
  await request(check, create, { input: { appId: app, name: "Odd", filter: odd } });
  await show(check, "goals");
  await page.getByRole("button", { name: "Edit the goal Odd" }).click();
  await page.getByText("This filter says more than chips can").waitFor();
  await page.getByLabel("Name of the goal").fill("Odder");
  await page.getByRole("button", { name: "Save the goal" }).click();
  await page.getByRole("button", { name: "Edit the goal Odder" }).waitFor();
  const after = (await request(check, KEPT, { app })).app.goals.nodes.find(({ name }) => name === "Odder");
  same("the odd filter", after.filter, odd);
}

/** A copy of somebody's data, and then nothing of it any more. */
export async function person(check) {
  const { page } = check;
  await show(check, "users/user-9?range=ALL_TIME");
  await page.getByRole("button", { name: "Prepare the file" }).click();
  const link = page.getByRole("link", { name: "Download 10 events" });
  const download = page.waitForEvent("download");
  await link.click();
  const lines = readFileSync(await (await download).path(), "utf8").trim().split("\n");
  same("lines of the copy", lines.length, 12);
  await page.getByRole("button", { name: "Erase this person" }).click();
  await looks(check, "a person being erased");
  await page.getByLabel("Type user-9 to go on").fill("user-9");
  await page.getByRole("button", { name: "Erase for good" }).click();
  const receipt = page.getByRole("region", { name: "Receipt" });
  await receipt.getByText("Keep the receipt").waitFor();
  await page.getByText("Nothing of this user.").waitFor();
  await looks(check, "a person erased");

  const refused = "query($app: ID!) { app(id: $app) { refusedEvents { code } } }";
  while ((await request(check, refused, { app: check.app })).app.refusedEvents.length === 0) {
    await page.waitForTimeout(200);
  }
  await show(check, "settings/data");
  const reasons = page.getByRole("region", { name: "Refused events" });
  await reasons.getByText("MISSING_FIELD").waitFor();
  await reasons.getByText("1 event", { exact: true }).waitFor();
  await page.getByText("10 events removed").click();
  await page.getByRole("button", { name: "Compare" }).click();
  await page.getByText("everything agrees").waitFor();
  await page.getByText("None, as it should be.").waitFor();
  await looks(check, "data");
}
