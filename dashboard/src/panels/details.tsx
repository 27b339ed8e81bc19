// All rows of a dimension, in a window of their own.
import { useEffect, useRef, useState } from "preact/hooks";
import { COLUMNS, type Column, type ColumnName } from "../data/columns";
import { count, duration, share, valueName, whole } from "../data/format";
import { useQuestion } from "../data/use-question";
import { useSorted } from "../data/use-sorted";
import { useVariables } from "../data/use-variables";
import { toggled } from "../data/view";
import { Icon } from "../layout/icons";
import { Details as Question, type DetailsQuery, type Metric } from "../schema.gen";
import { useScope } from "../viewer";
import { Answered, PanelMenu } from "./panel";
import { conditionOf } from "./ranking";
import { DataTable, type TableColumn } from "./table";

type Row = NonNullable<DetailsQuery["app"]>["breakdown"]["rows"][number];

/** Columns that the server sorts by. */
const ORDERED: Record<string, Metric> = {
  visitors: "UNIQUE_USERS",
  sessions: "SESSIONS",
  page_views: "PAGE_VIEWS",
  events: "EVENTS",
};

type Props = { title: string; column: ColumnName; by: "uniqueUsers" | "events" };

function counted(name: string, title: string, value: (row: Row) => number): TableColumn<Row> {
  return { name, title, right: true, value, show: (row) => whole(value(row)) };
}

function DetailsWindow({ title, column, by, close }: Props & { close: () => void }) {
  const { view, setView } = useScope();
  const box = useRef<HTMLDialogElement>(null);
  const [sought, setSought] = useState("");
  const [order, setOrder] = useState<Metric>(by === "events" ? "EVENTS" : "UNIQUE_USERS");
  useEffect(() => box.current?.showModal(), []);
  const { dimension = "PAGE_PATH" }: Column = COLUMNS[column];
  const variables = {
    ...useVariables(),
    by: dimension,
    orderBy: order,
  };
  const asked = useQuestion(Question, variables);
  const all = asked.data?.app?.breakdown.rows ?? [];
  const name = (row: Row) => valueName(column, row.values[0] ?? null);
  const found = all.filter((row) => name(row).toLowerCase().includes(sought.toLowerCase()));
  const columns: TableColumn<Row>[] = [
    {
      name: "value",
      title: COLUMNS[column].title,
      value: (row) => row.values[0],
      show: (row) => (
        <button
          type="button"
          class="plainly"
          onClick={() => {
            close();
            setView(toggled(view, conditionOf(column, row.values[0] ?? null)));
          }}
        >
          {name(row)}
        </button>
      ),
    },
    counted("visitors", "Visitors", (row) => row.uniqueUsers),
    counted("sessions", "Sessions", (row) => row.sessions),
    counted("page_views", "Page views", (row) => row.pageViews),
    counted("events", "Events", (row) => row.events),
    {
      name: "bounce_rate",
      title: "Bounce rate",
      right: true,
      value: (row) => row.bounceRate,
      show: (row) => share(row.bounceRate),
    },
    {
      name: "average_session_seconds",
      title: "Session time",
      right: true,
      value: (row) => row.averageSessionSeconds,
      show: (row) => duration(row.averageSessionSeconds),
    },
  ];
  const [rows, sorting] = useSorted(found, columns, {
    complete: all.length === asked.data?.app?.breakdown.groups,
    server: { columns: ORDERED, value: order, choose: setOrder },
  });
  return (
    <dialog
      ref={box}
      class="window"
      aria-label={title}
      onClose={close}
      onClick={(event) => event.target === box.current && close()}
    >
      <header>
        <h2>{title}</h2>
        <span class="fill" />
        <input
          type="search"
          placeholder="Find"
          aria-label="Find"
          value={sought}
          onInput={(event) => setSought(event.currentTarget.value)}
        />
        <PanelMenu
          title={title}
          table={{ name: title.toLowerCase(), rows, fields: columns }}
          shown={{ operation: Question, variables }}
        />
        <button type="button" class="quiet icon" aria-label="Close" onClick={close}>
          <Icon name="close" />
        </button>
      </header>
      <Answered asked={asked} rows={12}>
        {() => <DataTable label={title} columns={columns} rows={rows} keyOf={(row) => row.label} sorting={sorting} />}
      </Answered>
    </dialog>
  );
}

export function Details({ groups, ...props }: Props & { groups: number }) {
  const [open, setOpen] = useState(false);
  return (
    <>
      <button type="button" class="more" onClick={() => setOpen(true)}>
        <Icon name="expand" /> All {count(groups, "value")}
      </button>
      {open && <DetailsWindow {...props} close={() => setOpen(false)} />}
    </>
  );
}
