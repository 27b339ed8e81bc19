// A table whose columns are what its files have as well, and sort it.
import type { ComponentChildren } from "preact";
import type { Field } from "../data/export";
import type { Sorting } from "../data/use-sorted";

export type TableColumn<Row> = Field<Row> & {
  title: string;
  /** What stands in the cell; the value itself by default. */
  show?: (row: Row) => ComponentChildren;
  right?: boolean;
  /** Keeps its words on one line. */
  tight?: boolean;
};

type Props<Row> = {
  label: string;
  columns: TableColumn<Row>[];
  rows: readonly Row[];
  keyOf: (row: Row) => string;
  sorting?: Sorting;
};

export function DataTable<Row>({ label, columns, rows, keyOf, sorting }: Props<Row>) {
  return (
    <>
      <div class="scroll" tabIndex={0} role="region" aria-label={`${label}, table`}>
        <table>
          <thead>
            <tr>
              {columns.map(({ name, title, right }) => (
                <th
                  key={name}
                  class={right ? "right" : undefined}
                  scope="col"
                  aria-sort={sorting?.column === name ? sorting.direction : undefined}
                >
                  {sorting ? (
                    <button type="button" onClick={() => sorting.toggle(name)}>
                      {title}
                    </button>
                  ) : (
                    title
                  )}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <tr key={keyOf(row)}>
                {columns.map(({ name, value, show, right, tight }) => (
                  <td key={name} class={right ? "right" : tight ? "tight" : undefined}>
                    {show ? show(row) : String(value(row) ?? "–")}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {sorting?.partly && (
        <p class="muted small" role="status">
          Sorted are the {rows.length} rows shown, and not those that follow.
        </p>
      )}
    </>
  );
}
