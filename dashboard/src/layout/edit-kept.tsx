// A goal or a segment that is kept, being changed: its name, what it is for, and its filter.
import { useState } from "preact/hooks";
import type { Failure } from "../data/ask";
import { toFilter } from "../data/filter";
import { asFilter, fromFilter } from "../data/read-filter";
import type { EventFilter } from "../schema.gen";
import { ScopeContext, useScope } from "../viewer";
import { Filters } from "./filters";
import { Wrong } from "./states";

export type Kept = { name: string; description: string | null; filter: unknown };

type Props = {
  kind: "goal" | "segment";
  kept: Kept;
  busy: boolean;
  error: Failure | undefined;
  save: (changed: { name: string; description: string; filter: EventFilter }) => void;
  close: () => void;
};

export function EditKept({ kind, kept, busy, error, save, close }: Props) {
  const scope = useScope();
  const readable = fromFilter(kept.filter);
  const [conditions, setConditions] = useState(readable ?? []);
  const filter = toFilter(conditions, scope.goals) ?? (readable ? null : asFilter(kept.filter));
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    const text = (name: string) => String(form.get(name) ?? "").trim();
    if (filter) save({ name: text("name"), description: text("description"), filter });
  };
  // The same chips as above every page, but about this filter.
  const draft = {
    ...scope,
    view: { ...scope.view, conditions },
    setView: (view: typeof scope.view) => setConditions(view.conditions),
    drafting: true,
  };
  return (
    <div class="editor">
      <form id={`edit-${kind}`} class="two" onSubmit={submit}>
        <label>
          Name of the {kind}
          <input name="name" required maxLength={100} defaultValue={kept.name} autocomplete="off" />
        </label>
        <label>
          What it is good for
          <input name="description" maxLength={1000} defaultValue={kept.description ?? ""} autocomplete="off" />
        </label>
      </form>
      <ScopeContext.Provider value={draft}>
        <Filters />
      </ScopeContext.Provider>
      {!readable && conditions.length === 0 && (
        <>
          <p class="muted small">
            This filter says more than chips can. It stays as it is, unless you choose others in its place.
          </p>
          <pre tabIndex={0} aria-label="The filter">
            <code>{JSON.stringify(kept.filter, null, 2)}</code>
          </pre>
        </>
      )}
      {!filter && <p class="wrong">A {kind} has one filter or more.</p>}
      <Wrong error={error} />
      <div class="row end">
        <button type="button" class="button" onClick={close}>
          Cancel
        </button>
        <button type="submit" class="button primary" form={`edit-${kind}`} disabled={busy || !filter}>
          Save the {kind}
        </button>
      </div>
    </div>
  );
}
