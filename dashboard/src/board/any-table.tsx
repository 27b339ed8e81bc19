// What an answer of any shape is as a table, on the page and in a file.
import type { Field } from "../data/export";
import { moment, money, number, share, valueName } from "../data/format";
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

const isObject = (value: unknown): value is Line =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** With what objects in it hold beside the rest, as `totals.events`. */
function flat(line: Line, before = ""): Line {
  const entries = Object.entries(line).flatMap(([name, value]): [string, unknown][] =>
    isObject(value) ? Object.entries(flat(value, `${before}${name}.`)) : [[before + name, value]],
  );
  return Object.fromEntries(entries);
}

const isMoment = (value: unknown) => typeof value === "string" && /^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(value);

const isMoney = (value: unknown): value is { amount: string; currency: string | null } =>
  isObject(value) && typeof value.amount === "string" && "currency" in value;

function text(name: string, value: unknown, zone: string): string {
  if (value === null || value === undefined) return "–";
  if (isMoment(value)) return moment(String(value), zone);
  if (typeof value === "number") return /(Rate|share)$/.test(name) ? share(value) : number(value);
  if (Array.isArray(value) && value.every(isMoney)) {
    return value.map(({ amount, currency }) => money(amount, currency)).join(", ") || "–";
  }
  return typeof value === "object" ? JSON.stringify(value) : valueName(name, String(value));
}

/** `totals.pageViews` as words. */
function words(name: string): string {
  const text = (name.split(".").at(-1) ?? name).replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** The lines of an answer, and what they hold. */
export function tableOf(answer: unknown): { rows: Line[]; fields: Field<Line>[] } {
  const rows = linesOf(answer).map((line) => flat(line));
  const names = [...new Set(rows.flatMap((line) => Object.keys(line)))];
  return { rows, fields: names.map((name) => ({ name, value: (line: Line) => line[name] })) };
}

export function AnyTable({ answer, title, zone }: { answer: unknown; title: string; zone: string }) {
  const { rows, fields } = tableOf(answer);
  if (fields.length === 0) return <p class="none muted">There is nothing in this answer.</p>;
  const columns = fields.map((field) => ({
    ...field,
    title: words(field.name),
    right: rows.every((line) => typeof (line[field.name] ?? 0) === "number"),
    tight: rows.some((line) => isMoment(line[field.name])),
    show: (line: Line) => text(field.name, line[field.name], zone),
  }));
  const keys = new Map(rows.map((line, index) => [line, `${index}`]));
  return <DataTable label={title} columns={columns} rows={rows} keyOf={(line) => keys.get(line) ?? ""} />;
}
