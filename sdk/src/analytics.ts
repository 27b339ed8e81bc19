// Who visits, what they have chosen, and what is said of them.
import type { Analytics, Options } from "./api";
import { address, watchAddress, watchForms, watchLinks } from "./page";
import { queueTo } from "./queue";
import { allow, get, keep, names, remove, set, watch } from "./store";
import { vitals } from "./vitals";

/** What is kept of the visitor's choice: `1` or `0`. */
const CHOICES = ["out", "consent"];

/** A random id. Not by `crypto.randomUUID`, which browsers have only where a page came by TLS. */
function newId(): string {
  const random = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(random, (byte) => (byte + 256).toString(16).slice(1)).join("");
}

/** Begins to send to this host. */
export function start(options: Options, host: string): Analytics {
  const { key, consent } = options;
  const hash = !!options.hash || undefined;
  const implied = consent !== "required";
  const signals = navigator as Navigator & { globalPrivacyControl?: boolean };
  const refused = !options.ignoreDoNotTrack && (signals.globalPrivacyControl || signals.doNotTrack === "1");
  let user: string | undefined;
  let anonymous: string | undefined;
  let referrer = document.referrer;
  let here = "";
  /** What the visitor has chosen. */
  let out = false;
  let leave = implied;
  let watching = false;

  const track: Analytics["track"] = (type, properties, extra) => {
    if (refused || out) return false;
    // Shown to nobody yet, and perhaps never.
    if ((document as Document & { prerendering?: boolean }).prerendering) {
      addEventListener("prerenderingchange", () => track(type, properties, extra), true);
      return true;
    }
    const id = extra?.id ?? newId();
    const event = {
      event_type: type,
      timestamp: Date.now(),
      user_id: user,
      anonymous_id: anonymous,
      url: address(hash).slice(0, 2_048),
      hash,
      referrer: referrer.slice(0, 2_048) || undefined,
      title: document.title || undefined,
      language: navigator.language,
      screen_width: screen.width,
      screen_height: screen.height,
      metadata: properties,
      ...extra,
      id,
    };
    return queue.add(id, event);
  };

  const page: Analytics["page"] = (properties) => {
    if (here) referrer = here;
    here = address(hash);
    return track("page_view", properties);
  };

  /** Uses the id of this browser, or gives it one. */
  const remember = () => {
    anonymous = get("id") ?? anonymous ?? newId();
    set("id", anonymous);
  };

  /** Does what the visitor has chosen. */
  const settle = () => {
    const stopped = refused || out;
    const may = leave && !stopped;
    allow(may);
    if (may) {
      remember();
      user ??= get("user") ?? undefined;
      queue.adopt();
    } else {
      anonymous = undefined;
      // Nothing but the choice itself; also what another tab has kept since.
      for (const name of names()) if (!CHOICES.includes(name)) remove(name);
    }
    if (stopped) return queue.clear();
    if (watching) return;
    watching = true;
    watchLinks(options, track);
    if (options.forms !== false) watchForms(track);
    if (options.pageViews === false) return;
    watchAddress(hash, page);
    page();
  };

  /** Looks up what the visitor has chosen, on this page or another. */
  const look = () => {
    const said = get("out");
    const given = get("consent");
    if (said !== undefined) {
      out = said === "1";
      leave = given ? given === "1" : implied;
    }
    settle();
  };

  // First, so that it hears first that the page goes.
  if (options.vitals) vitals((measured) => track("web_vitals", measured));
  const queue = queueTo(host, key);
  watch(CHOICES, look);
  // A page that rests in the browser's memory is told of nothing.
  addEventListener("pageshow", (event) => event.persisted && look());
  look();

  return {
    track,
    page,
    identify(userId, traits) {
      user = userId;
      set("user", userId);
      return track("identify", traits);
    },
    reset() {
      user = undefined;
      remove("user");
      remove("id");
      if (anonymous) {
        anonymous = undefined;
        remember();
      }
    },
    consent(given) {
      leave = given;
      // First, so that other tabs find the id.
      settle();
      if (given || implied) keep("consent", given ? "1" : "0");
      else remove("consent");
    },
    optOut() {
      // First, so that other tabs hear it first.
      keep("out", "1");
      out = true;
      remove("consent");
      settle();
    },
    optIn() {
      remove("out");
      out = false;
      look();
    },
    flush: queue.flush,
  };
}
