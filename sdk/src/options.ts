// What a page can choose.

/** How the SDK behaves; `key` alone is needed. */
export interface Options {
  /** An API key of the app with the scope `INGEST`: it lies open in the page, and can only send. */
  key: string;
  /** The server's address, such as `https://stats.example.com`. By default where the script came from. */
  host?: string;
  /** Whether a page view is sent at the start and at every change of the address; `true` by default. */
  pageViews?: boolean;
  /** Whether what follows `#` in an address makes another page; `false` by default. */
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
