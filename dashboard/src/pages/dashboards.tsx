// The dashboards that an app keeps.
import { count, moment } from "../data/format";
import { useChange, useQuestion } from "../data/use-question";
import { Icon } from "../layout/icons";
import { Shell } from "../layout/shell";
import { Empty, Wrong } from "../layout/states";
import { Answered, Panel } from "../panels/panel";
import { navigate } from "../router";
import { CreateDashboard, Dashboards as Question, type DashboardsQuery } from "../schema.gen";
import { mayEdit, useScope } from "../viewer";

type Kept = NonNullable<DashboardsQuery["app"]>["dashboards"]["nodes"][number];

const fields = [
  { name: "dashboard", value: ({ name }: Kept) => name as unknown },
  { name: "panels", value: ({ panels }: Kept) => panels.length },
  { name: "changed_at", value: ({ updatedAt }: Kept) => updatedAt },
];

function New() {
  const { app } = useScope();
  const create = useChange(CreateDashboard);
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const name = String(new FormData(event.currentTarget as HTMLFormElement).get("name")).trim();
    const done = await create.run({ input: { appId: app.id, name, panels: [] } });
    if (done) navigate(`/apps/${app.id}/dashboards/${done.createDashboard.dashboard.id}`);
  };
  return (
    <>
      <form class="sentence" onSubmit={submit}>
        <label>
          Name of a new dashboard
          <input name="name" required maxLength={100} autocomplete="off" />
        </label>
        <button type="submit" class="primary" disabled={create.busy}>
          <Icon name="plus" /> Create
        </button>
      </form>
      <Wrong error={create.error} />
    </>
  );
}

export function Dashboards() {
  const { app } = useScope();
  const asked = useQuestion(Question, { app: app.id });
  return (
    <Shell page="dashboards" title="Dashboards">
      <div class="controls">
        <h1>Dashboards</h1>
      </div>
      <Panel
        title="Kept for everybody who sees this app"
        table={asked.data?.app ? { name: "dashboards", rows: asked.data.app.dashboards.nodes, fields } : undefined}
        shown={{ operation: Question, variables: { app: app.id } }}
      >
        <Answered asked={asked} rows={4}>
          {(data) => {
            const boards = data.app?.dashboards.nodes ?? [];
            if (boards.length === 0) {
              return (
                <Empty title="No dashboards yet.">
                  <p class="muted">
                    {mayEdit(app)
                      ? "Open the menu of any panel, on any page, and choose “Add to a dashboard”; or begin with an empty one."
                      : "Editors of this app can put panels of any page together here."}
                  </p>
                </Empty>
              );
            }
            return (
              <ul class="list">
                {boards.map(({ id, name, panels, updatedAt }) => (
                  <li key={id}>
                    <div>
                      <a href={`/apps/${app.id}/dashboards/${id}`}>{name}</a>
                      <p class="muted small">
                        {count(panels.length, "panel")} · changed {moment(updatedAt, app.timezone)}
                      </p>
                    </div>
                  </li>
                ))}
              </ul>
            );
          }}
        </Answered>
        {mayEdit(app) && <New />}
      </Panel>
    </Shell>
  );
}
