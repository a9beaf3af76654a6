// How a projection says what its tables look like and what is to be written to them, so that any store can write it.

import type { Instant } from "../src/domain/instant.ts";

/** `instant` is two columns: whole microseconds, and with `_ns` the nanoseconds below that. */
export type ColumnType =
  | "integer"
  | "smallint"
  | "bigint"
  | "numeric"
  | "boolean"
  | "text"
  | "uuid"
  | "bytea"
  | "jsonb"
  | "instant";

export type Value = string | number | bigint | boolean | Instant | null;
export type Row = Readonly<Record<string, Value>>;

export interface Table {
  readonly name: string;
  readonly columns: Readonly<Record<string, ColumnType>>;
  /** The columns that name a row. */
  readonly key: readonly string[];
  /** Whether a row whose key is there already replaces it; else rows are only added, once those removed are gone. */
  readonly isUnique: boolean;
}

/** A key is never in both. */
export interface TableChanges {
  readonly rows: readonly Row[];
  /** Keys of rows that go: their key columns. */
  readonly removed: readonly Row[];
}

/** What a batch changes, by table. */
export type Changes = ReadonlyMap<Table, TableChanges>;
