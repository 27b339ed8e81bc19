// Choosing what somebody did: an event of a type, or a view of a page.
import { useId } from "preact/hooks";
import type { Condition } from "../data/filter";
import { useQuestion } from "../data/use-question";
import { useVariables } from "../data/use-variables";
import { EventTypes } from "../schema.gen";

export type Choices = { types: string[]; pages: string[] };

/** What the app sends in this range, the most usual first. */
export function useChoices(): Choices | undefined {
  const { filter: _, ...variables } = useVariables();
  const { data } = useQuestion(EventTypes, { ...variables, filter: null });
  const values = (rows: { values: (string | null)[] }[] = []) =>
    rows.map(({ values }) => values[0]).filter((value) => value != null);
  return data?.app ? { types: values(data.app.types.rows), pages: values(data.app.pages.rows) } : undefined;
}

type Props = {
  label: string;
  value: Condition | null;
  choices: Choices | undefined;
  /** What an empty field means, where it may be empty. */
  any?: string;
  change: (value: Condition | null) => void;
};

export function StepField({ label, value, choices, any, change }: Props) {
  const id = useId();
  const column = value?.column === "pagePath" ? "pagePath" : "eventType";
  const known = (column === "pagePath" ? choices?.pages : choices?.types) ?? [];
  const set = (column: string, text: string) => change(text ? { column, operator: "is", value: text } : null);
  return (
    <div class="step-field" role="group" aria-label={label}>
      <select
        aria-label={`${label}: event or page`}
        value={column}
        onChange={({ currentTarget }) => {
          const first = currentTarget.value === "pagePath" ? choices?.pages[0] : choices?.types[0];
          set(currentTarget.value, first ?? "");
        }}
      >
        <option value="eventType">Event</option>
        <option value="pagePath">Page</option>
      </select>
      <input
        aria-label={`${label}: value`}
        list={id}
        autocomplete="off"
        placeholder={any ?? "Choose or type"}
        required={any === undefined}
        value={value?.value ?? ""}
        onChange={({ currentTarget }) => set(column, currentTarget.value.trim())}
      />
      <datalist id={id}>
        {known.map((value) => (
          <option key={value} value={value} />
        ))}
      </datalist>
    </div>
  );
}
