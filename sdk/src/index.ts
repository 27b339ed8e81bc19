// Sends what visitors do on a page to an Event Analytics server.
import type { Extra, Options, Properties } from "./options";
import { watchAddress, watchForms, watchLinks } from "./page";
import { Queue } from "./queue";
import { Store } from "./store";
import { vitals } from "./vitals";

export type { Extra, Options, Properties };

/** A random id, also where a page came without TLS and browsers make none. */
function newId(): string {
  if (crypto.randomUUID) return crypto.randomUUID();
  const random = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(random, (byte) => (byte + 256).toString(16).slice(1)).join("");
}

/** What a page says to the server. */
export class Analytics {
  private readonly store = new Store();
  private readonly queue: Queue;
  private user: string | undefined;
  private anonymous: string | undefined;
  private referrer = document.referrer;
  private here = "";
  private stopped: boolean;

  constructor(private readonly options: Options) {
    const { key, host = location.origin, consent } = options;
    const signals = navigator as Navigator & { globalPrivacyControl?: boolean };
    const refused = signals.globalPrivacyControl || navigator.doNotTrack === "1";
    this.stopped = (!!refused && !options.ignoreDoNotTrack) || this.store.get("out") === "1";
    // First, so that it hears first that the page goes.
    if (options.vitals) vitals((measured) => this.track("web_vitals", measured));
    this.queue = new Queue(host.replace(/\/$/, ""), key, this.store);
    const given = this.store.get("consent");
    if (given ? given === "1" : consent !== "required") this.remember();
    if (this.stopped) return;
    const send = (type: string, properties: Properties) => this.track(type, properties);
    if (options.outbound !== false || options.downloads !== false) watchLinks(options, send);
    if (options.forms !== false) watchForms(send);
    if (options.pageViews === false) return;
    watchAddress(options.hash, () => this.page());
    this.page();
  }

  /** Sends that something happened. `false` when it was not taken: opted out, or larger than 30,000 bytes. */
  track(type: string, properties?: Properties, extra?: Extra): boolean {
    if (this.stopped) return false;
    const id = extra?.id ?? newId();
    const event = {
      event_type: type,
      timestamp: Date.now(),
      user_id: this.user,
      anonymous_id: this.anonymous,
      url: location.href.slice(0, 2_048),
      referrer: this.referrer.slice(0, 2_048) || undefined,
      title: document.title || undefined,
      language: navigator.language,
      screen_width: screen.width,
      screen_height: screen.height,
      metadata: properties,
      ...extra,
      id,
    };
    return this.queue.add(id, event);
  }

  /** Sends that this page is looked at. Done by itself unless `pageViews` is `false`. */
  page(properties?: Properties): boolean {
    if (this.here) this.referrer = this.here;
    this.here = location.href;
    return this.track("page_view", properties);
  }

  /** Says who the visitor is. What comes from now on is theirs, on the server also what comes without it. */
  identify(userId: string, traits?: Properties): boolean {
    this.user = userId;
    this.store.set("user", userId);
    return this.track("identify", traits);
  }

  /** Forgets who the visitor is, as after signing out. */
  reset(): void {
    this.user = undefined;
    this.store.remove("user");
    this.store.remove("id");
    if (this.anonymous) this.remember();
  }

  /** Says whether anything may be kept in this browser. `false` removes what was kept. */
  consent(given: boolean): void {
    if (given) {
      this.store.keep("consent", "1");
      this.remember();
      this.queue.keep();
      return;
    }
    this.store.open = false;
    this.anonymous = undefined;
    for (const name of this.store.names("")) if (name !== "out") this.store.remove(name);
    if (this.options.consent !== "required") this.store.keep("consent", "0");
  }

  /** Sends nothing more from this browser, and forgets what waits, until `optIn`. */
  optOut(): void {
    this.stopped = true;
    this.queue.clear();
    this.consent(false);
    this.store.remove("consent");
    this.store.keep("out", "1");
  }

  /** Sends again. */
  optIn(): void {
    this.stopped = false;
    this.store.remove("out");
    if (this.options.consent !== "required") this.consent(true);
  }

  /** Sends what waits at once. */
  flush(): Promise<void> {
    return this.queue.flush();
  }

  /** Uses the id of this browser, or gives it one, and takes up what earlier pages left. */
  private remember(): void {
    if (this.stopped) return;
    this.store.open = true;
    this.anonymous = this.store.get("id") ?? newId();
    this.store.set("id", this.anonymous);
    this.user ??= this.store.get("user") ?? undefined;
    this.queue.adopt();
  }
}

/** Begins, once in a page. */
export function init(options: Options): Analytics {
  return new Analytics(options);
}
