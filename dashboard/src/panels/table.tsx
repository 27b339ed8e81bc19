// A table whose columns are what its files have as well.
import type { ComponentChildren } from "preact";
import type { Field } from "../data/export";

export type TableColumn<Row> = Field<Row> & {
  title: string;
  /** What stands in the cell; the value itself by default. */
  show?: (row: Row) => ComponentChildren;
  right?: boolean;
};

type Props<Row> = {
  label: string;
  columns: TableColumn<Row>[];
  rows: readonly Row[];
  keyOf: (row: Row) => string;
};

export function DataTable<Row>({ label, columns, rows, keyOf }: Props<Row>) {
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={`${label}, table`}>
      <table>
        <thead>
          <tr>
            {columns.map(({ name, title, right }) => (
              <th key={name} class={right ? "right" : undefined} scope="col">
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={keyOf(row)}>
              {columns.map(({ name, value, show, right }) => (
                <td key={name} class={right ? "right" : undefined}>
                  {show ? show(row) : String(value(row) ?? "–")}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
