// A panel on its way to a dashboard: under which title, and to which one.
import { useState } from "preact/hooks";
import { Failure, ask } from "../data/ask";
import { useQuestion } from "../data/use-question";
import { Wrong } from "../layout/states";
import { CreateDashboard, Dashboards, UpdateDashboard } from "../schema.gen";
import { useScope } from "../viewer";
import { type Keep, placed, toInput } from "./keep";

const NEW = "";

/** Adds the panel to what the dashboard is by now, and again where somebody else was faster. */
async function add(app: string, id: string, keep: Keep): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    const answer = await ask(Dashboards, { app });
    const board = answer.app?.dashboards.nodes.find((one) => one.id === id);
    if (!board) throw new Failure("This dashboard is not there any more.", "NOT_FOUND");
    const panels = [...board.panels.map(toInput), placed(board.panels, keep)];
    try {
      await ask(UpdateDashboard, { input: { id, revision: board.revision, panels } });
      return;
    } catch (error) {
      if (!(error instanceof Failure && error.code === "CONFLICT" && attempt < 3)) throw error;
    }
  }
}

export function AddToDashboard({ keep }: { keep: Keep }) {
  const { app } = useScope();
  const asked = useQuestion(Dashboards, { app: app.id });
  // A list that was seen before may lack the dashboard that was made since.
  const isRead = asked.at !== undefined;
  const boards = (isRead && asked.data?.app?.dashboards.nodes) || [];
  const [chosen, choose] = useState<string>();
  const [state, setState] = useState<{ busy?: boolean; error?: Failure; done?: string }>({});
  const target = chosen ?? boards[0]?.id ?? NEW;
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    const named = { ...keep, title: String(form.get("title")).trim() };
    setState({ busy: true });
    try {
      let id = target;
      if (id === NEW) {
        const input = { appId: app.id, name: String(form.get("name")), panels: [placed([], named)] };
        id = (await ask(CreateDashboard, { input })).createDashboard.dashboard.id;
      } else {
        await add(app.id, id, named);
      }
      setState({ done: id });
    } catch (error) {
      setState({ error: error instanceof Failure ? error : new Failure(String(error), "INTERNAL") });
    }
  };
  if (state.done) {
    return (
      <div class="adding">
        <p role="status">Added.</p>
        <a class="button" href={`/apps/${app.id}/dashboards/${state.done}`}>
          Open the dashboard
        </a>
      </div>
    );
  }
  return (
    <form class="adding" onSubmit={submit}>
      <label>
        Title
        <input name="title" required maxLength={100} defaultValue={keep.title} autocomplete="off" />
      </label>
      <label>
        Dashboard
        <select value={target} onChange={(event) => choose(event.currentTarget.value)}>
          {boards.map(({ id, name }) => (
            <option key={id} value={id}>
              {name}
            </option>
          ))}
          <option value={NEW}>New dashboard</option>
        </select>
      </label>
      {target === NEW && (
        <label>
          Name of the dashboard
          <input name="name" required maxLength={100} autocomplete="off" />
        </label>
      )}
      <Wrong error={state.error ?? asked.error} />
      <button type="submit" class="primary" disabled={state.busy || !isRead}>
        Add
      </button>
    </form>
  );
}
