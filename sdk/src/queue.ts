// Events on their way. Each is kept under its id until the server has acknowledged it, by whichever tab; what is sent
// twice is counted once, so nothing has to be agreed on between tabs.
import { get, names, remove, set } from "./store";

/** Events of a request, and bytes: what a browser still sends while a page goes. */
const BATCH = 50;
const BYTES = 60_000;
/** Bytes of one event. */
const LARGEST = 30_000;
/** Events that wait; the oldest give way. */
const MOST = 500;
/** Milliseconds: how long events gather, and how long a retry waits at least and at most. */
const GATHER = 500;
const FIRST = 1_000;
const LONGEST = 300_000;
/** Seconds that a server may ask to wait: a timer cannot count to any number. */
const PATIENCE = 86_400;

export interface Queue {
  /** Keeps what waits, and takes what earlier pages and other tabs have left. */
  adopt(): void;
  /** Adds an event; false when it is too large, or no JSON. */
  add(id: string, event: object): boolean;
  /** Forgets what waits here; what is kept is another's to forget. */
  clear(): void;
  /** Sends what waits, and says when all of it has been tried. */
  flush(): Promise<void>;
}

const bytes = (text: string) => new Blob([text]).size;

/** The queue to this server; what is kept belongs to this key. */
export function queueTo(host: string, key: string): Queue {
  const url = `${host.replace(/\/$/, "")}/api/v1/events?key=${encodeURIComponent(key)}`;
  const prefix = `e.${key.slice(0, 12)}.`;
  /** By id, as JSON, in the order of their arrival. */
  const waiting = new Map<string, string>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  /** The requests under way, one after another. */
  let running: Promise<void> | undefined;
  let failures = 0;
  /** Before then the server wants to hear nothing; by `performance.now()`. */
  let silentUntil = 0;
  /** Whether anything has come since the browser was handed what waits. */
  let fresh = false;
  /** Events of a request: fewer after one was too large. */
  let batch = BATCH;

  function put(id: string, json: string): void {
    waiting.set(id, json);
    fresh = true;
    if (waiting.size > MOST) done([waiting.keys().next().value as string]);
  }

  function done(ids: string[]): void {
    for (const id of ids) {
      waiting.delete(id);
      remove(prefix + id);
    }
  }

  /** Goes in so many milliseconds, or when the server wants it; what is due earlier stays so. */
  function soon(ms: number): void {
    if (timer && ms > 0) return;
    clearTimeout(timer);
    timer = setTimeout(go, Math.max(ms, silentUntil - performance.now()));
  }

  async function go(): Promise<void> {
    clearTimeout(timer);
    timer = undefined;
    if (waiting.size > 0) await (running ??= run());
  }

  async function run(): Promise<void> {
    let wait: number | undefined;
    while (waiting.size > 0 && !wait) wait = await send(next(waiting));
    // Set by what came meanwhile, and too early after a failure.
    clearTimeout(timer);
    timer = running = undefined;
    if (wait) soon(wait);
  }

  /** Ids of the next request. */
  function next(from: Map<string, string>): string[] {
    let size = 0;
    const ids = [];
    for (const [id, json] of from) {
      size += bytes(json) + 1;
      if (ids.length >= batch || (ids.length > 0 && size > BYTES)) break;
      ids.push(id);
    }
    return ids;
  }

  const body = (ids: string[]) => `{"sent_at":${Date.now()},"events":[${ids.map((id) => waiting.get(id)).join()}]}`;

  /** Sends these; how long to wait before the next request where that is needed. */
  async function send(ids: string[]): Promise<number | undefined> {
    try {
      // Text: so a browser need not ask whether it may send it elsewhere.
      const request: RequestInit = { method: "POST", body: body(ids), keepalive: true, credentials: "omit" };
      const { status, headers } = await fetch(url, request);
      if (status === 413 && ids.length > 1) {
        batch = ids.length >> 1;
        return undefined;
      }
      // What the server will never take is given up.
      if (status < 500 && status !== 408 && status !== 429) {
        failures = 0;
        batch = Math.min(batch * 2, BATCH);
        done(ids);
        return undefined;
      }
      const asked = Math.min(Number(headers.get("retry-after")), PATIENCE) || 0;
      silentUntil = performance.now() + asked * 1_000;
    } catch {
      // The network is away, or the answer was lost: the same ids go once more.
    }
    return Math.min(FIRST * 2 ** failures++, LONGEST) * (0.5 + Math.random() / 2);
  }

  /** Hands what waits to the browser, which sends it without us. Whether it arrived nobody tells, so it stays. */
  function leave(): void {
    if (!fresh) return;
    fresh = false;
    const left = new Map(waiting);
    while (left.size > 0) {
      const ids = next(left);
      if (!navigator.sendBeacon?.(url, body(ids))) return;
      for (const id of ids) left.delete(id);
    }
  }

  addEventListener("online", () => soon(0));
  // The last moment at which a page can be sure to run.
  addEventListener("visibilitychange", () => document.hidden && leave(), true);
  addEventListener("pagehide", leave, true);

  return {
    adopt() {
      for (const [id, json] of waiting) set(prefix + id, json);
      for (const name of names(prefix)) {
        const json = get(name);
        const id = name.slice(prefix.length);
        if (json && !waiting.has(id)) put(id, json);
      }
      soon(0);
    },
    add(id, event) {
      let json;
      try {
        json = JSON.stringify(event);
      } catch {
        // It contains itself, or a BigInt.
        return false;
      }
      if (bytes(json) > LARGEST) return false;
      put(id, json);
      set(prefix + id, json);
      soon(GATHER);
      return true;
    },
    clear: () => waiting.clear(),
    async flush() {
      if (performance.now() >= silentUntil) await go();
    },
  };
}
