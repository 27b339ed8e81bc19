// What a page does by itself: its address changes, its links are clicked, its forms are sent.
import type { Options, Properties } from "./options";

const FILES = /\.(pdf|zip|gz|tgz|7z|rar|dmg|exe|msi|apk|docx?|xlsx?|pptx?|csv|txt|mp3|mp4|mov|wav|iso|epub)$/i;

type Send = (type: string, properties: Properties) => void;

/** Calls back at every change of the address that makes another page. */
export function watchAddress(hash: boolean | undefined, changed: () => void): void {
  const address = () => (hash ? location.href : location.href.split("#")[0]);
  let last = address();
  const look = () => {
    if (address() === last) return;
    last = address();
    // The page has its title a moment later.
    setTimeout(changed, 0);
  };
  for (const name of ["pushState", "replaceState"] as const) {
    const own = history[name];
    history[name] = function (...given) {
      own.apply(this, given);
      look();
    };
  }
  addEventListener("popstate", look);
  addEventListener("hashchange", look);
  // Back from the browser's memory, where no script ran anew.
  addEventListener("pageshow", (event) => event.persisted && changed());
}

/** Sends clicks on links that lead away or to files. */
export function watchLinks({ outbound, downloads }: Options, send: Send): void {
  const clicked = (event: MouseEvent) => {
    const link = (event.target as Element | null)?.closest?.("a[href]") as HTMLAnchorElement | null;
    if (!link || event.button > 1 || !/^https?:/.test(link.protocol)) return;
    if (downloads !== false && (link.hasAttribute("download") || FILES.test(link.pathname))) {
      send("download", { url: link.href });
    } else if (outbound !== false && link.host !== location.host) {
      send("outbound_link", { url: link.href });
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
