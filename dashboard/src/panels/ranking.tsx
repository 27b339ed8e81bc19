// The leading values of a dimension: each row a bar, and a click on it a filter.
import { type Condition, isSame } from "../data/filter";
import { valueName } from "../data/format";
import { toggled } from "../data/view";
import type { RankingFragment } from "../schema.gen";
import { useScope } from "../viewer";
import { Bars } from "./bars";

export type RankedRow = RankingFragment["rows"][number];

export const conditionOf = (column: string, value: string | null): Condition =>
  value === null ? { column, operator: "none", value: "" } : { column, operator: "is", value };

type Props = {
  /** Whose values they are, as filters name it. */
  column: string;
  rows: RankedRow[];
  /** What the bars measure. */
  by: "uniqueUsers" | "events";
  /** The whole that shares are of. */
  total: number;
  /** How many rows the panel has room for. */
  room?: number;
  /** What is said where there are none. */
  none?: string;
};

export function Ranking({ column, rows, by, total, room = 8, none }: Props) {
  const { view, setView } = useScope();
  if (rows.length === 0) {
    const campaign = "No campaign in this range. Links with utm_campaign, utm_source or utm_medium show up here.";
    return <p class="none muted">{none ?? (column.startsWith("utm") ? campaign : "Nothing in this range.")}</p>;
  }
  const bars = rows.slice(0, room).map((row) => {
    const value = row.values[0] ?? null;
    const condition = conditionOf(column, value);
    return {
      key: row.label,
      name: valueName(column, value),
      value: row[by],
      share: total > 0 ? row[by] / total : 0,
      pressed: view.conditions.some((other) => isSame(other, condition)),
      click: () => setView(toggled(view, condition)),
    };
  });
  return <Bars rows={bars} units={by === "events" ? "Events" : "Visitors"} />;
}
