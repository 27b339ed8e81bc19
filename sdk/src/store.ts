// Local storage, where it may be used: a browser may forbid it, and so may the visitor.

const PREFIX = "uea.";

export class Store {
  /** Whether anything may be kept. */
  open = false;

  /** Runs what touches local storage, which throws where it is forbidden or full. */
  private try<T>(run: (storage: Storage) => T): T | undefined {
    try {
      return run(localStorage);
    } catch {
      return undefined;
    }
  }

  get(name: string): string | null | undefined {
    return this.try((storage) => storage.getItem(PREFIX + name));
  }

  /** Keeps what may be kept. */
  set(name: string, value: string): void {
    if (this.open) this.keep(name, value);
  }

  /** Keeps the visitor's own choice, which needs no leave. */
  keep(name: string, value: string): void {
    this.try((storage) => storage.setItem(PREFIX + name, value));
  }

  remove(name: string): void {
    this.try((storage) => storage.removeItem(PREFIX + name));
  }

  /** The names that begin so. */
  names(start: string): string[] {
    const all = this.try((storage) => Object.keys(storage)) ?? [];
    return all.filter((name) => name.startsWith(PREFIX + start)).map((name) => name.slice(PREFIX.length));
  }
}
