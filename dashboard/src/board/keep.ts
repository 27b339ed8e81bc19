// What a dashboard keeps, what is added to it from the other pages, and how large it is there.
import { METRICS, type MetricName } from "../data/metrics";
import type { useVariables } from "../data/use-variables";
import {
  type Comparison,
  type DashboardPanelInput,
  type Dimension,
  type Interval,
  type Operation,
  type PanelDisplay,
  PanelHeadline,
  PanelRanking,
  PanelTimeline,
} from "../schema.gen";
import { type Box, below } from "./place";

/** A panel and what tells it from others, which stays when it moves. */
export type StoredPanel = Omit<DashboardPanelInput, "variables"> & { key: string; variables: unknown };

let made = 0;

/** Panels as an answer has them, with keys. */
export const keyed = (panels: readonly Omit<StoredPanel, "key">[]): StoredPanel[] =>
  panels.map((panel) => ({ ...panel, key: `panel-${made++}` }));

/** A panel as the server takes it. */
export const toInput = ({ title, display, x, y, width, height, document, variables }: Omit<StoredPanel, "key">) => ({
  title,
  display,
  x,
  y,
  width,
  height,
  document,
  variables,
});

/** A panel to be kept, and what it asks. */
export type Keep = {
  title: string;
  display: PanelDisplay;
  operation: Operation<unknown, unknown>;
  variables: Record<string, unknown>;
};

const SIZES: Record<PanelDisplay, [width: number, height: number]> = {
  HEADLINE: [12, 3],
  TIMELINE: [12, 6],
  RANKING: [6, 7],
  TABLE: [6, 7],
  MAP: [6, 7],
  FUNNEL: [12, 7],
  RETENTION: [12, 8],
  PATHS: [12, 7],
};

/** The panel in the first place that is free: beside the last one where there is room. */
export function placed(panels: readonly Box[], { title, display, operation, variables }: Keep) {
  const [width, usual] = SIZES[display];
  // Groups of a funnel stand below it.
  const height = display === "FUNNEL" && variables.by ? usual + 4 : usual;
  const last = panels.at(-1);
  const isBeside =
    last !== undefined &&
    last.x + last.width + width <= 12 &&
    last.height === height &&
    below(panels) === last.y + height;
  const [x, y] = isBeside ? [last.x + last.width, last.y] : [0, below(panels)];
  return { title, display, x, y, width, height, document: operation.text, variables };
}

type Common = ReturnType<typeof useVariables>;

type Asked = Common & { compare: Comparison | null };

export const keepHeadline = ({ app, range, filter, bots, timezone, compare }: Asked): Keep => ({
  title: "Figures",
  display: "HEADLINE",
  operation: PanelHeadline,
  variables: { app, range, filter, bots, timezone, compare },
});

/** A panel of the commonest values of a dimension. */
export const keepRanking = (
  title: string,
  by: Dimension,
  orderBy: "UNIQUE_USERS" | "EVENTS",
  { app, range, filter, bots, timezone }: Common,
): Keep => ({
  title,
  display: "RANKING",
  operation: PanelRanking,
  variables: { app, range, filter, bots, timezone, by, orderBy, limit: 8 },
});

/** A panel of a list. */
export const keepTable = (
  title: string,
  operation: Operation<unknown, unknown>,
  { app, range, filter, bots, timezone, ...more }: Common & Record<string, unknown>,
): Keep => ({ title, display: "TABLE", operation, variables: { app, range, filter, bots, timezone, ...more } });

export const keepTimeline = (
  metric: MetricName,
  { app, range, filter, bots, timezone, compare, interval }: Asked & { interval: Interval | null },
): Keep => ({
  title: METRICS[metric].title,
  display: "TIMELINE",
  operation: PanelTimeline,
  variables: { app, range, filter, bots, timezone, compare, interval, [metric]: true },
});
