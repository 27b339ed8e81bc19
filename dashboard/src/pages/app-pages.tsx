// The pages of one app: they share the app, the range and the filters.
import { useEffect, useMemo } from "preact/hooks";
import { readView, writeView } from "../data/view";
import { navigate, usePlace, withParams } from "../router";
import { type App, ScopeContext } from "../viewer";
import { NotFound } from "./not-found";
import { Overview } from "./overview";

const PAGES: Record<string, () => preact.JSX.Element> = { "": Overview };

export function AppPages({ app, page }: { app: App; page: string }) {
  const { path, params } = usePlace();
  const view = useMemo(() => readView(params), [params]);
  useEffect(() => localStorage.setItem("app", app.id), [app.id]);
  const Page = Object.hasOwn(PAGES, page) ? PAGES[page] : undefined;
  if (!Page) return <NotFound />;
  const scope = {
    app,
    view,
    goals: new Map(),
    setView: (next: typeof view) => navigate(withParams(path, writeView(next, params))),
  };
  return (
    <ScopeContext.Provider value={scope}>
      <Page />
    </ScopeContext.Provider>
  );
}
