// The figures that stand above everything, and how each is written and judged.
import { duration, share, short, whole } from "./format";

export type Figures = {
  events: number;
  uniqueUsers: number;
  sessions: number;
  pageViews: number;
  bounceRate: number | null;
  averageSessionSeconds: number | null;
};

export type MetricName = keyof Figures;

type Metric = {
  title: string;
  about: string;
  /** In little room, and in full. */
  short: (value: number | null) => string;
  full: (value: number | null) => string;
  /** More of it is worse. */
  inverse?: boolean;
};

const counted = {
  short: (value: number | null) => short(value ?? 0),
  full: (value: number | null) => whole(value ?? 0),
};

export const METRICS: Record<MetricName, Metric> = {
  uniqueUsers: {
    title: "Visitors",
    about: "Different users: user ids, or anonymous ids where there is none",
    ...counted,
  },
  sessions: { title: "Sessions", about: "Visits, which end after half an hour of silence", ...counted },
  pageViews: { title: "Page views", about: "Events of the type page_view", ...counted },
  events: { title: "Events", about: "Everything that was sent", ...counted },
  bounceRate: {
    title: "Bounce rate",
    about: "Sessions of one page view and nothing else that the visitor did",
    short: share,
    full: share,
    inverse: true,
  },
  averageSessionSeconds: {
    title: "Session time",
    about: "Mean time from the first to the last event of a session",
    short: duration,
    full: duration,
  },
};

export const METRIC_NAMES = Object.keys(METRICS) as MetricName[];

/** By how much a figure changed; null where there is nothing to compare with. */
export function changeOf(now: number | null, before: number | null | undefined): number | null {
  if (now === null || before == null || before === 0) return null;
  return (now - before) / before;
}
