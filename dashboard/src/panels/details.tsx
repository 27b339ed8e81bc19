// All rows of a dimension, in a window of their own.
import { useEffect, useRef, useState } from "preact/hooks";
import { COLUMNS, type Column, type ColumnName } from "../data/columns";
import { count, duration, share, valueName, whole } from "../data/format";
import { useQuestion } from "../data/use-question";
import { useVariables } from "../data/use-variables";
import { toggled } from "../data/view";
import { Icon } from "../layout/icons";
import { Details as Question, type DetailsQuery } from "../schema.gen";
import { useScope } from "../viewer";
import { Answered, PanelMenu } from "./panel";
import { conditionOf } from "./ranking";

type Row = NonNullable<DetailsQuery["app"]>["breakdown"]["rows"][number];

const fields = [
  { name: "value", value: (row: Row) => row.values[0] },
  { name: "visitors", value: (row: Row) => row.uniqueUsers },
  { name: "sessions", value: (row: Row) => row.sessions },
  { name: "page_views", value: (row: Row) => row.pageViews },
  { name: "events", value: (row: Row) => row.events },
  { name: "bounce_rate", value: (row: Row) => row.bounceRate },
  { name: "average_session_seconds", value: (row: Row) => row.averageSessionSeconds },
];

type Props = { title: string; column: ColumnName; by: "uniqueUsers" | "events" };

function DetailsWindow({ title, column, by, close }: Props & { close: () => void }) {
  const { view, setView } = useScope();
  const box = useRef<HTMLDialogElement>(null);
  const [sought, setSought] = useState("");
  useEffect(() => box.current?.showModal(), []);
  const { dimension = "PAGE_PATH" }: Column = COLUMNS[column];
  const variables = {
    ...useVariables(),
    by: dimension,
    orderBy: by === "events" ? ("EVENTS" as const) : ("UNIQUE_USERS" as const),
  };
  const asked = useQuestion(Question, variables);
  const all = asked.data?.app?.breakdown.rows ?? [];
  const name = (row: Row) => valueName(column, row.values[0] ?? null);
  const rows = all.filter((row) => name(row).toLowerCase().includes(sought.toLowerCase()));
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
          table={{ name: title.toLowerCase(), rows, fields }}
          shown={{ operation: Question, variables }}
        />
        <button type="button" class="quiet icon" aria-label="Close" onClick={close}>
          <Icon name="close" />
        </button>
      </header>
      <Answered asked={asked} rows={12}>
        {() => (
          <div class="scroll" tabIndex={0} role="region" aria-label={title}>
            <table>
              <thead>
                <tr>
                  <th>{COLUMNS[column].title}</th>
                  <th class="right">Visitors</th>
                  <th class="right">Sessions</th>
                  <th class="right">Page views</th>
                  <th class="right">Events</th>
                  <th class="right">Bounce rate</th>
                  <th class="right">Session time</th>
                </tr>
              </thead>
              <tbody>
                {rows.map((row) => (
                  <tr key={row.label}>
                    <td>
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
                    </td>
                    <td class="right">{whole(row.uniqueUsers)}</td>
                    <td class="right">{whole(row.sessions)}</td>
                    <td class="right">{whole(row.pageViews)}</td>
                    <td class="right">{whole(row.events)}</td>
                    <td class="right">{share(row.bounceRate)}</td>
                    <td class="right">{duration(row.averageSessionSeconds)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
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
