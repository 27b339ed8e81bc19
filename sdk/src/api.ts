// What a page can choose and call. With `init` it is all that `/sdk.d.mts` says.

/** How the SDK behaves; `key` alone is needed. */
export interface Options {
  /** An API key of the app with the scope `INGEST`: it lies open in the page, and can only send. */
  key: string;
  /**
   * The server's address, such as `https://stats.example.com`. By default where the script came from; a bundle came
   * from the site itself, so it has to say.
   */
  host?: string;
  /** Whether a page view is sent at the start and at every change of the address; `true` by default. */
  pageViews?: boolean;
  /** Whether what follows `#` in an address makes another page, and is sent; `false` by default. */
  hash?: boolean;
  /** Whether clicks on links to other hosts are sent as `outbound_link`; `true` by default. */
  outbound?: boolean;
  /** Whether clicks on links to files are sent as `download`; `true` by default. */
  downloads?: boolean;
  /** Whether submitted forms are sent as `form_submit`, without what was filled in; `true` by default. */
  forms?: boolean;
  /** Whether LCP, CLS, INP, FCP and TTFB are sent as `web_vitals` when the page is left; `false` by default. */
  vitals?: boolean;
  /**
   * `"required"`: until `consent(true)` nothing is stored in the browser and no id is sent. `"implied"`, the default:
   * a random id and events that wait are kept in local storage. Cookies are never set.
   */
  consent?: "implied" | "required";
  /** Whether events are sent although the browser says Do Not Track or Global Privacy Control; `false` by default. */
  ignoreDoNotTrack?: boolean;
}

/** Values of custom properties: whatever JSON holds. */
export type Properties = Record<string, unknown>;

/** What stands beside the custom properties of an event. */
export interface Extra {
  /** What the event brought in, such as `24.5` or `"24.50"`. */
  revenue?: number | string;
  /** Its currency (ISO 4217), such as `EUR`. */
  currency?: string;
  /** The event's id, where it has one of its own, such as an order's number: it counts once. */
  id?: string;
}

/** What a page says to the server. */
export interface Analytics {
  /** Sends that something happened. `false` when it was not taken: opted out, no JSON, or larger than 30,000 bytes. */
  track(type: string, properties?: Properties, extra?: Extra): boolean;
  /** Sends that this page is looked at. Done by itself unless `pageViews` is `false`. */
  page(properties?: Properties): boolean;
  /** Says who the visitor is. What comes from now on is theirs, on the server also what comes without it. */
  identify(userId: string, traits?: Properties): boolean;
  /** Forgets who the visitor is, as after signing out. */
  reset(): void;
  /** Says whether anything may be kept in this browser. `false` removes what was kept. */
  consent(given: boolean): void;
  /** Sends nothing more from this browser, and forgets what waits, until `optIn`; holds in every tab of the site. */
  optOut(): void;
  /** Sends again, unless the browser itself says Do Not Track. */
  optIn(): void;
  /** Sends what waits at once. Resolves when all of it was tried, or when the server has asked to wait. */
  flush(): Promise<void>;
}
