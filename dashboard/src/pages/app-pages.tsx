// The pages of one app: they share the app, the range, the filters and what the app keeps.
import { useEffect, useMemo } from "preact/hooks";
import { useQuestion } from "../data/use-question";
import { readView, writeView } from "../data/view";
import { Shell } from "../layout/shell";
import { ErrorNote, Skeleton } from "../layout/states";
import { navigate, usePlace, withParams } from "../router";
import { type EventFilter, Saved } from "../schema.gen";
import { type App, ScopeContext } from "../viewer";
import { Dashboard } from "./dashboard";
import { Dashboards } from "./dashboards";
import { Events } from "./events";
import { Funnels } from "./funnels";
import { Goals } from "./goals";
import { Live } from "./live";
import { NotFound } from "./not-found";
import { Overview } from "./overview";
import { Paths } from "./paths";
import { Properties } from "./properties";
import { Retention } from "./retention";
import { Sessions } from "./sessions";
import { Settings } from "./settings";
import { DataSettings } from "./settings-data";
import { Members } from "./settings-members";
import { SettingsShell } from "./settings-shell";
import { User } from "./user";
import { Users } from "./users";

const PAGES: Record<string, () => preact.JSX.Element> = {
  "": Overview,
  dashboards: Dashboards,
  live: Live,
  sessions: Sessions,
  users: Users,
  events: Events,
  properties: Properties,
  funnels: Funnels,
  retention: Retention,
  paths: Paths,
  goals: Goals,
  settings: Settings,
  "settings/people": () => (
    <SettingsShell page="settings/people">
      <Members />
    </SettingsShell>
  ),
  "settings/data": () => (
    <SettingsShell page="settings/data">
      <DataSettings />
    </SettingsShell>
  ),
};

function Content({ page, waiting }: { page: string; waiting: boolean }) {
  const [, user] = page.match(/^users\/(.+)$/) ?? [];
  const Page = Object.hasOwn(PAGES, page) ? PAGES[page] : undefined;
  const [, board] = page.match(/^dashboards\/([^/]+)$/) ?? [];
  if (!Page && !user && !board) return <NotFound />;
  // A goal in a filter must be known before anything is asked: without it the figures would be others.
  if (waiting) {
    return (
      <Shell page={page} title="Event Analytics">
        <Skeleton rows={12} />
      </Shell>
    );
  }
  if (user) return <User userId={decodeURIComponent(user)} key={user} />;
  if (board) return <Dashboard id={board} key={board} />;
  return Page ? <Page /> : <NotFound />;
}

export function AppPages({ app, page }: { app: App; page: string }) {
  const { path, params } = usePlace();
  const view = useMemo(() => readView(params), [params]);
  useEffect(() => localStorage.setItem("app", app.id), [app.id]);
  const saved = useQuestion(Saved, { app: app.id });
  const kept = saved.data?.app;
  const { goals, segments } = useMemo(
    () => ({
      goals: new Map(kept?.goals.nodes.map(({ id, name, filter }) => [id, { name, filter: filter as EventFilter }])),
      segments: new Map(kept?.savedSegments.nodes.map((segment) => [segment.id, segment])),
    }),
    [kept],
  );
  const needed = view.conditions.some(({ column }) => column === "goal");
  if (needed && saved.error) return <ErrorNote error={saved.error} retry={saved.retry} />;
  const scope = {
    app,
    view,
    goals,
    segments,
    renew: saved.retry,
    setView: (next: typeof view) => navigate(withParams(path, writeView(next, params))),
  };
  return (
    <ScopeContext.Provider value={scope}>
      <Content page={page} waiting={needed && !kept} />
    </ScopeContext.Provider>
  );
}
