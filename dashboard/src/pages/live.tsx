// What goes on: who is here now, what they do, and the last 30 minutes.
import { useState } from "preact/hooks";
import { keepRanking, keepTable, keepTimeline } from "../board/keep";
import { COLUMNS } from "../data/columns";
import { count, whole } from "../data/format";
import { toFilter } from "../data/filter";
import { useLive } from "../data/use-live";
import { BOTS } from "../data/view";
import { Choice } from "../layout/controls";
import { Filters } from "../layout/filters";
import { Icon } from "../layout/icons";
import { PrintButton } from "../layout/print";
import { Shell } from "../layout/shell";
import { ErrorNote, Skeleton } from "../layout/states";
import { type EventRow, eventFields } from "../panels/event-line";
import { LiveBadge } from "../panels/live-badge";
import { LiveLog } from "../panels/live-log";
import { type Minute, Minutes } from "../panels/minutes";
import { Panel } from "../panels/panel";
import { Ranking } from "../panels/ranking";
import { WorldMap } from "../panels/world-map";
import { rankingFields } from "../panels/tabbed";
import { type BotTraffic, Live as Question, type LiveSubscription, PanelEvents } from "../schema.gen";
import { useScope } from "../viewer";

/** Lines of the log. */
const KEPT = 100;
/** Events that the operation asks for: of more at once, it gets the newest. */
const AT_ONCE = 20;

const minuteFields = [
  { name: "start", value: ({ start }: Minute) => start as unknown },
  { name: "events", value: ({ events }: Minute) => events },
  { name: "visitors", value: ({ uniqueUsers }: Minute) => uniqueUsers },
];

type Log = { events: EventRow[]; old: ReadonlySet<string>; isSample: boolean };

const EMPTY: Log = { events: [], old: new Set(), isSample: false };

/**
 * The first answer of a connection brings the latest events, the others what came since. One that was made again, after
 * it was lost, goes on with the log as it stands.
 */
function added(log: Log, { live }: LiveSubscription): Log {
  const { nodes, arrived } = live.events;
  if (log.events.length === 0 && arrived === null) {
    return { ...EMPTY, events: nodes, old: new Set(nodes.map(({ eventId }) => eventId)) };
  }
  const known = new Set(log.events.map(({ eventId }) => eventId));
  const fresh = nodes.filter(({ eventId }) => !known.has(eventId));
  if (fresh.length === 0) return log;
  const isSample = log.isSample || (fresh.length >= AT_ONCE && (arrived ?? Infinity) > fresh.length);
  return { ...log, events: [...fresh, ...log.events].slice(0, KEPT), isSample };
}

export function Live() {
  const { app, view, goals, setView } = useScope();
  const [paused, setPaused] = useState(false);
  const filter = toFilter(view.conditions, goals);
  const variables = { app: app.id, filter, bots: view.bots };
  const shown = { operation: Question, variables };
  // Other conditions are another log.
  const of = JSON.stringify(variables);
  const [logged, setLog] = useState<{ of: string; log: Log }>();
  const log = logged?.of === of ? logged.log : undefined;
  const live = useLive(Question, paused ? null : variables, (answer) =>
    setLog((before) => ({ of, log: added(before?.of === of ? before.log : EMPTY, answer) })),
  );
  const lately = { ...variables, range: { preset: "LAST_30_MINUTES" as const }, timezone: app.timezone };
  const map = keepRanking("Where from", "COUNTRY", "UNIQUE_USERS", lately);
  const figures = live.data?.live.app;
  const waiting = <Skeleton rows={8} />;
  return (
    <Shell page="live" title="Live">
      <div class="controls">
        <div class="row">
          <h1>Live</h1>
          <LiveBadge state={live.state} />
          <span class="fill" />
          <PrintButton />
          <Choice
            label="Bots"
            value={view.bots}
            options={BOTS}
            choose={(bots: BotTraffic) => setView({ ...view, bots })}
          />
          <button type="button" class="button pause" aria-pressed={paused} onClick={() => setPaused(!paused)}>
            <Icon name={paused ? "play" : "pause"} />
            {paused ? "Go on" : "Pause"}
          </button>
        </div>
        <Filters />
      </div>
      {live.failure && <ErrorNote error={live.failure} retry={live.retry} />}
      <div class="grid live">
        <Panel
          title="Here now"
          shown={shown}
          table={figures && { name: "minutes", rows: figures.minutes.buckets, fields: minuteFields }}
          keep={[
            keepTimeline("uniqueUsers", { ...lately, compare: null, interval: "MINUTE" }),
            keepTimeline("events", { ...lately, compare: null, interval: "MINUTE" }),
          ]}
        >
          {figures ? (
            <>
              <p class="here">
                <strong>{whole(figures.now.uniqueUsers)}</strong>{" "}
                {figures.now.uniqueUsers === 1 ? "visitor" : "visitors"} in the last 5 minutes
              </p>
              <Minutes minutes={figures.minutes.buckets} zone={app.timezone} />
              <p class="muted small">
                In the last 30 minutes: {count(figures.minutes.total.uniqueUsers, "visitor")},{" "}
                {count(figures.minutes.total.pageViews, "page view")}, {count(figures.minutes.total.events, "event")}
              </p>
            </>
          ) : (
            waiting
          )}
        </Panel>
        <Panel
          title="Where from, in 30 minutes"
          shown={shown}
          table={figures && { name: "live-map", rows: figures.countries.rows, fields: rankingFields }}
          keep={{ ...map, display: "MAP", variables: { ...map.variables, limit: 250 } }}
        >
          {figures ? <WorldMap rows={figures.countries.rows} /> : <div class="world" />}
        </Panel>
      </div>
      <div class="grid live apart">
        <Panel
          title="As they arrive"
          class="tall"
          shown={shown}
          table={log && { name: "live-events", rows: log.events, fields: eventFields }}
          keep={keepTable("Latest events", PanelEvents, { ...lately, range: { preset: "LAST_24_HOURS" } })}
        >
          {log ? <LiveLog {...log} /> : <div class="live-log">{waiting}</div>}
        </Panel>
        <div class="stack">
          {(["pages", "countries", "referrers"] as const).map((name) => (
            <Panel
              key={name}
              title={TITLES[name]}
              class="short"
              shown={shown}
              table={figures && { name: `live-${name}`, rows: figures[name].rows, fields: rankingFields }}
              keep={keepRanking(TITLES[name], COLUMNS[COLUMN_OF[name]].dimension, "UNIQUE_USERS", lately)}
            >
              {figures ? (
                <Ranking
                  column={COLUMN_OF[name]}
                  rows={figures[name].rows}
                  by="uniqueUsers"
                  total={figures.minutes.total.uniqueUsers}
                  room={ROOM}
                />
              ) : (
                <Skeleton rows={ROOM} />
              )}
            </Panel>
          ))}
        </div>
      </div>
    </Shell>
  );
}

const ROOM = 4;
const TITLES = { pages: "Pages", countries: "Countries", referrers: "Referrers" };
const COLUMN_OF = { pages: "pagePath", countries: "country", referrers: "referrerDomain" } as const;
