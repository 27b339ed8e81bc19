// Dead letters of an app, before the database takes them and after.
// Usage: node check/dead-letters.js URL EMAIL PASSWORD and whether they are `refused again` or `stored`.
import { open, watch } from "../../playground/browser.js";
import { looks, same } from "./looks.js";

const [url, email, password, then] = process.argv.slice(2);

const browser = await open({ viewport: { width: 1400, height: 900 } });
const page = await browser.newPage();
const problems = watch(page, url);
page.setDefaultTimeout(15_000);

try {
  await page.goto(`${url}/sign-in`);
  await page.getByLabel("Email").fill(email);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.waitForURL(/\/apps\//);
  await page.goto(`${page.url().split("?")[0]}/settings/data`);
  const panel = page.getByRole("region", { name: "Dead letters", exact: true });
  await panel.getByText("NOT_STORABLE").first().waitFor();
  same("letters", await panel.getByRole("checkbox").count(), 3);
  if (then === "refused again") {
    await panel.getByText("The event").first().click();
    await panel.getByText('"poison"').first().waitFor();
    await panel.getByRole("checkbox").first().check();
    await looks({ page, problems }, "dead letters");
    await panel.getByRole("button", { name: "Try the 1 chosen one again" }).click();
    await panel.getByText("1 refused again").waitFor();
    same("letters still", await panel.getByRole("checkbox").count(), 3);
  } else {
    await panel.getByRole("checkbox").first().check();
    await panel.getByRole("button", { name: "Try the 1 chosen one again" }).click();
    await panel.getByText("1 event stored").waitFor();
    await panel.getByRole("checkbox").nth(2).waitFor({ state: "detached" });
    page.once("dialog", (dialog) => dialog.accept());
    await panel.getByRole("button", { name: "Give all of them up" }).click();
    await panel.getByText("2 events given up").waitFor();
    await panel.getByText("None, as it should be.").waitFor();
  }
} catch (error) {
  problems.push(error.stack, `at ${page.url()}`, await page.locator("main").innerText().catch(String));
} finally {
  await browser.close();
}

for (const problem of problems) console.error(problem);
process.exitCode = problems.length > 0 ? 1 : 0;
