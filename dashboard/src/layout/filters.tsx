// The conditions that hold, as chips, and a way to add one.
import { useState } from "preact/hooks";
import { COLUMNS, type Column, type ColumnName, isColumn } from "../data/columns";
import { type Condition, OPERATORS, type Operator, isSame, titleOf } from "../data/filter";
import { valueName } from "../data/format";
import { useQuestion } from "../data/use-question";
import { useVariables } from "../data/use-variables";
import { toggled } from "../data/view";
import { Values } from "../schema.gen";
import { useScope } from "../viewer";
import { Icon } from "./icons";
import { KeptFilters, SaveFilters } from "./kept";
import { Popover } from "./popover";

const CHOSEN_BY: Operator[] = ["is", "not", "contains", "starts", "none"];

function Chip({ condition }: { condition: Condition }) {
  const { view, setView, goals, segments } = useScope();
  const { column, operator, value } = condition;
  const invertible = operator === "is" || operator === "not";
  const invert = () => {
    const other: Condition = { column, value, operator: operator === "is" ? "not" : "is" };
    setView({ ...view, conditions: view.conditions.map((one) => (isSame(one, condition) ? other : one)) });
  };
  const kept = { goal: goals.get(value)?.name, segment: segments.get(value) }[column];
  const name = column === "goal" || column === "segment" ? (kept ?? "one that was deleted") : valueName(column, value);
  const text = (
    <>
      {titleOf(column)} <em>{OPERATORS[operator]}</em> {operator !== "none" && <strong>{name}</strong>}
    </>
  );
  return (
    <li class="chip">
      {invertible ? (
        <button type="button" class="text" onClick={invert} title={operator === "is" ? "Exclude instead" : "Include instead"}>
          {text}
        </button>
      ) : (
        <span class="text">{text}</span>
      )}
      <button type="button" class="off" onClick={() => setView(toggled(view, condition))} aria-label={`Remove the filter ${titleOf(column)}`}>
        <Icon name="close" />
      </button>
    </li>
  );
}

function AddFilter({ close }: { close: () => void }) {
  const { view, setView } = useScope();
  const [column, setColumn] = useState<ColumnName>("pagePath");
  const [operator, setOperator] = useState<Operator>("is");
  const [value, setValue] = useState("");
  const variables = useVariables();
  const { dimension }: Column = COLUMNS[column];
  const { data } = useQuestion(Values, dimension ? { ...variables, by: dimension } : null);
  const rows = data?.app?.breakdown.rows ?? [];
  const submit = (event: Event) => {
    event.preventDefault();
    const condition = { column, operator, value: operator === "none" ? "" : value };
    if (!view.conditions.some((other) => isSame(other, condition))) setView(toggled(view, condition));
    close();
  };
  return (
    <form class="custom" onSubmit={submit}>
      <label>
        What
        <select
          value={column}
          onChange={(event) => {
            const { value } = event.currentTarget;
            if (isColumn(value)) setColumn(value);
            setValue("");
          }}
        >
          {Object.entries(COLUMNS).map(([name, { title }]) => (
            <option key={name} value={name}>
              {title}
            </option>
          ))}
        </select>
      </label>
      <label>
        How
        <select value={operator} onChange={(event) => setOperator(event.currentTarget.value as Operator)}>
          {CHOSEN_BY.map((operator) => (
            <option key={operator} value={operator}>
              {OPERATORS[operator]}
            </option>
          ))}
        </select>
      </label>
      {operator !== "none" && (
        <label>
          Value
          <input list="values" required value={value} autocomplete="off" onInput={(event) => setValue(event.currentTarget.value)} />
          <datalist id="values">
            {rows.map(({ values: [value = null] }) => value && <option key={value} value={value} label={valueName(column, value)} />)}
          </datalist>
        </label>
      )}
      <button type="submit" class="primary">
        Add
      </button>
    </form>
  );
}

export function Filters() {
  const { view, setView } = useScope();
  return (
    <ul class="filters" aria-label="Filters">
      {view.conditions.map((condition) => (
        <Chip key={`${condition.column}:${condition.operator}:${condition.value}`} condition={condition} />
      ))}
      <li>
        <Popover class="quiet" face={<><Icon name="filter" /> Filter</>}>
          {(close) => <AddFilter close={close} />}
        </Popover>
      </li>
      <KeptFilters />
      <SaveFilters />
      {view.conditions.length > 1 && (
        <li>
          <button type="button" class="quiet" onClick={() => setView({ ...view, conditions: [] })}>
            Clear all
          </button>
        </li>
      )}
    </ul>
  );
}
