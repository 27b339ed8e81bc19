// A card with a title, what it shows, and what can be done with it: exported, kept on a dashboard, or asked by others.
import type { ComponentChildren } from "preact";
import { useContext, useState } from "preact/hooks";
import { AddToDashboard } from "../board/add";
import type { Keep } from "../board/keep";
import { type Field, save, toCsv, toJson } from "../data/export";
import type { Asked } from "../data/use-question";
import { Icon } from "../layout/icons";
import { Popover } from "../layout/popover";
import { ErrorNote, Skeleton } from "../layout/states";
import { ScopeContext, mayEdit } from "../viewer";
import { Explorer, type Shown } from "./explorer";

export type { Shown };

/** A table that can become a file. */
export type Table<Row> = { name: string; rows: readonly Row[]; fields: Field<Row>[] };

export function PanelMenu<Row>({
  title,
  table,
  shown,
  keep,
}: {
  title: string;
  table?: Table<Row> | undefined;
  shown?: Shown | undefined;
  keep?: Keep | Keep[] | undefined;
}) {
  const scope = useContext(ScopeContext);
  const [keeping, setKeeping] = useState<Keep>();
  const [exploring, setExploring] = useState(false);
  const all = keep === undefined ? [] : [keep].flat();
  if (!table && !shown && all.length === 0) return null;
  const file = (kind: "csv" | "json", close: () => void) => {
    if (!table) return;
    if (kind === "csv") save(`${table.name}.csv`, "text/csv;charset=utf-8", toCsv(table.rows, table.fields));
    else save(`${table.name}.json`, "application/json", toJson(table.rows, table.fields));
    close();
  };
  const popover = (
    <Popover
      class="quiet icon"
      label={`More about ${title}`}
      side="right"
      face={<Icon name="more" />}
      closed={() => setKeeping(undefined)}
    >
      {(close) =>
        keeping ? (
          <AddToDashboard keep={keeping} />
        ) : (
          <ul class="menu">
            {table && (
              <>
                <li>
                  <button type="button" onClick={() => file("csv", close)}>
                    Export as CSV
                  </button>
                </li>
                <li>
                  <button type="button" onClick={() => file("json", close)}>
                    Export as JSON
                  </button>
                </li>
              </>
            )}
            {scope &&
              mayEdit(scope.app) &&
              all.map((one) => (
                <li key={one.title}>
                  <button type="button" onClick={() => setKeeping(one)}>
                    Add {all.length > 1 && `“${one.title}” `}to a dashboard
                  </button>
                </li>
              ))}
            {shown && (
              <li>
                <button
                  type="button"
                  onClick={() => {
                    close();
                    setExploring(true);
                  }}
                >
                  Show the GraphQL
                </button>
              </li>
            )}
          </ul>
        )
      }
    </Popover>
  );
  return (
    <>
      {popover}
      {exploring && shown && <Explorer title={title} shown={shown} close={() => setExploring(false)} />}
    </>
  );
}

type PanelProps<Row> = {
  title: string;
  class?: string;
  /** Beside or instead of the title. */
  head?: ComponentChildren;
  table?: Table<Row> | undefined;
  shown?: Shown | undefined;
  keep?: Keep | Keep[] | undefined;
  children: ComponentChildren;
};

export function Panel<Row>({ title, class: name = "", head, table, shown, keep, children }: PanelProps<Row>) {
  return (
    <section class={`card panel ${name}`} aria-label={title}>
      <header>
        {head ?? <h2>{title}</h2>}
        <span class="fill" />
        <PanelMenu title={title} table={table} shown={shown} keep={keep} />
      </header>
      {children}
    </section>
  );
}

/** What an answer makes of a panel: a skeleton before the first one, an error with a way out, or its content. */
export function Answered<A>({
  asked,
  rows = 8,
  children,
}: {
  asked: Asked<A>;
  rows?: number;
  children: (data: A) => ComponentChildren;
}) {
  const failed = asked.error && <ErrorNote error={asked.error} retry={asked.retry} />;
  // An answer that could not be renewed is still one.
  if (failed && !asked.isCurrent) return failed;
  if (asked.data === undefined) return <Skeleton rows={rows} />;
  return (
    <>
      {failed}
      <div class={asked.loading ? "stale" : undefined} aria-busy={asked.loading}>
        {children(asked.data)}
      </div>
    </>
  );
}
