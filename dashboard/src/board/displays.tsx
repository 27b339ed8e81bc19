// What a saved panel shows of its answer. Clients of any kind save panels, so an answer may have any shape: what is not
// as its display wants it stands in a table.
import type { ComponentType } from "preact";
import { TimelineChart } from "../charts/timeline";
import { COLUMNS, type Column } from "../data/columns";
import { valueName } from "../data/format";
import { METRICS, METRIC_NAMES, type Figures, changeOf } from "../data/metrics";
import { Bars } from "../panels/bars";
import { Change } from "../panels/change";
import { FunnelGroups, FunnelSteps } from "../panels/funnel-steps";
import { HeatMap, type Retained } from "../panels/heat-map";
import { type Money, Revenues } from "../panels/headline";
import { PathSteps } from "../panels/path-steps";
import { Countries } from "../panels/world-map";
import type { FunnelQuery, PanelDisplay, PanelRankingQuery, PanelTimelineQuery, PathsQuery } from "../schema.gen";
import { AnyTable } from "./any-table";

export type Shown = {
  answer: unknown;
  variables: Record<string, unknown>;
  title: string;
  zone: string;
  /** Pixels there are for it. */
  height: number;
};

type Report<Query extends { app: unknown }, Field extends keyof NonNullable<Query["app"]>> = NonNullable<
  Query["app"]
>[Field];

/** The first object in an answer that has this field, and more than one level of which is looked at. */
function holding(answer: unknown, field: string): unknown {
  if (typeof answer !== "object" || answer === null) return undefined;
  if (!Array.isArray(answer) && Object.hasOwn(answer, field)) return answer;
  for (const below of Object.values(answer)) {
    const found = holding(below, field);
    if (found !== undefined) return found;
  }
  return undefined;
}

const listIn = (of: unknown, field: string): unknown[] | undefined => {
  const list = (of as Record<string, unknown> | undefined)?.[field];
  return Array.isArray(list) ? list : undefined;
};

/** Panels that were saved before ask for no revenue. */
type Earning = Figures & { revenue?: Money[] };

function Headline(shown: Shown) {
  const { answer } = shown;
  const names = METRIC_NAMES.filter((name) => holding(answer, name) !== undefined);
  const now = holding(answer, names[0] ?? "") as (Earning & { previous?: Earning | null }) | undefined;
  if (!now) return <AnyTable {...shown} />;
  const before = now.previous;
  return (
    <div class="headline">
      {names
        .filter((name) => Object.hasOwn(now, name))
        .map((name) => (
          <div key={name} class="tile" title={METRICS[name].about}>
            <span class="title">{METRICS[name].title}</span>
            <span class="figure" title={METRICS[name].full(now[name])}>
              {METRICS[name].short(now[name])}
            </span>
            {before && (
              <span class="below">
                <Change value={changeOf(now[name], before[name])} inverse={METRICS[name].inverse} />
              </span>
            )}
          </div>
        ))}
      <Revenues now={now.revenue} before={before?.revenue} comparing={Boolean(before)} />
    </div>
  );
}

function Timeline(shown: Shown) {
  const { answer, title, zone, height } = shown;
  const timeline = holding(answer, "buckets") as Report<PanelTimelineQuery, "timeline"> | undefined;
  const first = listIn(timeline, "buckets")?.[0];
  const metric = METRIC_NAMES.find((name) => holding(first, name) === first && first !== undefined);
  if (!timeline || !metric) return <AnyTable {...shown} />;
  const points = timeline.buckets.map((bucket) => ({
    start: bucket.start,
    end: bucket.end,
    value: bucket[metric] ?? null,
    previous: bucket.previous?.[metric] ?? null,
  }));
  return (
    <TimelineChart
      title={title}
      points={points}
      interval={timeline.interval ?? "DAY"}
      zone={zone}
      format={METRICS[metric].short}
      comparing={points.some(({ previous }) => previous !== null)}
      height={height}
    />
  );
}

type Ranked = Report<PanelRankingQuery, "breakdown">["rows"][number];

/** The rows of a breakdown, and what its values are called. */
function ranked({ answer, variables }: Shown): { rows: Ranked[]; column: string } | undefined {
  const rows = listIn(holding(answer, "rows"), "rows") as Ranked[] | undefined;
  if (!rows?.every(({ values, uniqueUsers }) => Array.isArray(values) && typeof uniqueUsers === "number")) return;
  return { rows, column: columnOf(variables.by) };
}

/** The name of the field that a dimension is about. */
const columnOf = (by: unknown) =>
  Object.entries<Column>(COLUMNS).find(([, { dimension }]) => dimension !== undefined && dimension === by)?.[0] ?? "";

function Ranking(shown: Shown) {
  const found = ranked(shown);
  if (!found) return <AnyTable {...shown} />;
  const { column } = found;
  // Most events are of no campaign, which says nothing about campaigns.
  const rows = found.rows.filter(({ values }) => values[0] !== null || !column.startsWith("utm"));
  if (rows.length === 0) return <p class="none muted">Nothing in this range.</p>;
  const by = shown.variables.orderBy === "EVENTS" ? "events" : "uniqueUsers";
  const bars = rows.map((row) => ({
    key: row.label,
    name: column ? valueName(column, row.values[0] ?? null) : row.label,
    value: row[by],
  }));
  return <Bars rows={bars} units={by === "events" ? "Events" : "Visitors"} />;
}

function WorldMap(shown: Shown) {
  const found = ranked(shown);
  return found ? <Countries rows={found.rows} /> : <AnyTable {...shown} />;
}

function Funnel(shown: Shown) {
  const { answer, variables } = shown;
  const funnel = holding(answer, "steps") as Report<FunnelQuery, "funnel"> | undefined;
  const steps = listIn(funnel, "steps") as Report<FunnelQuery, "funnel">["steps"] | undefined;
  if (!steps?.every(({ name, users }) => typeof name === "string" && typeof users === "number")) {
    return <AnyTable {...shown} />;
  }
  const { rows = [] } = funnel ?? {};
  return (
    <>
      <FunnelSteps steps={steps} />
      {rows.length > 0 && (
        <FunnelGroups column={columnOf(variables.by)} rows={rows} names={steps.map(({ name }) => name)} />
      )}
    </>
  );
}

function Retention(shown: Shown) {
  const { answer, zone } = shown;
  const report = holding(answer, "cohorts") as Retained | undefined;
  if (!report?.period || !listIn(report, "cohorts") || !listIn(report, "total")) return <AnyTable {...shown} />;
  return <HeatMap report={report} zone={zone} />;
}

function Paths(shown: Shown) {
  const { answer, variables } = shown;
  const report = holding(answer, "transitions") as Report<PathsQuery, "paths"> | undefined;
  const transitions = listIn(report, "transitions") as Report<PathsQuery, "paths">["transitions"] | undefined;
  if (!transitions) return <AnyTable {...shown} />;
  return <PathSteps transitions={transitions} before={variables.direction === "BEFORE"} />;
}

export const DISPLAYS: Record<PanelDisplay, ComponentType<Shown>> = {
  HEADLINE: Headline,
  TIMELINE: Timeline,
  RANKING: Ranking,
  TABLE: AnyTable,
  MAP: WorldMap,
  FUNNEL: Funnel,
  RETENTION: Retention,
  PATHS: Paths,
};
