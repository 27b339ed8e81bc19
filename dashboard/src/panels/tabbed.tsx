// A panel of several dimensions, one of them in sight. All of them came with the same answer.
import { useId, useRef } from "preact/hooks";
import { type Keep, keepRanking, keepTable } from "../board/keep";
import { COLUMNS, type Column, type ColumnName } from "../data/columns";
import type { Field } from "../data/export";
import { useVariables } from "../data/use-variables";
import { Skeleton } from "../layout/states";
import { useParam } from "../router";
import { type EventFilter, PanelPages, PanelRanking, type RankingFragment } from "../schema.gen";
import { Details } from "./details";
import { PageBars, type SessionPage, pageFields } from "./page-bars";
import { Panel, type Shown } from "./panel";
import { type RankedRow, Ranking } from "./ranking";
import { WorldMap } from "./world-map";

/** The values of a column, and a map of them if they are countries. */
type OfColumn = {
  column: ColumnName;
  ranking: RankingFragment | undefined;
  by?: "uniqueUsers" | "events";
  map?: true;
};

/** The values of a custom property, of the events that a filter chooses. */
type OfProperty = { property: string; filter: EventFilter; ranking: RankingFragment | undefined; none: string };

/** The pages where sessions begin or end. */
type OfSessions = { end: "entry" | "exit"; pages: SessionPage[] | undefined };

export type Tab = { title: string } & (OfColumn | OfProperty | OfSessions);

export const rankingFields = [
  { name: "value", value: (row: RankedRow) => row.values[0] as unknown },
  { name: "visitors", value: (row: RankedRow) => row.uniqueUsers },
  { name: "page_views", value: (row: RankedRow) => row.pageViews },
  { name: "events", value: (row: RankedRow) => row.events },
];

/** Rows of a panel. */
const ROOM = 8;

type Totals = Record<"uniqueUsers" | "events", number>;

/** What a tab shows, as what it is exported and kept, and whether there is more of it. */
type Sight = {
  content: preact.JSX.Element | undefined;
  rows: readonly unknown[] | undefined;
  fields: Field<never>[];
  keep: Keep;
};

function useSight(panel: string, tab: Tab, totals: Totals): Sight {
  const variables = useVariables();
  if ("end" in tab) {
    const { title, end, pages } = tab;
    const keep = keepTable(title, PanelPages, { ...variables, [end]: true });
    return { content: pages && <PageBars pages={pages} />, rows: pages, fields: pageFields, keep };
  }
  if ("property" in tab) {
    const { title, property, filter, none } = tab;
    const rows = tab.ranking?.rows.filter(({ values }) => values[0] !== null).slice(0, ROOM);
    const asked = { ...variables, filter, by: "PROPERTY", property, orderBy: "EVENTS", limit: ROOM };
    const keep: Keep = { title, display: "RANKING", operation: PanelRanking, variables: asked };
    const total = rows?.reduce((sum, { events }) => sum + events, 0) ?? 0;
    const column = `property.${property}`;
    const content = rows && <Ranking column={column} rows={rows} by="events" total={total} room={ROOM} none={none} />;
    return { content, rows, fields: rankingFields, keep };
  }
  const { title, column, ranking, by = "uniqueUsers", map } = tab;
  // Most events are of no campaign, which says nothing about campaigns.
  const rows = ranking?.rows.filter(({ values }) => values[0] !== null || !column.startsWith("utm"));
  const { dimension = "PAGE_PATH" } = COLUMNS[column] as Column;
  const kept = keepRanking(title, dimension, by === "events" ? "EVENTS" : "UNIQUE_USERS", variables);
  if (map) {
    const keep: Keep = { ...kept, title: panel, display: "MAP", variables: { ...kept.variables, limit: 250 } };
    return { content: rows && <WorldMap rows={rows} />, rows, fields: rankingFields, keep };
  }
  const content = rows && (
    <>
      <Ranking column={column} rows={rows} by={by} total={totals[by]} room={ROOM} />
      {ranking && ranking.groups > ROOM && <Details title={title} column={column} by={by} groups={ranking.groups} />}
    </>
  );
  // A file holds what shows.
  return { content, rows: rows?.slice(0, ROOM), fields: rankingFields, keep: kept };
}

const named = (title: string) => title.toLowerCase().replaceAll(" ", "-");

export function Tabbed(props: { title: string; tabs: Tab[]; totals: Totals; shown: Shown }) {
  const { title, tabs, totals, shown } = props;
  // The address holds which one shows, if it is not the first.
  const [param, setParam] = useParam(`tab.${named(title)}`, { replace: true });
  const chosen = Math.max(
    0,
    tabs.findIndex((tab) => named(tab.title) === param),
  );
  const choose = (index: number) => setParam(index === 0 ? null : named(tabs[index]!.title));
  const id = useId();
  const list = useRef<HTMLDivElement>(null);
  const tab = tabs[chosen]!;
  const { content = <Skeleton rows={ROOM} />, rows, fields, keep } = useSight(title, tab, totals);
  const step = (event: KeyboardEvent) => {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!by) return;
    event.preventDefault();
    const next = (chosen + by + tabs.length) % tabs.length;
    choose(next);
    list.current?.querySelectorAll<HTMLElement>("[role=tab]")[next]?.focus();
  };
  const head =
    tabs.length === 1 ? undefined : (
      <div class="tabs" role="tablist" aria-label={title} ref={list} onKeyDown={step}>
        {tabs.map(({ title }, index) => (
          <button
            key={title}
            type="button"
            role="tab"
            id={`${id}-${index}`}
            aria-selected={index === chosen}
            aria-controls={`${id}-panel`}
            tabIndex={index === chosen ? 0 : -1}
            onClick={() => choose(index)}
          >
            {title}
          </button>
        ))}
      </div>
    );
  const table = rows && { name: named(tab.title), rows: rows as readonly never[], fields };
  return (
    <Panel title={title} head={head} table={table} shown={shown} keep={keep}>
      {head ? (
        <div role="tabpanel" id={`${id}-panel`} aria-labelledby={`${id}-${chosen}`}>
          {content}
        </div>
      ) : (
        content
      )}
    </Panel>
  );
}
