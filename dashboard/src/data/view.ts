// What every page of an app looks at: range, comparison, interval, bots and filters, all of it in the address.
import type { BotTraffic, Comparison, Interval, RangePreset, TimeRange } from "../schema.gen";
import { type Condition, isSame, read, write } from "./filter";
import { range } from "./format";
import { addDays, startOfDay } from "./zone";

export const PRESETS: [RangePreset, string][] = [
  ["TODAY", "Today"],
  ["YESTERDAY", "Yesterday"],
  ["LAST_24_HOURS", "Last 24 hours"],
  ["LAST_7_DAYS", "Last 7 days"],
  ["LAST_30_DAYS", "Last 30 days"],
  ["LAST_90_DAYS", "Last 90 days"],
  ["THIS_WEEK", "This week"],
  ["THIS_MONTH", "This month"],
  ["LAST_MONTH", "Last month"],
  ["THIS_YEAR", "This year"],
  ["LAST_12_MONTHS", "Last 12 months"],
  ["ALL_TIME", "All time"],
];

export const COMPARISONS = {
  previous: "vs. the period before",
  year: "vs. the year before",
  none: "No comparison",
} as const;
const COMPARED: Record<string, Comparison | null> = { previous: "PREVIOUS_PERIOD", year: "PREVIOUS_YEAR", none: null };

export const BOTS: Record<BotTraffic, string> = { EXCLUDE: "Without bots", INCLUDE: "With bots", ONLY: "Only bots" };

export const INTERVALS: Record<Interval, string> = {
  MINUTE: "Minutes",
  HOUR: "Hours",
  DAY: "Days",
  WEEK: "Weeks",
  MONTH: "Months",
};

export type View = {
  preset: RangePreset | null;
  /** Days of the app's zone, both included, or moments with the last one excluded. */
  from: string | null;
  to: string | null;
  compare: keyof typeof COMPARISONS;
  interval: Interval | null;
  bots: BotTraffic;
  conditions: Condition[];
};

const DEFAULT_PRESET: RangePreset = "LAST_7_DAYS";

const known = <T extends string>(value: string | null, among: Record<T, unknown>): T | null =>
  value !== null && Object.hasOwn(among, value) ? (value as T) : null;

const presets = Object.fromEntries(PRESETS) as Record<RangePreset, string>;

const isMoment = (text: string | null): text is string => text !== null && !Number.isNaN(Date.parse(text));

export function readView(params: URLSearchParams): View {
  const [from, to] = [params.get("from"), params.get("to")];
  const custom = isMoment(from) && isMoment(to) && Date.parse(from) <= Date.parse(to);
  return {
    preset: custom ? null : (known(params.get("range"), presets) ?? DEFAULT_PRESET),
    from: custom ? from : null,
    to: custom ? to : null,
    compare: known(params.get("compare"), COMPARISONS) ?? "previous",
    interval: known(params.get("interval"), INTERVALS),
    bots: known(params.get("bots"), BOTS) ?? "EXCLUDE",
    conditions: params
      .getAll("f")
      .map(read)
      .filter((condition) => condition !== undefined),
  };
}

/** The parameters of a view, the usual ones left out; parameters of the page itself stay as they are. */
export function writeView(view: View, params = new URLSearchParams()): URLSearchParams {
  const next = new URLSearchParams(params);
  const set = (name: string, value: string | null) => (value === null ? next.delete(name) : next.set(name, value));
  set("range", view.preset === DEFAULT_PRESET ? null : view.preset);
  set("from", view.preset ? null : view.from);
  set("to", view.preset ? null : view.to);
  set("compare", view.compare === "previous" ? null : view.compare);
  set("interval", view.interval);
  set("bots", view.bots === "EXCLUDE" ? null : view.bots);
  next.delete("f");
  for (const condition of view.conditions) next.append("f", write(condition));
  return next;
}

/** Adds the condition, or takes it away where it already holds. */
export function toggled(view: View, condition: Condition): View {
  const rest = view.conditions.filter((other) => !isSame(other, condition));
  const conditions = rest.length < view.conditions.length ? rest : [...rest, condition];
  return { ...view, conditions };
}

export function rangeOf({ preset, from, to }: View, zone: string): TimeRange {
  if (preset !== null || from === null || to === null) return { preset };
  if (from.includes("T")) return { from, to };
  return { from: startOfDay(from, zone).toISOString(), to: startOfDay(addDays(to, 1), zone).toISOString() };
}

export const comparisonOf = (view: View): Comparison | null =>
  // There is nothing before all time.
  view.preset === "ALL_TIME" ? null : (COMPARED[view.compare] ?? null);

export function rangeName(view: View, zone: string): string {
  if (view.preset) return presets[view.preset];
  if (view.from?.includes("T") && view.to) return range(view.from, view.to, zone);
  const format = new Intl.DateTimeFormat(undefined, {
    day: "numeric",
    month: "short",
    year: "numeric",
    timeZone: "UTC",
  });
  return format.formatRange(new Date(view.from ?? 0), new Date(view.to ?? 0));
}
