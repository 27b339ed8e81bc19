// Opens a real browser, without a window and with a profile of its own.
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";

// The places where .ci/tools looks as well. Where there is none, Playwright knows whether it has one of its own.
const known = ["/usr/bin/chromium", "/usr/bin/google-chrome"];

/** What goes wrong on a page from now on: errors, breaches of the policy, refusals, requests to another host. */
export function watch(page, url) {
  const problems = [];
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
  return problems;
}

/** A context with these options of Playwright; `args` are more of Chromium's own. */
export async function open({ args = [], ...options } = {}) {
  const executablePath = process.env.CHROMIUM || known.find((path) => existsSync(path));
  const profile = mkdtempSync(join(tmpdir(), "event-analytics-browser-"));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath,
    headless: true,
    ...options,
    // Root may not use Chromium's own sandbox; the rest keeps it from calling home.
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      ...args,
    ],
  });
  const close = context.close.bind(context);
  context.close = async () => {
    await close();
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  };
  return context;
}
