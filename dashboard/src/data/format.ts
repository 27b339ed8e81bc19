// Numbers, times and names as the viewer's language writes them.

const integer = new Intl.NumberFormat();
const compact = new Intl.NumberFormat(undefined, { notation: "compact", maximumFractionDigits: 1 });
const decimal = new Intl.NumberFormat(undefined, { maximumFractionDigits: 2 });
const percent = new Intl.NumberFormat(undefined, { style: "percent", maximumFractionDigits: 1 });
const change = new Intl.NumberFormat(undefined, { style: "percent", maximumFractionDigits: 0, signDisplay: "never" });

const NOTHING = "–";

export const whole = (value: number) => integer.format(value);
export const short = (value: number) => (Math.abs(value) < 100_000 ? integer.format(value) : compact.format(value));
export const number = (value: number) => decimal.format(value);
export const share = (value: number | null | undefined) => (value == null ? NOTHING : percent.format(value));
/** The size of a change; whether up or down, an arrow says. */
export const difference = (value: number) => change.format(value);

/** `1 event`, `2 events`. */
export function count(value: number, one: string, many = `${one}s`): string {
  return `${whole(value)} ${value === 1 ? one : many}`;
}

/** `3m 42s`. */
export function duration(seconds: number | null | undefined): string {
  if (seconds == null) return NOTHING;
  if (seconds > 0 && seconds < 1) return "< 1s";
  const total = Math.round(seconds);
  const [days, hours, minutes] = [
    Math.floor(total / 86_400),
    Math.floor(total / 3600) % 24,
    Math.floor(total / 60) % 60,
  ];
  if (days > 0) return `${whole(days)}d ${hours}h`;
  if (hours > 0) return `${hours}h ${minutes}m`;
  return minutes > 0 ? `${minutes}m ${total % 60}s` : `${total}s`;
}

/** Money as the server sums it: exact, and of one currency. */
export function money(amount: string, currency: string | null): string {
  const value = Number(amount);
  if (!currency) return decimal.format(value);
  try {
    const digits = Math.abs(value) >= 1000 ? { maximumFractionDigits: 0 } : {};
    return new Intl.NumberFormat(undefined, { style: "currency", currency, ...digits }).format(value);
  } catch {
    return `${decimal.format(value)} ${currency}`;
  }
}

/** To the second, without the year. */
export function exactly(time: string, zone: string): string {
  return new Date(time).toLocaleString(undefined, {
    timeZone: zone,
    month: "short",
    day: "numeric",
    hour: "numeric",
    minute: "2-digit",
    second: "2-digit",
  });
}

export function moment(time: string | null | undefined, zone: string): string {
  if (!time) return NOTHING;
  return new Date(time).toLocaleString(undefined, { timeZone: zone, dateStyle: "medium", timeStyle: "short" });
}

/** A moment of today. */
export const timeOf = (ms: number, zone: string) => new Date(ms).toLocaleTimeString(undefined, { timeZone: zone });

export function day(time: string | Date, zone: string): string {
  return new Date(time).toLocaleDateString(undefined, {
    timeZone: zone,
    day: "numeric",
    month: "short",
    year: "numeric",
  });
}

const STEPS = [
  ["year", 31_536_000],
  ["month", 2_592_000],
  ["day", 86_400],
  ["hour", 3600],
  ["minute", 60],
] as const;
const relative = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });

/** A range whose end is not part of it: whole days without their times. */
export function range(from: string, to: string, zone: string): string {
  const [start, end] = [new Date(from), new Date(Date.parse(to) - 1)];
  const hours = (end.getTime() - start.getTime()) / 3_600_000;
  const style =
    hours < 23 ? ({ dateStyle: "medium", timeStyle: "short" } as const) : ({ dateStyle: "medium" } as const);
  return new Intl.DateTimeFormat(undefined, { timeZone: zone, ...style }).formatRange(start, end);
}

/** `3 hours ago`. */
export function ago(time: string): string {
  const seconds = (Date.parse(time) - Date.now()) / 1000;
  for (const [unit, size] of STEPS) {
    if (Math.abs(seconds) >= size) return relative.format(Math.round(seconds / size), unit);
  }
  return "just now";
}

const regions = new Intl.DisplayNames(undefined, { type: "region" });
const languages = new Intl.DisplayNames(undefined, { type: "language" });

function named(names: Intl.DisplayNames, code: string): string {
  try {
    return names.of(code) ?? code;
  } catch {
    return code;
  }
}

const DEVICES: Record<string, string> = { desktop: "Desktop", mobile: "Phone", tablet: "Tablet", tv: "TV" };

/** What people call a value of a column: a country by its name, no value as such. */
export function valueName(column: string, value: string | null): string {
  if (value === null || value === "") return column === "referrerDomain" ? "Direct or unknown" : "(none)";
  if (column === "country") return named(regions, value);
  if (column === "language") return named(languages, value);
  if (column === "device") return DEVICES[value] ?? value;
  return value;
}
