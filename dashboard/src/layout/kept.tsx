// Goals and segments that the app keeps: as filters, and made of the filters that hold.
import { useState } from "preact/hooks";
import { toFilter } from "../data/filter";
import { useChange } from "../data/use-question";
import { toggled } from "../data/view";
import { CreateGoal, CreateSavedSegment } from "../schema.gen";
import { useScope } from "../viewer";
import { Icon } from "./icons";
import { Popover } from "./popover";
import { Wrong } from "./states";

function Save({ close }: { close: () => void }) {
  const { app, view, goals, renew, setView } = useScope();
  const [kind, setKind] = useState<"segment" | "goal">("segment");
  const segment = useChange(CreateSavedSegment);
  const goal = useChange(CreateGoal);
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const name = String(new FormData(event.currentTarget as HTMLFormElement).get("name")).trim();
    const input = { appId: app.id, name, filter: toFilter(view.conditions, goals) ?? {} };
    if (kind === "segment") {
      const made = await segment.run({ input });
      if (!made) return;
      const value = made.createSavedSegment.savedSegment.id;
      setView({ ...view, conditions: [{ column: "segment", operator: "is", value }] });
    } else if (!(await goal.run({ input }))) return;
    renew();
    close();
  };
  return (
    <form class="custom" onSubmit={submit}>
      <label>
        Keep these filters as
        <select value={kind} onChange={({ currentTarget }) => setKind(currentTarget.value as typeof kind)}>
          <option value="segment">Segment: a filter with a name</option>
          <option value="goal">Goal: what visitors should do</option>
        </select>
      </label>
      <label>
        Name
        <input name="name" required maxLength={100} autocomplete="off" />
      </label>
      <Wrong error={kind === "segment" ? segment.error : goal.error} />
      <button type="submit" class="primary" disabled={segment.busy || goal.busy}>
        Keep
      </button>
    </form>
  );
}

export function SaveFilters() {
  const { app, view, drafting } = useScope();
  // What is being edited is kept already.
  if (drafting) return null;
  // A segment cannot hold another one.
  const possible = view.conditions.length > 0 && !view.conditions.some(({ column }) => column === "segment");
  if (!possible || app.myRole === "VIEWER") return null;
  return (
    <li>
      <Popover class="quiet" face="Keep">
        {(close) => <Save close={close} />}
      </Popover>
    </li>
  );
}

export function KeptFilters() {
  const { view, goals, segments, setView, drafting } = useScope();
  // What is kept is made of conditions alone.
  if (drafting || (goals.size === 0 && segments.size === 0)) return null;
  const choose = (column: "segment" | "goal", value: string, close: () => void) => {
    setView(toggled(view, { column, operator: "is", value }));
    close();
  };
  return (
    <li>
      <Popover
        class="quiet"
        face={
          <>
            <Icon name="goals" /> Segment
          </>
        }
      >
        {(close) => (
          <ul class="menu">
            {[...segments].map(([id, { name }]) => (
              <li key={id}>
                <button type="button" onClick={() => choose("segment", id, close)}>
                  {name}
                </button>
              </li>
            ))}
            {[...goals].map(([id, { name }]) => (
              <li key={id}>
                <button type="button" onClick={() => choose("goal", id, close)}>
                  Goal: {name}
                </button>
              </li>
            ))}
          </ul>
        )}
      </Popover>
    </li>
  );
}
