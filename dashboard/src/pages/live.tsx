// What goes on: who is here now, what they do, and the last 30 minutes.
import { useState } from "preact/hooks";
import { count, whole } from "../data/format";
import { toFilter } from "../data/filter";
import { useLive } from "../data/use-live";
import { BOTS } from "../data/view";
import { Choice } from "../layout/controls";
import { Filters } from "../layout/filters";
import { Icon } from "../layout/icons";
import { Shell } from "../layout/shell";
import { ErrorNote, Skeleton } from "../layout/states";
import type { EventRow } from "../panels/event-line";
import { LiveBadge } from "../panels/live-badge";
import { LiveLog } from "../panels/live-log";
import { Minutes } from "../panels/minutes";
import { Panel } from "../panels/panel";
import { Ranking } from "../panels/ranking";
import { WorldMap } from "../panels/world-map";
import { type BotTraffic, Live as Question, type LiveSubscription } from "../schema.gen";
import { useScope } from "../viewer";

/** Lines of the log. */
const KEPT = 100;
/** Events that the operation asks for: of more at once, it gets the newest. */
const AT_ONCE = 20;

type Log = { events: EventRow[]; old: ReadonlySet<string>; isSample: boolean };

const EMPTY: Log = { events: [], old: new Set(), isSample: false };

/** The first answer of a connection brings the latest events, the others what came since. */
function added(log: Log, { live }: LiveSubscription): Log {
  const { nodes, arrived } = live.events;
  if (arrived === null) return { ...EMPTY, events: nodes, old: new Set(nodes.map(({ eventId }) => eventId)) };
  const known = new Set(log.events.map(({ eventId }) => eventId));
  const fresh = nodes.filter(({ eventId }) => !known.has(eventId));
  if (fresh.length === 0) return log;
  const isSample = log.isSample || (fresh.length >= AT_ONCE && arrived > fresh.length);
  return { ...log, events: [...fresh, ...log.events].slice(0, KEPT), isSample };
}

export function Live() {
  const { app, view, goals, setView } = useScope();
  const [paused, setPaused] = useState(false);
  const [log, setLog] = useState<Log>();
  const variables = { app: app.id, filter: toFilter(view.conditions, goals), bots: view.bots };
  const live = useLive(Question, paused ? null : variables, (answer) => setLog((log) => added(log ?? EMPTY, answer)));
  const figures = live.data?.live.app;
  const waiting = <Skeleton rows={8} />;
  return (
    <Shell page="live" title="Live">
      <div class="controls">
        <div class="row">
          <h1>Live</h1>
          <LiveBadge state={live.state} />
          <span class="fill" />
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
        <Panel title="Here now" shown={{ operation: Question, variables }}>
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
        <Panel title="Where from, in 30 minutes">
          {figures ? <WorldMap rows={figures.countries.rows} /> : <div class="world" />}
        </Panel>
      </div>
      <div class="grid live apart">
        <Panel title="As they arrive" class="tall">
          {log ? <LiveLog {...log} /> : <div class="live-log">{waiting}</div>}
        </Panel>
        <div class="stack">
          {(["pages", "countries", "referrers"] as const).map((name) => (
            <Panel key={name} title={TITLES[name]} class="short">
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
