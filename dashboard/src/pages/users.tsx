// The users of an app, one line each.
import { keepTable } from "../board/keep";
import { ago, count, moment, whole } from "../data/format";
import { useList } from "../data/use-list";
import { useSorted } from "../data/use-sorted";
import { useVariables } from "../data/use-variables";
import { writeView } from "../data/view";
import { Choice, Controls } from "../layout/controls";
import { Shell } from "../layout/shell";
import { More } from "../panels/more";
import { Nothing } from "../panels/nothing";
import { Answered, Panel } from "../panels/panel";
import { DataTable, type TableColumn } from "../panels/table";
import { useParam, withParams } from "../router";
import { PanelUsers, type UserOrder, Users as Question, type UsersQuery } from "../schema.gen";
import { useScope } from "../viewer";

type Row = NonNullable<UsersQuery["app"]>["users"]["nodes"][number];

const ORDERS: Record<UserOrder, string> = {
  LAST_SEEN: "Seen last",
  FIRST_SEEN: "Seen first lately",
  EVENTS: "Most events",
};

/** Columns that the server sorts by. */
const ORDERED: Record<string, UserOrder> = { events: "EVENTS", first_seen_at: "FIRST_SEEN", last_seen_at: "LAST_SEEN" };

export function Users() {
  const { app, view } = useScope();
  const [param, setParam] = useParam("order");
  const orderBy = param !== null && Object.hasOwn(ORDERS, param) ? (param as UserOrder) : "LAST_SEEN";
  const variables = { ...useVariables(), orderBy };
  const list = useList(Question, variables, (answer) => answer.app?.users);
  const link = (user: string) =>
    withParams(`/apps/${app.id}/users/${encodeURIComponent(user)}`, writeView({ ...view, conditions: [] }));
  const columns: TableColumn<Row>[] = [
    {
      name: "user",
      title: "User",
      tight: true,
      value: (row) => row.userId,
      show: (row) => <a href={link(row.userId)}>{row.userId}</a>,
    },
    {
      name: "events",
      title: "Events",
      right: true,
      value: (row) => row.totals.events,
      show: (row) => whole(row.totals.events),
    },
    {
      name: "sessions",
      title: "Sessions",
      right: true,
      value: (row) => row.totals.sessions,
      show: (row) => whole(row.totals.sessions),
    },
    {
      name: "page_views",
      title: "Page views",
      right: true,
      value: (row) => row.totals.pageViews,
      show: (row) => whole(row.totals.pageViews),
    },
    {
      name: "first_seen_at",
      title: "First seen",
      tight: true,
      value: (row) => row.firstSeenAt,
      show: (row) => moment(row.firstSeenAt, app.timezone),
    },
    {
      name: "last_seen_at",
      title: "Last seen",
      tight: true,
      value: (row) => row.lastSeenAt,
      show: (row) => <span title={moment(row.lastSeenAt, app.timezone)}>{ago(row.lastSeenAt)}</span>,
    },
  ];
  const choose = (order: UserOrder) => setParam(order === "LAST_SEEN" ? null : order);
  const [rows, sorting] = useSorted(list.nodes, columns, {
    complete: list.first.data !== undefined && !list.more,
    server: { columns: ORDERED, value: orderBy, choose },
  });
  return (
    <Shell page="users" title="Users">
      <Controls title="Users" />
      <Panel
        title="Users"
        head={
          <div class="sentence">
            <h2>{list.first.data?.app ? count(list.first.data.app.users.totalCount, "user") : "Users"}</h2>
            <Choice
              label="Order"
              value={orderBy}
              options={ORDERS}
              choose={choose}
            />
          </div>
        }
        table={{ name: "users", rows, fields: columns }}
        shown={{ operation: Question, variables }}
        keep={keepTable("Users", PanelUsers, variables)}
      >
        <Answered asked={list.first} rows={14}>
          {() =>
            list.nodes.length === 0 ? (
              <Nothing title="No users in this range." />
            ) : (
              <>
                <DataTable label="Users" columns={columns} rows={rows} keyOf={(row) => row.userId} sorting={sorting} />
                <More {...list} />
              </>
            )
          }
        </Answered>
      </Panel>
    </Shell>
  );
}
