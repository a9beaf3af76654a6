// Cursors: where a page ended, as text that means nothing to its reader. Stable under inserts: they hold key values.

import type { Page } from "../answers/field.ts";
import { parseInstant } from "../domain/instant.ts";

export interface PageBounds {
  readonly limit: number;
  readonly cursor: string | undefined;
}

/** The cursor is none of ours. */
export class BadCursor extends Error {
  override readonly name = "BadCursor";
}

const version = "2";
/** What a value of a cursor may be: nothing else reaches Postgres. */
const shapes = {
  time: /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{9}Z$/,
  kind: /^[0-3]$/,
  key: /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/,
  position: /^\d{1,20}$/,
  /** Postgres holds no NUL. */
  text: /^[^\0]{0,1024}$/,
} as const;

/** The values of a cursor of these shapes; undefined where there is none. Throws BadCursor. */
export function readCursor<const Shapes extends readonly (keyof typeof shapes)[]>(
  cursor: string | undefined,
  wanted: Shapes,
): { readonly [Place in keyof Shapes]: string } | undefined {
  if (cursor === undefined) return undefined;
  let read: unknown;
  try {
    read = JSON.parse(Buffer.from(cursor, "base64url").toString());
  } catch {
    throw new BadCursor();
  }
  if (!Array.isArray(read) || read.length !== wanted.length + 1 || read[0] !== version) throw new BadCursor();
  const values: readonly unknown[] = read.slice(1);
  const isKnown = wanted.every((shape, place) => {
    const value = values[place];
    if (typeof value !== "string" || !shapes[shape].test(value)) return false;
    return shape !== "time" || parseInstant(value).ok;
  });
  if (!isKnown) throw new BadCursor();
  return values as { readonly [Place in keyof Shapes]: string };
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
    next_cursor: last === undefined || rows.length <= limit ? null : cursorOf(key(last)),
  };
}

export const cursorOf = (key: readonly string[]): string =>
  Buffer.from(JSON.stringify([version, ...key])).toString("base64url");
