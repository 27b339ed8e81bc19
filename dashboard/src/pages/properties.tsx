// The custom properties that an app sends, and what their values are.
import { keepTable } from "../board/keep";
import { count, number, share, short, whole } from "../data/format";
import type { Condition } from "../data/filter";
import { isSame } from "../data/filter";
import { useQuestion } from "../data/use-question";
import { useVariables } from "../data/use-variables";
import { toggled } from "../data/view";
import { Controls } from "../layout/controls";
import { Shell } from "../layout/shell";
import { Bars } from "../panels/bars";
import { Figures } from "../panels/figures";
import { Nothing } from "../panels/nothing";
import { Answered, Panel } from "../panels/panel";
import { useParam } from "../router";
import {
  PanelNumbers,
  PanelRanking,
  PropertyStats,
  Properties as Question,
  type PropertiesQuery,
  type PropertyType,
} from "../schema.gen";
import { useScope } from "../viewer";

type Property = NonNullable<PropertiesQuery["app"]>["topProperties"]["properties"][number];
type Value = Property["values"][number];

const TYPES: Record<PropertyType, string> = {
  STRING: "text",
  NUMBER: "number",
  BOOLEAN: "yes or no",
  ARRAY: "list",
  OBJECT: "object",
};

const fields = [
  { name: "property", value: (property: Property) => property.key },
  { name: "events", value: (property: Property) => property.events },
  { name: "share", value: (property: Property) => property.share },
  { name: "distinct_values", value: (property: Property) => property.distinctValues },
];

const valueFields = [
  { name: "value", value: (value: Value) => value.value },
  { name: "type", value: (value: Value) => value.type },
  { name: "events", value: (value: Value) => value.events },
];

/** A filter for this value, where there can be one. */
function conditionOf(key: string, { value, type, isCut }: Value): Condition | undefined {
  const operators: Partial<Record<PropertyType, Condition["operator"]>> = {
    STRING: isCut ? "starts" : "is",
    NUMBER: "number",
    BOOLEAN: "boolean",
  };
  const operator = operators[type];
  return operator && { column: `property.${key}`, operator, value };
}

function Numbers({ property }: { property: Property }) {
  const variables = { ...useVariables(), key: property.key };
  const asked = useQuestion(PropertyStats, variables);
  const digits = (value: number | null | undefined) => (value == null ? "–" : number(value));
  return (
    <Answered asked={asked} rows={2}>
      {(data) => {
        const stats = data.app?.propertyStats;
        if (!stats) return null;
        return (
          <Figures
            figures={[
              ["Numbers", whole(stats.count)],
              ["Sum", digits(stats.sum)],
              ["Mean", digits(stats.average)],
              ["Least", digits(stats.min)],
              ...stats.quantiles.map(({ q, value }): [string, string] => [
                q === 0.5 ? "Median" : `${share(q)} up to`,
                digits(value),
              ]),
              ["Greatest", digits(stats.max)],
            ]}
          />
        );
      }}
    </Answered>
  );
}

function About({ property }: { property: Property }) {
  const { view, setView } = useScope();
  const shared = useVariables();
  const variables = { ...shared, by: "PROPERTY", property: property.key, orderBy: "EVENTS", limit: 8 };
  const isNumber = property.types.some(({ type }) => type === "NUMBER");
  const title = `Numbers of ${property.key}`.slice(0, 100);
  const rows = property.values.map((value) => {
    const condition = conditionOf(property.key, value);
    return {
      key: `${value.type} ${value.value}`,
      name: value.value + (value.isCut ? "…" : ""),
      value: value.events,
      share: value.events / property.events,
      ...(condition && {
        pressed: view.conditions.some((other) => isSame(other, condition)),
        click: () => setView(toggled(view, condition)),
      }),
    };
  });
  return (
    <Panel
      title={property.key}
      table={{ name: property.key, rows: property.values, fields: valueFields }}
      shown={
        isNumber
          ? { operation: PropertyStats, variables: { ...shared, key: property.key } }
          : { operation: PanelRanking, variables }
      }
      keep={[
        { title: property.key.slice(0, 100), display: "RANKING", operation: PanelRanking, variables },
        ...(isNumber ? [keepTable(title, PanelNumbers, { ...shared, key: property.key })] : []),
      ]}
    >
      <p class="muted small">
        {count(property.distinctValues, "different value")} in {count(property.events, "event")} (
        {share(property.share)}): {property.types.map(({ type }) => TYPES[type]).join(", ")}
      </p>
      {isNumber && <Numbers property={property} />}
      <Bars rows={rows} units="Events" />
    </Panel>
  );
}

export function Properties() {
  const variables = useVariables();
  const asked = useQuestion(Question, variables);
  const [chosen, choose] = useParam("property");
  return (
    <Shell page="properties" title="Properties">
      <Controls title="Properties" />
      <Answered asked={asked} rows={12}>
        {(data) => {
          const properties = data.app?.topProperties.properties ?? [];
          const property = properties.find(({ key }) => key === chosen) ?? properties[0];
          if (!property) {
            return (
              <div class="card">
                <Nothing title="No custom properties in this range.">
                  <p class="muted">
                    Whatever stands in the <code>metadata</code> of events shows up here.
                  </p>
                </Nothing>
              </div>
            );
          }
          return (
            <div class="beside">
              <Panel
                title="Properties"
                table={{ name: "properties", rows: properties, fields }}
                shown={{ operation: Question, variables }}
              >
                <ul class="keys">
                  {properties.map(({ key, events }) => (
                    <li key={key}>
                      <button type="button" aria-pressed={key === property.key} onClick={() => choose(key)}>
                        <code>{key}</code>
                        <span class="muted">{short(events)}</span>
                      </button>
                    </li>
                  ))}
                </ul>
              </Panel>
              <About property={property} key={property.key} />
            </div>
          );
        }}
      </Answered>
    </Shell>
  );
}
