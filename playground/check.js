// Opens the server's pages in a real browser and fails on any error, any breach of the content
// security policy, and any request to another host. Usage: node check.js URL [folder for pictures]
import { join } from "node:path";
import { open } from "./browser.js";

const [url, pictures] = process.argv.slice(2);

const browser = await open({ viewport: { width: 1400, height: 900 } });

const problems = [];
const page = await browser.newPage();
page.setDefaultTimeout(30_000);
page.on("pageerror", (error) => problems.push(`error: ${error.message}`));
page.on("console", (message) => {
  if (message.type() === "error") problems.push(`console: ${message.text()} (${message.location().url})`);
});
page.on("request", (request) => {
  const { origin, protocol } = new URL(request.url());
  if (origin !== url && !["data:", "blob:"].includes(protocol)) problems.push(`request to ${request.url()}`);
});
page.on("response", (response) => {
  if (response.status() >= 400) problems.push(`${response.status()} ${response.url()}`);
});

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
  await page.goto(`${url}/`);
  await picture("front");
  await page.getByRole("link", { name: "Playground" }).click();
  await page.locator(".graphiql-container").waitFor();
  await picture("playground");

  await run("register", "Register", "you@example.com");
  await picture("register");
  await run("viewer", "Viewer", "Your Name"); // by the cookie that registering has set
  await run("create app", "CreateApp", "My site");
  await run("summary", "Summary", "firstEventAt"); // in the app that was just made
  await picture("summary");

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
