// Uses the dashboard as a new owner does, in a real browser, and fails on any error, any breach of the content
// security policy, any request to another host, and whatever axe finds. Usage: node check.js URL [folder for pictures]
import { join } from "node:path";
import { open, watch } from "../playground/browser.js";
import { boards } from "./check/boards.js";
import { elsewhere } from "./check/elsewhere.js";
import { firstLoad } from "./check/first-load.js";
import { definitions, keys, person } from "./check/keeping.js";
import { live } from "./check/live.js";
import { onboarding } from "./check/onboarding.js";
import { days, details, failure, filters, keyboard, overview, today } from "./check/overview.js";
import { leaving, pagesWithEvents } from "./check/pages.js";
import { people } from "./check/people.js";
import { sessionList } from "./check/session-list.js";
import { explorer, sorting } from "./check/sorting.js";
import { tag } from "./check/tag.js";

const [url, pictures] = process.argv.slice(2);

const browser = await open({
  viewport: { width: 1400, height: 900 },
  permissions: ["clipboard-read", "clipboard-write"],
});
const page = await browser.newPage();
const problems = watch(page, url);
page.setDefaultTimeout(15_000);

const check = { url, page, problems, app: "", key: "" };

try {
  await firstLoad(check);
  await onboarding(check);
  await overview(check);
  for (const part of [days, today, filters, details, failure, keyboard]) await part(check);
  await pagesWithEvents(check);
  for (const part of [boards, sorting, sessionList, explorer, live, keys, definitions, people, person, tag])
    await part(check);
  await leaving(check);
  await elsewhere(check);
} catch (error) {
  problems.push(error.stack, `at ${page.url()}`, await page.locator("main").innerText().catch(String));
  if (pictures) await page.screenshot({ path: join(pictures, "failure.png"), fullPage: true });
} finally {
  await browser.close();
}

for (const problem of problems) console.error(problem);
process.exitCode = problems.length > 0 ? 1 : 0;
