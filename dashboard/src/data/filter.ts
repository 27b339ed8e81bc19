// Conditions as chips, as part of the address, and as the filter of a question.
import type { EventFilter, PropertyFilter, StringFilter } from "../schema.gen";
import { COLUMNS, type ColumnName, isColumn } from "./columns";

/** How a chip compares. `none` is no value at all; the last three are about custom properties. */
export const OPERATORS = {
  is: "is",
  not: "is not",
  contains: "contains",
  starts: "starts with",
  none: "is empty",
  number: "is",
  boolean: "is",
} as const;

export type Operator = keyof typeof OPERATORS;

/** Column, or `property.KEY`, `segment`, `goal`, or `did` for visitors who did an event. */
export type Condition = { column: string; operator: Operator; value: string };

export const isSame = (a: Condition, b: Condition) =>
  a.column === b.column && a.operator === b.operator && a.value === b.value;

/** `country:is:DE`; what follows the second colon is the value, colons included. */
export function write({ column, operator, value }: Condition): string {
  return `${column}:${operator}:${value}`;
}

export function read(text: string): Condition | undefined {
  const [column = "", operator = "", ...rest] = text.split(":");
  const known = isColumn(column) || ["segment", "goal", "did"].includes(column) || column.startsWith("property.");
  if (!known || !Object.hasOwn(OPERATORS, operator)) return undefined;
  return { column, operator: operator as Operator, value: rest.join(":") };
}

export function titleOf(column: string): string {
  if (isColumn(column)) return COLUMNS[column].title;
  if (column.startsWith("property.")) return column.slice("property.".length);
  return { segment: "Segment", goal: "Goal", did: "Visitors who" }[column] ?? column;
}

function textCondition(operator: Operator, values: string[]): StringFilter {
  const [first = ""] = values;
  switch (operator) {
    case "not":
      return values.length > 1 ? { notIn: values } : { notEq: first };
    case "contains":
      return { contains: first };
    case "starts":
      return { startsWith: first };
    case "none":
      return { exists: false };
    default:
      return values.length > 1 ? { in: values } : { eq: first };
  }
}

function propertyCondition(key: string, operator: Operator, values: string[]): PropertyFilter {
  if (operator === "number") return { key, number: { eq: Number(values[0]) } };
  if (operator === "boolean") return { key, boolean: values[0] === "true" };
  if (operator === "none") return { key, exists: false };
  return { key, string: textCondition(operator, values) };
}

/** Filters of goals by their ids, as a goal cannot be named in a filter. */
export type Goals = Map<string, { name: string; filter: EventFilter }>;

function one({ column, operator }: Condition, values: string[], goals: Goals): EventFilter {
  const [value = ""] = values;
  const negated = operator === "not";
  if (column === "did") {
    const behaviour = { filter: { eventType: textCondition("is", values) } };
    return negated ? { hasNotDone: behaviour } : { hasDone: behaviour };
  }
  if (column === "segment") return negated ? { not: { segment: value } } : { segment: value };
  if (column === "goal") {
    const filter = goals.get(value)?.filter ?? {};
    return negated ? { not: filter } : filter;
  }
  if (column.startsWith("property.")) {
    return { property: [propertyCondition(column.slice("property.".length), operator, values)] };
  }
  return { [column as ColumnName]: textCondition(operator, values) };
}

/** Values of one column count together: any of those that it is, none of those that it is not. */
export function toFilter(conditions: Condition[], goals: Goals = new Map()): EventFilter | null {
  const groups = new Map<string, Condition[]>();
  for (const condition of conditions) {
    const { column, operator, value } = condition;
    const together = (operator === "is" || operator === "not") && column !== "segment" && column !== "goal";
    const key = together ? `${column}:${operator}` : `${column}:${operator}:${value}`;
    groups.set(key, [...(groups.get(key) ?? []), condition]);
  }
  const all = [...groups.values()].map((group) =>
    one(
      group[0]!,
      group.map(({ value }) => value),
      goals,
    ),
  );
  if (all.length === 0) return null;
  return all.length === 1 ? all[0]! : { and: all };
}
