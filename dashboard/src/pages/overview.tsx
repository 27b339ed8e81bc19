// The page that opens an app: everything on it is one question.
import { keepHeadline, keepTimeline } from "../board/keep";
import { METRICS, METRIC_NAMES, type MetricName } from "../data/metrics";
import { range, timeOf, whole } from "../data/format";
import { useQuestion } from "../data/use-question";
import { useSorted } from "../data/use-sorted";
import { useVariables } from "../data/use-variables";
import { INTERVALS, comparisonOf } from "../data/view";
import { bucketName } from "../charts/axis";
import { TimelineChart, hasBegun } from "../charts/timeline";
import { Choice, Controls } from "../layout/controls";
import { Shell } from "../layout/shell";
import { ErrorNote } from "../layout/states";
import { GoalsPanel } from "../panels/goals-panel";
import { Headline } from "../panels/headline";
import { LiveVisitors } from "../panels/live-visitors";
import { Nothing } from "../panels/nothing";
import { PanelMenu } from "../panels/panel";
import { DataTable, type TableColumn } from "../panels/table";
import { Tabbed } from "../panels/tabbed";
import { useParam } from "../router";
import { Overview as Question, type EventFilter, type Interval, type OverviewQuery } from "../schema.gen";
import { useScope } from "../viewer";

type Bucket = NonNullable<OverviewQuery["app"]>["overview"]["timeline"]["buckets"][number];

const ROWS = 9;
/** Whoever keeps the page open sees it go on. */
const REFRESH_MS = 60_000;

const bucketFields = [
  { name: "start", value: (bucket: Bucket) => bucket.start },
  ...METRIC_NAMES.map((name) => ({ name, value: (bucket: Bucket) => bucket[name] })),
];

/** Those of the events that the filter chooses which are of this type. */
function ofType(type: string, filter: EventFilter | null): EventFilter {
  const own = { eventType: { eq: type } };
  return filter ? { and: [filter, own] } : own;
}

/** Intervals that a range of this many milliseconds can be cut into without too many or too few parts. */
function intervalsFor(from: string, to: string): Partial<Record<Interval, string>> {
  const hours = (Date.parse(to) - Date.parse(from)) / 3_600_000;
  const fits: Record<Interval, boolean> = {
    MINUTE: hours <= 48,
    HOUR: hours > 2 && hours <= 24 * 92,
    DAY: hours > 30,
    WEEK: hours > 24 * 8,
    MONTH: hours > 24 * 32,
  };
  return Object.fromEntries(Object.entries(INTERVALS).filter(([name]) => fits[name as Interval]));
}

/** Whether the app was there for the whole range compared with: a change from half of it would say nothing. */
function isComplete(data: OverviewQuery | undefined, yearly: boolean): boolean {
  const first = data?.app?.everything.firstEventAt;
  const { from, to } = data?.app?.overview.summary ?? {};
  if (!first || !from || !to) return true;
  const [start, length] = [Date.parse(from), Date.parse(to) - Date.parse(from)];
  const begins = yearly ? start - 365 * 86_400_000 : start - length;
  // Who began within the first hours of it, was there.
  return Date.parse(first) <= begins + length / 10;
}

function Values({ buckets, interval }: { buckets: Bucket[]; interval: Interval }) {
  const { app } = useScope();
  const columns: TableColumn<Bucket>[] = [
    {
      name: "start",
      title: "Start",
      value: ({ start }) => start,
      show: ({ start }) => bucketName(start, interval, app.timezone),
    },
    ...METRIC_NAMES.map((name) => ({
      name,
      title: METRICS[name].title,
      right: true,
      value: (bucket: Bucket) => bucket[name],
      show: (bucket: Bucket) => METRICS[name].full(bucket[name]),
    })),
  ];
  const begun = buckets.filter((bucket) => hasBegun(bucket));
  const [rows, sorting] = useSorted(begun, columns, { complete: true });
  return <DataTable label="Values" columns={columns} rows={rows} keyOf={({ start }) => start} sorting={sorting} />;
}

function Course({
  data,
  metric,
  comparing,
}: {
  data: OverviewQuery | undefined;
  metric: MetricName;
  comparing: boolean;
}) {
  const { app, view, setView } = useScope();
  const { title, short } = METRICS[metric];
  if (!data?.app) return <div class="timeline blank" />;
  const { summary, timeline } = data.app.overview;
  const points = timeline.buckets.map((bucket) => ({
    start: bucket.start,
    end: bucket.end,
    value: bucket[metric],
    previous: bucket.previous?.[metric] ?? null,
  }));
  const options = { ...intervalsFor(summary.from, summary.to), [timeline.interval]: INTERVALS[timeline.interval] };
  return (
    <>
      <div class="row course">
        <span class="muted">
          {title}, {range(summary.from, summary.to, app.timezone)} · {app.timezone}
          {comparing && <span class="before">{view.compare === "year" ? "the year" : "the period"} before</span>}
        </span>
        <span class="fill" />
        <Choice
          label="Interval"
          value={timeline.interval}
          options={options as Record<Interval, string>}
          choose={(interval: Interval) => setView({ ...view, interval })}
        />
      </div>
      <TimelineChart
        title={title}
        points={points}
        interval={timeline.interval}
        zone={app.timezone}
        format={short}
        comparing={comparing}
        zoom={(from, to) => setView({ ...view, preset: null, from, to, interval: null })}
      />
      <details class="values">
        <summary>Show the values as a table</summary>
        <Values buckets={timeline.buckets} interval={timeline.interval} />
      </details>
    </>
  );
}

export function Overview() {
  const {
    app: { timezone },
    view,
    goals,
  } = useScope();
  const [param, setParam] = useParam("metric");
  const metric = METRIC_NAMES.find((name) => name === param) ?? "uniqueUsers";
  const compare = comparisonOf(view);
  const shared = useVariables();
  const [outbound, downloads] = [ofType("outbound_link", shared.filter), ofType("download", shared.filter)];
  const variables = { ...shared, compare, interval: view.interval, limit: ROWS, outbound, downloads };
  const asked = useQuestion(Question, variables, REFRESH_MS);
  const app = asked.data?.app;
  const summary = app?.overview.summary;
  const shown = { operation: Question, variables };
  const totals = { uniqueUsers: summary?.uniqueUsers ?? 0, events: summary?.events ?? 0 };
  const comparable = compare !== null && isComplete(asked.data, compare === "PREVIOUS_YEAR");
  const empty = summary?.events === 0;
  return (
    <Shell page="" title="Overview">
      <Controls title="Overview" comparing beside={<LiveVisitors />} />
      {asked.error && <ErrorNote error={asked.error} retry={asked.retry} />}
      {!(asked.error && !app) && (
        <div class={asked.loading && app ? "stale" : undefined} aria-busy={asked.loading}>
          <section class="card main" aria-label="Figures">
            <Headline
              now={summary}
              before={summary?.previous}
              chosen={metric}
              choose={(name) => setParam(name === "uniqueUsers" ? null : name)}
              comparing={comparable}
            />
            <div class="corner">
              <PanelMenu
                title="the figures over time"
                table={
                  app ? { name: "timeline", rows: app.overview.timeline.buckets, fields: bucketFields } : undefined
                }
                shown={shown}
                keep={[keepTimeline(metric, variables), keepHeadline(variables)]}
              />
            </div>
            {empty ? <Nothing /> : <Course data={asked.data} metric={metric} comparing={comparable} />}
          </section>
          <div class="grid pairs">
            <Tabbed
              title="Pages"
              totals={totals}
              shown={shown}
              tabs={[
                { title: "Pages", column: "pagePath", ranking: app?.pages },
                { title: "Entry pages", end: "entry", pages: app?.ends.entryPages },
                { title: "Exit pages", end: "exit", pages: app?.ends.exitPages },
                { title: "Hosts", column: "hostname", ranking: app?.hosts },
              ]}
            />
            <Tabbed
              title="Places"
              totals={totals}
              shown={shown}
              tabs={[
                { title: "Map", column: "country", ranking: app?.countries, map: true },
                { title: "Countries", column: "country", ranking: app?.countries },
                { title: "Regions", column: "region", ranking: app?.regions },
                { title: "Cities", column: "city", ranking: app?.cities },
                { title: "Languages", column: "language", ranking: app?.languages },
              ]}
            />
            <Tabbed
              title="Sources"
              totals={totals}
              shown={shown}
              tabs={[{ title: "Referrers", column: "referrerDomain", ranking: app?.referrers }]}
            />
            <Tabbed
              title="Campaigns"
              totals={totals}
              shown={shown}
              tabs={[
                { title: "Campaigns", column: "utmCampaign", ranking: app?.campaigns },
                { title: "Source", column: "utmSource", ranking: app?.sources },
                { title: "Medium", column: "utmMedium", ranking: app?.media },
              ]}
            />
            <Tabbed
              title="Technology"
              totals={totals}
              shown={shown}
              tabs={[
                { title: "Devices", column: "device", ranking: app?.devices },
                { title: "Browsers", column: "browser", ranking: app?.browsers },
                { title: "Systems", column: "os", ranking: app?.systems },
              ]}
            />
            <Tabbed
              title="Events"
              totals={totals}
              shown={shown}
              tabs={[
                { title: "Events", column: "eventType", ranking: app?.eventTypes, by: "events" },
                {
                  title: "Outbound links",
                  property: "url",
                  filter: outbound,
                  ranking: app?.outbound,
                  none: "No outbound links in this range. The script tag sends them by itself.",
                },
                {
                  title: "Downloads",
                  property: "url",
                  filter: downloads,
                  ranking: app?.downloads,
                  none: "No downloads in this range. The script tag sends them by itself.",
                },
              ]}
            />
            {goals.size > 0 && <GoalsPanel />}
          </div>
        </div>
      )}
      <p class="foot muted">
        {summary && `${whole(summary.events)} events, counted exactly. `}
        {asked.at !== undefined && `As of ${timeOf(asked.at, timezone)}; asked again every minute.`}
      </p>
    </Shell>
  );
}
