// Visits: how many, how long, and where they begin and end.
import { keepTimeline } from "../board/keep";
import { TimelineChart } from "../charts/timeline";
import { duration, number, share, whole } from "../data/format";
import { useQuestion } from "../data/use-question";
import { useVariables } from "../data/use-variables";
import { toggled } from "../data/view";
import { Controls } from "../layout/controls";
import { Shell } from "../layout/shell";
import { Figures } from "../panels/figures";
import { Nothing } from "../panels/nothing";
import { Answered, Panel, type Shown } from "../panels/panel";
import { Bars } from "../panels/bars";
import { SessionTable } from "../panels/session-table";
import { Sessions as Question, type SessionsQuery } from "../schema.gen";
import { useScope } from "../viewer";

type Page = NonNullable<SessionsQuery["app"]>["sessions"]["entryPages"][number];

const fields = [
  { name: "page", value: (page: Page) => page.pagePath },
  { name: "sessions", value: (page: Page) => page.sessions },
  { name: "share", value: (page: Page) => page.share },
];

function Pages({ title, name, pages, shown }: { title: string; name: string; pages: Page[]; shown: Shown }) {
  const { view, setView } = useScope();
  const rows = pages.map(({ pagePath, sessions, share }) => ({
    key: pagePath,
    name: pagePath,
    value: sessions,
    share,
    click: () => setView(toggled(view, { column: "pagePath", operator: "is", value: pagePath })),
  }));
  return (
    <Panel title={title} table={{ name, rows: pages, fields }} shown={shown}>
      <Bars rows={rows} units="Sessions" />
    </Panel>
  );
}

export function Sessions() {
  const { app, view, setView } = useScope();
  const variables = { ...useVariables(), interval: view.interval };
  const asked = useQuestion(Question, variables);
  const timeline = asked.data?.app?.timeline;
  const shown = { operation: Question, variables };
  return (
    <Shell page="sessions" title="Sessions">
      <Controls title="Sessions" />
      <Answered asked={asked} rows={14}>
        {(data) => {
          const report = data.app?.sessions;
          if (!report || !timeline || report.sessions === 0) {
            return (
              <div class="card">
                <Nothing title="No sessions in this range." />
              </div>
            );
          }
          const points = timeline.buckets.map(({ start, end, sessions }) => ({
            start,
            end,
            value: sessions,
            previous: null,
          }));
          return (
            <>
              <Panel
                title="Sessions over time"
                table={{
                  name: "sessions",
                  rows: timeline.buckets,
                  fields: [
                    { name: "start", value: (bucket) => bucket.start },
                    { name: "sessions", value: (bucket) => bucket.sessions },
                    { name: "bounce_rate", value: (bucket) => bucket.bounceRate },
                    { name: "average_session_seconds", value: (bucket) => bucket.averageSessionSeconds },
                  ],
                }}
                shown={shown}
                keep={keepTimeline("sessions", { ...variables, compare: null })}
              >
                <Figures
                  figures={[
                    ["Sessions", whole(report.sessions)],
                    ["Median length", duration(report.medianSeconds), "Half of all sessions are shorter"],
                    ["Mean length", duration(report.averageSeconds), "From the first to the last event"],
                    ["Events in a session", report.eventsPerSession === null ? "–" : number(report.eventsPerSession)],
                    ["Bounce rate", share(report.bounceRate), "Sessions whose only event is one page view"],
                  ]}
                />
                <TimelineChart
                  title="Sessions"
                  points={points}
                  interval={timeline.interval}
                  zone={app.timezone}
                  format={(value) => whole(value ?? 0)}
                  comparing={false}
                  zoom={(from, to) => setView({ ...view, preset: null, from, to, interval: null })}
                />
              </Panel>
              <div class="grid">
                <Pages title="Where sessions begin" name="entry-pages" pages={report.entryPages} shown={shown} />
                <Pages title="Where sessions end" name="exit-pages" pages={report.exitPages} shown={shown} />
              </div>
              <SessionTable />
            </>
          );
        }}
      </Answered>
    </Shell>
  );
}
