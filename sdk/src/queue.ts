// Events on their way. Each is kept under its id until the server has acknowledged it, by whichever tab; what is sent
// twice is counted once, so nothing has to be agreed on between tabs.
import type { Store } from "./store";

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

const bytes = (text: string) => new TextEncoder().encode(text).length;

export class Queue {
  /** By id, as JSON, in the order of their arrival. */
  private waiting = new Map<string, string>();
  private timer: ReturnType<typeof setTimeout> | undefined;
  private failures = 0;
  private busy = false;
  /** Whether anything has come since the browser was handed what waits. */
  private fresh = false;
  /** Events of a request: one after one was too large. */
  private batch = BATCH;
  private readonly url: string;
  /** What is kept belongs to this key. */
  private readonly name: string;

  constructor(
    host: string,
    key: string,
    private readonly store: Store,
  ) {
    this.url = `${host}/api/v1/events?key=${encodeURIComponent(key)}`;
    this.name = `e.${key.slice(0, 12)}.`;
    addEventListener("online", () => this.soon(0));
    // The last moment at which a page can be sure to run.
    addEventListener("visibilitychange", () => document.visibilityState === "hidden" && this.leave(), true);
    addEventListener("pagehide", () => this.leave(), true);
  }

  /** Takes what earlier pages and other tabs have left. */
  adopt(): void {
    for (const name of this.store.names(this.name)) {
      const json = this.store.get(name);
      const id = name.slice(this.name.length);
      if (json && !this.waiting.has(id)) this.put(id, json);
    }
    this.soon(0);
  }

  /** Adds an event; false when it is too large. */
  add(id: string, event: object): boolean {
    const json = JSON.stringify(event);
    if (bytes(json) > LARGEST) return false;
    this.put(id, json);
    this.store.set(this.name + id, json);
    this.soon(GATHER);
    return true;
  }

  /** Keeps what waits, now that it may be kept. */
  keep(): void {
    for (const [id, json] of this.waiting) this.store.set(this.name + id, json);
  }

  /** Forgets everything. */
  clear(): void {
    this.waiting.clear();
    for (const name of this.store.names(this.name)) this.store.remove(name);
  }

  /** Sends what waits, and says when all of it has been tried. */
  async flush(): Promise<void> {
    if (this.busy) return;
    this.busy = true;
    clearTimeout(this.timer);
    this.timer = undefined;
    let wait: number | undefined;
    while (this.waiting.size > 0 && wait === undefined) wait = await this.send(this.next(this.waiting));
    this.busy = false;
    if (wait !== undefined) this.soon(wait);
  }

  private put(id: string, json: string): void {
    this.waiting.set(id, json);
    this.fresh = true;
    if (this.waiting.size > MOST) this.done([this.waiting.keys().next().value as string]);
  }

  private soon(ms: number): void {
    if (this.timer && ms > 0) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.flush(), ms);
  }

  /** Ids of the next request. */
  private next(from: Map<string, string>): string[] {
    let size = 0;
    const ids = [];
    for (const [id, json] of from) {
      size += bytes(json) + 1;
      if (ids.length >= this.batch || (ids.length > 0 && size > BYTES)) break;
      ids.push(id);
    }
    return ids;
  }

  private body(ids: string[]): string {
    return `{"sent_at":${Date.now()},"events":[${ids.map((id) => this.waiting.get(id)).join()}]}`;
  }

  /** Sends these; how long to wait before the next request where that is needed. */
  private async send(ids: string[]): Promise<number | undefined> {
    let after = 0;
    try {
      // Text: so a browser need not ask whether it may send it elsewhere.
      const request: RequestInit = { method: "POST", body: this.body(ids), keepalive: true, credentials: "omit" };
      const { status, headers } = await fetch(this.url, request);
      if (status === 413 && ids.length > 1) {
        this.batch = 1;
        return undefined;
      }
      // What the server will never take is given up.
      if (status < 500 && status !== 408 && status !== 429) {
        this.failures = 0;
        this.done(ids);
        return undefined;
      }
      after = Number(headers.get("retry-after")) * 1_000 || 0;
    } catch {
      // The network is away, or the answer was lost: the same ids go once more.
    }
    const backoff = Math.min(FIRST * 2 ** this.failures++, LONGEST);
    return Math.max(after, backoff * (0.5 + Math.random() / 2));
  }

  private done(ids: string[]): void {
    for (const id of ids) {
      this.waiting.delete(id);
      this.store.remove(this.name + id);
    }
  }

  /** Hands what waits to the browser, which sends it without us. Whether it arrived nobody tells, so it stays. */
  private leave(): void {
    if (!this.fresh) return;
    this.fresh = false;
    const left = new Map(this.waiting);
    while (left.size > 0) {
      const ids = this.next(left);
      if (!navigator.sendBeacon?.(this.url, this.body(ids))) return;
      for (const id of ids) left.delete(id);
    }
  }
}
