// The rows of a dimension, as many as one answer holds, in a window of their own; and any other by a part of its name.
import { useEffect, useState } from "preact/hooks";
import { COLUMNS, type Column, type ColumnName } from "../data/columns";
import { count, duration, share, valueName, whole } from "../data/format";
import { useQuestion } from "../data/use-question";
import { useSorted } from "../data/use-sorted";
import { useVariables } from "../data/use-variables";
import { toggled } from "../data/view";
import { Icon } from "../layout/icons";
import { Window } from "../layout/window";
import { Details as Question, type DetailsQuery, type EventFilter, type Metric } from "../schema.gen";
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

/** Rows that one answer holds, as the operation asks for them. */
const MOST = 500;
/** Until somebody is taken to have finished a word. */
const PAUSE_MS = 300;

/** The text once it has stayed for a moment. */
function useSettled(text: string): string {
  const [settled, settle] = useState(text);
  useEffect(() => {
    const timer = setTimeout(() => settle(text), PAUSE_MS);
    return () => clearTimeout(timer);
  }, [text]);
  return settled;
}

function DetailsWindow({ title, column, by, groups, close }: Props & { groups: number; close: () => void }) {
  const { view, setView } = useScope();
  const [sought, setSought] = useState("");
  // What is not here is looked for where it is.
  const isPart = groups > MOST;
  const settled = useSettled(sought.trim());
  const [order, setOrder] = useState<Metric>(by === "events" ? "EVENTS" : "UNIQUE_USERS");
  const { dimension = "PAGE_PATH" }: Column = COLUMNS[column];
  const shared = useVariables();
  const seek: EventFilter | null = isPart && settled ? { [column]: { contains: settled } } : null;
  const filter = seek && shared.filter ? { and: [shared.filter, seek] } : (seek ?? shared.filter);
  const variables = { ...shared, filter, by: dimension, orderBy: order };
  const asked = useQuestion(Question, variables);
  const all = asked.data?.app?.breakdown.rows ?? [];
  const name = (row: Row) => valueName(column, row.values[0] ?? null);
  const found = isPart ? all : all.filter((row) => name(row).toLowerCase().includes(sought.trim().toLowerCase()));
  const there = asked.data?.app?.breakdown.groups ?? 0;
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
    complete: all.length === there,
    server: { columns: ORDERED, value: order, choose: setOrder },
  });
  return (
    <Window
      title={title}
      close={close}
      tools={
        <>
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
        </>
      }
    >
      <Answered asked={asked} rows={12}>
        {() => (
          <>
            {rows.length === 0 ? (
              <p class="none muted">No value has this in it.</p>
            ) : (
              <DataTable label={title} columns={columns} rows={rows} keyOf={(row) => row.label} sorting={sorting} />
            )}
            {isPart && (
              <p class="muted small" role="status">
                {there > all.length && `These are the first ${whole(all.length)} of ${whole(there)}. `}
                “Find” looks through all of them, with capitals as they are written.
              </p>
            )}
          </>
        )}
      </Answered>
    </Window>
  );
}

export function Details({ groups, ...props }: Props & { groups: number }) {
  const [open, setOpen] = useState(false);
  return (
    <>
      <button type="button" class="more" onClick={() => setOpen(true)}>
        <Icon name="expand" />{" "}
        {groups > MOST ? `The first ${whole(MOST)} of ${whole(groups)} values` : `All ${count(groups, "value")}`}
      </button>
      {open && <DetailsWindow {...props} groups={groups} close={() => setOpen(false)} />}
    </>
  );
}
