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
  const excess = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  if (excess > 0) problems.push(`${name}: ${excess} pixels wider than a phone`);
  await page.setViewportSize({ width: 1400, height: 900 });
}

export function same(what, found, expected) {
  const [a, b] = [found, expected].map((value) => JSON.stringify(value));
  if (a !== b) throw new Error(`${what}: ${a}, expected ${b}`);
}
