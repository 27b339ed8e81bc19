// What a page does by itself: its address changes, its links are clicked, its forms are sent.
import type { Options, Properties } from "./api";

const FILES = /\.(pdf|zip|gz|tgz|7z|rar|dmg|exe|msi|apk|docx?|xlsx?|pptx?|csv|txt|mp3|mp4|mov|wav|iso|epub)$/i;

type Send = (type: string, properties: Properties) => void;

/** An address as it is sent. What follows `#` is often a secret, such as the token of a sign-in. */
export function address(hash: boolean | undefined, url = location.href): string {
  return hash ? url : url.replace(/#.*/, "");
}

/** Calls back at every change of the address that makes another page. */
export function watchAddress(hash: boolean | undefined, changed: () => void): void {
  let last = address(hash);
  const look = (replaced: unknown) => {
    const now = address(hash);
    // A page that replaces its own query, as by a filter, is the same page.
    const bare = (url: string) => (replaced === true ? url.replace(/\?[^#]*/, "") : url);
    const moved = bare(now) !== bare(last);
    last = now;
    // The page has its title a moment later.
    if (moved) setTimeout(changed, 0);
  };
  for (const name of ["pushState", "replaceState"] as const) {
    const own = history[name];
    history[name] = function (...given) {
      own.apply(this, given);
      look(name === "replaceState");
    };
  }
  for (const name of ["popstate", "hashchange"]) addEventListener(name, look);
  // Back from the browser's memory, where no script ran anew.
  addEventListener("pageshow", (event) => event.persisted && changed());
}

/** Sends clicks on links that lead away or to files. */
export function watchLinks({ outbound, downloads, hash }: Options, send: Send): void {
  const clicked = (event: MouseEvent) => {
    const link = (event.target as Element | null)?.closest?.("a[href]") as HTMLAnchorElement | null;
    if (!link || event.button > 1 || !/^https?:/.test(link.protocol)) return;
    const url = address(hash, link.href);
    if (downloads !== false && (link.hasAttribute("download") || FILES.test(link.pathname))) {
      send("download", { url });
    } else if (outbound !== false && link.host !== location.host) {
      send("outbound_link", { url });
    }
  };
  for (const name of ["click", "auxclick"] as const) addEventListener(name, clicked, true);
}

/** Sends that a form was submitted, and nothing of what it holds. */
export function watchForms(send: Send): void {
  const submitted = (event: Event) => {
    const form = event.target as HTMLFormElement;
    // A field may be called `id` or `action`.
    const text = (name: string) => form.getAttribute(name) ?? undefined;
    send("form_submit", { id: text("id"), name: text("name"), action: text("action") });
  };
  addEventListener("submit", submitted, true);
}
