// A condition put together: of what, how, and with which value.
import { useState } from "preact/hooks";
import { COLUMNS, type Column, isColumn } from "../data/columns";
import { type Condition, type Operator, isSame } from "../data/filter";
import { valueName } from "../data/format";
import { useQuestion } from "../data/use-question";
import { useVariables } from "../data/use-variables";
import { toggled } from "../data/view";
import { type Dimension, Values } from "../schema.gen";
import { useScope } from "../viewer";

/** What a filter can be about beside the columns. */
const PROPERTY = "property";
const DID = "did";

const TEXT: Partial<Record<Operator, string>> = {
  is: "is",
  not: "is not",
  contains: "contains",
  starts: "starts with",
  none: "is empty",
};
const OFFERED: Record<string, Partial<Record<Operator, string>>> = {
  [DID]: { is: "did", not: "did not" },
  [PROPERTY]: {
    is: "is the text",
    not: "is not the text",
    contains: "contains",
    number: "is the number",
    none: "is not there",
  },
};

function dimensionOf(what: string): Dimension | undefined {
  if (what === DID) return "EVENT_TYPE";
  if (what === PROPERTY) return "PROPERTY";
  const column: Column | undefined = isColumn(what) ? COLUMNS[what] : undefined;
  return column?.dimension;
}

function useValues(what: string, key: string): string[] {
  const variables = useVariables();
  const by = dimensionOf(what);
  const property = what === PROPERTY ? key : null;
  const { data } = useQuestion(Values, by && property !== "" ? { ...variables, by, property } : null);
  return (data?.app?.breakdown.rows ?? []).map(({ values }) => values[0]).filter((value) => value != null);
}

export function AddFilter({ close }: { close: () => void }) {
  const { view, setView } = useScope();
  const [what, setWhat] = useState("pagePath");
  const [key, setKey] = useState("");
  const [operator, setOperator] = useState<Operator>("is");
  const [value, setValue] = useState("");
  const values = useValues(what, key);
  const operators = OFFERED[what] ?? TEXT;
  const submit = (event: Event) => {
    event.preventDefault();
    const column = what === PROPERTY ? `property.${key}` : what;
    const condition: Condition = { column, operator, value: operator === "none" ? "" : value };
    if (!view.conditions.some((other) => isSame(other, condition))) setView(toggled(view, condition));
    close();
  };
  return (
    <form class="custom" onSubmit={submit}>
      <label>
        What
        <select
          value={what}
          onChange={({ currentTarget }) => {
            setWhat(currentTarget.value);
            setOperator("is");
            setValue("");
          }}
        >
          <option value={DID}>What visitors did</option>
          <option value={PROPERTY}>Custom property</option>
          <optgroup label="What events say">
            {Object.entries(COLUMNS).map(([name, { title }]) => (
              <option key={name} value={name}>
                {title}
              </option>
            ))}
          </optgroup>
        </select>
      </label>
      {what === PROPERTY && (
        <label>
          Key
          <input
            required
            value={key}
            autocomplete="off"
            onChange={({ currentTarget }) => setKey(currentTarget.value.trim())}
          />
        </label>
      )}
      <label>
        How
        <select value={operator} onChange={({ currentTarget }) => setOperator(currentTarget.value as Operator)}>
          {Object.entries(operators).map(([operator, title]) => (
            <option key={operator} value={operator}>
              {title}
            </option>
          ))}
        </select>
      </label>
      {operator !== "none" && (
        <label>
          Value
          <input
            list="values"
            required
            {...(operator === "number" && { type: "number", step: "any" })}
            value={value}
            autocomplete="off"
            onInput={({ currentTarget }) => setValue(currentTarget.value)}
          />
          <datalist id="values">
            {values.map((value) => (
              <option key={value} value={value} label={valueName(what, value)} />
            ))}
          </datalist>
        </label>
      )}
      <button type="submit" class="primary">
        Add
      </button>
    </form>
  );
}
