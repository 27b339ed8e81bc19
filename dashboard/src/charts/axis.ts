// Where the marks of a time axis stand, and what they say.
import type { Interval } from "../schema.gen";

export type Axis = { ticks: number[]; labels: string[] };

const LABELS: Record<Interval, Intl.DateTimeFormatOptions> = {
  MINUTE: { hour: "numeric", minute: "2-digit" },
  HOUR: { hour: "numeric", minute: "2-digit" },
  DAY: { day: "numeric", month: "short" },
  WEEK: { day: "numeric", month: "short" },
  MONTH: { month: "short", year: "2-digit" },
};

const NAMES: Record<Interval, Intl.DateTimeFormatOptions> = {
  MINUTE: { dateStyle: "medium", timeStyle: "short" },
  HOUR: { dateStyle: "medium", timeStyle: "short" },
  DAY: { weekday: "short", day: "numeric", month: "long", year: "numeric" },
  WEEK: { day: "numeric", month: "long", year: "numeric" },
  MONTH: { month: "long", year: "numeric" },
};

/** Steps that fall on round times. */
const STEPS: Record<Interval, number[]> = {
  MINUTE: [1, 5, 10, 15, 30, 60, 120, 240, 720, 1440],
  HOUR: [1, 2, 3, 6, 12, 24, 48, 72, 168],
  DAY: [1, 2, 3, 7, 14, 30, 61, 91, 182, 365],
  WEEK: [1, 2, 4, 8, 13, 26, 52],
  MONTH: [1, 2, 3, 6, 12, 24],
};

/** What one mark takes, in pixels. */
const ROOM = 76;

export function axisOf(starts: string[], interval: Interval, zone: string, width: number): Axis {
  const most = Math.max(2, Math.floor(width / ROOM));
  const step = STEPS[interval].find((step) => starts.length / step <= most) ?? Math.ceil(starts.length / most);
  const format = new Intl.DateTimeFormat(undefined, { timeZone: zone, ...LABELS[interval] });
  const dates = new Intl.DateTimeFormat(undefined, { timeZone: zone, ...LABELS.DAY });
  const hourly = interval === "HOUR" && step >= 24;
  const ticks = starts.map((_, index) => index).filter((index) => index % step === 0);
  const labels = starts.map((start) => (hourly ? dates : format).format(new Date(start)));
  return { ticks, labels };
}

/** The whole name of an interval that begins then. */
export function bucketName(start: string, interval: Interval, zone: string): string {
  const name = new Intl.DateTimeFormat(undefined, { timeZone: zone, ...NAMES[interval] }).format(new Date(start));
  return interval === "WEEK" ? `Week of ${name}` : name;
}
