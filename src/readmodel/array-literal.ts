// Lists of values as texts that Postgres reads as arrays, for `unnest`. The driver's own arrays need types that it would
// have to look up first.

import type { ColumnType, Row, Value } from "../../projections/table.ts";

/** The arrays of one column: one, or two for an instant. */
export function columnArrays(rows: readonly Row[], column: string, type: ColumnType): readonly string[] {
  switch (type) {
    case "integer":
    case "smallint":
    case "bigint":
    case "numeric":
    case "boolean":
    case "uuid":
      return [plain(rows, column)];
    case "text":
    case "jsonb":
      return [literal(rows, column, quoted)];
    case "bytea":
      return [literal(rows, column, (hex) => `"\\\\x${hex}"`)];
    case "instant":
      return [
        literal(rows, column, (instant) => String(instant).slice(0, 26)),
        literal(rows, column, (instant) => String(instant).slice(26, 29)),
      ];
    default:
      return type satisfies never;
  }
}

/** Of values whose text holds nothing that an array would have to quote. */
const plain = (rows: readonly Row[], column: string): string =>
  `{${rows.map((row) => row[column] ?? "NULL").join(",")}}`;

export const arrayOf = (values: readonly (string | number)[]): string => `{${values.join(",")}}`;

export const textArrayOf = (texts: readonly string[]): string => `{${texts.map(quoted).join(",")}}`;

const literal = (
  rows: readonly Row[],
  column: string,
  write: (value: NonNullable<Value>) => string,
): string => `{${rows.map((row) => (row[column] == null ? "NULL" : write(row[column]))).join(",")}}`;

const special = /["\\]/;

function quoted(value: NonNullable<Value>): string {
  const text = String(value);
  return special.test(text) ? `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"` : `"${text}"`;
}
