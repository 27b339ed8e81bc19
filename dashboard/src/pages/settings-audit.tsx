// Who changed what, and when.
import { moment } from "../data/format";
import { useList } from "../data/use-list";
import { useSorted } from "../data/use-sorted";
import { More } from "../panels/more";
import { Answered, Panel } from "../panels/panel";
import { DataTable, type TableColumn } from "../panels/table";
import { AuditLog as Question, type AuditLogQuery } from "../schema.gen";
import { useScope } from "../viewer";

type Entry = NonNullable<AuditLogQuery["organization"]>["auditLog"]["nodes"][number];
type Change = Entry["changes"][number];

/** `API_KEY_CREATED` as words. */
function words(action: string): string {
  const text = action.toLowerCase().replaceAll("_", " ").replace("api", "API");
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function changed({ field, before, after }: Change): string {
  if (before === null && after === null) return field;
  return `${field}: ${before ?? "nothing"} → ${after ?? "nothing"}`;
}

export function AuditLog({ organization }: { organization: string }) {
  const { app } = useScope();
  const variables = { organization };
  const list = useList(Question, variables, (answer) => answer.organization?.auditLog);
  const columns: TableColumn<Entry>[] = [
    { name: "at", title: "When", tight: true, value: ({ at }) => at, show: ({ at }) => moment(at, app.timezone) },
    { name: "action", title: "What", tight: true, value: ({ action }) => action, show: ({ action }) => words(action) },
    { name: "target", title: "Of what", value: ({ targetName }) => targetName },
    {
      name: "changes",
      title: "Changes",
      value: ({ changes }) => changes,
      show: ({ changes }) => changes.map((change) => <div key={change.field}>{changed(change)}</div>),
    },
    { name: "by", title: "By", value: ({ actorEmail }) => actorEmail },
    { name: "network", title: "From", value: ({ network }) => network },
  ];
  const complete = list.first.data !== undefined && !list.more;
  const [rows, sorting] = useSorted(list.nodes, columns, { complete });
  return (
    <Panel
      title="Audit log"
      class="apart"
      table={{ name: "audit-log", rows, fields: columns }}
      shown={{ operation: Question, variables }}
    >
      <Answered asked={list.first} rows={4}>
        {() =>
          list.nodes.length === 0 ? (
            <p class="none muted">Whoever changes the app, its keys or its members will stand here.</p>
          ) : (
            <>
              <DataTable
                label="Audit log"
                columns={columns}
                rows={rows}
                keyOf={({ entryId }) => entryId}
                sorting={sorting}
              />
              <More {...list} />
            </>
          )
        }
      </Answered>
    </Panel>
  );
}
