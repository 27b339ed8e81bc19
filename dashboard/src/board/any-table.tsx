// What an answer of any shape is as a table, on the page and in a file.
import type { Field } from "../data/export";
import { DataTable } from "../panels/table";

type Line = Record<string, unknown>;

/** The first list of objects in an answer, else its innermost object. */
function linesOf(answer: unknown): Line[] {
  if (Array.isArray(answer)) return answer.filter((line) => typeof line === "object" && line !== null) as Line[];
  if (typeof answer !== "object" || answer === null) return [];
  for (const below of Object.values(answer)) {
    const lines = linesOf(below);
    if (lines.length > 0) return lines;
  }
  return Object.values(answer).some((value) => typeof value !== "object") ? [answer as Line] : [];
}

const plain = (value: unknown) => (typeof value === "object" && value !== null ? JSON.stringify(value) : value);

const text = (value: unknown) => (typeof value === "number" ? value.toLocaleString() : String(plain(value) ?? "–"));

/** The lines of an answer, and what they hold. */
export function tableOf(answer: unknown): { rows: Line[]; fields: Field<Line>[] } {
  const rows = linesOf(answer);
  const names = [...new Set(rows.flatMap((line) => Object.keys(line)))];
  return { rows, fields: names.map((name) => ({ name, value: (line: Line) => line[name] })) };
}

export function AnyTable({ answer }: { answer: unknown }) {
  const { rows, fields } = tableOf(answer);
  if (fields.length === 0) return <p class="none muted">There is nothing in this answer.</p>;
  const columns = fields.map((field) => ({
    ...field,
    title: field.name,
    right: rows.every((line) => typeof (line[field.name] ?? 0) === "number"),
    show: (line: Line) => text(line[field.name]),
  }));
  const keys = new Map(rows.map((line, index) => [line, `${index}`]));
  return <DataTable label="Answer" columns={columns} rows={rows} keyOf={(line) => keys.get(line) ?? ""} />;
}
