// Makes an account by a link that goes by mail, in a real browser. Usage: node check-door.js URL [link]
import { open, watch } from "../playground/browser.js";
import { looks } from "./check/looks.js";

const [url, link] = process.argv.slice(2);
const browser = await open({ viewport: { width: 390, height: 844 } });
const page = await browser.newPage();
page.setDefaultTimeout(15_000);
const problems = watch(page, url);
try {
  if (link) {
    await page.goto(link);
    await looks({ page, problems }, "register by a link");
    await page.getByLabel("Name").fill("Ada");
    await page.getByLabel("Email").fill("ada@example.com");
    await page.getByLabel("Password").fill("correct battery staple horse");
    await page.getByRole("button", { name: "Create an account" }).click();
    await page.getByRole("heading", { name: "Your first app" }).waitFor();
  } else {
    await page.goto(`${url}/register`);
    await looks({ page, problems }, "register by mail");
    await page.getByLabel("Email").fill("ada@example.com");
    await page.getByRole("button", { name: "Send me a link" }).click();
    await page.getByRole("status").filter({ hasText: "A letter is on its way" }).waitFor();
  }
} catch (error) {
  problems.push(error.stack, await page.locator("main").innerText().catch(String));
} finally {
  await browser.close();
}
for (const problem of problems) console.error(problem);
process.exitCode = problems.length > 0 ? 1 : 0;
