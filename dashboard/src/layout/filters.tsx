// The conditions that hold, as chips, and a way to add one.
import { type Condition, OPERATORS, isSame, titleOf } from "../data/filter";
import { valueName } from "../data/format";
import { toggled } from "../data/view";
import { useScope } from "../viewer";
import { AddFilter } from "./add-filter";
import { Icon } from "./icons";
import { KeptFilters, SaveFilters } from "./kept";
import { Popover } from "./popover";

function Chip({ condition }: { condition: Condition }) {
  const { view, setView, goals, segments } = useScope();
  const { column, operator, value } = condition;
  const invertible = operator === "is" || operator === "not";
  const invert = () => {
    const other: Condition = { column, value, operator: operator === "is" ? "not" : "is" };
    setView({ ...view, conditions: view.conditions.map((one) => (isSame(one, condition) ? other : one)) });
  };
  const kept = { goal: goals.get(value)?.name, segment: segments.get(value)?.name }[column];
  const name = column === "goal" || column === "segment" ? (kept ?? "one that was deleted") : valueName(column, value);
  const text = (
    <>
      {titleOf(column)} <em>{column === "did" ? (operator === "is" ? "did" : "did not") : OPERATORS[operator]}</em>{" "}
      {operator !== "none" && <strong>{name}</strong>}
    </>
  );
  return (
    <li class="chip">
      {invertible ? (
        <button
          type="button"
          class="text"
          onClick={invert}
          title={operator === "is" ? "Exclude instead" : "Include instead"}
        >
          {text}
        </button>
      ) : (
        <span class="text">{text}</span>
      )}
      <button
        type="button"
        class="off"
        onClick={() => setView(toggled(view, condition))}
        aria-label={`Remove the filter ${titleOf(column)}`}
      >
        <Icon name="close" />
      </button>
    </li>
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
        <Popover
          class="quiet"
          face={
            <>
              <Icon name="filter" /> Filter
            </>
          }
        >
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
