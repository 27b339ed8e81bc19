// Where a question has no answer: what could be done about it.
import type { ComponentChildren } from "preact";
import { Empty } from "../layout/states";
import { useScope } from "../viewer";

export function Nothing({
  title = "No events in this range.",
  children,
}: {
  title?: string;
  children?: ComponentChildren;
}) {
  const { app, view, setView } = useScope();
  if (view.conditions.length > 0) {
    return (
      <Empty title="Nothing passes these filters in this range.">
        <button type="button" class="primary" onClick={() => setView({ ...view, conditions: [] })}>
          Clear the filters
        </button>
      </Empty>
    );
  }
  return (
    <Empty title={title}>
      {children ?? <p class="muted">Look at a longer range, or send the first event.</p>}
      <p class="row">
        {view.preset !== "ALL_TIME" && (
          <button
            type="button"
            onClick={() => setView({ ...view, preset: "ALL_TIME", from: null, to: null, interval: null })}
          >
            Look at all time
          </button>
        )}
        <a class="button primary" href={`/apps/${app.id}/setup`}>
          How to send events
        </a>
      </p>
    </Empty>
  );
}
