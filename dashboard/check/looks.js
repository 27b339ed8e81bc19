// What every page must be: accessible in both themes, and no wider than a phone.
import axe from "axe-core";

/** What axe finds on the page as it stands. */
export async function accessible({ page, problems }, name, options = {}) {
  await page.evaluate(axe.source);
  const found = await page.evaluate(async (options) => {
    const { violations } = await globalThis.axe.run(document, options);
    return violations.flatMap(({ id, nodes }) =>
      nodes.map(({ html, failureSummary }) => `${id}: ${html}\n${failureSummary}`),
    );
  }, options);
  for (const violation of found) problems.push(`axe, ${name}: ${violation}`);
}

/** Waits until whatever was asked has been answered. */
export async function settled(page) {
  await page.waitForFunction(() => !document.querySelector(".skeleton, [aria-busy=true], .loading, .blank"));
}

export async function looks(check, name) {
  const { page, problems } = check;
  await settled(page);
  for (const theme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme: theme, reducedMotion: "reduce" });
    // Only colours differ in the dark.
    await accessible(check, `${name}, ${theme}`, theme === "dark" ? { runOnly: ["color-contrast"] } : undefined);
  }
  await page.setViewportSize({ width: 375, height: 800 });
  await settled(page);
  await fitsPhone(page, name).catch((error) => problems.push(error.message));
  await page.setViewportSize({ width: 1400, height: 900 });
  if (pictures) await picture(page, name);
}

/** Nothing is beyond the edge of a window that is as wide as a phone, neither the page nor what is open on it. */
export async function fitsPhone(page, name) {
  const excess = await page.evaluate(() => {
    const open = [...document.querySelectorAll("dialog[open], .sheet")];
    const edges = open.flatMap((box) => {
      const { left, right } = box.getBoundingClientRect();
      return [right - innerWidth, -left, box.scrollWidth - box.clientWidth];
    });
    return Math.max(document.documentElement.scrollWidth - innerWidth, ...edges);
  });
  if (excess > 0.5) throw new Error(`${name}: ${excess} pixels wider than a phone`);
}

/** Where pictures of every page go, if somebody wants to look at them. */
const pictures = process.env.PICTURES;

async function picture(page, name) {
  for (const theme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme: theme, reducedMotion: "reduce" });
    await page.waitForTimeout(100);
    await page.screenshot({ path: `${pictures}/${name.replaceAll(/\W+/g, "-")}-${theme}.png`, fullPage: true });
  }
  await page.setViewportSize({ width: 375, height: 800 });
  await page.waitForTimeout(100);
  await page.screenshot({ path: `${pictures}/${name.replaceAll(/\W+/g, "-")}-phone.png`, fullPage: true });
  await page.setViewportSize({ width: 1400, height: 900 });
}

/** As if somebody came back to the page after some minutes. */
export async function lookAgain(page) {
  await page.evaluate(() => {
    const { now } = Date;
    Date.now = () => now() + 5 * 60_000;
    document.dispatchEvent(new Event("visibilitychange"));
    Date.now = now;
  });
}

export function same(what, found, expected) {
  const [a, b] = [found, expected].map((value) => JSON.stringify(value));
  if (a !== b) throw new Error(`${what}: ${a}, expected ${b}`);
}
