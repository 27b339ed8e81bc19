// Sessions one by one; each leads to its events, and to whose it is.
import { keepTable } from "../board/keep";
import { count, duration, exactly, valueName, whole } from "../data/format";
import { useList } from "../data/use-list";
import { useSorted } from "../data/use-sorted";
import { useVariables } from "../data/use-variables";
import { writeView } from "../data/view";
import { withParams } from "../router";
import { PanelSessions, SessionList as Question, type SessionListQuery } from "../schema.gen";
import { useScope } from "../viewer";
import { More } from "./more";
import { Answered, Panel } from "./panel";
import { DataTable, type TableColumn } from "./table";

type Row = NonNullable<SessionListQuery["app"]>["sessionList"]["nodes"][number];

export function SessionTable() {
  const { app, view } = useScope();
  const variables = useVariables();
  const list = useList(Question, variables, (answer) => answer.app?.sessionList);
  const of = (sessionId: string) => {
    const conditions = [{ column: "sessionId", operator: "is" as const, value: sessionId }];
    return withParams(`/apps/${app.id}/events`, writeView({ ...view, conditions }));
  };
  const person = (user: string) =>
    withParams(`/apps/${app.id}/users/${encodeURIComponent(user)}`, writeView({ ...view, conditions: [] }));
  const text = (name: string, title: string, value: (row: Row) => string | null): TableColumn<Row> => ({
    name,
    title,
    value,
    show: (row) => <span title={value(row) ?? undefined}>{value(row) ?? "–"}</span>,
  });
  const columns: TableColumn<Row>[] = [
    {
      name: "started_at",
      title: "Began",
      tight: true,
      value: (row) => row.startedAt,
      show: (row) => (
        <a href={of(row.sessionId)} title={`Events of the session ${row.sessionId}`}>
          {exactly(row.startedAt, app.timezone)}
        </a>
      ),
    },
    {
      name: "seconds",
      title: "Length",
      right: true,
      value: (row) => row.seconds,
      show: (row) => duration(row.seconds),
    },
    { name: "events", title: "Events", right: true, value: (row) => row.events, show: (row) => whole(row.events) },
    {
      name: "user",
      title: "User",
      tight: true,
      value: (row) => row.userId,
      show: (row) => (row.userId === null ? "–" : <a href={person(row.userId)}>{row.userId}</a>),
    },
    text("entry_page", "First page", (row) => row.entryPage),
    text("exit_page", "Last page", (row) => row.exitPage),
    {
      name: "country",
      title: "Country",
      tight: true,
      value: (row) => row.country,
      show: (row) => (row.country === null ? "–" : valueName("country", row.country)),
    },
    {
      name: "device",
      title: "Device",
      value: (row) => row.device,
      show: (row) => (row.device === null ? "–" : valueName("device", row.device)),
    },
    text("source", "From", (row) => row.utmSource ?? row.referrerDomain),
  ];
  const total = list.first.data?.app?.sessionList.totalCount;
  const complete = list.first.data !== undefined && !list.more;
  const [rows, sorting] = useSorted(list.nodes, columns, {
    complete,
    server: { columns: { started_at: "START" }, value: "START", choose: () => undefined },
  });
  return (
    <Panel
      title="One by one"
      class="apart"
      head={<h2>{total === undefined ? "One by one" : count(total, "session")}, the latest first</h2>}
      table={{ name: "session-list", rows, fields: columns }}
      shown={{ operation: Question, variables }}
      keep={keepTable("Latest sessions", PanelSessions, variables)}
    >
      <Answered asked={list.first} rows={10}>
        {() => (
          <>
            <DataTable
              label="Sessions"
              columns={columns}
              rows={rows}
              keyOf={({ sessionId }) => sessionId}
              sorting={sorting}
            />
            <More {...list} />
          </>
        )}
      </Answered>
    </Panel>
  );
}
