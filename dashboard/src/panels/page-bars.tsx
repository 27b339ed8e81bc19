// Pages where sessions begin or end.
import { toggled } from "../data/view";
import { useScope } from "../viewer";
import { Bars } from "./bars";

export type SessionPage = { pagePath: string; sessions: number; share: number };

export const pageFields = [
  { name: "page", value: (page: SessionPage) => page.pagePath as unknown },
  { name: "sessions", value: (page: SessionPage) => page.sessions },
  { name: "share", value: (page: SessionPage) => page.share },
];

/** A click on one filters by it, wherever in a session it was seen. */
export function PageBars({ pages }: { pages: readonly SessionPage[] }) {
  const { view, setView } = useScope();
  if (pages.length === 0) return <p class="none muted">Nothing in this range.</p>;
  const rows = pages.map(({ pagePath, sessions, share }) => ({
    key: pagePath,
    name: pagePath,
    value: sessions,
    share,
    click: () => setView(toggled(view, { column: "pagePath", operator: "is", value: pagePath })),
  }));
  return <Bars rows={rows} units="Sessions" />;
}
