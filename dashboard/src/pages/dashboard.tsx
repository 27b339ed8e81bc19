// One dashboard: looked at, rearranged, shared.
import { useEffect, useMemo, useState } from "preact/hooks";
import { Board } from "../board/board";
import { type StoredPanel, keyed, toInput } from "../board/keep";
import { arranged } from "../board/place";
import { useChange, useQuestion } from "../data/use-question";
import { PRESETS } from "../data/view";
import { Choice } from "../layout/controls";
import { Icon } from "../layout/icons";
import { Popover } from "../layout/popover";
import { PrintButton } from "../layout/print";
import { Shell } from "../layout/shell";
import { Empty, ErrorNote, Skeleton, Wrong } from "../layout/states";
import { navigate, useParam, useUnsaved } from "../router";
import { Dashboard as Question, type DashboardQuery, DeleteDashboard, UpdateDashboard } from "../schema.gen";
import { mayChange, mayEdit, useScope } from "../viewer";
import { Sharing } from "./dashboard-share";

type Node = NonNullable<DashboardQuery["node"]>;
export type Found = Extract<Node, { revision: number }>;

const isFound = (node: Node): node is Found => "revision" in node;

const AS_SAVED = "";
const RANGES = Object.fromEntries([[AS_SAVED, "Ranges as saved"], ...PRESETS]) as Record<string, string>;

/** The panels with another range to look at, where they ask about one. */
function within(panels: StoredPanel[], preset: string): StoredPanel[] {
  if (preset === AS_SAVED) return panels;
  return panels.map((panel) => {
    const variables = panel.variables as Record<string, unknown>;
    return variables.range ? { ...panel, variables: { ...variables, range: { preset } } } : panel;
  });
}

function Menu({ board, renamed }: { board: Found; renamed: () => void }) {
  const { app } = useScope();
  const update = useChange(UpdateDashboard);
  const remove = useChange(DeleteDashboard);
  const rename = async (event: SubmitEvent, close: () => void) => {
    event.preventDefault();
    const name = String(new FormData(event.currentTarget as HTMLFormElement).get("name")).trim();
    if (!(await update.run({ input: { id: board.id, revision: board.revision, name } }))) return;
    close();
    renamed();
  };
  const destroy = async () => {
    if (!confirm(`Delete the dashboard “${board.name}”, and every link to it?`)) return;
    if (await remove.run({ input: { id: board.id } })) navigate(`/apps/${app.id}/dashboards`);
  };
  return (
    <Popover class="quiet icon" label="More about this dashboard" side="right" face={<Icon name="more" />}>
      {(close) => (
        <>
          <form class="adding" onSubmit={(event) => void rename(event, close)}>
            <label>
              Name
              <input name="name" required maxLength={100} defaultValue={board.name} autocomplete="off" />
            </label>
            <Wrong error={update.error ?? remove.error} />
            <button type="submit" class="button" disabled={update.busy}>
              Rename
            </button>
          </form>
          <ul class="menu">
            <li class="apart">
              <button type="button" onClick={destroy}>
                <Icon name="trash" /> Delete the dashboard
              </button>
            </li>
          </ul>
        </>
      )}
    </Popover>
  );
}

/** Panels being changed, and the revision that they were of: the page may have read a newer one since. */
type Draft = { revision: number; panels: StoredPanel[]; isChanged?: boolean; isSaved?: boolean };

function Opened({ board, again }: { board: Found; again: () => void }) {
  const { app } = useScope();
  // The same panels keep their answers when the dashboard is read again.
  const read = JSON.stringify(board.panels);
  const panels = useMemo(() => keyed(board.panels), [read]);
  const [draft, setDraft] = useState<Draft>();
  useUnsaved(draft?.isChanged ?? false);
  const [range, setRange] = useParam("as");
  const preset = range !== null && Object.hasOwn(RANGES, range) ? range : AS_SAVED;
  const update = useChange(UpdateDashboard);
  const save = async () => {
    if (!draft) return;
    const { revision, panels } = draft;
    if (!(await update.run({ input: { id: board.id, revision, panels: panels.map(toInput) } }))) return;
    // It stands as it was left until it is read again.
    setDraft({ revision, panels, isSaved: true });
    again();
  };
  useEffect(() => setDraft((draft) => (draft?.isSaved ? undefined : draft)), [board.revision]);
  const leave = () => {
    update.reset();
    setDraft(undefined);
    again();
  };
  // What is saved is what was: another range is only looked at.
  const shown = draft ? draft.panels : within(panels, preset);
  return (
    <>
      <div class="controls">
        <div class="row">
          <h1>{board.name}</h1>
          <span class="fill" />
          {draft ? (
            <>
              <button type="button" class="button" onClick={leave}>
                Cancel
              </button>
              <button type="button" class="button primary" disabled={update.busy} onClick={save}>
                Save
              </button>
            </>
          ) : (
            <>
              <PrintButton />
              <Choice label="Range" value={preset} options={RANGES} choose={(value) => setRange(value || null)} />
              {mayEdit(app) && (
                <button
                  type="button"
                  class="button"
                  onClick={() => setDraft({ revision: board.revision, panels: arranged(panels) })}
                >
                  <Icon name="edit" /> Edit
                </button>
              )}
              {mayChange(app) && <Sharing board={board} />}
              {mayEdit(app) && <Menu board={board} renamed={again} />}
            </>
          )}
        </div>
        <p class="on-paper muted">
          {app.name}, {preset === AS_SAVED ? "ranges as saved" : RANGES[preset]}
        </p>
        {draft && (
          <p class="muted small">
            Drag a panel by its cross, and its lower right corner to resize it; or focus either and use the arrow keys.
          </p>
        )}
        {update.error?.code === "CONFLICT" ? (
          <div class="note bad" role="alert">
            <p>Somebody else has changed this dashboard meanwhile.</p>
            <button type="button" onClick={leave}>
              Drop my changes and read theirs
            </button>
          </div>
        ) : (
          <Wrong error={update.error} />
        )}
      </div>
      {shown.length === 0 ? (
        <div class="card">
          <Empty title="Nothing here yet.">
            <p class="muted">Open the menu of a panel on another page and choose “Add to a dashboard”.</p>
            <a class="button primary" href={`/apps/${app.id}`}>
              Go to the overview
            </a>
          </Empty>
        </div>
      ) : (
        <Board
          panels={shown}
          timezone={app.timezone}
          change={draft && ((panels) => setDraft({ ...draft, panels, isChanged: true }))}
        />
      )}
      <p class="foot muted">Days of {app.timezone}; asked again every minute.</p>
    </>
  );
}

export function Dashboard({ id }: { id: string }) {
  const asked = useQuestion(Question, { id });
  const node = asked.data?.node;
  const board = node && isFound(node) ? node : undefined;
  return (
    <Shell page="dashboards" title={board?.name ?? "Dashboard"}>
      {board ? (
        <Opened board={board} again={asked.retry} />
      ) : asked.error ? (
        <ErrorNote error={asked.error} retry={asked.retry} />
      ) : (
        <Skeleton rows={12} />
      )}
    </Shell>
  );
}
