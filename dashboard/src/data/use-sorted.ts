// Rows in the order that somebody chose by a click on a column.
import { useState } from "preact/hooks";
import type { Field } from "./export";

export type Direction = "ascending" | "descending";

/** What the server can sort by itself, the greatest first. */
export type ServerOrder<Order extends string> = {
  /** The order of each column that has one, by its name. */
  columns: Record<string, Order>;
  value: Order;
  choose: (order: Order) => void;
};

export type Sorting = {
  /** The column that the rows are sorted by, if it is one of these. */
  column: string | undefined;
  direction: Direction;
  toggle: (column: string) => void;
  /** Only what shows is sorted, and there is more. */
  partly: boolean;
};

const collator = new Intl.Collator(undefined, { numeric: true });

/** Nothing comes last either way. */
function compare(a: unknown, b: unknown, sign: number): number {
  if (a == null || b == null) return Number(a == null) - Number(b == null);
  if (typeof a === "number" && typeof b === "number") return sign * (a - b);
  return sign * collator.compare(String(a), String(b));
}

/** `complete` says whether the rows are all there are. */
export function useSorted<Row, Order extends string>(
  rows: readonly Row[],
  fields: Field<Row>[],
  { complete, server }: { complete: boolean; server?: ServerOrder<Order> },
): [rows: readonly Row[], sorting: Sorting] {
  const [own, setOwn] = useState<{ column: string; direction: Direction }>();
  const asked = Object.entries(server?.columns ?? {}).find(([, order]) => order === server?.value)?.[0];
  const toggle = (column: string) => {
    const order = server?.columns[column];
    const shown = own ?? (asked === undefined ? undefined : { column: asked, direction: "descending" as const });
    // The whole list in an order that the server knows is better than a part of it in another.
    if (server && order && (!complete || shown?.column !== column)) {
      setOwn(undefined);
      server.choose(order);
      return;
    }
    const turned = shown && shown.column === column && shown.direction === "descending";
    setOwn({ column, direction: turned ? "ascending" : "descending" });
  };
  const field = fields.find(({ name }) => name === own?.column);
  const sign = own?.direction === "ascending" ? 1 : -1;
  const sorted = own && field ? [...rows].sort((a, b) => compare(field.value(a), field.value(b), sign)) : rows;
  const column = own?.column ?? asked;
  return [sorted, { column, direction: own?.direction ?? "descending", toggle, partly: Boolean(own) && !complete }];
}
