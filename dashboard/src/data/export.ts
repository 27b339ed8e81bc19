// Tables as files.

/** A column of a table: what it is called in files, and its value. */
export type Field<Row> = { name: string; value: (row: Row) => unknown };

function cell(value: unknown): string {
  if (value === null || value === undefined) return "";
  const text = typeof value === "object" ? JSON.stringify(value) : String(value);
  // A spreadsheet would run what begins so as a formula; a number is none, also where it is exact and so a text.
  const isFormula = typeof value === "string" && /^[=+\-@\t\r]/.test(text) && !/^-\d+(\.\d+)?$/.test(text);
  const safe = isFormula ? `'${text}` : text;
  return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** By this mark Excel knows that a file is UTF-8. */
const MARK = "\uFEFF";

/** RFC 4180. */
export function toCsv<Row>(rows: readonly Row[], fields: Field<Row>[]): string {
  const lines = [
    fields.map(({ name }) => cell(name)),
    ...rows.map((row) => fields.map(({ value }) => cell(value(row)))),
  ];
  return MARK + lines.map((line) => `${line.join(",")}\r\n`).join("");
}

export function toJson<Row>(rows: readonly Row[], fields: Field<Row>[]): string {
  const objects = rows.map((row) => Object.fromEntries(fields.map(({ name, value }) => [name, value(row) ?? null])));
  return `${JSON.stringify(objects, null, 2)}\n`;
}

/** Hands the browser a file. */
export function save(name: string, type: string, text: string) {
  const url = URL.createObjectURL(new Blob([text], { type }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
