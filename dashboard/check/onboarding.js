// From nobody to the first event.
import { execFileSync } from "node:child_process";
import { pagesWithoutEvents } from "./pages.js";
import { looks, same } from "./looks.js";

export async function onboarding(check) {
  const { page, url } = check;
  await page.getByRole("link", { name: "Create an account" }).click();
  await page.getByRole("heading", { name: "Create an account" }).waitFor();
  await looks(check, "register");
  await page.getByLabel("Name").fill("Ada");
  await page.getByLabel("Email").fill("ada@example.com");
  await page.getByLabel("Password").fill("correct horse battery");
  await page.getByRole("button", { name: "Create an account" }).click();

  await page.getByRole("heading", { name: "Your first app" }).waitFor();
  await looks(check, "first app");
  await page.getByLabel("Name").fill("Shop");
  await page.getByLabel("Time zone").fill("Europe/Berlin");
  await page.getByRole("button", { name: "Create app" }).click();

  await page.getByText("Waiting for your first event").waitFor();
  await looks(check, "setup");
  check.app = page.url().match(/apps\/([^/]+)\/setup/)[1];

  await page.goto(`${url}/apps/${check.app}`);
  await page.getByText("No events in this range.").waitFor();
  await looks(check, "overview, empty");
  await pagesWithoutEvents(check);
  // What arrives is followed, and not asked for again and again.
  let asked = 0;
  const count = (request) => {
    if (request.postData()?.includes("query FirstEvent")) asked++;
  };
  page.on("request", count);
  await page.goto(`${url}/apps/${check.app}/setup`);

  // The key is gone with the page that showed it.
  await page.getByRole("button", { name: "Create an API key" }).click();
  const snippet = page.getByRole("figure").filter({ hasText: "curl" });
  await snippet.getByRole("button", { name: "Copy" }).click();
  const command = await page.evaluate(() => navigator.clipboard.readText());
  check.key = command.match(/uea_\w+/)[0];
  const answer = JSON.parse(
    execFileSync("sh", ["-c", `${command} -s`], { env: { ...process.env, no_proxy: "127.0.0.1" } }),
  );
  same("the pasted command", answer.data.accepted, 1);

  await page.getByText("Your first event is here").waitFor();
  page.off("request", count);
  same("questions while it waited", asked, 1);
  await looks(check, "setup, arrived");
  await page.getByRole("link", { name: "See the overview" }).click();
  await page.getByRole("button", { name: /^Visitors 1$/ }).waitFor();
}
