// Visits: how many, how long, and where they begin and end.
import { keepTable, keepTimeline } from "../board/keep";
import { TimelineChart } from "../charts/timeline";
import { duration, number, share, whole } from "../data/format";
import { useQuestion } from "../data/use-question";
import { useVariables } from "../data/use-variables";
import { Controls } from "../layout/controls";
import { Shell } from "../layout/shell";
import { Figures } from "../panels/figures";
import { Nothing } from "../panels/nothing";
import { Answered, Panel, type Shown } from "../panels/panel";
import { PageBars, type SessionPage, pageFields } from "../panels/page-bars";
import { SessionTable } from "../panels/session-table";
import { PanelPages, Sessions as Question } from "../schema.gen";
import { useScope } from "../viewer";

type PagesProps = { title: string; name: "entry" | "exit"; pages: SessionPage[]; shown: Shown };

function Pages({ title, name, pages, shown }: PagesProps) {
  const variables = useVariables();
  return (
    <Panel
      title={title}
      table={{ name: `${name}-pages`, rows: pages, fields: pageFields }}
      shown={shown}
      keep={keepTable(title, PanelPages, { ...variables, [name]: true })}
    >
      <PageBars pages={pages} />
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
                    ["Bounce rate", share(report.bounceRate), "Sessions of one page view and nothing else that the visitor did"],
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
                <Pages title="Where sessions begin" name="entry" pages={report.entryPages} shown={shown} />
                <Pages title="Where sessions end" name="exit" pages={report.exitPages} shown={shown} />
              </div>
              <SessionTable />
            </>
          );
        }}
      </Answered>
    </Shell>
  );
}
