// Cursors: where a page ended, as text that means nothing to its reader. Stable under inserts: they hold key values.

import type { Page } from "../domain/answers.ts";

export interface PageRequest {
  readonly limit: number;
  readonly cursor: string | undefined;
}

/** The cursor is none of ours. */
export class BadCursor extends Error {
  override readonly name = "BadCursor";
}

const version = "1";
const isTime = /^(?:\d{4}-\d{2}-\d{2}T[\d:.]+Z|infinity)$/;
const isKey = /^[0-9a-f-]{36}$/;
const isNumber = /^\d{1,20}$/;

/** The values of a cursor of `length` values; undefined where there is none. Throws BadCursor. */
export function readCursor(cursor: string | undefined, length: number): readonly string[] | undefined {
  if (cursor === undefined) return undefined;
  let read: unknown;
  try {
    read = JSON.parse(Buffer.from(cursor, "base64url").toString());
  } catch {
    throw new BadCursor();
  }
  if (!Array.isArray(read) || read.length !== length + 1 || read[0] !== version) throw new BadCursor();
  const values = read.slice(1);
  const known = (value: unknown): value is string =>
    typeof value === "string" && (isTime.test(value) || isKey.test(value) || isNumber.test(value));
  if (!values.every(known)) throw new BadCursor();
  return values;
}

/** Of `limit + 1` rows the first `limit`, and where they end if there are more. */
export function nextPage<Row, Item>(
  rows: readonly Row[],
  limit: number,
  item: (row: Row) => Item,
  key: (row: Row) => readonly string[],
): Page<Item> {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  return {
    items: shown.map(item),
    next_cursor:
      last === undefined || rows.length <= limit
        ? null
        : Buffer.from(JSON.stringify([version, ...key(last)])).toString("base64url"),
  };
}
