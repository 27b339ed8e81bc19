// Local storage, where it may be used: a browser may forbid it, and so may the visitor.

const PREFIX = "uea.";

/** Whether anything may be kept. */
let open = false;

export function allow(may: boolean): void {
  open = may;
}

/** Runs what touches local storage, which throws where it is forbidden or full. */
function attempt<T>(run: (storage: Storage) => T): T | undefined {
  try {
    return run(localStorage);
  } catch {
    return undefined;
  }
}

/** What is kept; `undefined` where the browser keeps nothing. */
export function get(name: string): string | null | undefined {
  return attempt((storage) => storage.getItem(PREFIX + name));
}

/** Keeps what may be kept. */
export function set(name: string, value: string): void {
  if (open) keep(name, value);
}

/** Keeps the visitor's own choice, which needs no leave. */
export function keep(name: string, value: string): void {
  attempt((storage) => storage.setItem(PREFIX + name, value));
}

export function remove(name: string): void {
  attempt((storage) => storage.removeItem(PREFIX + name));
}

/** The names that begin so. */
export function names(start = ""): string[] {
  const all = attempt((storage) => Object.keys(storage)) ?? [];
  return all.filter((name) => name.startsWith(PREFIX + start)).map((name) => name.slice(PREFIX.length));
}

/** Calls back when another tab has changed one of these, or cleared everything. */
export function watch(watched: string[], changed: () => void): void {
  addEventListener("storage", ({ key }) => {
    if (!key || watched.includes(key.slice(PREFIX.length))) changed();
  });
}
