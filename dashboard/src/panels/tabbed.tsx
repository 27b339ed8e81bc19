// A panel of several dimensions, one of them in sight. All of them came with the same answer.
import { useId, useRef, useState } from "preact/hooks";
import type { Keep } from "../board/keep";
import { COLUMNS, type Column, type ColumnName } from "../data/columns";
import { useVariables } from "../data/use-variables";
import { PanelRanking, type RankingFragment } from "../schema.gen";
import { Details } from "./details";
import { Panel, type Shown } from "./panel";
import { type RankedRow, Ranking } from "./ranking";
import { WorldMap } from "./world-map";
import { Skeleton } from "../layout/states";

export type Tab = {
  title: string;
  column: ColumnName;
  ranking: RankingFragment | undefined;
  by?: "uniqueUsers" | "events";
  map?: true;
};

const rankingFields = [
  { name: "value", value: (row: RankedRow) => row.values[0] },
  { name: "visitors", value: (row: RankedRow) => row.uniqueUsers },
  { name: "page_views", value: (row: RankedRow) => row.pageViews },
  { name: "events", value: (row: RankedRow) => row.events },
];

export function Tabbed(props: {
  title: string;
  tabs: Tab[];
  totals: Record<"uniqueUsers" | "events", number>;
  shown: Shown;
}) {
  const { title, tabs, totals, shown } = props;
  const [chosen, setChosen] = useState(0);
  const id = useId();
  const list = useRef<HTMLDivElement>(null);
  const tab = tabs[chosen]!;
  // Most events are of no campaign, which says nothing about campaigns.
  const rows = tab.ranking?.rows.filter(({ values }) => values[0] !== null || !tab.column.startsWith("utm"));
  const by = tab.by ?? "uniqueUsers";
  const step = (event: KeyboardEvent) => {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!by) return;
    event.preventDefault();
    const next = (chosen + by + tabs.length) % tabs.length;
    setChosen(next);
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
            onClick={() => setChosen(index)}
          >
            {title}
          </button>
        ))}
      </div>
    );
  const variables = useVariables();
  const keep: Keep = {
    title: tab.map ? title : tab.title,
    display: tab.map ? "MAP" : "RANKING",
    operation: PanelRanking,
    variables: {
      ...variables,
      by: (COLUMNS[tab.column] as Column).dimension,
      orderBy: by === "events" ? "EVENTS" : "UNIQUE_USERS",
      limit: tab.map ? 250 : 8,
    },
  };
  const table = rows && { name: tab.title.toLowerCase().replaceAll(" ", "-"), rows, fields: rankingFields };
  const content = (
    <>
      {rows && tab.map ? (
        <WorldMap rows={rows} />
      ) : rows ? (
        <Ranking column={tab.column} rows={rows} by={by} total={totals[by]} />
      ) : (
        <Skeleton rows={8} />
      )}
      {tab.ranking && tab.ranking.groups > 8 && !tab.map && (
        <Details title={tab.title} column={tab.column} by={by} groups={tab.ranking.groups} />
      )}
    </>
  );
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
