// The leading values of a dimension: each row a bar, and a click on it a filter.
import type { ColumnName } from "../data/columns";
import { type Condition, isSame } from "../data/filter";
import { share, short, valueName, whole } from "../data/format";
import { toggled } from "../data/view";
import type { RankingFragment } from "../schema.gen";
import { useScope } from "../viewer";

export type RankedRow = RankingFragment["rows"][number];

export const conditionOf = (column: string, value: string | null): Condition =>
  value === null ? { column, operator: "none", value: "" } : { column, operator: "is", value };

type Props = {
  column: ColumnName;
  rows: RankedRow[];
  /** What the bars measure. */
  by: "uniqueUsers" | "events";
  /** The whole that shares are of. */
  total: number;
  /** How many rows the panel has room for. */
  room?: number;
};

export function Ranking({ column, rows, by, total, room = 8 }: Props) {
  const { view, setView } = useScope();
  const most = Math.max(1, ...rows.map((row) => row[by]));
  if (rows.length === 0) {
    const hint = column.startsWith("utm") ? "No campaign in this range. Links with utm_campaign, utm_source or utm_medium show up here." : "Nothing in this range.";
    return <p class="none muted">{hint}</p>;
  }
  return (
    <ol class="ranking">
      {rows.slice(0, room).map((row) => {
        const value = row.values[0] ?? null;
        const condition = conditionOf(column, value);
        const active = view.conditions.some((other) => isSame(other, condition));
        const name = valueName(column, value);
        return (
          <li key={name}>
            <button type="button" aria-pressed={active} title={name} onClick={() => setView(toggled(view, condition))}>
              <i class="bar" style={{ width: `${(row[by] / most) * 100}%` }} />
              <span class="name">{name}</span>
              <span class="share">{share(total > 0 ? row[by] / total : 0)}</span>
              <span class="value" title={whole(row[by])}>
                {short(row[by])}
              </span>
            </button>
          </li>
        );
      })}
    </ol>
  );
}
