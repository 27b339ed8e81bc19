// Opens the server's pages in a real browser and fails on any error, any breach of the content
// security policy, and any request to another host. Usage: node check.js URL [folder for pictures]
import { join } from "node:path";
import { open, watch } from "./browser.js";

const [url, pictures] = process.argv.slice(2);

const browser = await open({ viewport: { width: 1400, height: 900 } });

const page = await browser.newPage();
const problems = watch(page, url);

/** Opens an example of the sidebar, runs it, and returns once the answer holds `expected`. */
async function run(example, operation, expected) {
  await page.locator(".examples button", { has: page.getByText(example, { exact: true }) }).click();
  // The tab takes the operation's name once the editor has understood it.
  await page.getByRole("tab", { name: operation, selected: true }).waitFor();
  await page.locator(".graphiql-execute-button").click();
  await page.locator(".graphiql-response").getByText(expected).first().waitFor();
}

async function picture(name) {
  if (pictures) await page.screenshot({ path: join(pictures, `${name}.png`) });
}

try {
  await page.goto(`${url}/playground`);
  await page.locator(".graphiql-container").waitFor();
  await picture("playground");

  await run("register", "Register", "you@example.com");
  await picture("register");
  await run("viewer", "Viewer", "Your Name"); // by the cookie that registering has set
  await run("create app", "CreateApp", "My site");
  await run("summary", "Summary", "firstEventAt"); // in the app that was just made
  await picture("summary");

  // An operation that a link brings along.
  const brought = new URLSearchParams({ query: "query Brought { viewer { name } }", variables: "{}" });
  await page.goto(`${url}/api-docs/`);
  await page.goto(`${url}/playground#${brought}`);
  await page.getByRole("tab", { name: "Brought", selected: true }).waitFor();
  await page.locator(".graphiql-execute-button").click();
  await page.locator(".graphiql-response").getByText("Your Name").first().waitFor();

  await page.goto(`${url}/api-docs/`);
  await page.getByText("/api/v1/events").first().waitFor();
  await picture("api-docs");
} catch (error) {
  const answer = await page.locator(".graphiql-response").allInnerTexts();
  problems.push(String(error), ...answer);
  await picture("failure");
} finally {
  await browser.close();
}

for (const problem of problems) console.error(problem);
process.exitCode = problems.length > 0 ? 1 : 0;
