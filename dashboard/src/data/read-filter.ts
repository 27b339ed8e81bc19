// A filter that is kept, as the conditions it was made of, where those can say it.
import type { EventFilter } from "../schema.gen";
import { isColumn } from "./columns";
import { type Condition, type Operator, toFilter } from "./filter";

type Parts = Record<string, unknown>;

const isParts = (value: unknown): value is Parts =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Without what says nothing: null, and once as the number of times, which is meant anyway. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (!isParts(value)) return value;
  const kept = Object.entries(value).filter(([key, part]) => part !== null && !(key === "atLeast" && part === 1));
  return Object.fromEntries(kept.sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, part]) => [key, plain(part)]));
}

const same = (a: unknown, b: unknown) => JSON.stringify(plain(a)) === JSON.stringify(plain(b));

const WRITTEN: Record<string, Operator> = {
  eq: "is",
  in: "is",
  notEq: "not",
  notIn: "not",
  contains: "contains",
  startsWith: "starts",
  exists: "none",
};

function ofText(column: string, text: unknown): Condition[] {
  const [[name, value] = ["", null]] = Object.entries(isParts(text) ? text : {});
  const operator = WRITTEN[name] ?? "is";
  if (operator === "none") return [{ column, operator, value: "" }];
  return [value].flat().map((one) => ({ column, operator, value: String(one) }));
}

function ofPart([name, value]: [string, unknown]): Condition[] {
  if (isColumn(name)) return ofText(name, value);
  if (name === "segment") return [{ column: name, operator: "is", value: String(value) }];
  if (!isParts(value) && !Array.isArray(value)) return [];
  if (name === "property") {
    const [property] = Array.isArray(value) ? (value as unknown[]) : [];
    if (!isParts(property)) return [];
    const column = `property.${String(property.key)}`;
    if (isParts(property.number)) return [{ column, operator: "number", value: String(property.number.eq) }];
    if (typeof property.boolean === "boolean") {
      return [{ column, operator: "boolean", value: String(property.boolean) }];
    }
    return property.exists === false ? [{ column, operator: "none", value: "" }] : ofText(column, property.string);
  }
  const inner = isParts(value) ? value : {};
  if (name === "not") return [{ column: "segment", operator: "not", value: String(inner.segment) }];
  const types = isParts(inner.filter) ? ofText("did", inner.filter.eventType) : [];
  return types.map((type) => ({ ...type, operator: name === "hasDone" ? "is" : "not" }));
}

/** Undefined where conditions would say less or anything else: what they say is compared with the filter. */
export function fromFilter(filter: unknown): Condition[] | undefined {
  const kept = plain(filter);
  if (!isParts(kept)) return undefined;
  // Parts beside one another hold together, like those of `and`.
  const parts = Object.entries(kept);
  const listed = parts.length === 1 && Array.isArray(kept.and);
  const all = listed ? (kept.and as unknown[]) : parts.map(([name, part]) => ({ [name]: part }));
  const conditions = all.flatMap((one) => (isParts(one) ? Object.entries(one).flatMap(ofPart) : []));
  return same(toFilter(conditions), all.length === 1 ? all[0] : { and: all }) ? conditions : undefined;
}

/** What was kept, as the schema's own type: the server has checked it. */
export const asFilter = (filter: unknown) => filter as EventFilter;
