// To import, from a server's /sdk.mjs or into a bundle.
import { start } from "./analytics";
import type { Analytics, Options } from "./api";

export type { Analytics, Extra, Options, Properties } from "./api";

/**
 * Begins, once in a page.
 * @throws an `Error` where `key` is missing, or `host` is and the module was not loaded from a server.
 */
export function init(options: Options): Analytics {
  const host = options.host ?? import.meta.url?.match(/^https?:\/\/[^/]+/)?.[0];
  if (!options.key || !host) throw new Error("Event Analytics: init needs a key and the host");
  return start(options, host);
}
