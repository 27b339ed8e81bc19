// The script tag: options are its data attributes, and `window.uea` is what a page says more.
// Calls made before it was loaded wait in an array: `(window.uea ||= []).push(["track", "signup"])`.
import { start } from "./analytics";
import type { Analytics, Options } from "./api";

type Call = [name: keyof Analytics, ...given: never[]];

const script = document.currentScript as HTMLScriptElement;
const options: Record<string, unknown> = { host: new URL(script.src).origin };
for (const [name, value] of Object.entries(script.dataset)) {
  options[name] = value !== "false" && (value || true);
}

const page = window as unknown as { uea?: Call[] | (Analytics & { push?: unknown }) };
const early = Array.isArray(page.uea) ? page.uea : [];
if (typeof options.key === "string") {
  const analytics = start(options as unknown as Options, options.host as string);
  const push = ([name, ...given]: Call) => (analytics[name] as (...given: never[]) => unknown)(...given);
  page.uea = Object.assign(analytics, { push });
  early.forEach(push);
} else {
  console.warn("Event Analytics: the script tag has no data-key");
}
