// Visits a site that has the SDK, in a real browser, as visitors do: offline, in several tabs, against a server that is
// away, with and without leave. What has arrived is for others to ask. Usage: node check.js [PART], with HOST and KEY.
import * as arrival from "./check/arrival.js";
import * as choices from "./check/choices.js";
import * as pages from "./check/pages.js";
import { close, problems } from "./check/site.js";

const parts = Object.entries({ ...arrival, ...choices, ...pages });
const wanted = process.argv[2] ? parts.filter(([name]) => name === process.argv[2]) : parts;

/** Two at once: most of the time they wait. */
async function work() {
  for (let next = wanted.shift(); next; next = wanted.shift()) {
    const [name, part] = next;
    await part().catch((error) => problems.push(`${name}: ${error.stack}`));
  }
}

await Promise.all([work(), work()]);
close();
for (const problem of problems) console.error(problem);
process.exit(problems.length > 0 ? 1 : 0);
