// One person: what they did, day by day, and with what.
import { useState } from "preact/hooks";
import { keepRanking, keepTable } from "../board/keep";
import { count, moment, valueName, whole } from "../data/format";
import { useList } from "../data/use-list";
import { forget, useQuestion } from "../data/use-question";
import { useVariables } from "../data/use-variables";
import { rangeOf, writeView } from "../data/view";
import { dayOf } from "../data/zone";
import { Controls } from "../layout/controls";
import { Icon } from "../layout/icons";
import { Shell } from "../layout/shell";
import { Empty } from "../layout/states";
import { Bars } from "../panels/bars";
import { EventLine, type EventRow, eventFields } from "../panels/event-line";
import { Figures } from "../panels/figures";
import { More } from "../panels/more";
import { Answered, Panel, type Shown } from "../panels/panel";
import { PersonData } from "../panels/person-data";
import { withParams } from "../router";
import { type Dimension, Events, PanelEvents, User as Question, type UserQuery } from "../schema.gen";
import { mayChange, useScope } from "../viewer";

type Person = NonNullable<NonNullable<UserQuery["app"]>["user"]>;

/** What an event says of one person alone. */
function useOnly(userId: string) {
  const shared = useVariables();
  const mine = { userId: { eq: userId } };
  return { ...shared, filter: shared.filter ? { and: [mine, shared.filter] } : mine };
}

/** Longer lists than a panel shows are in its file. */
const ROOM = 6;

function About({ person, shown }: { person: Person; shown: Shown }) {
  const { app } = useScope();
  const only = useOnly(person.userId);
  const keep = (what: string, by: Dimension) =>
    keepRanking(`${what} of ${person.userId}`.slice(0, 100), by, "EVENTS", only);
  const device = ({ device, browser, os }: Person["devices"][number]) =>
    [device && valueName("device", device), browser, os].filter(Boolean).join(" · ") || "Unknown";
  return (
    <>
      <section class="card panel" aria-label="In numbers">
        <Figures
          figures={[
            ["Events", whole(person.totals.events)],
            ["Sessions", whole(person.totals.sessions)],
            ["Page views", whole(person.totals.pageViews)],
            ["First seen", moment(person.firstSeenAt, app.timezone)],
            ["Last seen", moment(person.lastSeenAt, app.timezone)],
          ]}
        />
      </section>
      <div class="grid three">
        <Panel
          title="What they did"
          shown={shown}
          keep={keep("Events", "EVENT_TYPE")}
          table={{
            name: "user-event-types",
            rows: person.topEvents,
            fields: [
              { name: "event_type", value: ({ eventType }) => eventType },
              { name: "events", value: ({ events }) => events },
            ],
          }}
        >
          <Bars
            rows={person.topEvents
              .slice(0, ROOM)
              .map(({ eventType, events }) => ({ key: eventType, name: eventType, value: events }))}
            units="Events"
          />
        </Panel>
        <Panel
          title="Where they looked"
          shown={shown}
          keep={keep("Pages", "PAGE_PATH")}
          table={{
            name: "user-pages",
            rows: person.topPages,
            fields: [
              { name: "page", value: ({ pagePath }) => pagePath },
              { name: "page_views", value: ({ pageViews }) => pageViews },
            ],
          }}
        >
          <Bars
            rows={person.topPages
              .slice(0, ROOM)
              .map(({ pagePath, pageViews }) => ({ key: pagePath, name: pagePath, value: pageViews }))}
            units="Page views"
          />
        </Panel>
        <Panel
          title="What they used"
          shown={shown}
          keep={keep("Devices", "DEVICE")}
          table={{
            name: "user-devices",
            rows: person.devices,
            fields: [
              { name: "device", value: ({ device }) => device },
              { name: "browser", value: ({ browser }) => browser },
              { name: "system", value: ({ os }) => os },
              { name: "events", value: ({ events }) => events },
            ],
          }}
        >
          <Bars
            rows={person.devices
              .slice(0, ROOM)
              .map((used) => ({ key: device(used), name: device(used), value: used.events }))}
            units="Events"
          />
        </Panel>
      </div>
    </>
  );
}

/** Events of one day under its date. */
function byDay(events: EventRow[], zone: string): [day: string, events: EventRow[]][] {
  const days = new Map<string, EventRow[]>();
  for (const event of events) {
    const day = dayOf(new Date(event.timestamp), zone);
    days.set(day, [...(days.get(day) ?? []), event]);
  }
  return [...days];
}

function Course({ userId }: { userId: string }) {
  const { app } = useScope();
  const variables = useOnly(userId);
  const list = useList(Events, variables, (answer) => answer.app?.events);
  const date = new Intl.DateTimeFormat(undefined, {
    timeZone: app.timezone,
    weekday: "long",
    day: "numeric",
    month: "long",
    year: "numeric",
  });
  const time = new Intl.DateTimeFormat(undefined, { timeZone: app.timezone, timeStyle: "medium" });
  return (
    <Panel
      title="Everything, newest first"
      class="apart"
      table={{ name: "user-events", rows: list.nodes, fields: eventFields }}
      shown={{ operation: Events, variables }}
      keep={keepTable(`Latest events of ${userId}`.slice(0, 100), PanelEvents, variables)}
    >
      <Answered asked={list.first} rows={10}>
        {() => (
          <>
            {byDay(list.nodes, app.timezone).map(([day, events]) => (
              <section key={day} class="day">
                <h3>
                  {date.format(new Date(events[0]!.timestamp))}{" "}
                  <span class="muted">{count(events.length, "event")}</span>
                </h3>
                <ol class="log days">
                  {events.map((event) => (
                    <li key={event.eventId}>
                      <EventLine event={event} time={time.format(new Date(event.timestamp))} />
                    </li>
                  ))}
                </ol>
              </section>
            ))}
            <More {...list} />
          </>
        )}
      </Answered>
    </Panel>
  );
}

export function User({ userId }: { userId: string }) {
  const { app, view, setView } = useScope();
  const range = rangeOf(view, app.timezone);
  const variables = { app: app.id, userId, range, bots: view.bots, timezone: app.timezone };
  const asked = useQuestion(Question, variables);
  // What was erased is not shown out of memory.
  const [round, setRound] = useState(0);
  return (
    <Shell page="users" title={userId}>
      <p class="backward">
        <a href={withParams(`/apps/${app.id}/users`, writeView(view))}>
          <Icon name="back" /> Users
        </a>
      </p>
      <Controls title={userId} />
      <Answered asked={asked} rows={10}>
        {(data) =>
          data.app?.user ? (
            <>
              <About person={data.app.user} shown={{ operation: Question, variables }} />
              <Course userId={userId} key={round} />
            </>
          ) : (
            <div class="card">
              <Empty title={view.preset === "ALL_TIME" ? "Nothing of this user." : "Nothing of this user in this range."}>
                {view.preset !== "ALL_TIME" && (
                  <button
                    type="button"
                    class="primary"
                    onClick={() => setView({ ...view, preset: "ALL_TIME", from: null, to: null })}
                  >
                    Look at all time
                  </button>
                )}
              </Empty>
            </div>
          )
        }
      </Answered>
      {mayChange(app) && (
        <PersonData
          userId={userId}
          erased={() => {
            forget();
            setRound(round + 1);
            asked.retry();
          }}
        />
      )}
    </Shell>
  );
}
